"""Which pulses of a site are left to the gateway to end, and that `gatehouse check` says so."""

from pathlib import Path

import pytest

from config.loader import parse_config
from config.pulses import untimed_pulses
from gateway.commands.check import check_site
from tests.config.test_loader import faults

SITE = """
schema = 1
[site]
id = "small"
name = {{ zh-CN = "小院", en = "Small" }}
zone = "Asia/Shanghai"
[device.reader]
driver = "rdm6300"
port = "tty/reader"
[device.board]
{board}
port = "tty/board"
[door.gate]
name = {{ zh-CN = "门", en = "Gate" }}
lock = {{ device = "board", output = 0, kind = "fail_secure", wiring = "NO" }}
{door}
[access_point.gate]
door = "gate"
readers = ["reader"]
"""
ONE_SECOND = "release_time_s = 1.0\nextended_release_time_s = 1.0"


def site(board: str, door: str = "") -> str:
    return SITE.format(board=board, door=door)


@pytest.mark.parametrize(
    ("board", "door"),
    [
        ('driver = "modbus-rtu"', ""),
        ('driver = "modbus-rtu"\nprofile = "lc"', ""),
        ('driver = "hw-667"', ONE_SECOND),
        ('driver = "hw-667"', "barrier = true"),
    ],
)
def test_board_that_times_its_pulses_is_no_cause_for_a_warning(board: str, door: str) -> None:
    assert list(untimed_pulses(parse_config(site(board, door).encode()))) == []


@pytest.mark.parametrize(
    ("board", "seconds"),
    [
        ('driver = "modbus-rtu"\nflash = false', "5 s"),
        ('driver = "modbus-rtu"\nprofile = "coils-from-1"', "5 s"),
        ('driver = "hw-667"', "5 s"),
        ('driver = "lcus"\nanswers = true', "5 s"),
        ('driver = "numato"', "5 s"),
    ],
)
def test_lock_whose_pulse_the_gateway_times_is_named_once(board: str, seconds: str) -> None:
    (caution,) = untimed_pulses(parse_config(site(board).encode()))
    assert caution.key == "door.gate.lock.device"
    assert f"'board' can't time {seconds}" in caution.remedy


def test_sirens_and_floors_are_named_too() -> None:
    more = """
[output.siren]
name = { zh-CN = "警号", en = "Siren" }
purpose = "siren"
device = "board"
output = 3
[lift.tower]
name = { zh-CN = "梯", en = "Lift" }
floors = { "1" = { device = "board", output = 4 } }
[device.panel]
driver = "rdm6300"
port = "tty/panel"
[access_point.tower]
lift = "tower"
readers = ["panel"]
"""
    config = parse_config((site('driver = "numato"') + more).encode())
    assert [caution.key for caution in untimed_pulses(config)] == [
        "door.gate.lock.device",
        "lift.tower.floors.1.device",
        "output.siren.device",
    ]


def test_check_warns_of_it_and_finds_the_site_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text(site('driver = "lcus"'), encoding="utf-8")
    assert check_site(path, None) == 0
    said = capsys.readouterr().err.splitlines()
    line = path.read_text(encoding="utf-8").splitlines().index("[door.gate]") + 3
    assert any(
        each.startswith(f"warning: door.gate.lock.device (line {line}): 'board' can't time 5 s") for each in said
    )
    assert ": good." in said[-1]


def test_check_warns_of_a_fire_input_that_is_not_supervised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    fire = """
[input.smoke]
name = { zh-CN = "烟感", en = "Smoke" }
purpose = "fire"
device = "board"
input = 1
"""
    path.write_text(site('driver = "modbus-rtu"') + fire, encoding="utf-8")
    assert check_site(path, None) == 0
    assert "): isn't supervised: nobody is told" in capsys.readouterr().err
    loop = '{ "1" = { short = [0, 99], active = [300, 399], normal = [600, 699], open_circuit = [900, 1023] } }'
    path.write_text(site(f'driver = "modbus-rtu"\nsupervised = {loop}') + fire, encoding="utf-8")
    assert check_site(path, None) == 0
    assert "supervised" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("door", "key", "remedy"),
    [
        ("barrier = true\nescape_route = true", "escape_route", "no way out for people"),
        ("pulse_time_s = 1.0", "pulse_time_s", "barrier = true"),
    ],
)
def test_barrier_that_is_no_barrier_is_refused(door: str, key: str, remedy: str) -> None:
    found = faults(site('driver = "modbus-rtu"', door))
    assert remedy in found[f"door.gate.{key}"][0]
