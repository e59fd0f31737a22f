"""A data directory is copied and both copies run: the record forks, the office calls for somebody, no door minds."""

import asyncio
import re
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.ports import RecordedEvent
from gateway.store.journal_reader import SqliteJournalReader
from tests.journeys.doors_process import OFFICE, DoorsProcess
from tests.journeys.raw_board import GOLDEN_READ, GOLDEN_TAG, RawBoard, RawLine
from tests.sync.site import TOKEN, Office
from tests.waiting import wait_until, wait_until_async


class Box:
    """One box: its data directory, its lines, and its doors and sync processes, with a boot id of its own."""

    def __init__(self, data: Path) -> None:
        self.data, self._boot_id = data, str(uuid.uuid4())
        self.reader, self.line = RawLine(data / "tty" / "reader"), RawLine(data / "tty" / "board")
        self.board = RawBoard(self.line, lambda _: None)
        self._last_swipe_s = float("-inf")
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """The doors, and once they poll, sync."""
        before = self.board.polls
        for name in ("doors", "sync"):
            words = [sys.executable, "-m", "tests.journeys.another_machine", self._boot_id, name]
            place = ["--config", str(self.data / "site.toml"), "--data", str(self.data)]
            with (self.data / f"{name}.log").open("ab") as log:
                self._processes.append(subprocess.Popen([*words, *place], stderr=log))
            wait_until(lambda: self.board.polls > before + 2, 20, "the board is polled")

    def swipe_opens(self) -> None:
        """Swipe; the relay is written once more. (Identical reads within a second are one swipe.)"""
        before, after_s = self.board.relay_writes, self._last_swipe_s + 1.1
        wait_until(lambda: time.monotonic() > after_s, 5, "the last swipe is over")
        self.reader.write(GOLDEN_READ)
        self._last_swipe_s = time.monotonic()
        wait_until(lambda: self.board.relay_writes > before, 10, "the relay is written")

    def rows(self) -> list[RecordedEvent]:
        """The whole journal, which holds."""
        journal = SqliteJournalReader(self.data / "journal.db")
        try:
            assert journal.verify().fault == ""
            return journal.after(0, 10_000)
        finally:
            journal.close()

    def stop(self) -> None:
        """End both processes."""
        while self._processes:
            process = self._processes.pop()
            process.terminate()
            process.wait(15)

    def said_by(self, name: str) -> str:
        """The log of a process."""
        return (self.data / f"{name}.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """Stop, and pull the lines out."""
        self.stop()
        self.reader.close()
        self.line.close()


@pytest.mark.timeout(180)
async def test_a_copied_data_directory_run_twice_forks_and_calls_and_both_doors_open(tmp_path: Path) -> None:
    async with Office(tmp_path / "office", "--site", "small") as office:
        DoorsProcess(tmp_path / "one", [GOLDEN_TAG], OFFICE.format(url=office.url)).keep_secret("token", TOKEN)
        boxes = [Box(tmp_path / "one")]
        try:
            boxes[0].start()
            boxes[0].swipe_opens()
            await _has_all(office, boxes)
            boxes[0].stop()
            shutil.copytree(tmp_path / "one", tmp_path / "two", symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
            boxes.append(Box(tmp_path / "two"))
            for box in boxes:
                box.start()
            for box in boxes:
                box.swipe_opens()
            await wait_until_async(lambda: any(_forks(box) for box in boxes), 40, "one of them has forked")
            for box in boxes:
                box.swipe_opens()
            await _has_all(office, boxes)
            summary = await _summary(office)
            assert {"history_forked", "clone"} <= {alarm["kind"] for alarm in summary["alarms"]}
            (clone,) = (alarm for alarm in summary["alarms"] if alarm["kind"] == "clone")
            starts = [set(re.findall("goes by the id ([0-9a-f]{32})", box.said_by("sync"))) for box in boxes]
            assert [len(theirs & set(re.findall("[0-9a-f]{32}", clone["detail"]))) for theirs in starts] == [1, 1]
            assert (summary["gaps"], summary["unsound"]) == (0, 0)
            assert [sum(row.type == "AccessGranted" for row in box.rows()) for box in boxes] == [3, 3]
            assert sorted(len({row.epoch for row in box.rows()}) for box in boxes) == [1, 2]
        finally:
            for box in boxes:
                box.close()


def _forks(box: Box) -> list[RecordedEvent]:
    return [row for row in box.rows() if row.type == "HistoryForked"]


async def _summary(office: Office) -> dict[str, Any]:
    answer = await office.ask("GET", "/admin/v1/sites/small/summary")
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _has_all(office: Office, boxes: list[Box]) -> None:
    """Wait until the office has each event of the boxes, and each once."""
    deadline = time.monotonic() + 60
    while True:
        ids = {row.event_id for box in boxes for row in box.rows()}
        answer = await office.ask("GET", "/admin/v1/sites/small/events?after=0&limit=1000")
        there = [event["event_id"] for event in answer.raise_for_status().json()["events"]]
        assert len(there) == len(set(there))
        if set(there) == ids:
            return
        assert time.monotonic() < deadline, f"{len(there)} of {len(ids)} events are at the office"
        await asyncio.sleep(0.1)
