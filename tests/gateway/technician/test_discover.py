"""Finding what is there: a board and readers on real lines, devices at a real broker, and honest words for the rest."""

import fcntl
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.technician.discover import Search, run_discover
from gateway.technician.place import Place
from gateway.technician.serial_ports import serial_ports, trouble
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.ptys import PtyPort
from tests.drivers.raw_board import RawBoard
from tests.gateway.technician.lane import lane_site

FEW = range(9)
"""Enough addresses for these tests; all of them take a minute."""


def search(
    *, modbus: tuple[str, ...] = (), osdp: tuple[str, ...] = (), bauds: tuple[int, ...] = (9600,), mqtt_s: float = 0.0
) -> Search:
    return Search(modbus, osdp, bauds, FEW, cameras_s=0.0, mqtt_s=mqtt_s)


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[RawBoard]:
    made = RawBoard(tmp_path / "board")
    yield made
    made.close()


@pytest.fixture
def osdp_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two readers in a process of their own, at 9600 baud, which a busy machine may keep waiting."""
    monkeypatch.setattr("drivers.osdp.discovery.LOOK_S", 0.4)
    port = tmp_path / "rs485"
    readers = [f"{address}:{secrets.token_hex(16)}" for address in (0, 5)]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.osdp_reader", str(port), "--baud", "9600", *readers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield port
    process.kill()
    process.wait()


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


async def test_modbus_unit_is_found_on_the_named_port(board: RawBoard, capsys: pytest.CaptureFixture[str]) -> None:
    port = str(board.port.path)
    assert await run_discover(search(modbus=(port,)), None, as_json=True) == 0
    (unit,) = told(capsys)["modbus"]
    assert (unit["port"], unit["unit"], unit["baud"], unit["errors"]) == (port, 1, 9600, 0)
    assert board.writes() == []


async def test_osdp_readers_are_found_with_who_they_are(osdp_line: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run_discover(search(osdp=(str(osdp_line),)), None, as_json=True)
    readers = told(capsys)["osdp"]
    assert [(each["address"], each["has_secure_channel"]) for each in readers] == [(0, True), (5, True)]
    assert [each["identity"]["serial"] for each in readers] == [1000, 1005]


async def test_words_for_people_name_each_thing_once(
    board: RawBoard, osdp_line: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = search(modbus=(str(board.port.path),), osdp=(str(osdp_line),))
    await run_discover(wanted, None, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("baud 9600  unit 1  0 of 10 answers lost") for line in lines)
    assert sum("secure channel" in line and "0 of 10 answers lost or damaged" in line for line in lines) == 2


async def test_silent_line_is_told_with_what_to_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = PtyPort(tmp_path / "silent")
    try:
        wanted = search(modbus=(str(silent.path),), osdp=(str(silent.path),), bauds=(115200,))
        await run_discover(wanted, None, as_json=True)
    finally:
        silent.close()
    modbus, osdp = told(capsys)["trouble"]
    assert "nobody answered at 115200" in modbus
    assert "Silence at 115200:" in osdp


async def test_port_that_is_not_there_hides_nothing_else(
    board: RawBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = search(modbus=(str(tmp_path / "gone"), str(board.port.path)))
    await run_discover(wanted, None, as_json=True)
    found = told(capsys)
    assert len(found["modbus"]) == 1
    assert "no such port" in found["trouble"][0]


KNOWN = """
[device.known]
driver = "tasmota-reader"
broker = "local"
topic = "known"
"""


async def test_devices_at_the_broker_are_heard_known_and_unknown(
    tmp_path: Path, broker: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(lane_site(broker.port, KNOWN), encoding="utf-8")
    async with device_client(broker.port) as device:
        await device.publish("tele/known/LWT", "Online", qos=1, retain=True)
        await device.publish("shellyplus1-a8032ab1/online", "true", qos=1, retain=True)
        await run_discover(search(mqtt_s=1.0), Place(config, tmp_path), as_json=True)
    heard = {(each["topic"], each["configured"]) for each in told(capsys)["mqtt"]}
    assert heard == {("known", True), ("shellyplus1-a8032ab1", False)}


async def test_broker_that_is_away_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "site.toml"
    config.write_text(lane_site(1, KNOWN), encoding="utf-8")
    await run_discover(search(mqtt_s=0.5), Place(config, tmp_path), as_json=True)
    (trouble_told,) = told(capsys)["trouble"]
    assert trouble_told.startswith("mqtt local: broker at 127.0.0.1:1")


async def test_what_was_found_is_named_by_the_sites_config_and_ports_lie_below_its_data(
    board: RawBoard, osdp_line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(
        lane_site(1, KNOWN)
        + f"""
[device.gate-board]
driver = "modbus-rtu"
port = "{board.port.path.name}"
unit = 1
[device.lane]
driver = "osdp-bus"
port = "{osdp_line}"
[device.gate-in]
driver = "osdp-reader"
bus = "lane"
address = 5
insecure = true
""",
        encoding="utf-8",
    )
    wanted = search(modbus=(board.port.path.name,), osdp=(osdp_line.name,))
    await run_discover(wanted, Place(config, tmp_path), as_json=False)
    said = capsys.readouterr()
    assert "unit 1 = gate-board" in said.out
    assert "address 5 = gate-in" in said.out
    assert "address 0  " in said.out
    assert "looking for OSDP readers; up to" in said.err
    assert "looking for Modbus units; about" in said.err


async def test_port_that_the_gateway_holds_is_told_before_it_is_scanned(
    board: RawBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    with open(board.port.path, "rb", buffering=0) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await run_discover(search(modbus=(str(board.port.path),)), None, as_json=True)
    (fault,) = told(capsys)["trouble"]
    assert "the gateway or another program" in fault


async def test_last_will_alone_tells_a_family_and_no_driver(
    tmp_path: Path, broker: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(lane_site(broker.port, KNOWN), encoding="utf-8")
    async with device_client(broker.port) as device:
        await device.publish("tele/yard/LWT", "Online", qos=1, retain=True)
        await run_discover(search(mqtt_s=1.0), Place(config, tmp_path), as_json=False)
    assert "yard  Tasmota: reader or relay not yet heard" in capsys.readouterr().out


def test_config_that_is_not_there_is_an_error_also_for_ports_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover", "--cameras", "0", "--config", str(tmp_path / "nosuch.toml")]) == 2
    assert "nosuch.toml" in capsys.readouterr().err


def test_port_in_use_is_told_as_such(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "port")
    try:
        assert trouble(str(port.path)) == ""
        with open(port.path, "rb", buffering=0) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert "in use" in trouble(str(port.path))
    finally:
        port.close()
    assert "no such port" in trouble(str(port.path))


def test_every_port_has_a_name_for_the_config() -> None:
    assert all(port.name for port in serial_ports())
