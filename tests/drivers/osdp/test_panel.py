"""libosdp driven by hand: what it costs in memory, over as many commands as a day has."""

import sys
import tracemalloc

import osdp_sys

from drivers.osdp import indications
from drivers.osdp.panel import Buffers, Panel
from gateway.domain.commands import Indication
from simulators.osdp_reader import OsdpReader
from tests.drivers.osdp.clear_reader import ClearReader
from tests.drivers.osdp.line import KEY

COMMANDS = 2000
GROWTH_MAX_BYTES = 50 * COMMANDS
"""A forgotten event is 200 bytes, and a status report is two."""


def exchange(panel: Panel, reader: ClearReader) -> int:
    """One frame and its answer; how many events came of it."""
    frame = panel.outgoing().lstrip(b"\xff")
    events = panel.incoming(reader.answer(frame)) if frame else []
    panel.take_outcomes()
    reader.heard.clear()
    return len(events)


def test_a_day_of_status_reports_and_lights_leaves_nothing_behind() -> None:
    panel, reader = Panel(5, None), ClearReader(5)
    while not panel.is_online:
        exchange(panel, reader)
    told = 0
    tracemalloc.start()
    try:
        for number in range(COMMANDS + 200):
            if number == 200:
                before, _ = tracemalloc.get_traced_memory()
            report = indications.status(osdp_sys.STATUS_REPORT_LOCAL)
            panel.submit(report if number % 2 else indications.light(Indication.GRANTED))
            told += exchange(panel, reader) + exchange(panel, reader)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told >= COMMANDS / 2
    assert after - before < GROWTH_MAX_BYTES


def test_panels_made_and_dropped_all_day_leave_nothing_behind() -> None:
    buffers = Buffers()
    tracemalloc.start()
    try:
        for number in range(1100):
            if number == 100:
                before, _ = tracemalloc.get_traced_memory()
            Panel(5, KEY, buffers).outgoing()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50 * 1000


def test_a_simulated_reader_uses_up_no_none() -> None:
    """libosdp's peripheral drops a reference too many to what a command is answered with."""
    reader, panel = OsdpReader(5, KEY), Panel(5, KEY)
    reader.plug()
    while not panel.is_online:
        panel.incoming(reader.answer(panel.outgoing().lstrip(b"\xff")))
    before = sys.getrefcount(None)
    for _ in range(500):
        panel.submit(indications.light(Indication.GRANTED))
        panel.incoming(reader.answer(panel.outgoing().lstrip(b"\xff")))
        panel.take_outcomes()
    assert len(reader.shown) >= 400
    assert abs(sys.getrefcount(None) - before) < 300
