"""What a relay board's outputs should read, by what was last read of them and last commanded; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

PULSE_GRACE_S = 1.0
"""A board starts a pulse when the command has crossed the line, and counts it in tenths of a second."""
PULSE_DRIFT = 0.05
"""Boards time pulses by an RC oscillator; those are trimmed to a few per cent."""


@dataclass(slots=True)
class _Expected:
    """How an output rests; `pulse_ends_s` is when a pulse that a board times is surely over."""

    energised: bool
    pulse_ends_s: float | None = None


class ExpectedOutputs:
    """Tells a board that forgot its outputs, or was told by another, from one that does what it was told.

    While a pulse is under way its output may read either way: the board began it a little later than it was told to,
    and ends it by its own clock. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._expected: dict[int, _Expected] = {}

    def start_over(self, outputs: Iterable[tuple[int, bool]]) -> None:
        """These were read and told on connecting; nothing older counts."""
        self._expected = {output: _Expected(energised) for output, energised in outputs}

    def pulse(self, output: int, energise: bool, duration_s: float, now_s: float) -> None:
        """A pulse goes out now, or has just gone: afterwards the output rests the other way."""
        self._expected[output] = _Expected(not energise, now_s + duration_s * (1 + PULSE_DRIFT) + PULSE_GRACE_S)

    def hold(self, output: int, energised: bool) -> None:
        """The board has said that the output stays so."""
        self._expected[output] = _Expected(energised)

    def forget(self, output: int) -> None:
        """Nobody knows how it stands (an unconfirmed command): whatever is read next is news."""
        self._expected.pop(output, None)

    def surprises(self, outputs: Iterable[tuple[int, bool]], asked_s: float) -> tuple[tuple[int, bool], ...]:
        """Those that are not as expected, each said once: from now on it is expected as it was read.

        `asked_s` is when the board was asked, so that an answer that took long is not held against a pulse.
        """
        found = tuple((output, energised) for output, energised in outputs if self._differs(output, energised, asked_s))
        for output, energised in found:
            self.hold(output, energised)
        return found

    def _differs(self, output: int, energised: bool, asked_s: float) -> bool:
        expected = self._expected.get(output)
        if expected is None:
            return True
        if expected.pulse_ends_s is not None and asked_s < expected.pulse_ends_s:
            return False
        return expected.energised is not energised
