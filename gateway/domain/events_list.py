"""Events of the office's access lists: in force, refused, waiting for a second yes; and what the office revokes."""

from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivated(Occurrence):
    """An access list is in force: its version, its digest (of the gateway's own file) and its credentials' number."""

    list_version: int
    digest: str
    credentials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRejected(Occurrence):
    """A list or revocations from the office were refused; the old ones stay.

    `list_version` is None where it was revocations. `faults` are words for people, the first 50.
    """

    list_version: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHeld(Occurrence):
    """A list waits for a second yes: how many lose passage, gain it, may pass everywhere, and doors that stand open.

    It waits until one as new is in force, another is held, or its alarm (list_waiting) is normal again.
    """

    list_version: int
    removed: int
    granted: int
    all_doors: int
    unlocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConfirmed(Occurrence):
    """Somebody at the site said yes to a list that waited: a supervisor, or two people."""

    list_version: int
    reason: str
    actor: str
    second: str | None
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRevoked(Occurrence):
    """The office's revocations number `sequence` have credentials refused until a list says so.

    One that comes after its list counts where that list's file is damaged, and an older one stands in.
    """

    sequence: int
    credentials: tuple[str, ...]


ListEvent: TypeAlias = ListActivated | ListRejected | ListHeld | ListConfirmed | CredentialsRevoked
