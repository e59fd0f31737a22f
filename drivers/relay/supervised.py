"""Supervised inputs: an end-of-line resistor pair makes a cut wire and a shorted one readable. Pure.

The loop is measured as a number. Each of four states has its range; what lies between two ranges keeps the state of
before, so that a value on an edge doesn't chatter.
"""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


class LoopState(StrEnum):
    """What the loop of a supervised input says."""

    NORMAL = "normal"
    ACTIVE = "active"
    SHORT = "short"
    OPEN_CIRCUIT = "open_circuit"


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Range = Annotated[tuple[int, int], BeforeValidator(_pair)]


class SupervisedInput(BaseModel):
    """`supervised = { "0" = {…} }`: what the input measures in each state, from and to, both included."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    normal: Range
    active: Range
    short: Range
    open_circuit: Range

    @model_validator(mode="after")
    def _apart(self) -> Self:
        ranges = sorted((getattr(self, state.value), state.value) for state in LoopState)
        for (low, high), name in ranges:
            if not 0 <= low <= high <= MEASURED_MAX:
                raise ValueError(f"{name} is [from, to], ascending, within 0 and {MEASURED_MAX}")
        for ((_, high), one), ((low, _), other) in pairwise(ranges):
            if low <= high:
                raise ValueError(f"{one} and {other} overlap: leave a gap between them, in which the state stays")
        if {ranges[0][1], ranges[-1][1]} != {"short", "open_circuit"}:
            raise ValueError("short and open_circuit are the two ends: normal and active lie between them")
        return self

    def judge(self, measured: int, before: LoopState | None) -> LoopState:
        """The state of a measured value: that of its range; beyond the ends, that of the end.

        In a gap the state of before stays if it borders on it. A value that lies in a gap from the first, or jumped
        there, is none that this loop can have: a fault.
        """
        ranges = sorted((getattr(self, state.value), state) for state in LoopState)
        below = [state for (low, _), state in ranges if low <= measured]
        above = [state for (_, high), state in ranges if high >= measured]
        if not below or not above:
            return above[0] if above else below[-1]
        nearest = (below[-1], above[0])
        if before is not None and before in nearest:
            return before
        if below[-1] is above[0]:
            return above[0]
        return LoopState.SHORT if LoopState.SHORT in nearest else LoopState.OPEN_CIRCUIT


MEASURED_MAX = 0xFFFF
"""A Modbus register's; a 10-bit converter's is 1023."""
