"""Which devices a broker's messages tell of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.heard import LISTEN_TO, MOST_DEVICES, HeardDevice, heard_devices
from drivers.registry import find_driver
from simulators.esp_rfid import EspRfidDevice
from simulators.esphome import EsphomeNode
from simulators.mqtt_device import Login
from simulators.shelly import ShellyRelay
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.recording import eventually


@pytest.mark.parametrize(
    ("topic", "payload", "device"),
    [
        ("tele/yard/SENSOR", b'{"Time":"t","Wiegand":{"UID":1,"Size":26}}', HeardDevice("tasmota-reader", "yard")),
        ("stat/gate/RESULT", b'{"POWER":"ON"}', HeardDevice("tasmota-relay", "gate")),
        ("tele/gate/LWT", b"Online", HeardDevice("tasmota-relay", "gate", sure=False)),
        ("shellyplus1-08b61fd90730/online", b"true", HeardDevice("shelly", "shellyplus1-08b61fd90730")),
        ("front/events/rpc", b'{"src":"s","method":"NotifyStatus","params":{}}', HeardDevice("shelly", "front")),
        ("porch/lock/front/state", b"LOCKED", HeardDevice("esphome-board", "porch", ("lock/front",))),
        ("porch/status", b"online", HeardDevice("esphome-board", "porch", sure=False)),
        ("porch/tag", b"7748328", HeardDevice("esphome-reader", "porch")),
        ("doors/send", b'{"type":"heartbeat","time":1}', HeardDevice("esp-rfid-reader", "doors")),
    ],
)
def test_message_tells_its_device(topic: str, payload: bytes, device: HeardDevice) -> None:
    assert heard_devices([(topic, payload)]) == (device,)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("tele/yard/SENSOR", b'{"SI7021":{"Temperature":20}}'),
        ("porch/sensor/temperature/state", b"20.1"),
        ("home/online", b"yes"),
        ("doors/send", b'{"type":"INFO"}'),
        ("", b""),
        ("a/b/c/d/e", b"ON"),
    ],
)
def test_message_of_something_else_tells_nothing(topic: str, payload: bytes) -> None:
    assert heard_devices([(topic, payload)]) == ()


def test_device_is_told_once_with_all_its_parts() -> None:
    messages = [("porch/status", b"online")]
    messages += [(f"porch/binary_sensor/{name}/state", b"ON") for name in ("b", "a", "b")]
    assert heard_devices(messages) == (HeardDevice("esphome-board", "porch", ("binary_sensor/a", "binary_sensor/b")),)


def test_flood_of_names_is_bounded() -> None:
    assert len(heard_devices((f"d{number}/online", b"true") for number in range(5000))) == MOST_DEVICES
    assert len(heard_devices((f"tele/d{number}/LWT", b"Online") for number in range(5000))) == MOST_DEVICES


@given(st.lists(st.tuples(st.text(max_size=40), st.binary(max_size=40)), max_size=10))
def test_any_messages_give_devices_that_have_drivers(messages: list[tuple[str, bytes]]) -> None:
    assert all(find_driver(device.driver) for device in heard_devices(messages))


async def test_devices_on_a_broker_are_heard_where_the_page_listens(broker: Mosquitto) -> None:
    login, nothing = Login("127.0.0.1", broker.port), _nothing
    devices = [
        ShellyRelay("shelly1", login, nothing),
        EsphomeNode("porch", login, nothing, outputs=("lock/front",)),
        EspRfidDevice("doors", login, nothing),
    ]
    heard: list[tuple[str, bytes]] = []
    async with device_client(broker.port) as client:
        await client.subscribe([(topic, 0) for topic in LISTEN_TO])
        for device in devices:
            device.plug()
        try:
            await eventually(lambda: all(device.is_online for device in devices))
            async for message in client.messages:
                heard += [(message.topic.value, message.payload)]
                if len(heard_devices(heard)) == 3:
                    break
        finally:
            for device in devices:
                await device.unplug()
    assert {(each.driver, each.topic) for each in heard_devices(heard)} == {
        ("shelly", "shelly1"),
        ("esphome-board", "porch"),
        ("esp-rfid-reader", "doors"),
    }


def _nothing() -> None:
    """Nobody watches these relays."""
