"""OSDP readers in a site's config: what is refused, how they are built, and what their cards come to."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import osdp_sys
import pytest

from config.loader import ConfigFaults, SiteConfig, parse_config
from config.wiring import to_site
from drivers.contracts import Indicator
from gateway.assembly.devices import SiteDevices
from gateway.clock import SystemClock
from gateway.commands.check import check_site
from gateway.domain.commands import IndicateAtReader
from gateway.domain.controller import Controller
from gateway.domain.signals import CardRead, LinkChanged, LinkState
from gateway.errors import ConfigError
from simulators.card import Card
from simulators.device import Surroundings, make_device
from simulators.osdp_reader import OsdpLine, OsdpReader
from simulators.plan import DevicePlan
from tests.drivers.osdp.line import KEY
from tests.drivers.recording import Recorder, eventually, running
from tests.gateway.domain.listing import resident_listing

SITE = """
schema = 1
[site]
id = "s"
name = { "zh-CN" = "小区", en = "Site" }
zone = "Asia/Shanghai"
[device.r1]
driver = "osdp-reader"
bus = "bus"
address = 1
key = "file:secrets/r1.scbk"
formats = ["H10301"]
outputs = 1
[device.bus]
driver = "osdp-bus"
port = "port"
baud = 115200
[device.r2]
driver = "osdp-reader"
bus = "bus"
address = 2
insecure = true
[door.north]
name = { "zh-CN" = "北门", en = "North" }
lock = { device = "r1", output = 0, kind = "fail_secure", wiring = "NO" }
[access_point.north]
door = "north"
readers = ["r1", "r2"]
"""


def config(*changes: tuple[str, str]) -> SiteConfig:
    text = SITE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_config(text.encode())


def fault(*changes: tuple[str, str]) -> str:
    with pytest.raises(ConfigFaults) as raised:
        config(*changes)
    (only,) = raised.value.faults
    return str(only)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    secret = tmp_path / "secrets" / "r1.scbk"
    secret.parent.mkdir()
    secret.write_text(KEY.hex(), encoding="ascii")
    secret.chmod(0o600)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('bus = "bus"', 'bus = "buss"', "no such device"),
        ('bus = "bus"', 'bus = "r2"', "is a reader, not a bus"),
        ("address = 2", "address = 1", "has this address on 'bus' already"),
        ("output = 0", "output = 1", "has outputs 0 to 0"),
        ('device = "r1", output', 'device = "r2", output', "a board with inputs and outputs is needed"),
        ('readers = ["r1", "r2"]', 'readers = ["bus"]', "is a bus, not a reader"),
        ("insecure = true", "", "needs key"),
        ('formats = ["H10301"]', 'formats = ["H10302x"]', "H10302x"),
    ],
)
def test_what_fits_nothing_is_refused_by_name(old: str, new: str, said: str) -> None:
    assert said in fault((old, new))


def test_a_reader_in_clear_is_a_standing_alarm_and_one_with_a_key_is_none() -> None:
    assert to_site(config()).insecure_links == ("device:r2",)


def test_checking_a_site_tells_what_stands_on_the_unsafe_side(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "site.toml").write_text(SITE, encoding="utf-8")
    assert check_site(data / "site.toml", data) == 0
    said = capsys.readouterr().err
    assert "whoever opens the reader opens the door" in said
    assert "device.r2.insecure = true" in said
    (data / "secrets" / "r1.scbk").unlink()
    assert check_site(data / "site.toml", data) == 0
    assert "device.r1.key" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["30" * 16, "xyz", bytes(range(0x30, 0x40)).hex()])
def test_a_key_that_is_none_stops_the_start_and_is_not_shown(data: Path, text: str) -> None:
    (data / "secrets" / "r1.scbk").write_text(text, encoding="ascii")
    with pytest.raises(ConfigError, match="set-key") as raised:
        SiteDevices(config(), data, Recorder(), SystemClock())
    assert text not in str(raised.value)


def test_a_site_without_osdp_loads_nothing_of_it() -> None:
    code = (
        "import sys; from pathlib import Path; from config.loader import load_config; import gateway.cli;"
        "import gateway.assembly.doors; load_config(Path('config/demo.toml')); print('osdp_sys' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


async def test_a_card_at_the_reader_opens_the_door_by_its_relay_and_shows_green(data: Path) -> None:
    """Config, drivers, controller and the simulated reader together."""
    site_config = config()
    clock, sink = SystemClock(), Recorder()
    surroundings = Surroundings(data, to_site(site_config).zone, lambda: None)
    plans = [
        DevicePlan("r1", "osdp-reader", {"bus": "bus", "address": 1, "key": "file:secrets/r1.scbk", "outputs": 1}),
        DevicePlan("bus", "osdp-bus", {"port": "port", "baud": 115200}),
    ]
    simulated = {plan.device: make_device(plan, surroundings) for plan in plans}
    for each in simulated.values():
        each.plug()
    reader, line = simulated["r1"], simulated["bus"]
    assert isinstance(reader, OsdpReader)
    assert isinstance(line, OsdpLine)
    devices = SiteDevices(site_config, data, sink, clock)
    shows = frozenset(key for key, device in devices.devices.items() if isinstance(device, Indicator))
    assert shows == {"r1", "r2"}
    controller = Controller(replace(to_site(site_config), indicators=shows))
    listing = resident_listing()
    async with running(*(run for _, run in devices.runs())):
        await sink.until(lambda: LinkChanged("r1", LinkState.ONLINE) in sink.signals)
        await line.noise(bytes(range(0x40, 0x68)))  # rubbish costs an answer, not the reader
        await reader.swipe(Card("H10301", 1, 123))
        (read,) = await sink.wait_for(CardRead)
        turn = controller.handle(read, clock.now(), listing)
        for command in turn.commands:
            device = devices.devices[command.device]  # type: ignore[union-attr]
            if isinstance(command, IndicateAtReader):
                assert isinstance(device, Indicator)
                device.indicate(command)
            else:
                device.submit(command)  # type: ignore[attr-defined]
        await eventually(lambda: reader.coils == [True])
        await eventually(lambda: any(each["command"] == osdp_sys.CMD_LED for each in reader.shown))
    await line.unplug()
    (led,) = [each for each in reader.shown if each["command"] == osdp_sys.CMD_LED]
    assert led["on_color"] == osdp_sys.LED_COLOR_GREEN
