"""ESPHome boards and readers against a simulated node, over a real mosquitto."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.credential import Identifier
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    InputsChanged,
    KeyPressed,
    LinkChanged,
    LinkState,
    OutputsRead,
    ReadIgnored,
)
from simulators.card import Card
from simulators.esphome import EsphomeNode
from simulators.mqtt_device import Login
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.mqtt.gateway import DEVICE, GatewaySide
from tests.drivers.recording import eventually

OUTPUTS, INPUTS = ("lock/front", "switch/gate"), ("front_contact", "exit_button")


class Site:
    """A node with a lock, a switch and two sensors, and the gateway that drives it."""

    def __init__(self, broker: Mosquitto) -> None:
        self.node = EsphomeNode("porch", Login("127.0.0.1", broker.port), lambda: None, outputs=OUTPUTS, inputs=INPUTS)
        gateway = GatewaySide(broker, "esphome-board", topic="porch", outputs=list(OUTPUTS), inputs=list(INPUTS))
        self.gateway, self.sink, self.device = gateway, gateway.sink, gateway.device

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Site"]:
        self.node.plug()
        try:
            async with self.gateway.at_work():
                yield self
        finally:
            await self.node.unplug()

    def pulse(self, seconds: float, output: int = 0, *, energise: bool = True) -> None:
        self.device.submit(PulseOutput("p", DEVICE, output, energise, seconds, time.monotonic() + 5.0))

    async def outcome(self) -> CommandCompleted:
        return (await self.sink.wait_for(CommandCompleted))[-1]


@pytest.fixture
async def site(broker: Mosquitto, at_once: None) -> AsyncIterator[Site]:
    made = Site(broker)
    async with made.at_work():
        await made.sink.wait_for(OutputsRead)
        await made.sink.wait_for(InputsChanged)
        yield made


async def test_pulse_is_timed_by_the_node(site: Site) -> None:
    site.pulse(0.3)
    assert (await site.outcome()).outcome is CommandOutcome.DONE
    assert site.node.orders() == [("lock/front/pulse", "300")]
    assert site.node.coils == [True, False]
    await eventually(lambda: site.node.coils == [False, False])
    assert len(site.sink.of(OutputsRead)) == 1


async def test_lock_and_switch_are_held_by_their_own_words(site: Site) -> None:
    for number, energise in ((0, True), (0, False), (1, True), (1, False)):
        site.device.submit(SetOutput("s", DEVICE, number, energise, time.monotonic() + 5.0))
    done = await site.sink.wait_for(CommandCompleted, 4)
    assert {each.outcome for each in done} == {CommandOutcome.DONE}
    assert site.node.orders() == [
        ("lock/front/command", "UNLOCK"),
        ("lock/front/command", "LOCK"),
        ("switch/gate/command", "ON"),
        ("switch/gate/command", "OFF"),
    ]


async def test_node_without_the_pulse_automation_moves_nothing_and_says_so(site: Site) -> None:
    site.node.mute = {"pulse"}
    site.pulse(3.0)
    done = await site.outcome()
    assert (done.outcome, done.detail) == (CommandOutcome.FAILED, "the relay did not confirm output 0 on")
    assert site.node.coils == [False, False]


async def test_pulse_of_a_released_output_is_refused(site: Site) -> None:
    site.pulse(3.0, energise=False)
    assert (await site.outcome()).outcome is CommandOutcome.FAILED
    assert site.node.orders() == []


async def test_sensors_are_levels(site: Site) -> None:
    site.node.set_input(1, True)
    _, pressed = await site.sink.wait_for(InputsChanged, 2)
    site.node.set_input(1, False)
    _, _, released = await site.sink.wait_for(InputsChanged, 3)
    assert (pressed.inputs, released.inputs) == (((1, True),), ((1, False),))


async def test_node_without_the_ask_automation_is_flagged_and_its_retained_states_are_not_believed(
    broker: Mosquitto, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.mqtt.board.SETUP_ANSWER_S", 0.2)
    made = Site(broker)
    made.node.mute = {"ask"}
    made.node.plug()
    async with device_client(broker.port) as client:
        await client.subscribe("porch/binary_sensor/exit_button/state")
        await eventually(lambda: made.node.is_online)
        made.node.set_input(1, True)
        async for message in client.messages:  # the broker has everything that the node said before
            if message.payload == b"ON":
                break
    async with made.at_work():
        (flagged,) = await made.sink.wait_for(DeviceFlagged)
    assert flagged.faults == tuple(
        f"{part} did not answer porch/ask" for part in (*OUTPUTS, *(f"binary_sensor/{name}" for name in INPUTS))
    )
    assert made.sink.of(InputsChanged) == []
    assert made.sink.of(OutputsRead) == []


async def test_early_state_is_asked_for_again(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node's states after its own return may be a replay until two seconds have passed; then it is asked."""
    monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.5)
    monkeypatch.setattr("drivers.mqtt.board.SETUP_ANSWER_S", 0.6)
    made = Site(broker)
    async with made.at_work():
        (told,) = await made.sink.wait_for(InputsChanged)
    assert told.inputs == ((0, False), (1, False))
    assert made.device.counters()["ignored"] > 0


