"""What a reader shows, as libosdp's commands: light and sound for each indication; pure.

LED and buzzer commands: v2.2, sections 6.10 and 6.11; times in units of 100 ms. libosdp 3.2.9's Python side keeps only
eight bits of a duration.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import osdp_sys

from gateway.domain.commands import Indication

TICK_S = 0.1
TICKS_MAX = 255

_TEMPORARY = 2
"""Show it now, and afterwards what was there before."""
_DEFAULT_TONE = 2


@dataclass(frozen=True, slots=True)
class _Show:
    color: int
    on_ticks: int
    off_ticks: int
    ticks: int
    beep_ticks: int
    beeps: int


_SHOWS = {
    Indication.GRANTED: _Show(osdp_sys.LED_COLOR_GREEN, 1, 0, 20, 2, 1),
    Indication.DENIED: _Show(osdp_sys.LED_COLOR_RED, 2, 2, 16, 1, 3),
    Indication.WAITING: _Show(osdp_sys.LED_COLOR_AMBER, 3, 3, 100, 1, 1),
}
"""Waiting lasts as long as a PIN is waited for by default; the outcome replaces it."""


def light(indication: Indication) -> dict[str, Any]:
    """The command for the first LED of the reader."""
    show = _SHOWS[indication]
    return {
        "command": osdp_sys.CMD_LED,
        "reader": 0,
        "led_number": 0,
        "temporary": True,
        "control_code": _TEMPORARY,
        "on_color": show.color,
        "off_color": osdp_sys.LED_COLOR_NONE,
        "on_count": show.on_ticks,
        "off_count": show.off_ticks,
        "timer_count": show.ticks,
    }


def sound(indication: Indication) -> dict[str, Any]:
    """The command for the reader's buzzer."""
    show = _SHOWS[indication]
    return {
        "command": osdp_sys.CMD_BUZZER,
        "reader": 0,
        "control_code": _DEFAULT_TONE,
        "on_count": show.beep_ticks,
        "off_count": 1,
        "rep_count": show.beeps,
    }


def status(kind: int) -> dict[str, Any]:
    """The question for a status report: local (tamper, power), inputs or outputs."""
    return {"command": osdp_sys.CMD_STATUS, "type": kind, "report": b""}


def hold(output: int, energise: bool) -> dict[str, Any]:
    """Set an output for good, and end what is timed (v2.2, section 6.7)."""
    return _output(output, 2 if energise else 1)


def pulse(output: int, energise: bool, duration_s: float) -> Iterator[dict[str, Any]]:
    """Set an output for a while, timed by the reader; then let it rest the other way, whatever it did before.

    Raises ValueError for what the reader can't be told.
    """
    ticks = round(duration_s / TICK_S)
    if not 1 <= ticks <= TICKS_MAX:
        raise ValueError(f"a reader times 0.1 to {TICKS_MAX * TICK_S:.1f} s")
    yield _output(output, 5 if energise else 6, ticks)
    yield _output(output, 3 if energise else 4)


def _output(output: int, code: int, ticks: int = 0) -> dict[str, Any]:
    return {"command": osdp_sys.CMD_OUTPUT, "output_no": output, "control_code": code, "timer_count": ticks}
