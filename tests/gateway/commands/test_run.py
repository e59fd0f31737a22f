"""Facts about a start: everything that can be checked is, before anything runs; and what a person reads."""

import os
import re
import signal
import socket
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from config.loader import ConfigFaults, load_config
from gateway.commands.check import check_site, check_start
from gateway.errors import ConfigError
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
DEMO = (files("config") / "demo.toml").read_text(encoding="utf-8")
SMALL = """schema = 1
[site]
id = "small"
name = { zh-CN = "小区", en = "Small" }
zone = "Asia/Shanghai"
[console]
port = %d
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _demo(folder: Path, port: int) -> Path:
    path = folder / "site.toml"
    path.write_text(DEMO.replace("port = 8400", f"port = {port}"), encoding="utf-8")
    return path


def _secret(data: Path, name: str, content: str = "sesame-sesame-sesame", mode: int = 0o600) -> None:
    (data / "secrets").mkdir(parents=True, exist_ok=True)
    (data / "secrets" / name).write_text(content)
    (data / "secrets" / name).chmod(mode)
    (data / "secrets" / "office-root.pub").write_text("ab" * 32 + "\n")


def _gatehouse(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway.cli", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_run_without_its_secrets_says_each_in_one_line_and_starts_nothing(tmp_path: Path) -> None:
    config, data = _demo(tmp_path, _free_port()), tmp_path / "data"
    done = _gatehouse("run", "--config", str(config), "--data", str(data))
    assert done.returncode == 2
    token, root, password = done.stderr.splitlines()
    assert re.match(r"error: office\.token = 'file:secrets/office-token' \(line \d+\): .*put the secret into", token)
    assert re.match(r"error: office\.root_key \(line \d+\): put the office's office-root\.pub into ", root)
    assert re.match(r"error: camera\.yard\.password = 'file:secrets/camera-yard' \(line \d+\): ", password)
    assert not (data / "journal.db").exists()


def test_a_run_on_anothers_port_says_so_and_gives_no_address_and_no_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config, data = _demo(tmp_path, port), tmp_path / "data"
        _secret(data, "office-token")
        _secret(data, "camera-yard")
        done = _gatehouse("run", "--config", str(config), "--data", str(data))
    assert done.returncode == 2
    (told,) = done.stderr.splitlines()
    assert f"console.port = {port}" in told
    assert "another program listens there: end it, or choose another port" in told
    assert not (data / "users.db").exists()


def test_the_consoles_address_comes_when_it_answers_and_a_stop_says_stopped(tmp_path: Path) -> None:
    config, port = tmp_path / "site.toml", _free_port()
    config.write_text(SMALL % port, encoding="utf-8")
    words = [sys.executable, "-m", "gateway.cli", "run", "--config", str(config), "--data", str(tmp_path / "data")]
    said = tmp_path / "said"
    with said.open("w") as file:
        site = subprocess.Popen(words, cwd=ROOT, stderr=file, start_new_session=True)
    try:
        wait_until(lambda: "Ctrl-C" in said.read_text(), 60, "the address is told")
        socket.create_connection(("127.0.0.1", port), 5).close()
        os.killpg(site.pid, signal.SIGINT)  # as a terminal does it
        assert site.wait(30) == 0
    finally:
        site.kill()
    lines = said.read_text().splitlines()
    assert f"  Console   http://127.0.0.1:{port}" in lines
    assert lines[-1] == "Stopped."
    assert "Traceback" not in said.read_text()
    assert "ERROR" not in said.read_text()


@pytest.mark.parametrize(
    ("content", "mode", "remedy"),
    [
        ("sesame-sesame", 0o644, "is readable by others (mode 644): chmod 600 it"),
        (" \n", 0o600, "is empty: put the secret into it"),
        ("two\nlines", 0o600, "must hold one line of plain ASCII, as the office gave it"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_before_the_start(
    tmp_path: Path, content: str, mode: int, remedy: str
) -> None:
    path, data = _demo(tmp_path, _free_port()), tmp_path / "data"
    _secret(data, "camera-yard")
    _secret(data, "office-token", content, mode)
    with pytest.raises(ConfigFaults) as caught:
        check_start(load_config(path), path, data)
    (fault,) = caught.value.faults
    assert (fault.key, fault.value) == ("office.token", "file:secrets/office-token")
    assert fault.remedy.endswith(remedy)


def test_a_password_in_the_config_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path, data = _demo(tmp_path, _free_port()), tmp_path / "data"
    path.write_text(path.read_text(encoding="utf-8").replace("file:secrets/camera-yard", "hunter2"), encoding="utf-8")
    _secret(data, "office-token")
    with pytest.raises(ConfigFaults) as caught:
        check_start(load_config(path), path, data)
    (fault,) = caught.value.faults
    assert fault.key == "camera.yard.password"
    assert "hunter2" not in str(fault)


@pytest.mark.parametrize(("host", "key"), [("192.0.2.77", "console.host"), ("no-such-host.invalid", "console.host")])
def test_an_address_that_is_not_this_machines_is_told(tmp_path: Path, host: str, key: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SMALL % _free_port() + f'host = "{host}"\n', encoding="utf-8")
    with pytest.raises(ConfigFaults) as caught:
        check_start(load_config(path), path, tmp_path)
    assert [(fault.key, fault.value) for fault in caught.value.faults] == [(key, host)]


def test_a_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    broker = '[broker.b]\nhost = "h"\nca_file = "ca.pem"\n'
    path.write_text(SMALL % _free_port() + broker, encoding="utf-8")
    with pytest.raises(ConfigFaults) as caught:
        check_start(load_config(path), path, tmp_path)
    assert [fault.key for fault in caught.value.faults] == ["broker.b.ca_file"]
    (tmp_path / "ca.pem").touch()
    check_start(load_config(path), path, tmp_path)


def test_check_warns_of_missing_secrets_where_it_knows_the_data_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data = _demo(tmp_path, 8400), tmp_path / "data" / "demo"
    _secret(data, "office-token")
    assert check_site(path, data) == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEHOUSE_DATA", raising=False)
    assert check_site(path, None) == 0
    monkeypatch.chdir("/")
    assert check_site(path, None) == 0
    said = capsys.readouterr().err
    assert said.count("warning: camera.yard.password = 'file:secrets/camera-yard'") == 2
    assert "office" not in said
    assert said.splitlines()[-1].startswith(f"{path}: good. 3 doors")
    assert said.splitlines()[-1].endswith(" 1 camera.")


def test_check_refuses_a_data_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such directory"):
        check_site(_demo(tmp_path, 8400), tmp_path / "nowhere")


def test_check_warns_of_formats_that_parity_cannot_tell_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DEMO.replace('["H10301"]', '["H10306", "BQT34", "H10301"]', 1), encoding="utf-8")
    assert check_site(path, None) == 0
    said = capsys.readouterr().err
    assert "warning: device.yard-reader.formats" in said
    assert "parity can't tell H10306 from BQT34" in said
