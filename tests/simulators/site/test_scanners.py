"""What simulated scanners say, on a real line and on a real broker."""

import argparse
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from simulators.acts import Acts
from simulators.client import request_for, sim_arguments
from simulators.control import Refused
from simulators.hardware import Hardware
from simulators.plan import read_plan
from tests.simulators.site.conftest import free_port, until

SITE = """
[site]
id = "lanes"
zone = "Asia/Shanghai"
[broker.local]
host = "127.0.0.1"
port = {port}
[device.hall]
driver = "text-scanner"
port = "tty/hall"
prefix = "]Q1"
[device.lane]
driver = "mqtt-scanner"
broker = "local"
topic = "lane/1"
"""
PLATE = "京A12345"


async def _acts(tmp_path: Path, port: int) -> AsyncIterator[Acts]:
    config = tmp_path / "site.toml"
    config.write_text(SITE.format(port=port), encoding="utf-8")
    hardware = Hardware(read_plan(config), tmp_path)
    hardware.power_up()
    yield Acts(hardware, tmp_path / "run")
    await hardware.power_down()


@pytest.fixture
async def acts(tmp_path: Path) -> AsyncIterator[Acts]:
    async for made in _acts(tmp_path, free_port()):
        yield made


@pytest.fixture
async def online(tmp_path: Path, broker_port: int) -> AsyncIterator[Acts]:
    async for made in _acts(tmp_path, broker_port):
        yield made


async def test_serial_scanner_says_its_prefix_the_text_and_a_line_end(acts: Acts, tmp_path: Path) -> None:
    line = os.open(tmp_path / "tty" / "hall", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    heard = bytearray()

    def whole() -> bool:
        try:
            heard.extend(os.read(line, 100))
        except BlockingIOError:
            return False
        return heard.endswith(b"\n")

    assert (await acts.obey({"do": "scan", "scanner": "hall", "text": PLATE}))["ok"]
    await until(whole, "the line")
    os.close(line)
    assert heard == b"]Q1" + PLATE.encode() + b"\r\n"


async def test_scanner_on_mqtt_publishes_the_text_unretained(online: Acts, broker_port: int) -> None:
    async with aiomqtt.Client("127.0.0.1", broker_port) as client:
        await client.subscribe("lane/1")
        await online.obey({"do": "scan", "scanner": "lane", "text": PLATE})
        message = await anext(aiter(client.messages))
    assert (message.payload, message.retain) == (PLATE.encode(), False)


async def test_scanner_without_power_or_broker_says_so(acts: Acts) -> None:
    assert "no broker" in (await acts.obey({"do": "scan", "scanner": "lane", "text": "x"}))["said"]
    await acts.obey({"do": "unplug", "device": "lane"})
    assert "no power" in (await acts.obey({"do": "scan", "scanner": "lane", "text": "x"}))["said"]


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "scan", "scanner": "nowhere", "text": "x"},
        {"do": "scan", "scanner": "hall"},
        {"do": "scan", "scanner": "hall", "text": ""},
        {"do": "scan", "scanner": "hall", "text": "two\nlines"},
        {"do": "scan", "scanner": "hall", "text": "7" * 1001},
    ],
)
async def test_senseless_scan_is_refused(acts: Acts, request_: dict[str, str]) -> None:
    with pytest.raises(Refused):
        await acts.obey(request_)


def test_scan_is_a_word_of_the_command_line() -> None:
    parser = argparse.ArgumentParser()
    sim_arguments(parser)
    assert request_for(parser.parse_args(["scan", "hall", PLATE])) == {"do": "scan", "scanner": "hall", "text": PLATE}
