"""The time that the gateway adds between the last byte of a read and the first byte to the relay, on real ptys.

Measured outside the process: the reader's last byte is written, the relay's first byte is read. Alone, and beside busy
neighbours: two processes that burn both cores, one that exports the whole journal over and over.
"""

import os
import queue
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gateway.processes import NEIGHBOURS_NICE
from tests.bench.rows import Row, row, single
from tests.journeys.doors_process import DoorsProcess
from tests.journeys.raw_board import RawBoard, RawLine
from tests.waiting import wait_until

TAGS = list(range(1000, 1400))
SWIPES = 400
_BURN = "while True: sum(i * i for i in range(10000))"
EXPORT = """
import sys, csv, io
from pathlib import Path
from gateway.store.journal_reader import SqliteJournalReader
while True:
    reader, row, out = SqliteJournalReader(Path(sys.argv[1])), 0, csv.writer(io.StringIO())
    while events := reader.after(row, 500):
        out.writerows([e.row_id, e.wall, e.type, e.body] for e in events)
        row = events[-1].row_id
    reader.close()
"""


def frame(tag: int) -> bytes:
    """An RDM6300 frame of version 1."""
    payload = bytes([1, *tag.to_bytes(4, "big")])
    check = 0
    for byte in payload:
        check ^= byte
    return b"\x02" + payload.hex().upper().encode() + f"{check:02X}".encode() + b"\x03"


def run() -> list[Row]:
    """Alone and busy."""
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        site = DoorsProcess(Path(folder) / "s", TAGS)
        relay: queue.Queue[float] = queue.Queue()
        lines = [RawLine(site.data / "tty" / name) for name in ("reader", "board")]
        board = RawBoard(lines[1], lambda _: relay.put(time.perf_counter()))
        started_s = time.perf_counter()
        site.start()
        wait_until(lambda: board.polls > 3, 20, "the board is polled")
        first_s = time.perf_counter() - started_s
        try:
            alone = swipe(lines[0], relay)
            with Neighbours(site) as count:
                busy = swipe(lines[0], relay)
        finally:
            site.stop()
            for line in lines:
                line.close()
    return [
        single("start of the doors process to the board's first polls", first_s, "s"),
        row("read to relay, alone", alone, "ms", "a poll of the board that is on the wire goes first"),
        row("read to relay, busy", busy, "ms", f"{count} busy neighbour processes"),
    ]


def swipe(reader: RawLine, relay: "queue.Queue[float]") -> list[float]:
    """Milliseconds from each read's last byte to the relay's first, the reads spread over the poll's phase."""
    seeded, took = random.Random(7), []
    for n in range(SWIPES):
        data = frame(TAGS[n % len(TAGS)])
        time.sleep(0.010 + seeded.random() * 0.05)
        reader.write(data[:-1])
        sent_s = time.perf_counter()
        reader.write(data[-1:])
        took.append((relay.get(timeout=5) - sent_s) * 1000)
        time.sleep(0.02)
    return took


class Neighbours:
    """Processes that keep both cores and the disk busy, as nice as the gateway starts the doors' neighbours."""

    def __init__(self, site: DoorsProcess) -> None:
        words = [[sys.executable, "-c", _BURN]] * (os.cpu_count() or 2)
        words.append([sys.executable, "-c", EXPORT, str(site.data / "journal.db")])
        self._processes = [subprocess.Popen(["nice", "-n", str(NEIGHBOURS_NICE), *w]) for w in words]

    def __enter__(self) -> int:
        return len(self._processes)

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
