"""The demo's surroundings as processes: started, taken away, brought back, ended, whatever ends them."""

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.store.list_document import parse_list
from simulators.children import Child, ChildFailed, Program
from simulators.client import ask
from simulators.demo_site import DemoSite, SiteUnusable, prepare, read_site, set_among_simulators
from simulators.passes import public_key
from simulators.plan import read_plan
from tests.simulators.site.conftest import PATIENCE_S, free_port, until


def is_alive(pid: int) -> bool:
    """Whether that process runs; a zombie doesn't."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def demo_site() -> DemoSite:
    return set_among_simulators(read_site(None), 0)


Started = tuple[asyncio.subprocess.Process, dict[str, Any]]
Start = Callable[..., Awaitable[Started]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    processes: list[asyncio.subprocess.Process] = []

    async def begin(*arguments: str) -> Started:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulators.demo", "--data", str(tmp_path / "data"), "--quiet"),
            *("--console-port", "0", *arguments),
            stdout=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 90)
        return process, json.loads(line)["ready"]

    yield begin
    for process in processes:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE_S)


async def command(ready: dict[str, Any], **request: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ask, Path(ready["control"]), request)


async def test_whole_demo_starts_lets_the_office_go_and_ends_with_sigterm(start: Start) -> None:
    process, ready = await start()
    pids = ready["pids"]
    assert set(pids) == {"broker", "office", "camera-yard", "site"}
    assert all(is_alive(pid) for pid in pids.values())
    assert (await command(ready, do="person"))["ok"]
    gone = await command(ready, do="office", up=False)
    assert gone["ok"]
    assert not is_alive(pids["office"])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", ready["ports"]["office"])
    assert (await command(ready, do="office", up=True))["ok"]
    _, writer = await asyncio.open_connection("127.0.0.1", ready["ports"]["office"])
    writer.close()
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 2 * PATIENCE_S) == 0
    assert not any(is_alive(pid) for pid in pids.values())
    assert not Path(ready["control"]).exists()


async def test_second_demo_on_the_same_data_is_told_so_once(start: Start, tmp_path: Path) -> None:
    await start("--without", "office", "--without", "camera")
    words = ("demo", "--quiet", "--data", str(tmp_path / "data"))
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", *words), stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(second.communicate(), 30)
    assert second.returncode == 2
    assert said.decode().count("already") == 1
    assert "error" not in said.decode()


async def test_console_port_of_another_program_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulators.demo", "--data", str(tmp_path / "data"), "--console-port", port),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asyncio.wait_for(demo.communicate(), 30)
    assert demo.returncode == 2
    assert said.decode().startswith(f"[demo] Port {port} can't be the console's (")
    assert said.decode().count("\n") == 1


async def test_killed_demo_leaves_no_process_behind(start: Start) -> None:
    process, ready = await start("--without", "office", "--without", "camera")
    process.kill()
    await process.wait()
    await until(lambda: not any(is_alive(pid) for pid in ready["pids"].values()), "their ends")


async def test_child_that_dies_is_started_again(start: Start) -> None:
    _, ready = await start("--without", "office", "--without", "camera")
    os.kill(ready["pids"]["broker"], signal.SIGKILL)
    demo = Path(ready["data"]) / "run" / "sim-demo.sock"

    def restarted() -> bool:
        broker = ask(demo, {"do": "status"})["children"]["broker"]
        return broker["starts"] == 2 and broker["pid"] is not None

    await until(restarted, "the second start")
    await until(lambda: all(ask(Path(ready["control"]), {"do": "status"})["mqtt"].values()), "the devices' return")


async def test_broker_comes_back_and_the_devices_with_it(start: Start) -> None:
    _, ready = await start("--without", "office", "--without", "camera")
    assert (await command(ready, do="broker", up=False))["ok"]
    await until(lambda: not any(ask(Path(ready["control"]), {"do": "status"})["mqtt"].values()), "the loss")
    assert (await command(ready, do="broker", up=True))["ok"]
    await until(lambda: all(ask(Path(ready["control"]), {"do": "status"})["mqtt"].values()), "the return")


async def test_program_that_only_listens_is_killed_and_comes_back() -> None:
    port = free_port()
    child = Child(Program("office", "http.server", ("--bind", "127.0.0.1", str(port)), says_ready=False, port=port))
    await asyncio.gather(child.start(), child.start())
    try:
        first = child.pid
        assert first is not None
        assert child.starts == 1
        await child.end(grace_s=0)
        assert not is_alive(first)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await child.start()
        assert child.pid not in (None, first)
    finally:
        await child.end()
    assert child.pid is None


async def test_program_that_ends_at_once_is_a_failure_with_its_name() -> None:
    child = Child(Program("nothing", "this", ()))
    with pytest.raises(ChildFailed, match="nothing"):
        await child.start()
    assert child.pid is None


def test_secrets_are_private_and_stay_the_same(tmp_path: Path) -> None:
    prepare(tmp_path, demo_site())
    token = tmp_path / "secrets" / "office-token"
    first = token.read_text()
    prepare(tmp_path, demo_site())
    assert token.read_text() == first
    assert len(first) >= 32
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert (tmp_path / "secrets" / "camera-yard").read_text() != first


def test_the_offices_first_list_with_its_pins_is_private_also_where_it_was_not(tmp_path: Path) -> None:
    listed = tmp_path / "office-list.json"
    listed.write_text("x" * 1_000_000)
    listed.chmod(0o644)
    prepare(tmp_path, demo_site())
    assert stat.S_IMODE(listed.stat().st_mode) == 0o600
    assert '"pin"' in listed.read_text(encoding="utf-8")
    parse_list(json.loads(listed.read_text(encoding="utf-8")))


def test_key_for_passes_is_made_at_the_first_start_and_its_public_half_is_in_the_list(tmp_path: Path) -> None:
    listed = []
    for _ in range(2):
        prepare(tmp_path, demo_site())
        listed.append(json.loads((tmp_path / "office-list.json").read_text(encoding="utf-8"))["pass_keys"])
    assert listed[0] == listed[1]
    assert [key["public_key"] for key in listed[0]] == [public_key(tmp_path / "secrets" / "pass-key")]


def test_site_config_of_the_demo_names_the_chosen_ports(tmp_path: Path) -> None:
    site = demo_site()
    ports = site.ports
    assert len({ports.broker, ports.office, ports.cameras["yard"], ports.console}) == 4
    config = tmp_path / "site.toml"
    config.write_text(site.toml, encoding="utf-8")
    assert {each.broker for each in read_plan(config).devices} == {("", 0), ("127.0.0.1", ports.broker)}
    assert f"http://127.0.0.1:{ports.office}" in site.toml
    assert "# with a keypad" in site.toml


OTHER = """
schema = 1
[site]
id = "west"
name = { zh-CN = "西苑", en = "West Court" }
zone = "Asia/Urumqi"
[broker.main]
host = "broker.example"
username = "gate"
password = "env:BROKER_PASSWORD"
[device.panel]
driver = "rdm6300"
port = "/dev/serial/by-id/usb-reader"
[access_point.tower]
lift = "tower"
readers = ["panel"]
[lift.tower]
floors = { "1" = { device = "board", output = 0 }, "2" = { device = "board", output = 1 } }
"""


def test_any_site_is_set_among_simulators(tmp_path: Path) -> None:
    site = set_among_simulators(OTHER, 0)
    config = tmp_path / "site.toml"
    config.write_text(site.toml, encoding="utf-8")
    (panel,) = read_plan(config).devices
    assert panel.port == "tty/usb-reader"
    assert "broker.example" not in site.toml
    assert "BROKER_PASSWORD" not in site.toml
    assert 'mqtt_version = "3.1.1"' in site.toml
    assert site.secrets == {"secrets/office-token": False}
    prepare(tmp_path, site)
    listed = json.loads((tmp_path / "office-list.json").read_text(encoding="utf-8"))
    assert (listed["site"], listed["zone"]) == ("west", "Asia/Urumqi")
    grants = {level["id"]: level["grants"] for level in listed["levels"]}
    assert grants["residents"] == [{"access_point": "tower", "schedule": "always", "floors": ["1", "2"]}]
    parse_list(listed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[site", "TOML"),
        ("[broker.a]\n", "site"),
        ('camera = 1\n[site]\nid = "a"\nzone = "UTC"\n', "whole"),
    ],
)
def test_site_that_is_none_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(SiteUnusable, match=said):
        set_among_simulators(text, 0)


def test_site_file_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SiteUnusable, match=r"nowhere\.toml can't be read"):
        read_site(tmp_path / "nowhere.toml")


def test_secret_outside_the_data_directory_stays_untouched() -> None:
    site = set_among_simulators(OTHER + '[office]\nurl = "https://o.example"\ntoken = "file:../../token"\n', 0)
    assert list(site.secrets) == ["secrets/token"]
    assert site.office_token == "secrets/token"
