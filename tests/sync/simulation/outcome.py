"""What a play came to."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """What a seed came to."""

    seed: int
    events: int = 0
    forks: int = 0
    boxes: int = 1
    lists: int = 0
    """That the office made; and what became of them at the gates."""
    in_force: int = 0
    refused: int = 0
    held: int = 0
    revoked: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    """How often the office gave one by which way."""
    answered: int = 0
    """Those who waited at a gate, and heard what the office said."""
    troubles: list[str] = field(default_factory=list)
    died_at: set[str] = field(default_factory=set)
    """Lines of the product at whose await a machine died."""
    faults: list[str] = field(default_factory=list)
    """What was done to it, in order: read it to understand a trouble."""
