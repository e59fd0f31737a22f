"""How Modbus relay boards differ: where coils begin, what switches one on, how one is told to time a pulse. Pure."""

from dataclasses import dataclass
from enum import StrEnum

PULSE_UNIT_S = 0.1
PULSE_UNITS_MAX = 0x7FFF
"""Waveshare's limit; LC's boards take twice as much, which no door needs."""


class Flash(StrEnum):
    """How a board is told to time a pulse."""

    COIL = "coil"
    """Function 05 to coil + 0200 (on) or 0400 (off), the time as the value (Waveshare Modbus RTU Relay)."""
    REGISTERS = "registers"
    """Function 10 to register 3 + 5 × relay: 4 (on) or 2 (off), and the time (LC Technology Modbus Relay V2.1)."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One maker's dialect. `on` is the value of function 05 that energises; 0000 is off in each."""

    first_coil: int = 0
    on: int = 0xFF00
    flash: Flash | None = None


PROFILES = {
    "waveshare": Profile(flash=Flash.COIL),
    "lc": Profile(flash=Flash.REGISTERS),
    "coils-from-1": Profile(first_coil=1, on=0x0100),
}
"""`coils-from-1` is the "Relay Board-4" clone, whose manual counts relays from 1 and writes 0100 for on."""

OFF = 0x0000


def pulse_units(duration_s: float) -> int:
    """A pulse's length in units of 100 ms, rounded, at least one. Raises ValueError beyond 3276.7 s."""
    units = max(1, round(duration_s / PULSE_UNIT_S))
    if units > PULSE_UNITS_MAX:
        raise ValueError(f"the board times pulses up to {PULSE_UNITS_MAX * PULSE_UNIT_S:.1f} s")
    return units


def flash_coil(output: int, energise: bool, duration_s: float) -> tuple[int, int]:
    """(coil, value) of function 05 for `Flash.COIL`."""
    return (0x0200 if energise else 0x0400) + output, pulse_units(duration_s)


def flash_registers(output: int, energise: bool, duration_s: float) -> tuple[int, list[int]]:
    """(first register, values) of function 10 for `Flash.REGISTERS`."""
    return 3 + 5 * output, [4 if energise else 2, pulse_units(duration_s)]
