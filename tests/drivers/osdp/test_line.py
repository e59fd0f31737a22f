"""The driver against libosdp's own peripheral, over a pseudo-terminal, with the secure channel on."""

import time
from pathlib import Path

import osdp_sys
import pytest

from drivers.contracts import Indicator, InputBoard, Reader, RelayBoard
from drivers.osdp.settings import BUS_OFFLINE
from gateway.domain.commands import IndicateAtReader, Indication, PulseOutput, SetOutput
from gateway.domain.credential import Identifier
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    FramesRejected,
    KeyPressed,
    LinkChanged,
    LinkState,
    ReaderConditionChanged,
)
from simulators.card import Card
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.line import KEY, Rig
from tests.drivers.recording import eventually

ONLINE, OFFLINE = LinkState.ONLINE, LinkState.OFFLINE


@pytest.fixture(autouse=True)
def _soon_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost reader is told after a second here; its real times are in `test_timing`."""
    monkeypatch.setattr("drivers.osdp.station.OFFLINE_AFTER_S", 1.0)


def shown(reader: OsdpReader, command: int) -> list[dict[str, object]]:
    return [each for each in reader.shown if each["command"] == command]


def light(rig: Rig, address: int, indication: Indication, life_s: float = 2.0) -> None:
    told = IndicateAtReader("c-1", f"r{address}", indication, time.monotonic() + life_s)
    rig.readers[address].indicate(told)


async def test_a_card_a_key_and_its_condition_come_through_the_secure_channel(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    device = rig.add(5)
    assert isinstance(device, Reader)
    assert isinstance(device, Indicator)
    assert isinstance(device, RelayBoard)
    assert isinstance(device, InputBoard)
    async with rig.at_work():
        await rig.said(5, ONLINE)
        read = await rig.read(5)
        await rig.simulated[5].press("12#*")
        await rig.sink.wait_for(KeyPressed, 4)
        await rig.sink.wait_for(ReaderConditionChanged)
        rig.simulated[5].report(tampered=True)
        await rig.sink.wait_for(ReaderConditionChanged, 2)
        rig.simulated[5].report(power_fault=True)
        conditions = await rig.sink.wait_for(ReaderConditionChanged, 3)
    assert (read.reader, read.readings[0].identifier) == ("r5", Identifier("H10301", 123, 4567))
    assert read.received_s <= time.monotonic()
    assert [each.key for each in rig.sink.of(KeyPressed)] == ["1", "2", "#", "*"]
    assert [(each.tampered, each.power_fault) for each in conditions] == [(False, False), (True, False), (False, True)]
    assert rig.readers[5].counters()["frames"] == 1


async def test_a_reader_without_keypad_says_no_keys(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5, keypad="none")
    async with rig.at_work():
        await rig.online(5)
        await rig.simulated[5].press("1")
        await rig.read(5)
    assert rig.sink.of(KeyPressed) == []


async def test_an_insecure_reader_is_read_in_clear(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, None, clear=True)])
    rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        assert (await rig.read(5)).readings[0].identifier.number == 4567


# Lights and sounds


@pytest.mark.parametrize(
    ("indication", "color", "beeps"),
    [
        (Indication.GRANTED, osdp_sys.LED_COLOR_GREEN, 1),
        (Indication.DENIED, osdp_sys.LED_COLOR_RED, 3),
        (Indication.WAITING, osdp_sys.LED_COLOR_AMBER, 1),
    ],
)
async def test_how_it_went_is_shown_and_sounded(tmp_path: Path, indication: Indication, color: int, beeps: int) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        light(rig, 5, indication)
        await eventually(lambda: bool(shown(rig.simulated[5], osdp_sys.CMD_BUZZER)))
    (led,), (buzzer,) = (shown(rig.simulated[5], kind) for kind in (osdp_sys.CMD_LED, osdp_sys.CMD_BUZZER))
    assert (led["on_color"], led["temporary"], buzzer["rep_count"]) == (color, True, beeps)
    assert rig.sink.of(CommandCompleted) == []


async def test_a_reader_may_be_dark_and_mute(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5, lights=False, sounds=False)
    async with rig.at_work():
        await rig.online(5)
        light(rig, 5, Indication.GRANTED)
        await rig.read(5)
    assert {each["command"] for each in rig.simulated[5].shown} == {osdp_sys.CMD_STATUS}


async def test_what_is_too_late_or_for_a_lost_reader_is_never_shown(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    async with rig.at_work():
        await rig.online(5)
        light(rig, 5, Indication.GRANTED, life_s=-0.001)
        await rig.simulated[5].unplug()
        await rig.offline(5)
        light(rig, 5, Indication.GRANTED)
        rig.simulated[5].plug()
        await rig.online(5)
        await rig.read(5)
    assert shown(rig.simulated[5], osdp_sys.CMD_LED) == []


# Relays in the reader


async def test_a_pulse_is_timed_by_the_reader_and_lets_the_relay_rest(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY, outputs=1)])
    device, simulated = rig.add(5, outputs=1), rig.simulated[5]
    async with rig.at_work():
        await rig.online(5)
        device.submit(PulseOutput("c-1", "r5", 0, True, 0.3, time.monotonic() + 2))
        (done,) = await rig.sink.wait_for(CommandCompleted)
        assert (done.outcome, simulated.coils) == (CommandOutcome.DONE, [True])
        await rig.simulated[5].unplug()
        await eventually(lambda: simulated.coils == [False])


async def test_an_output_stays_until_told_otherwise(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY, outputs=1)])
    device = rig.add(5, outputs=1)
    async with rig.at_work():
        await rig.online(5)
        device.submit(SetOutput("c-1", "r5", 0, True, time.monotonic() + 2))
        await rig.sink.wait_for(CommandCompleted)
        assert rig.simulated[5].coils == [True]
        device.submit(SetOutput("c-2", "r5", 0, False, time.monotonic() + 2))
        await rig.sink.wait_for(CommandCompleted, 2)
        assert rig.simulated[5].coils == [False]


async def test_every_command_has_its_outcome_and_none_goes_late(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY, outputs=1)])
    device = rig.add(5, outputs=1)
    async with rig.at_work():
        await rig.online(5)
        now_s = time.monotonic()
        device.submit(SetOutput("late", "r5", 0, True, now_s - 0.001))
        device.submit(SetOutput("nowhere", "r5", 1, True, now_s + 2))
        device.submit(PulseOutput("long", "r5", 0, True, 26.0, now_s + 2))
        await rig.sink.wait_for(CommandCompleted, 3)
        await rig.simulated[5].unplug()
        device.submit(PulseOutput("lost", "r5", 0, True, 1.0, time.monotonic() + 0.5))
        await rig.sink.wait_for(CommandCompleted, 4)
        await rig.offline(5)
        rig.simulated[5].plug()
        await rig.online(5)
        await rig.read(5)
    outcomes = {each.command_id: each.outcome for each in rig.sink.of(CommandCompleted)}
    assert outcomes.pop("lost") in (CommandOutcome.EXPIRED, CommandOutcome.FAILED)
    assert outcomes == {
        "late": CommandOutcome.EXPIRED,
        "nowhere": CommandOutcome.FAILED,
        "long": CommandOutcome.FAILED,
    }
    assert shown(rig.simulated[5], osdp_sys.CMD_OUTPUT) == []


# Losing a reader, losing the line


async def test_a_lost_port_takes_its_readers_along_and_brings_them_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY), OsdpReader(6, KEY)])
    rig.add(5)
    rig.add(6)
    async with rig.at_work():
        await rig.online(5)
        await rig.online(6)
        rig.line.line.unplug()
        await rig.offline(5)
        await rig.offline(6)
        lost = [each for each in rig.sink.of(LinkChanged) if each.state is OFFLINE and each.device != "bus"]
        assert all(each.detail.startswith(f"{BUS_OFFLINE}: bus: ") for each in lost)
        rig.line.line.plug()
        await rig.online(5)
        await rig.online(6)
        await rig.read(6)
    bus = [each.state for each in rig.sink.of(LinkChanged) if each.device == "bus"]
    assert bus == [ONLINE, OFFLINE, ONLINE]


# What a line does to bytes


async def test_noise_around_answers_costs_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    rig.line.meddle = lambda _command, said: b"\x00\x12\x99" + said + b"\xa5\x00"
    async with rig.at_work():
        await rig.online(5)
        for number in range(10):
            await rig.read(5, Card("H10301", number + 1, 123))
    assert [each.readings[0].identifier.number for each in rig.sink.of(CardRead)] == [*range(1, 11)]
    assert rig.states(5) == [ONLINE]
    assert rig.bus.counters()["rejected"] >= 10
    assert len(rig.sink.of(FramesRejected)) == 1


async def test_an_adapter_that_echoes_is_no_trouble(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [OsdpReader(5, KEY)])
    rig.add(5)
    rig.line.meddle = lambda command, said: b"\xff" + command + said
    async with rig.at_work():
        await rig.online(5)
        await rig.read(5)
    assert rig.sink.of(FramesRejected) == []
