"""Swipes on bare ptys while the doors process is stopped and continued at random: every one must reach the relay.

`python -m tests.soak swipes [COUNT] [SEED]`. A stop of up to 0.3 s is what a busy or badly virtualised machine does to
a process. What is lost is printed with what the journal and the process's log say of that time.
"""

import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store.journal_reader import SqliteJournalReader
from tests.bench.doors_bench import TAGS, frame
from tests.bench.rows import machine, row
from tests.journeys.doors_process import DoorsProcess
from tests.journeys.raw_board import RawBoard, RawLine
from tests.waiting import wait_until

COUNT, SEED = 100_000, 7
STOP_EVERY_S, STOP_S = (0.5, 3.0), (0.02, 0.3)
GIVEN_UP_S = 5.0
OWN_PAUSE_S = 0.4
"""If this process itself stood still so long inside a frame, the reader was right to call it half a frame."""


@dataclass(slots=True)
class Found:
    """What came of the swipes."""

    took_ms: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    own_pauses: int = 0


class Stops:
    """Stops and continues a process at random until told to end."""

    def __init__(self, pid: int, seeded: random.Random) -> None:
        self._pid, self._seeded, self._over = pid, seeded, threading.Event()
        self.count = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._over.wait(self._seeded.uniform(*STOP_EVERY_S)):
            os.kill(self._pid, signal.SIGSTOP)
            self._over.wait(self._seeded.uniform(*STOP_S))
            os.kill(self._pid, signal.SIGCONT)
            self.count += 1

    def end(self) -> None:
        """Leave the process running."""
        self._over.set()
        self._thread.join()


def run(words: list[str]) -> int:
    """Swipe; print the figures; 1 if any swipe was lost."""
    count, seed = (int(word) for word in [*words, *map(str, (COUNT, SEED)[len(words) :])])
    print(f"{machine()}\n{count} swipes, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        site = DoorsProcess(Path(folder) / "s", TAGS)
        relay: queue.Queue[float] = queue.Queue()
        lines = [RawLine(site.data / "tty" / name) for name in ("reader", "board")]
        board = RawBoard(lines[1], lambda _: relay.put(time.perf_counter()))
        site.start()
        wait_until(lambda: board.polls > 3, 20, "the board is polled")
        assert site.process is not None
        seeded = random.Random(seed)
        stops = Stops(site.process.pid, seeded)
        try:
            found = _swipe(site, lines[0], relay, count, random.Random(seed + 1))
        finally:
            stops.end()
            site.stop()
        rejected, granted = _told(site)
    print(row("read to relay, the process stopped at random", found.took_ms, "ms", f"{stops.count} stops"))
    print(f"{len(found.lost)} lost; {found.own_pauses} broken by a pause of this program itself")
    print(f"{rejected} frames rejected, as far as it was told")
    print(*found.lost, sep="\n")
    if granted != count - found.own_pauses:
        print(f"{granted} grants were recorded")
    return 1 if found.lost or granted != count - found.own_pauses else 0


def _swipe(
    site: DoorsProcess, reader: RawLine, relay: "queue.Queue[float]", count: int, seeded: random.Random
) -> Found:
    found = Found()
    for n in range(count):
        data, cut = frame(TAGS[n % len(TAGS)]), seeded.randrange(1, 14)
        time.sleep(seeded.uniform(0.004, 0.03))
        while not relay.empty():  # A command that was told again: its answer came late.
            relay.get_nowait()
        begun_s = time.perf_counter()
        reader.write(data[:cut])
        time.sleep(seeded.uniform(0, 0.01))
        sent_s = time.perf_counter()
        reader.write(data[cut:])
        written_s = time.perf_counter()
        try:
            found.took_ms.append((relay.get(timeout=GIVEN_UP_S) - sent_s) * 1000)
        except queue.Empty:
            if written_s - begun_s > OWN_PAUSE_S:
                found.own_pauses += 1
            else:
                found.lost.append(_what_is_known(site, n, written_s - begun_s))
        if n % 5000 == 4999:
            print(f"  {n + 1}: {len(found.lost)} lost", file=sys.stderr, flush=True)
    return found


def _told(site: DoorsProcess) -> tuple[int, int]:
    """Frames of which the reader told that they were none, and grants, as the journal has them."""
    reader, row, rejected, granted = SqliteJournalReader(site.data / "journal.db"), 0, 0, 0
    try:
        while events := reader.after(row, 5000):
            rejected += sum(event.body["count"] for event in events if event.type == "RubbishReceived")
            granted += sum(event.type == "AccessGranted" for event in events)
            row = events[-1].row_id
    finally:
        reader.close()
    return rejected, granted


def _what_is_known(site: DoorsProcess, number: int, pause_s: float) -> str:
    events = [f"{e.seq} {e.type} {e.body}" for e in site.newest(12)]
    log = (site.data / "doors.log").read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
    return "\n".join([f"swipe {number}, {pause_s * 1000:.1f} ms inside its frame", *events, *log])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
