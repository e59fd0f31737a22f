"""What is remembered of people and credentials, one small fact a key, so that a turn writes only what it changed.

Facts lie beside the checkpoint, in the same transaction as the turn's events (docs/decisions/0005).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a cardholder's last taken passage led (None: outside). `forgiven`: anti-passback doesn't ask."""

    area: str | None
    at: datetime
    access_point: str
    credential: str | None = None
    special_care: bool = False
    forgiven: bool = False


@dataclass(frozen=True, slots=True)
class Uses:
    """How often a credential or pass was granted: in all, and on one local day (`YYYY-MM-DD`)."""

    total: int = 0
    day: str = ""
    today: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A guard's block of a credential or a cardholder."""

    reason: str
    actor: str
    post: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LocalGrant:
    """A guard's leave for a credential to pass some access points, until a time at most 24 h later."""

    access_points: tuple[str, ...]
    until: datetime
    reason: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True)
class LastUse:
    """Where and when a credential was granted last."""

    access_point: str
    at: datetime
    monotonic_s: float
    boot_id: str


@dataclass(frozen=True, slots=True)
class Made:
    """A rotating pass that was shown: one of this or an earlier time is not taken again."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Revoked:
    """The office has revoked a credential: a list of this (generation, version) says so itself."""

    generation: int
    version: int


FactValue: TypeAlias = Whereabouts | Uses | Block | LocalGrant | LastUse | Made | Revoked
FACT_KINDS: dict[str, type[FactValue]] = {
    "whereabouts": Whereabouts,
    "uses": Uses,
    "block": Block,
    "local_grant": LocalGrant,
    "last_use": LastUse,
    "made": Made,
    "revoked": Revoked,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its kind, its key, and its value; None when it is forgotten.

    Keys: a cardholder's id for whereabouts, `credential:ID` or `cardholder:ID` for a block; for the others a
    credential's id, or a pass's name (`pass:KEY/ID`; those of before passes were named with their key: `pass:ID`).
    """

    kind: str
    key: str
    value: FactValue | None


def facts_of_person(cardholder: str, credentials: Iterable[str]) -> list[tuple[str, str]]:
    """Kind and key of each fact that there may be of a person and their credentials."""
    found = [("whereabouts", cardholder), ("block", f"cardholder:{cardholder}")]
    for credential in credentials:
        found += [(kind, credential) for kind in ("uses", "local_grant", "last_use", "made")]
        found.append(("block", f"credential:{credential}"))
    return found


class Register:
    """All facts in memory. `changed` collects what a turn changed until `take_changed`."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._tables: dict[str, dict[str, Any]] = {kind: {} for kind in FACT_KINDS}
        self.whereabouts: dict[str, Whereabouts] = self._tables["whereabouts"]
        self.uses: dict[str, Uses] = self._tables["uses"]
        self.blocks: dict[str, Block] = self._tables["block"]
        self.local_grants: dict[str, LocalGrant] = self._tables["local_grant"]
        self.last_uses: dict[str, LastUse] = self._tables["last_use"]
        self.made: dict[str, Made] = self._tables["made"]
        self.revoked: dict[str, Revoked] = self._tables["revoked"]
        self.inside: dict[str, int] = {}
        """How many people each area holds."""
        self._changed: dict[tuple[str, str], FactValue | None] = {}
        for fact in facts:
            self.put(fact.kind, fact.key, fact.value)
        self._changed = {}

    def put(self, kind: str, key: str, value: FactValue | None) -> None:
        """Remember a fact, or forget it (None)."""
        table = self._tables[kind]
        if kind == "whereabouts":
            self._count(table.get(key), -1)
            self._count(value, 1)
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
        self._changed[kind, key] = value

    def forget_person(self, cardholder: str, credentials: Iterable[str]) -> None:
        """Forget whatever is remembered of a person and of credentials that were theirs."""
        for kind, key in facts_of_person(cardholder, credentials):
            if key in self._tables[kind]:
                self.put(kind, key, None)

    def take_changed(self) -> tuple[Fact, ...]:
        """What changed since the last call, the newest value of each."""
        changed, self._changed = self._changed, {}
        return tuple(Fact(kind, key, value) for (kind, key), value in changed.items())

    def all_facts(self) -> tuple[Fact, ...]:
        """Every fact."""
        return tuple(Fact(kind, key, value) for kind, table in self._tables.items() for key, value in table.items())

    def _count(self, value: FactValue | None, step: int) -> None:
        if isinstance(value, Whereabouts) and value.area is not None:
            self.inside[value.area] = self.inside.get(value.area, 0) + step
