"""libosdp driven by hand: what it costs in memory, over as many commands as a day has."""

import gc
import sys
import tracemalloc
from collections.abc import Callable

import osdp_sys

from drivers.osdp import indications
from drivers.osdp.panel import Buffers, Panel
from gateway.domain.commands import Indication
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.clear_reader import ClearReader
from tests.drivers.osdp.line import KEY

COMMANDS = 2000
ROUNDS = 3
GROWTH_MAX_BYTES = 50 * COMMANDS
"""A forgotten event is 200 bytes, and a status report is two."""


def exchange(panel: Panel, reader: ClearReader) -> int:
    """One frame and its answer; how many events came of it."""
    frame = panel.outgoing().lstrip(b"\xff")
    events = panel.incoming(reader.answer(frame)) if frame else []
    panel.take_outcomes()
    reader.heard.clear()
    return len(events)


def growth_of(work: Callable[[], None]) -> int:
    """By how many bytes a round of work has grown what is allocated: the least of three rounds.

    In any of them a table of the interpreter's own, such as that of interned strings, may double once.
    """
    grown: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(ROUNDS):
            before, _peak = tracemalloc.get_traced_memory()
            work()
            after, _peak = tracemalloc.get_traced_memory()
            grown.append(after - before)
    finally:
        tracemalloc.stop()
    return min(grown)


def test_a_day_of_status_reports_and_lights_leaves_nothing_behind() -> None:
    panel, reader, told = Panel(5, None), ClearReader(5), 0
    while not panel.is_online:
        exchange(panel, reader)

    def work() -> None:
        nonlocal told
        for number in range(COMMANDS):
            report = indications.status(osdp_sys.STATUS_REPORT_LOCAL)
            panel.submit(report if number % 2 else indications.light(Indication.GRANTED))
            told += exchange(panel, reader) + exchange(panel, reader)

    assert growth_of(work) < GROWTH_MAX_BYTES
    assert told >= COMMANDS / 2


def test_panels_made_and_dropped_all_day_leave_nothing_behind() -> None:
    buffers = Buffers()

    def work() -> None:
        for _ in range(1000):
            Panel(5, KEY, buffers).outgoing()

    assert growth_of(work) < 50 * 1000


def test_a_simulated_reader_uses_up_no_none() -> None:
    """libosdp's peripheral drops a reference too many to what a command is answered with."""
    reader, panel = OsdpReader(5, KEY), Panel(5, KEY)
    reader.plug()
    while not panel.is_online:
        panel.incoming(reader.answer(panel.outgoing().lstrip(b"\xff")))
    gc.collect()  # What other tests left behind holds None too, and would be let go of in between.
    before = sys.getrefcount(None)
    for _ in range(500):
        panel.submit(indications.light(Indication.GRANTED))
        panel.incoming(reader.answer(panel.outgoing().lstrip(b"\xff")))
        panel.take_outcomes()
    assert len(reader.shown) >= 400
    assert abs(sys.getrefcount(None) - before) < 300
