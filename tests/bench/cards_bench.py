"""How fast cards are read from bits, and what judging a list's numbers costs."""

import time
from collections.abc import Callable

from drivers.wiegand import s4a
from drivers.wiegand.formats import BUILT_IN
from drivers.wiegand.message import read_message
from drivers.wiegand.printed import printed_forms
from drivers.wiegand.track2 import read_track, write_track
from tests.bench.rows import Row, row

ROUNDS, CALLS = 200, 200


def run() -> list[Row]:
    """Microseconds a call, medians of short rounds."""
    h10301 = BUILT_IN.encode("H10301", 123, 4567)
    h10306 = BUILT_IN.encode("H10306", 54321, 4567)
    c1k48s = BUILT_IN.encode("C1k48s", 1234567, 7654321)
    track = write_track("1234567890123456")
    framer = s4a.make_framer("H10301")
    return [
        _timed("cards: one format of 26 bits", lambda: BUILT_IN.read(*h10301, ("H10301",)), "H10301"),
        _timed("cards: every format of 26 bits", lambda: BUILT_IN.read(*h10301), "2 readings"),
        _timed("cards: every format of 34 bits", lambda: BUILT_IN.read(*h10306), "7 readings"),
        _timed("cards: every format of 48 bits", lambda: BUILT_IN.read(*c1k48s), "1 reading, 3 parities"),
        _timed("cards: a message's meaning", lambda: read_message(*h10306, BUILT_IN, ("H10306",)), "card or key"),
        _timed("cards: a converter's line", lambda: framer.feed(b"0008065495\r\n", 0.0), "12 bytes, s4a"),
        _timed("cards: a magnetic stripe", lambda: read_track(*track), "16 digits"),
        _timed("cards: printed forms", lambda: printed_forms(*h10306), "34 bits"),
        _timed("cards: does a number fit its format", lambda: BUILT_IN.fits("H10301", 123, 4567), "asked for each"),
    ]


def _timed(name: str, call: Callable[[], object], note: str) -> Row:
    samples = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        samples.append((time.perf_counter() - start) / CALLS * 1e6)
    return row(name, samples, "µs", note)
