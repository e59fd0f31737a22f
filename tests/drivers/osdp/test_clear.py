"""Readers that keep to the standard, in clear: what libosdp's own peripheral can't show."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from drivers.osdp.reader import TEXT_CARDS
from drivers.osdp.station import State
from drivers.wiegand.formats import BUILT_IN
from gateway.domain.commands import IndicateAtReader, Indication, PulseOutput, SetOutput
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    FramesRejected,
    InputsChanged,
    LinkState,
    OutputsRead,
    ReaderConditionChanged,
)
from simulators.pty_line import PtyLine
from tests.drivers.osdp.clear_reader import BUZ, FMT, ISTAT, LED, LSTAT, OSTAT, OUT, POLL, ClearLine, ClearReader, frame
from tests.drivers.osdp.line import Rig
from tests.drivers.recording import eventually

ONLINE = LinkState.ONLINE


class ClearRig(Rig):
    """The driver on a line with readers in clear."""

    def __init__(self, folder: Path, clear: Sequence[ClearReader]) -> None:
        super().__init__(folder, [])
        self.clear_line = ClearLine(PtyLine(folder / "port", 115200), clear)

    def plug(self) -> None:
        self.clear_line.line.plug()

    def unplug(self) -> None:
        self.clear_line.line.unplug()


def card_bits(number: int = 4567) -> tuple[int, int]:
    return BUILT_IN.encode("H10301", 123, number)


@pytest.fixture(autouse=True)
def _asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.osdp.reader.ASK_EVERY_S", 0.2)


async def test_a_card_in_an_answer_that_was_lost_or_spoilt_is_said_again(tmp_path: Path) -> None:
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None)
    hits: list[bytes] = []

    def meddle(said: bytes) -> bytes:
        if said[5] != 0x50:
            return said
        hits.append(said)
        return (b"", said[:6], said, said[:7] + b"\xff" + said[8:], said)[(len(hits) - 1) % 5]

    async with rig.at_work():
        await rig.online(5)
        await eventually(lambda: len(reader.heard) > 15)
        rig.clear_line.meddle = meddle
        for number in range(1, 9):
            reader.show_bits(*card_bits(number))
        await rig.sink.wait_for(CardRead, 8)
    assert [each.readings[0].identifier.number for each in rig.sink.of(CardRead)] == [*range(1, 9)]
    assert rig.states(5) == [ONLINE]
    assert reader.repeated >= 12


async def test_inputs_outputs_and_condition_are_told_on_connecting_and_on_change(tmp_path: Path) -> None:
    reader = ClearReader(5, outputs=2, inputs=2)
    reader.inputs[1] = True
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None, outputs=2, inputs=2)
    async with rig.at_work():
        await rig.sink.wait_for(InputsChanged)
        await rig.sink.wait_for(OutputsRead)
        await rig.sink.wait_for(ReaderConditionChanged)
        reader.inputs[0] = reader.outputs[1] = True
        reader.condition = (True, True)
        await rig.sink.wait_for(InputsChanged, 2)
        await rig.sink.wait_for(OutputsRead, 2)
        await rig.sink.wait_for(ReaderConditionChanged, 2)
        asked = reader.heard.count(ISTAT)
        await eventually(lambda: reader.heard.count(ISTAT) > asked + 2)
    assert [each.inputs for each in rig.sink.of(InputsChanged)] == [((0, False), (1, True)), ((0, True),)]
    assert [each.outputs for each in rig.sink.of(OutputsRead)] == [((0, False), (1, False)), ((1, True),)]
    assert [(e.tampered, e.power_fault) for e in rig.sink.of(ReaderConditionChanged)] == [(False, False), (True, True)]


async def test_what_an_output_was_told_is_no_surprise(tmp_path: Path) -> None:
    reader = ClearReader(5, outputs=2)
    rig = ClearRig(tmp_path, [reader])
    device = rig.add(5, None, outputs=2)
    async with rig.at_work():
        await rig.sink.wait_for(OutputsRead)
        device.submit(SetOutput("hold", "r5", 0, True, time.monotonic() + 2))
        device.submit(PulseOutput("pulse", "r5", 1, True, 5.0, time.monotonic() + 2))
        await rig.sink.wait_for(CommandCompleted, 2)
        asked = reader.heard.count(OSTAT)
        await eventually(lambda: reader.heard.count(OSTAT) > asked + 2)
    assert {done.outcome for done in rig.sink.of(CommandCompleted)} == {CommandOutcome.DONE}
    assert reader.outputs == [True, True]
    assert len(rig.sink.of(OutputsRead)) == 1


async def test_what_a_reader_does_not_claim_to_have_is_not_asked_for(tmp_path: Path) -> None:
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None, outputs=1, inputs=1)
    async with rig.at_work():
        await rig.online(5)
        await eventually(lambda: reader.heard.count(LSTAT) > 2)
    assert not {ISTAT, OSTAT} & set(reader.heard)


@pytest.mark.parametrize(
    ("refused", "act"),
    [(LED, "indicate"), (BUZ, "indicate"), (LSTAT, ""), (OUT, "submit")],
    ids=["led", "buzzer", "status", "output"],
)
async def test_a_refused_command_costs_no_alarm_and_is_not_repeated_for_ever(
    tmp_path: Path, refused: int, act: str
) -> None:
    reader = ClearReader(5, outputs=1, refuses=[refused])
    rig = ClearRig(tmp_path, [reader])
    device = rig.add(5, None, outputs=1)
    async with rig.at_work():
        await rig.online(5)
        for _ in range(3):
            if act == "indicate":
                device.indicate(IndicateAtReader("c", "r5", Indication.GRANTED, time.monotonic() + 2))
            elif act == "submit":
                device.submit(SetOutput("c", "r5", 0, True, time.monotonic() + 2))
            polls = reader.heard.count(POLL)
            await eventually(lambda polls=polls: reader.heard.count(POLL) > polls + 5)  # type: ignore[misc]
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert rig.states(5) == [ONLINE]
    if act == "submit":
        assert [each.outcome for each in rig.sink.of(CommandCompleted)] == [CommandOutcome.FAILED] * 3
    else:
        assert reader.heard.count(refused) == 1
        assert device.counters()["refused"] == 1


async def test_a_reader_that_refuses_to_be_polled_does_not_take_the_line(tmp_path: Path) -> None:
    wrong, right = ClearReader(5, refuses=[POLL]), ClearReader(6)
    rig = ClearRig(tmp_path, [wrong, right])
    rig.add(5, None)
    rig.add(6, None)
    async with rig.at_work():
        await rig.online(6)
        polls = right.heard.count(POLL)
        await eventually(lambda: right.heard.count(POLL) > polls + 30)
        right.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert wrong.heard.count(POLL) < 10


async def test_a_reader_that_is_busy_is_asked_again_soon(tmp_path: Path) -> None:
    """libosdp would wait for 0.8 s each time: with a card in hand, before a door."""
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    device = rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        await eventually(lambda: len(reader.heard) > 15)
        reader.busy = 10
        began_s = time.monotonic()
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert reader.busy == 0
    assert time.monotonic() - began_s < 10 * 0.8 / 2
    assert rig.states(5) == [ONLINE]
    assert device.counters()["connects"] == 1


async def test_a_slow_reader_is_served_and_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    reader = ClearReader(5)
    reader.delay_s = 0.12
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        await eventually(lambda: len(reader.heard) > 15)
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert rig.states(5) == [ONLINE]
    assert reader.repeated == 0


async def test_an_order_whose_answer_never_comes_fails_at_its_expiry_and_is_not_repeated_later(tmp_path: Path) -> None:
    reader = ClearReader(5, outputs=1)
    rig = ClearRig(tmp_path, [reader])
    device = rig.add(5, None, outputs=1)
    async with rig.at_work():
        await rig.sink.wait_for(OutputsRead)
        await eventually(lambda: device.station.state is State.ONLINE)
        rig.clear_line.meddle = lambda said: b""
        heard = len(reader.heard)
        began_s = time.monotonic()
        device.submit(SetOutput("c", "r5", 0, True, began_s + 0.6))
        (done,) = await rig.sink.wait_for(CommandCompleted)
        assert done.outcome is not CommandOutcome.DONE
        assert 0.5 < time.monotonic() - began_s < 3.0
        orders = reader.heard[heard:].count(OUT)
        rig.clear_line.meddle = lambda said: said
        await eventually(lambda: device.counters()["connects"] == 2)
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert reader.heard[heard:].count(OUT) == orders <= 1


async def test_a_card_as_text_breaks_nothing_and_is_a_fault_of_the_reader_until_it_says_bits(tmp_path: Path) -> None:
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    device = rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        reader.waiting.append(bytes((FMT, 0, 0, 5)) + b"12345")
        (told,) = await rig.sink.wait_for(FramesRejected)
        (fault,) = rig.faults(5)
        reader.plugged = False
        await rig.offline(5)
        reader.plugged = True
        await rig.online(5)
        assert rig.faults(5) == [fault]
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert "osdp_FMT" in told.reason
    assert fault == (TEXT_CARDS,)
    assert rig.faults(5) == [fault, ()]
    assert device.counters()["connects"] == 2


async def test_a_reader_that_claims_to_say_cards_as_characters_only_is_a_fault_before_the_first_card(
    tmp_path: Path,
) -> None:
    reader = ClearReader(5)
    reader.card_data_format = 2
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        assert rig.faults(5) == [(TEXT_CARDS,)]
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)
    assert rig.faults(5) == [(TEXT_CARDS,), ()]


async def test_a_card_that_was_held_to_an_absent_reader_is_not_lost_on_asking_for_it(tmp_path: Path) -> None:
    reader = ClearReader(5)
    reader.plugged = False
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None)
    async with rig.at_work():
        await rig.offline(5)
        reader.show_bits(*card_bits())
        reader.plugged = True
        await rig.sink.wait_for(CardRead)


async def test_a_card_that_fits_no_format_is_told_as_rubbish_of_its_reader(tmp_path: Path) -> None:
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        reader.show_bits(5, 9)
        (told,) = await rig.sink.wait_for(FramesRejected)
    assert (told.device, told.reason) == ("r5", "no format of 9 bits")
    assert rig.sink.of(CardRead) == []


async def test_another_readers_frame_is_no_answer(tmp_path: Path) -> None:
    rig = ClearRig(tmp_path, [ClearReader(5)])
    rig.add(5, None)
    stranger = frame(9, 0, bytes.fromhex("50 00 01 1a00 51ed3640"))
    rig.clear_line.meddle = lambda said: stranger + said
    async with rig.at_work():
        await rig.online(5)
        await eventually(lambda: rig.bus.counters()["strays"] > 5)
    assert rig.sink.of(CardRead) == []


async def test_a_reader_whose_panel_falls_silent_gets_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libosdp looks at the wall clock: set back, it would poll nobody until that has caught up."""
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    device: Any = rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        panel = device.station._panel
        monkeypatch.setattr(panel, "outgoing", lambda: b"")
        await eventually(lambda: device.counters()["connects"] == 2)
        assert device.station._panel is not panel
        reader.show_bits(*card_bits())
        await rig.sink.wait_for(CardRead)


async def test_power_cycles_without_end_neither_leak_nor_wedge(tmp_path: Path) -> None:
    reader = ClearReader(5)
    rig = ClearRig(tmp_path, [reader])
    device = rig.add(5, None)
    async with rig.at_work():
        await rig.online(5)
        for _ in range(3):
            connects = device.counters()["connects"]
            device.station.drop()
            await eventually(lambda connects=connects: device.counters()["connects"] > connects)  # type: ignore[misc]
    assert rig.states(5) == [ONLINE]
