"""An access list in plain dictionaries, for the pure core's tests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.credential import Credential, Identifier, Pass
from gateway.domain.listed import AccessLevel, Area, Grant, ListedAccessPoint
from gateway.domain.schedule import Period, Schedule

EVERY_DAY = frozenset(range(7))
ALWAYS = Schedule("always", (Period(EVERY_DAY, 0, 1440),))
NEVER = Schedule("never", ())
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class MemoryAccessList:
    """`gateway.domain.listed.AccessList` without a file: keys are canonical texts, passes are known by their text."""

    version: int = 1
    zone: ZoneInfo = SHANGHAI
    issued_at: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    fallback: bool = False
    credentials: dict[Identifier, Credential] = field(default_factory=dict)
    cardholders: dict[str, Cardholder] = field(default_factory=dict)
    levels: dict[str, AccessLevel] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    access_points: dict[str, ListedAccessPoint] = field(default_factory=dict)
    area_table: dict[str, Area] = field(default_factory=dict)
    passes: dict[str, Pass] = field(default_factory=dict)
    generation: int = 0

    def key(self, identifier: Identifier) -> str:
        return identifier.canonical()

    def credential(self, key: str) -> Credential | None:
        return next((held for identifier, held in self.credentials.items() if identifier.canonical() == key), None)

    def credential_by_id(self, credential_id: str) -> Credential | None:
        return next((held for held in self.credentials.values() if held.id == credential_id), None)

    def pin_key(self, credential_id: str, digits: str) -> bytes:
        return pin_hash(credential_id, digits)

    def open_pass(self, text: str) -> Pass | None:
        return self.passes.get(text)

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        return self.cardholders.get(cardholder_id)

    def level(self, level_id: str) -> AccessLevel | None:
        return self.levels.get(level_id)

    def schedule(self, schedule_id: str) -> Schedule | None:
        return self.schedules.get(schedule_id)

    def access_point(self, access_point_id: str) -> ListedAccessPoint | None:
        return self.access_points.get(access_point_id)

    def area(self, area_id: str) -> Area | None:
        return self.area_table.get(area_id)

    def areas(self) -> Iterable[Area]:
        return self.area_table.values()


def card(number: int) -> Identifier:
    """A 26-bit card of the site."""
    return Identifier("H10301", 123, number)


def pin_hash(credential_id: str, digits: str) -> bytes:
    """What this list knows a credential's PIN by."""
    return sha256(f"PIN:{credential_id}:{digits}".encode()).digest()[:16]


def level(id_: str, *access_points: str, schedule: str = "always") -> AccessLevel:
    """A level that leads to these access points by one schedule."""
    return AccessLevel(id_, tuple(Grant(point, schedule) for point in access_points))


def listing(
    *,
    version: int = 1,
    zone: str = "Asia/Shanghai",
    fallback: bool = False,
    credentials: dict[Identifier, Credential] | None = None,
    cardholders: Iterable[Cardholder] = (),
    levels: Iterable[AccessLevel] = (),
    schedules: Iterable[Schedule] = (ALWAYS,),
    access_points: Iterable[ListedAccessPoint] = (),
    areas: Iterable[Area] = (),
    passes: dict[str, Pass] | None = None,
) -> MemoryAccessList:
    """A list of these parts, each found by its id; passes by the text that a scanner reads."""
    return MemoryAccessList(
        version=version,
        zone=ZoneInfo(zone),
        fallback=fallback,
        credentials=credentials or {},
        cardholders={c.id: c for c in cardholders},
        levels={level.id: level for level in levels},
        schedules={s.id: s for s in schedules},
        access_points={p.id: p for p in access_points},
        area_table={area.id: area for area in areas},
        passes=passes or {},
    )


def resident_listing(*, version: int = 1, unlock: Schedule | None = None) -> MemoryAccessList:
    """Card 1 opens every door of `plant.SITE`, card 2 too and takes longer; `unlock` leaves the north door unlocked."""
    doors = ("north", "lobby", "barrier", "shed")
    held = (HeldLevel("residents"),)
    return listing(
        version=version,
        credentials={card(1): Credential("c-1", "p-1"), card(2): Credential("c-2", "p-2")},
        cardholders=(Cardholder("p-1", levels=held), Cardholder("p-2", levels=held, extended_time=True)),
        levels=(level("residents", *doors),),
        schedules=(ALWAYS, *((unlock,) if unlock else ())),
        access_points=tuple(
            ListedAccessPoint(door, unlock.id if unlock and door == "north" else None) for door in doors
        ),
    )
