"""One turn on its way to the disk."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.events import Event
from gateway.domain.moment import Moment
from gateway.domain.register import FactValue
from gateway.store.journal_commit import TurnCommit

Facts: TypeAlias = Mapping[tuple[str, str], FactValue | None]
"""(kind, key) -> the value to remember, None to forget it."""


@dataclass(slots=True)
class Turn:
    """The events and facts of one `append`, their moment, the state after them, and what the caller waits on."""

    events: list[Event]
    moment: Moment
    checkpoint: bytes | None
    facts: dict[tuple[str, str], FactValue | None]
    commit: TurnCommit

    @property
    def rows(self) -> int:
        """How many rows it writes."""
        return len(self.events) + len(self.facts)

    def take_over(self, earlier: "Turn") -> None:
        """Carry also what an earlier turn without events had to remember: of each key the newer value stays."""
        earlier.facts.update(self.facts)
        self.facts = earlier.facts
        self.checkpoint = self.checkpoint or earlier.checkpoint


def fold_eventless(turns: deque[Turn]) -> None:
    """Join each turn that was given up and has no events left with the one after it.

    So a queue that waits for the disk is bounded by its events, and no fact comes before its turn or is lost.
    """
    kept: list[Turn] = []
    for turn in turns:
        if kept and not kept[-1].events and kept[-1].commit.settled:
            turn.take_over(kept.pop())
        kept.append(turn)
    turns.clear()
    turns.extend(kept)
