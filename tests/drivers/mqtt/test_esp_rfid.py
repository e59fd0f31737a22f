"""esp-rfid's reader and relay against a simulated device, over a real mosquitto."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers.mqtt.presence import Heartbeat
from drivers.mqtt.reader import OPENED_ITSELF
from gateway.domain.commands import PulseOutput
from gateway.domain.credential import Identifier
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    FramesRejected,
    LinkChanged,
    LinkState,
    OutputsUnknown,
    ReadIgnored,
)
from simulators.esp_rfid import EspRfidDevice
from simulators.mqtt_device import Login
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.mqtt.gateway import DEVICE, GatewaySide
from tests.drivers.recording import Recorder, eventually

ADDRESS = "192.168.1.211"
RELAY = {"address": ADDRESS, "pulse_s": 0.4}


@asynccontextmanager
async def site(
    broker: Mosquitto, driver: str, **settings: Any
) -> AsyncIterator[tuple[EspRfidDevice, Recorder, GatewaySide]]:
    esp = EspRfidDevice("doors", Login("127.0.0.1", broker.port), lambda: None, address=ADDRESS, heartbeat_s=0.1)
    gateway = GatewaySide(broker, driver, topic="doors", **settings)
    try:
        async with gateway.at_work() as sink:
            await sink.wait_for(LinkChanged)
            esp.plug()
            await sink.until(lambda: sink.of(LinkChanged)[-1].device == DEVICE)
            yield esp, sink, gateway
    finally:
        await esp.unplug()


def pulse() -> PulseOutput:
    return PulseOutput("p", DEVICE, 0, True, 0.4, time.monotonic() + 5.0)


@pytest.mark.usefixtures("at_once")
class TestReader:
    @pytest.mark.parametrize("old", [False, True], ids=["new version", "old version"])
    async def test_unknown_card_is_a_read(self, broker: Mosquitto, old: bool) -> None:
        async with site(broker, "esp-rfid-reader", hostname="esp-rfid") as (esp, sink, _):
            esp.old = old
            await esp.read("4a1b2c3d")
            (read,) = await sink.wait_for(CardRead)
        assert [each.identifier for each in read.readings] == [Identifier("UID32", None, 0x4A1B2C3D)]
        assert sink.of(DeviceFlagged) == []

    async def test_door_that_it_opened_by_its_own_list_is_flagged_until_it_starts_anew(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-reader") as (esp, sink, _):
            esp.users = {"4a1b2c3d"}
            await esp.read("4a1b2c3d")
            await sink.wait_for(CardRead)
            (flagged,) = sink.of(DeviceFlagged)
            esp.users.clear()
            await esp.unplug()
            esp.plug()
            _, mended = await sink.wait_for(DeviceFlagged, 2)
        assert (flagged.faults, mended.faults) == ((OPENED_ITSELF,), ())

    async def test_answer_to_a_command_is_no_read(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-reader") as (esp, sink, _):
            await esp.access(" ", known=True, user="MQTT")
            await esp.read("4a1b2c3d")
            await sink.wait_for(CardRead)
        assert len(sink.of(CardRead)) == 1
        assert sink.of(DeviceFlagged) == []

    async def test_read_of_another_time_is_ignored_and_said_so(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-reader") as (esp, sink, _):
            await esp.read("4a1b2c3d", at_s=time.time() - 120)
            (ignored,) = await sink.wait_for(ReadIgnored)
        assert ignored.reason == "its time is outside the window"
        assert sink.of(CardRead) == []

    async def test_another_device_on_the_same_topic_is_none_of_ours(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-reader", hostname="esp-rfid") as (esp, sink, _):
            async with device_client(broker.port) as client:
                other = {"type": "access", "uid": "11223344", "access": "Denied", "hostname": "other"}
                await client.publish("doors/send", json.dumps(other), qos=1)
            await esp.read("4a1b2c3d")
            await sink.wait_for(CardRead)
        assert len(sink.of(CardRead)) == 1

    async def test_rubbish_is_counted_and_the_next_card_is_read(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-reader") as (esp, sink, gateway):
            await esp.send("doors/send", b"\xff{")
            await esp.read("no hex")
            await esp.read("4a1b2c3d")
            await sink.wait_for(CardRead)
        assert len(sink.of(FramesRejected)) == 1
        assert gateway.device.counters()["rejected"] == 2

    async def test_retained_heartbeat_is_no_sign_of_life(self, broker: Mosquitto) -> None:
        async with device_client(broker.port) as client:
            beat = {"type": "heartbeat", "time": int(time.time()), "hostname": "esp-rfid"}
            await client.publish("doors/send", json.dumps(beat), qos=1, retain=True)
            gateway = GatewaySide(broker, "esp-rfid-reader", topic="doors")
            async with gateway.at_work() as sink:
                await eventually(lambda: gateway.connection.counters()["received"] == 1)
        assert [changed.device for changed in sink.of(LinkChanged)] == ["broker:local"]


@pytest.mark.usefixtures("at_once")
class TestRelay:
    async def test_pulse_bears_the_address_and_is_confirmed_by_its_log(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-relay", **RELAY) as (esp, sink, gateway):
            await sink.wait_for(OutputsUnknown)
            await eventually(lambda: esp.is_online)  # it says that it has booted before it listens
            gateway.device.submit(pulse())
            (done,) = await sink.wait_for(CommandCompleted)
            assert done.outcome is CommandOutcome.DONE
            assert esp.heard == [{"cmd": "opendoor", "doorip": ADDRESS}]
            await eventually(lambda: not esp.on)

    async def test_device_that_logs_nothing_fails(self, broker: Mosquitto) -> None:
        async with site(broker, "esp-rfid-relay", **RELAY) as (esp, sink, gateway):
            esp.mute = True
            gateway.device.submit(pulse())
            (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.FAILED

    async def test_it_is_gone_when_its_heartbeat_stays_away(
        self, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Heartbeat, "patience_s", 0.3)
        async with site(broker, "esp-rfid-relay", **RELAY) as (esp, sink, gateway):
            await esp.unplug()
            await sink.until(lambda: sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
            gateway.device.submit(pulse())
            (done,) = sink.of(CommandCompleted)
            assert (done.outcome, done.detail) == (CommandOutcome.FAILED, "the relay is offline")
            assert done.never_sent
            esp.plug()
            await sink.wait_for(OutputsUnknown, 2)
            assert esp.heard == []


def test_check_names_faults_of_these_drivers(write_site: Callable[..., list[str]]) -> None:
    faults = write_site(
        """
        [device.a]
        driver = "esp-rfid-relay"
        broker = "local"
        topic = "doors/+"
        address = "door.local"
        pulse_s = 0
        [device.b]
        driver = "esphome-board"
        broker = "local"
        topic = "porch"
        outputs = ["relay/x"]
        [device.c]
        driver = "shelly"
        broker = "none"
        topic = "shelly"
        outputs = 9
        """
    )
    for expected in (
        "device.a.topic = 'doors/+' (line 13): give the device's own topic",
        "device.a.address = 'door.local'",
        "device.a.pulse_s = 0",
        "device.b.outputs.0 = 'relay/x'",
        "device.c.outputs = 9",
    ):
        assert any(expected in fault for fault in faults), (expected, faults)


def test_check_names_a_lock_that_such_a_board_never_releases(write_site: Callable[..., list[str]]) -> None:
    faults = write_site(
        """
        [device.gate]
        driver = "tasmota-relay"
        broker = "local"
        topic = "gate"
        [device.twin]
        driver = "tasmota-relay"
        broker = "local"
        topic = "gate"
        [device.reader]
        driver = "tasmota-reader"
        broker = "local"
        topic = "gate"
        [door.gate]
        name = { zh-CN = "门", en = "Gate" }
        lock = { device = "gate", output = 0, kind = "fail_safe", wiring = "NO" }
        [access_point.gate]
        door = "gate"
        readers = ["reader"]
        """
    )
    assert [fault.partition(" (line")[0] for fault in faults] == [
        "device.twin.topic = 'gate'",
        "door.gate.lock.wiring = 'NO'",
    ]
    assert "device 'gate' has this topic already" in faults[0]
    assert "wire this fail_safe lock to NC" in faults[1]


def test_check_names_a_release_time_that_the_device_does_not_have(write_site: Callable[..., list[str]]) -> None:
    (fault,) = write_site(
        """
        [device.esp]
        driver = "esp-rfid-relay"
        broker = "local"
        topic = "doors"
        address = "192.168.1.211"
        pulse_s = 3.0
        [device.reader]
        driver = "esp-rfid-reader"
        broker = "local"
        topic = "doors"
        [door.gate]
        name = { zh-CN = "门", en = "Gate" }
        lock = { device = "esp", output = 0, kind = "fail_secure", wiring = "NO" }
        [access_point.gate]
        door = "gate"
        readers = ["reader"]
        """
    )
    assert fault.endswith("'esp' times 3 s by itself: write release_time_s = 3")
