"""Decisions and list swaps from a thousand to a million credentials, beside a dict and an indexed SQLite table.

Each size is prepared in one process and measured in a fresh one, so that memory is what the list costs. `anon` is
memory of the process's own, `file` are pages of the mapped list, which the kernel may take back.
"""

import asyncio
import gc
import hashlib
import itertools
import multiprocessing
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from drivers.wiegand.formats import BUILT_IN
from gateway.clock import SystemClock
from gateway.domain.access import decide
from gateway.domain.access_request import AccessRequest, Shown
from gateway.domain.credential import Identifier
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.store.access_list import CompiledAccessList, compile_list, open_list, parse_list
from gateway.worker import DOORS_NICE, THREAD_SWITCH_S
from tests.bench.large_list import FACILITY_CARDS, FORMAT, large_list
from tests.bench.rows import Row, row, single

SIZES = (1_000, 10_000, 100_000, 1_000_000)
DECISIONS, STEP, SWAPS = 20_000, 7919, 8
"""Cards are asked for in strides, so that none is near the one before."""
PAUSE_S, LATEST_LOOKS = 0.002, 50
"""Some 500 decisions a second, of which so many at least: no site is as busy."""
VERSIONS = (1, 2)
KEY = b"\x07" * 32


def run() -> list[Row]:
    """All figures of every size."""
    rows = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            rows += _alone(generate, folder, size)
            rows += _alone(prepare, folder, size)
            rows += _alone(measure, folder, size)
            rows += _alone(floors, folder, size)
    return rows


def generate(folder: str, size: int) -> list[Row]:
    """Two versions of a list; no figure of its own."""
    for version in VERSIONS:
        (Path(folder) / f"{version}.json").write_bytes(large_list(size, version))
    return []


def prepare(folder: str, size: int) -> list[Row]:
    """Parse and compile both."""
    rows = []
    for version in VERSIONS:
        source = (Path(folder) / f"{version}.json").read_bytes()
        before = sum(_memory_mb())
        start = time.perf_counter()
        document = parse_list(source, BUILT_IN.fits)
        parsed = time.perf_counter()
        compiled = compile_list(document, KEY, Path(folder))
        done = time.perf_counter()
        peak = _peak_mb() - before
        note, on_disk = f"{size} credentials", f"{compiled.path.stat().st_size / 1e6:.1f} MB"
        rows = [
            single("list: parse and judge", parsed - start, "s", f"{note}, {len(source) / 1e6:.1f} MB of JSON"),
            single("list: compile", done - parsed, "s", f"{note}, {on_disk} on the disk"),
            single("list: memory while parsing and compiling", peak, "MB", f"{note}, at most, beside the JSON"),
        ]
    return rows


def measure(folder: str, size: int) -> list[Row]:
    """Open a list, decide by it, and swap it, with what the doors process does for its threads and its memory."""
    sys.setswitchinterval(THREAD_SWITCH_S)
    with suppress(PermissionError):
        os.nice(DOORS_NICE)
    note = f"{size} credentials"
    old, new = sorted(Path(folder).glob("list-*.ghl"))
    gc.collect()
    gc.freeze()
    anon, file = _memory_mb()
    start = time.perf_counter()
    access_list = open_list(old, KEY)
    opened = time.perf_counter()
    moment = SystemClock().now()
    _decide(access_list, size - 1, moment)
    first = time.perf_counter()
    waits, worked = [], []
    for n in range(DECISIONS):
        work, asked = time.thread_time(), time.perf_counter()
        _decide(access_list, n * STEP % size, moment)
        known = time.perf_counter()
        worked.append((time.thread_time() - work) * 1e6)
        waits.append((known - asked) * 1e6)
    anon, file = (after - before for after, before in zip(_memory_mb(), (anon, file), strict=True))
    in_force = [access_list]
    del access_list
    quiet, swapping = [], []
    for path in (new, old) * (SWAPS // 2):
        quiet.append(asyncio.run(_longest_ms(partial(time.sleep, opened - start), in_force, size, moment)))
        swapping.append(asyncio.run(_longest_ms(partial(_open_into, in_force, path), in_force, size, moment)))
    return [
        single("list: open", (opened - start) * 1e3, "ms", note),
        single("list: open to the first decision", (first - start) * 1e3, "ms", note),
        row("decision", waits, "us", note),
        row("decision, processor time alone", worked, "us", note),
        single("decisions, one thread", DECISIONS / (sum(waits) / 1e6), "1/s", note),
        single("list: memory added", anon + file, "MB", f"{note}, {anon:.1f} anon, {file:.1f} file"),
        row("longest delay of a decision, without a swap", quiet, "ms", f"{note}, {SWAPS} times"),
        row("longest delay of a decision, during a swap", swapping, "ms", f"{note}, {SWAPS} times"),
    ]


def floors(folder: str, size: int) -> list[Row]:
    """The same cards in a dict of 16-byte keys, and in an indexed SQLite table."""
    keys = [hashlib.sha256(str(number).encode()).digest()[:16] for number in range(size)]
    table = {key: (f"c-{number:07}", f"p-{number:07}") for number, key in enumerate(keys)}
    connection = sqlite3.connect(Path(folder) / "floor.db")
    connection.execute("CREATE TABLE credential (key BLOB PRIMARY KEY, id TEXT, cardholder TEXT) WITHOUT ROWID")
    connection.executemany("INSERT INTO credential VALUES (?, ?, ?)", ((key, *table[key]) for key in sorted(keys)))
    connection.commit()
    query = "SELECT id, cardholder FROM credential WHERE key = ?"
    in_dict, in_sqlite = [], []
    for n in range(DECISIONS):
        key = keys[n * STEP % size]
        start = time.perf_counter()
        found = table[key]
        between = time.perf_counter()
        assert connection.execute(query, (key,)).fetchone() == found
        done = time.perf_counter()
        in_dict.append((between - start) * 1e6)
        in_sqlite.append((done - between) * 1e6)
    connection.close()
    note = f"{size} keys of 16 bytes"
    return [row("floor: dict look-up", in_dict, "us", note), row("floor: SQLite look-up", in_sqlite, "us", note)]


async def _longest_ms(
    work: Callable[[], object], in_force: list[CompiledAccessList], size: int, moment: Moment
) -> float:
    """The longest that a decision was late, and took, while a thread works; the newest list is in force at once.

    Without any pause between decisions the thread would hardly come by Python's lock, and work for minutes.
    """
    working = asyncio.create_task(asyncio.to_thread(work))
    longest = 0.0
    for n in itertools.count():
        asked = time.perf_counter()
        await asyncio.sleep(PAUSE_S)
        if len(in_force) > 1:
            del in_force[0]
        _decide(in_force[0], n * STEP % size, moment)
        longest = max(longest, time.perf_counter() - asked - PAUSE_S)
        if n > LATEST_LOOKS and working.done():
            return longest * 1e3
    raise AssertionError


def _open_into(in_force: list[CompiledAccessList], path: Path) -> None:
    in_force.append(open_list(path, KEY))


def _decide(access_list: AccessList, number: int, moment: Moment) -> None:
    card = Identifier(FORMAT, number // FACILITY_CARDS, number % FACILITY_CARDS)
    assert decide(AccessRequest("gate", (Shown((access_list.key(card),)),)), moment, access_list).granted


def _memory_mb() -> tuple[float, float]:
    """(anonymous, file-backed) memory of this process."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) / 1024, int(lines["RssFile"].split()[0]) / 1024


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _alone(figures: Callable[[str, int], list[Row]], folder: str, size: int) -> list[Row]:
    """The figures, from a process of their own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(figures, folder, size).result()
