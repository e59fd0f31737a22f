"""What is counted down stays counted: a card with three uses opens three times, whatever kills the doors process."""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.register import Uses
from gateway.store.access_list import compile_list, parse_list
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_folder import set_current
from gateway.store.site_key import load_site_key
from tests.journeys.doors_process import SITE, DoorsProcess, small_list
from tests.journeys.raw_board import GOLDEN_READ, GOLDEN_TAG, RawBoard, RawLine
from tests.waiting import wait_until

PLATE = "京A12345"
USES = 3


def _use_list(site: DoorsProcess, **changes: Any) -> None:
    """Put a newer list in force in which the one credential is changed."""
    document = small_list([GOLDEN_TAG], version=2)
    document["credentials"][0] |= changes
    compiled = compile_list(
        parse_list(json.dumps(document).encode()), load_site_key(site.data / "secrets"), site.data / "lists"
    )
    set_current(site.data / "lists", compiled)


def _uses(site: DoorsProcess) -> list[Uses]:
    reader = SqliteJournalReader(site.data / "journal.db")
    try:
        return [fact.value for fact in reader.facts("uses") if isinstance(fact.value, Uses)]
    finally:
        reader.close()


def _polled(board: RawBoard, more_than: int) -> bool:
    return board.polls > more_than


def _started(site: DoorsProcess, times: int) -> bool:
    return len(site.events("GatewayStarted")) == times


def _dead(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is not None


@pytest.mark.alone
def test_card_of_three_uses_opens_three_times_though_the_process_dies_at_each_relay_byte(tmp_path: Path) -> None:
    site = DoorsProcess(tmp_path, [GOLDEN_TAG])
    _use_list(site, uses=USES)
    reader_line, board_line = RawLine(tmp_path / "tty" / "reader"), RawLine(tmp_path / "tty" / "board")
    board = RawBoard(board_line, lambda frame: site.kill())
    for number in range(1, USES + 2):
        polls = board.polls
        site.start()
        process = site.process
        assert process is not None
        wait_until(partial(_polled, board, polls + 2), 20, "the board is polled")
        wait_until(partial(_started, site, number), 20, "the start is journalled")
        reader_line.write(GOLDEN_READ)
        if number <= USES:
            wait_until(partial(_dead, process), 20, "the process is dead")
            assert [uses.total for uses in _uses(site)] == [number], "the use was recorded before the relay moved"
    wait_until(lambda: site.events("AccessDenied"), 20, "the fourth is denied")
    site.stop()
    assert [event.body["reason"] for event in site.events("AccessDenied")] == ["UsesExhausted"]
    assert (board.relay_writes, len(site.events("AccessGranted"))) == (USES, USES)
    reader_line.close()
    board_line.close()


@pytest.mark.alone
def test_plate_that_a_scanner_reads_opens_the_gate(tmp_path: Path) -> None:
    site = DoorsProcess(tmp_path, [GOLDEN_TAG])
    device = '[device.lane]\ndriver = "text-scanner"\nport = "tty/lane"\n'
    site.config.write_text(SITE.replace('readers = ["reader"]', 'readers = ["reader", "lane"]') + device)
    _use_list(site, format="PLATE", number=PLATE)
    lines = [RawLine(tmp_path / "tty" / name) for name in ("reader", "board", "lane")]
    board = RawBoard(lines[1], lambda frame: None)
    site.start()
    wait_until(lambda: board.polls > 2 and site.events("GatewayStarted"), 20, "the board is polled")
    lines[2].write("京a 12345\r\n".encode())
    wait_until(lambda: board.relay_writes == 1, 20, "the gate is released")
    site.stop()
    (granted,) = site.events("AccessGranted")
    assert (granted.version, granted.body["reader"], granted.body["credential"]) == (2, "lane", "c-1")
    assert PLATE not in json.dumps([event.body for event in site.events()], ensure_ascii=False)
    for line in lines:
        line.close()
