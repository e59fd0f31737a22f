"""A new access list on its way: what the office's manifest promises of it, what changes, what wants a second yes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PromisedList:
    """What a manifest says that the list will be. `root` are 32 bytes over all that it holds."""

    site: str
    generation: int
    version: int
    issued_at: datetime
    count: int
    """Cardholders and credentials together."""
    root: bytes


@dataclass(frozen=True, slots=True)
class ListChanges:
    """Entries put and taken out, as the office wrote them: JSON texts, whose bytes are what is digested.

    `rules` are the texts of all members of LIST.json beside cardholders and credentials; None where none changed.
    """

    rules: dict[str, bytes] | None = None
    cardholders: tuple[bytes, ...] = ()
    credentials: tuple[bytes, ...] = ()
    gone_cardholders: tuple[str, ...] = ()
    gone_credentials: tuple[str, ...] = ()


class ListGuard(StrEnum):
    """What an office's own mistake, or whoever has stolen its key, would do (docs/protocol.md, "Guards")."""

    REMOVED = "removed"
    """Many can't pass any more."""
    GRANTED = "granted"
    """Many can pass who couldn't."""
    ALL_DOORS = "all_doors"
    """Somebody can pass everywhere."""
    UNLOCKED = "unlocked"
    """A door is to stand unlocked."""


@dataclass(frozen=True, slots=True)
class GuardedChange:
    """One reason why a list waits: of how many it is so."""

    guard: ListGuard
    count: int


@dataclass(frozen=True, slots=True)
class GuardBounds:
    """From where on it wants a second yes: a share of the list's credentials, but never fewer than so many."""

    removed_percent: float = 5.0
    removed_least: int = 20
    granted_percent: float = 10.0
    granted_least: int = 50
    all_doors: bool = True
    unlocked: bool = True
    wired: frozenset[str] = frozenset()
    """The access points that there are at the site: what a list says beside them is nobody's door."""
