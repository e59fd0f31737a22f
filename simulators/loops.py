"""The loops of supervised inputs: what each measures, whole, cut or shorted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

WIRE_FAULTS = {"short": "short", "open": "open_circuit"}
"""What can be done to a wire, and the state that a site's config describes it as."""


@dataclass(slots=True)
class Loops:
    """`levels`: input, state, and what the loop measures then. A fault hides what the contact says."""

    levels: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)

    def measured(self, number: int, energised: bool) -> int | None:
        """What stands at the board's converter; None: this input has no loop."""
        levels = self.levels.get(number)
        return None if levels is None else levels[self.faults.get(number, "active" if energised else "normal")]

    def damage(self, number: int, done: str) -> None:
        """Short or cut the wire; anything else mends it."""
        self.faults.pop(number, None)
        if done in WIRE_FAULTS:
            self.faults[number] = WIRE_FAULTS[done]


@runtime_checkable
class Supervised(Protocol):
    """A board whose inputs may have loops."""

    loops: Loops

    def set_input(self, number: int, energised: bool) -> None:
        """Close or open the contact."""
        ...
