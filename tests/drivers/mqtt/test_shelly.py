"""The Shelly driver against a simulated Shelly, over a real mosquitto."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt.broker_client import OPEN_EXPIRES_S
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    InputsChanged,
    LinkChanged,
    LinkState,
    OutputsRead,
)
from simulators.mqtt_device import Login
from simulators.shelly import ShellyRelay
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.mqtt.gateway import DEVICE, GatewaySide
from tests.drivers.recording import Recorder, eventually

ID = "shellyplus2pm-3ce90e2f7c34"


def pulse(seconds: float = 5.0, life_s: float = 5.0, *, energise: bool = True, output: int = 0) -> PulseOutput:
    return PulseOutput("p", DEVICE, output, energise, seconds, time.monotonic() + life_s)


def hold(energise: bool) -> SetOutput:
    return SetOutput("s", DEVICE, 0, energise, time.monotonic() + 5.0)


class Site:
    """A Shelly with two relays and two inputs, and the gateway that drives it."""

    def __init__(self, broker: Mosquitto, **faults: Any) -> None:
        self.shelly = ShellyRelay(ID, Login("127.0.0.1", broker.port), lambda: None, outputs=2, inputs=2, **faults)
        self.gateway = GatewaySide(broker, "shelly", topic=ID, outputs=2, inputs=2)
        self.sink, self.device = self.gateway.sink, self.gateway.device

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Site"]:
        self.shelly.plug()
        try:
            async with self.gateway.at_work():
                yield self
        finally:
            await self.shelly.unplug()

    async def ready(self) -> None:
        await self.sink.wait_for(OutputsRead)
        await self.sink.wait_for(InputsChanged)
        await eventually(lambda: len(self.shelly.heard) >= 8)


@pytest.fixture
async def site(broker: Mosquitto, at_once: None) -> AsyncIterator[Site]:
    made = Site(broker)
    async with made.at_work():
        await made.ready()
        yield made


async def outcome(sink: Recorder, count: int = 1) -> CommandCompleted:
    return (await sink.wait_for(CommandCompleted, count))[-1]


async def test_start_reads_outputs_and_inputs_and_changes_nothing(site: Site) -> None:
    assert site.sink.of(OutputsRead) == [OutputsRead(DEVICE, ((0, False), (1, False)))]
    assert [report.inputs for report in site.sink.of(InputsChanged)] == [((0, False), (1, False))]
    assert site.shelly.orders() == []
    assert site.sink.of(DeviceFlagged) == []


async def test_pulse_is_timed_by_the_board_and_read_back(site: Site) -> None:
    site.device.submit(pulse(0.4))
    assert (await outcome(site.sink)).outcome is CommandOutcome.DONE
    (order,) = site.shelly.orders()
    assert (order["method"], order["params"]) == ("Switch.Set", {"id": 0, "on": True, "toggle_after": 0.4})
    assert site.shelly.coils == [True, False]
    await eventually(lambda: site.shelly.coils == [False, False])
    assert len(site.sink.of(OutputsRead)) == 1


async def test_pulse_of_a_released_output_goes_the_other_way_round(site: Site) -> None:
    site.device.submit(hold(True))
    await outcome(site.sink)
    site.device.submit(pulse(0.3, energise=False))
    assert (await outcome(site.sink, 2)).outcome is CommandOutcome.DONE
    await eventually(lambda: site.shelly.coils[0] is True)


async def test_device_that_says_no_changes_is_believed_by_its_read_back(site: Site) -> None:
    site.shelly.silent = True
    site.device.submit(pulse())
    assert (await outcome(site.sink)).outcome is CommandOutcome.DONE


async def test_switch_without_an_answer_fails(site: Site) -> None:
    site.shelly.mute = {"Switch.Set"}
    site.device.submit(pulse())
    done = await outcome(site.sink)
    assert (done.outcome, done.detail) == (CommandOutcome.FAILED, "the relay did not answer Switch.Set")
    assert not done.never_sent, "it may have heard it"


async def test_refusal_is_told_in_the_device_s_words(broker: Mosquitto, at_once: None) -> None:
    made = Site(broker)
    made.shelly.switches.pop()
    async with made.at_work():
        await made.sink.wait_for(LinkChanged, 2)
        made.device.submit(pulse(output=1))
        done = await outcome(made.sink)
    assert done.outcome is CommandOutcome.FAILED
    assert "Argument 'id', value 1 not found!" in done.detail


async def test_held_output_loses_its_auto_off_and_gets_it_back(site: Site) -> None:
    site.device.submit(hold(True))
    await outcome(site.sink)
    told = [site.shelly.switches[0].config["auto_off"]]
    site.device.submit(hold(False))
    await outcome(site.sink, 2)
    told.append(site.shelly.switches[0].config["auto_off"])
    assert told == [False, True]
    assert site.sink.of(DeviceFlagged) == []


async def test_expired_command_sends_nothing(site: Site) -> None:
    site.device.submit(pulse(life_s=-0.001))
    assert (await outcome(site.sink)).outcome is CommandOutcome.EXPIRED
    assert site.shelly.orders() == []


async def test_output_that_somebody_switches_is_told_each_time(site: Site) -> None:
    site.shelly.switch(1, True, "UI")
    _, on = await site.sink.wait_for(OutputsRead, 2)
    site.shelly.switch(1, False, "UI")
    _, _, off = await site.sink.wait_for(OutputsRead, 3)
    assert (on.outputs, off.outputs) == (((1, True),), ((1, False),))


async def test_switch_input_and_button_input_are_levels(site: Site) -> None:
    site.shelly.buttons = {1}
    for number, closed in ((0, True), (1, True), (1, False), (0, False)):
        site.shelly.set_input(number, closed)
        count = len(site.sink.of(InputsChanged)) + 1
        (*_, last) = await site.sink.wait_for(InputsChanged, count)
        assert last.inputs == ((number, closed),)


async def test_dangerous_setup_is_flagged_and_cleared_when_somebody_mends_it(site: Site) -> None:
    site.shelly.switches[0].config |= {"initial_state": "restore_last", "in_mode": "follow", "auto_off": False}
    await site.shelly.event("switch:0", "config_changed")
    (flagged,) = await site.sink.wait_for(DeviceFlagged)
    assert flagged.faults == (
        "switch:0.initial_state=restore_last",
        "switch:0.auto_off=false",
        "switch:0.in_mode=follow",
    )
    site.shelly.switches[0].config |= {"initial_state": "off", "in_mode": "detached", "auto_off": True}
    await site.shelly.event("switch:0", "config_changed")
    _, mended = await site.sink.wait_for(DeviceFlagged, 2)
    assert mended.faults == ()


async def test_device_that_does_not_say_its_setup_is_flagged(
    broker: Mosquitto, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.mqtt.board.SETUP_ANSWER_S", 0.2)
    made = Site(broker)
    made.shelly.mute = {"Switch.GetConfig"}
    async with made.at_work():
        (flagged,) = await made.sink.wait_for(DeviceFlagged)
    assert flagged.faults == ("switch:0.config=?", "switch:1.config=?")


async def test_device_that_connects_again_is_asked_anew(site: Site) -> None:
    site.device.submit(hold(True))
    await outcome(site.sink)
    await site.shelly.unplug()
    await site.sink.until(lambda: site.sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
    site.device.submit(pulse())
    refused = await outcome(site.sink, 2)
    assert (refused.detail, refused.never_sent) == ("the relay is offline", True)
    site.shelly.plug()
    _, back = await site.sink.wait_for(OutputsRead, 2)
    assert back.outputs == ((0, False), (1, False))


async def test_stale_notice_is_no_fact_but_a_reason_to_ask(site: Site, broker: Mosquitto) -> None:
    old = {"ts": time.time() - 60, "input:0": {"id": 0, "state": True}}
    frame = {"src": ID, "dst": f"{ID}/events", "method": "NotifyStatus", "params": old}
    async with device_client(broker.port) as client:
        await client.publish(f"{ID}/events/rpc", json.dumps(frame))
    _, asked = await site.sink.wait_for(InputsChanged, 2)
    assert asked.inputs == ((0, False), (1, False))


async def test_answer_to_nobody_s_question_counts_for_nothing(site: Site, broker: Mosquitto) -> None:
    async with device_client(broker.port) as client:
        answer = {"id": 1, "src": ID, "dst": f"gatehouse/{ID}", "result": {"id": 0, "output": True, "state": True}}
        await client.publish(f"gatehouse/{ID}/rpc", json.dumps(answer))
        await client.publish(f"gatehouse/{ID}/rpc", "{", qos=1)
        await eventually(lambda: site.device.counters()["malformed"] == 1)
    assert len(site.sink.of(OutputsRead)) == 1


async def test_early_notice_is_no_fact_but_a_reason_to_ask(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """A press that a device kept from before may not release a door; the level of now is asked for."""
    monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 60.0)
    made = Site(broker)
    async with made.at_work():
        await made.ready()
        made.shelly.set_input(0, True)
        await made.shelly.notify("input:0", {"id": 0, "state": False})  # a replay
        await made.sink.until(lambda: made.sink.of(InputsChanged)[-1].inputs == ((0, True), (1, False)))
    assert all(len(report.inputs) == 2 for report in made.sink.of(InputsChanged))
    assert made.device.counters()["ignored"] >= 2


async def test_retained_rubbish_moves_nothing(broker: Mosquitto, at_once: None) -> None:
    notice = {"params": {"ts": 1, "input:0": {"id": 0, "state": True}}, "method": "NotifyStatus"}
    async with device_client(broker.port) as client:
        await client.publish(f"{ID}/events/rpc", json.dumps(notice), retain=True, qos=1)
        await client.publish(f"gatehouse/{ID}/rpc", json.dumps({"id": 7, "result": {}}), retain=True, qos=1)
        made = Site(broker)
        async with made.at_work():
            await made.ready()
    assert [report.inputs for report in made.sink.of(InputsChanged)] == [((0, False), (1, False))]
    assert made.device.counters()["ignored"] == 2


@pytest.mark.parametrize("queues", ["false", "true"], ids=["default", "a broker that queues QoS 0"])
async def test_relay_that_was_away_gets_no_late_open(
    program: Callable[[str], str], tmp_path: Path, at_once: None, queues: str
) -> None:
    """The device keeps a persistent session at QoS 1: whatever was published meanwhile waits for it there.

    A broker that queues QoS 0 too, against all advice, keeps an open for as long as MQTT 5 lets it: two seconds.
    """
    broker = Mosquitto(program("mosquitto"), tmp_path, f"allow_anonymous true\nqueue_qos0_messages {queues}\n")
    await broker.start()
    try:
        made = Site(broker, clean_session=False)
        async with made.at_work():
            await made.ready()
            await made.shelly.unplug()
            for _ in range(3):
                made.device.submit(pulse())  # some before the last will arrives, some after
            await made.sink.until(lambda: made.sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
            made.device.submit(pulse())
            await made.sink.wait_for(CommandCompleted, 4)
            made.shelly.heard.clear()
            await asyncio.sleep(OPEN_EXPIRES_S + 0.5)
            made.shelly.plug()
            await made.sink.wait_for(OutputsRead, 2)
            late = made.shelly.orders()
            outcomes = {done.outcome for done in made.sink.of(CommandCompleted)}
    finally:
        await broker.stop()
    assert late == []
    assert outcomes == {CommandOutcome.FAILED}


async def test_broker_that_stood_still_leaves_no_door_open(broker: Mosquitto, at_once: None) -> None:
    """It hands on what it had taken when it goes on: the end of the pulse comes right behind it."""
    made = Site(broker)
    async with made.at_work():
        await made.ready()
        with broker.standing_still():
            made.device.submit(pulse(life_s=2.0))
            done = await outcome(made.sink)
        await eventually(lambda: len(made.shelly.orders()) == 2)
        await eventually(lambda: made.shelly.coils == [False, False])
    assert done.outcome is CommandOutcome.FAILED
    assert [frame["params"]["on"] for frame in made.shelly.orders()] == [True, False]
