"""Kill the doors process at the first relay byte, again and again: no opening may be missing from the journal."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from gateway.store.journal_reader import SqliteJournalReader
from tests.journeys.doors_process import DoorsProcess
from tests.journeys.raw_board import GOLDEN_READ, GOLDEN_TAG, RawBoard, RawLine
from tests.waiting import wait_until

ROUNDS = 50


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_every_opening_is_journalled_though_the_process_dies_at_the_first_relay_byte(tmp_path: Path) -> None:
    site = DoorsProcess(tmp_path, [GOLDEN_TAG])
    reader_line, board_line = RawLine(tmp_path / "tty" / "reader"), RawLine(tmp_path / "tty" / "board")
    board = RawBoard(board_line, lambda frame: site.kill())
    for _ in range(ROUNDS):
        polls, writes = board.polls, board.relay_writes
        site.start()
        process = site.process
        assert process is not None
        wait_until(partial(_polled, board, polls + 2), 20, "the board is polled")
        wait_until(lambda: site.events("GatewayStarted"), 20, "the start is journalled")
        reader_line.write(GOLDEN_READ)
        wait_until(partial(_dead, process), 20, "the process is dead")
        assert board.relay_writes == writes + 1
    released = [event for event in site.events("LockReleased") if event.body["because"] == "grant"]
    flagged = site.events("LockFoundReleased")
    assert len(released) + len(flagged) == ROUNDS == board.relay_writes
    assert len(site.events("AccessGranted")) == len(released)
    assert len({event.body["command_id"] for event in released}) == len(released)
    reader = SqliteJournalReader(tmp_path / "journal.db")
    assert reader.verify().broken_row is None
    seqs = [event.seq for event in site.events()]
    assert seqs == list(range(1, len(seqs) + 1))
    reader_line.close()
    board_line.close()


def _polled(board: RawBoard, more_than: int) -> bool:
    return board.polls > more_than


def _dead(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is not None
