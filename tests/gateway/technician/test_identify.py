"""Which box is this: what to look for is said, and a device behind a broker is commanded once it is there."""

import asyncio
from pathlib import Path

import pytest

from gateway.technician.identify import identify
from gateway.technician.place import Place
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.gateway.technician.lane import lane_site

DEVICES = """
[device.plug]
driver = "tasmota-relay"
broker = "local"
topic = "plug"
outputs = 2
[device.yard-reader]
driver = "rdm6300"
port = "tty/none"
"""


async def test_device_behind_a_broker_is_commanded_once_it_is_online(
    tmp_path: Path, broker: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(lane_site(broker.port, DEVICES), encoding="utf-8")
    async with device_client(broker.port) as device:
        await device.subscribe("cmnd/plug/#")
        await device.publish("tele/plug/LWT", "Online", qos=1, retain=True)
        identifying = asyncio.create_task(
            identify(Place(config, tmp_path), "plug", 8.0, 1, door_may_open=False),
        )
        async with asyncio.timeout(8):
            topics = ""
            async for message in device.messages:
                topics += f"{message.topic} {bytes(message.payload)!r}\n"
                if "Power2" in topics or "POWER2" in topics:
                    break
        identifying.cancel()
        await asyncio.gather(identifying, return_exceptions=True)
    said = capsys.readouterr()
    assert "plug clicks output 1, 1 s on and 1 s off, for 8 s" in said.err
    assert "plug: online" in said.out
    assert "output failed" not in said.out


async def test_reader_without_a_light_says_that_it_has_nothing_to_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(lane_site(1, DEVICES), encoding="utf-8")
    assert await identify(Place(config, tmp_path), "yard-reader", 0.2, None, door_may_open=False) == 1
    assert "yard-reader has nothing to show, and is only listened to for 0.2 s" in capsys.readouterr().err
