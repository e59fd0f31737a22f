"""What goes wrong around a door: rubbish on a line, a cable pulled, a full disk. The door goes on."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.journeys.doors_process import DoorsProcess
from tests.journeys.raw_board import GOLDEN_READ, GOLDEN_TAG, RawBoard, RawLine
from tests.small_disk import NoSmallDisk, fill_disk
from tests.small_disk import small_disk as mounted
from tests.waiting import wait_until


class Gate:
    """One running site on bare ptys."""

    def __init__(self, data: Path) -> None:
        self.site = DoorsProcess(data, [GOLDEN_TAG])
        self.reader, self.board_line = RawLine(data / "tty" / "reader"), RawLine(data / "tty" / "board")
        self.board = RawBoard(self.board_line, lambda _: None)
        self.last_swipe_s = float("-inf")
        self.site.start()
        wait_until(lambda: self.board.polls > 2, 20, "the board is polled")

    def swipe_opens(self) -> None:
        """Swipe; the relay is written once more. (Identical reads within a second are one swipe.)"""
        before, after_s = self.board.relay_writes, self.last_swipe_s + 1.1
        wait_until(lambda: time.monotonic() > after_s, 5, "the last swipe is over")
        self.reader.write(GOLDEN_READ)
        self.last_swipe_s = time.monotonic()
        wait_until(lambda: self.board.relay_writes > before, 10, "the relay is written")

    def may_be_recorded(self, swipes: int) -> None:
        """Wait until so many grants are in the journal, or so long that its writer has tried and failed."""
        with suppress(AssertionError):
            wait_until(lambda: len(self.site.events("AccessGranted")) == swipes, 2, "the grant is journalled")

    def close(self) -> None:
        """End it all."""
        self.site.stop()
        self.reader.close()
        self.board_line.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    started = Gate(tmp_path)
    yield started
    started.close()


def test_endless_rubbish_on_the_readers_line_is_counted_and_the_next_card_opens(gate: Gate) -> None:
    for _ in range(50):
        gate.reader.write(os.urandom(1000).replace(b"\x02", b"\x00"))
    gate.swipe_opens()
    wait_until(lambda: bool(gate.site.events("RubbishReceived")), 10, "the rubbish is journalled")
    assert gate.site.events("AccessGranted")


def test_a_reader_that_vanishes_is_told_once_and_works_again_when_it_returns(gate: Gate, tmp_path: Path) -> None:
    gate.reader.close()
    wait_until(lambda: bool(gate.site.events("DeviceLost")), 15, "the loss is journalled")
    gate.reader = RawLine(tmp_path / "tty" / "reader")
    wait_until(lambda: bool(gate.site.events("DeviceReturned")), 15, "the return is journalled")
    gate.swipe_opens()
    assert [event.body["device"] for event in gate.site.events("DeviceLost")] == ["reader"]


def test_a_second_doors_process_on_the_same_data_is_refused(gate: Gate) -> None:
    second = DoorsProcess.__new__(DoorsProcess)
    second.data, second.config = gate.site.data, gate.site.config
    second.start()
    assert second.process is not None
    assert second.process.wait(20) == 2
    gate.swipe_opens()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    try:
        with mounted(tmp_path / "disk", 3) as folder:
            yield folder
    except NoSmallDisk as why:
        pytest.skip(str(why))


@pytest.mark.timeout(120)
def test_a_full_disk_keeps_no_door_shut_and_is_told_when_there_is_room_again(small_disk: Path) -> None:
    gate = Gate(small_disk / "s")
    filler = small_disk / "filler"
    try:
        gate.swipe_opens()
        wait_until(lambda: bool(gate.site.events("CommandEnded")), 10, "the first swipe is journalled")
        fill_disk(filler)
        swipes = 1
        # What is left of the journal's own file may hold some more.
        while len(gate.site.events("AccessGranted")) == swipes:
            gate.swipe_opens()
            swipes += 1
            gate.may_be_recorded(swipes)
        filler.unlink()
        wait_until(lambda: len(gate.site.events("AccessGranted")) == swipes, 20, "the other swipes are journalled too")
        kinds = [event.body["kind"] for event in gate.site.events("AlarmRaised")]
        assert "journal_unavailable" in kinds
    finally:
        gate.close()