async def test_node_that_was_away_gets_no_late_open(site: Site) -> None:
    """Its session is persistent, as the firmware's default is."""
    await site.node.unplug()
    site.pulse(3.0)
    await site.sink.until(lambda: site.sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
    site.pulse(3.0)
    await site.sink.wait_for(CommandCompleted, 2)
    site.node.plug()
    await site.sink.wait_for(OutputsRead, 2)
    assert site.node.orders() == []
    assert {done.outcome for done in site.sink.of(CommandCompleted)} == {CommandOutcome.FAILED}


async def test_reader_s_cards_and_keys(broker: Mosquitto, at_once: None) -> None:
    node = EsphomeNode("porch", Login("127.0.0.1", broker.port), lambda: None)
    gateway = GatewaySide(broker, "esphome-reader", topic="porch", formats=["H10301"])
    node.plug()
    try:
        async with gateway.at_work() as sink:
            await sink.wait_for(LinkChanged, 2)
            await node.swipe(Card("H10301", 15080, 118))
            (read,) = await sink.wait_for(CardRead)
            for key in "1#":
                await node.press(key)
            keys = await sink.wait_for(KeyPressed, 2)
            await node.noise(b"{rubbish")
            (ignored,) = await sink.wait_for(ReadIgnored)
    finally:
        await node.unplug()
    assert [each.identifier for each in read.readings] == [Identifier("H10301", 118, 15080)]
    assert [each.key for each in keys] == ["1", "#"]
    assert ignored.reason == "not a JSON object"


async def test_tag_topic_may_be_anywhere(broker: Mosquitto, at_once: None) -> None:
    gateway = GatewaySide(broker, "esphome-reader", topic="porch", chip="rc522", tag_topic="home/tags/porch")
    async with gateway.at_work() as sink, device_client(broker.port) as client:
        await sink.wait_for(LinkChanged)
        await client.publish("home/tags/porch", "74-10-37-94")
        (read,) = await sink.wait_for(CardRead)
    assert read.readings[0].identifier == Identifier("UID32", None, 0x74103794)


async def test_retained_tag_is_ignored_and_said_so(broker: Mosquitto, at_once: None) -> None:
    async with device_client(broker.port) as client:
        await client.publish("porch/tag", "7748328", qos=1, retain=True)
        gateway = GatewaySide(broker, "esphome-reader", topic="porch")
        async with gateway.at_work() as sink:
            (ignored,) = await sink.wait_for(ReadIgnored)
    assert ignored == ReadIgnored(DEVICE, "retained")
    assert gateway.sink.of(CardRead) == []
