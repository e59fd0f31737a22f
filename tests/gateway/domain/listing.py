"""An access list in plain dictionaries, for the pure core's tests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.domain.access import AccessLevel, ListedAccessPoint
from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.credential import Credential, Identifier
from gateway.domain.schedule import Period, Schedule

EVERY_DAY = frozenset(range(7))
ALWAYS = Schedule("always", (Period(EVERY_DAY, 0, 1440),))
NEVER = Schedule("never", ())
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class MemoryAccessList:
    """`gateway.domain.access.AccessList` without a file."""

    version: int = 1
    zone: ZoneInfo = SHANGHAI
    issued_at: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    credentials: dict[Identifier, Credential] = field(default_factory=dict)
    cardholders: dict[str, Cardholder] = field(default_factory=dict)
    levels: dict[str, AccessLevel] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    access_points: dict[str, ListedAccessPoint] = field(default_factory=dict)

    def credential(self, identifier: Identifier) -> Credential | None:
        return self.credentials.get(identifier)

    def cardholder(self, cardholder_id: str) -> Cardholder | None:
        return self.cardholders.get(cardholder_id)

    def level(self, level_id: str) -> AccessLevel | None:
        return self.levels.get(level_id)

    def schedule(self, schedule_id: str) -> Schedule | None:
        return self.schedules.get(schedule_id)

    def access_point(self, access_point_id: str) -> ListedAccessPoint | None:
        return self.access_points.get(access_point_id)


def card(number: int) -> Identifier:
    """A 26-bit card of the site."""
    return Identifier("H10301", 123, number)


def listing(
    *,
    version: int = 1,
    zone: str = "Asia/Shanghai",
    credentials: dict[Identifier, Credential] | None = None,
    cardholders: Iterable[Cardholder] = (),
    levels: Iterable[AccessLevel] = (),
    schedules: Iterable[Schedule] = (ALWAYS,),
    access_points: Iterable[ListedAccessPoint] = (),
) -> MemoryAccessList:
    """A list of these parts, each found by its id."""
    return MemoryAccessList(
        version=version,
        zone=ZoneInfo(zone),
        credentials=credentials or {},
        cardholders={c.id: c for c in cardholders},
        levels={level.id: level for level in levels},
        schedules={s.id: s for s in schedules},
        access_points={p.id: p for p in access_points},
    )


def resident_listing(*, version: int = 1, unlock: Schedule | None = None) -> MemoryAccessList:
    """Card 1 opens every door of `plant.SITE`, card 2 too and takes longer; `unlock` leaves the north door unlocked."""
    doors = ("north", "lobby", "barrier", "shed")
    held = (HeldLevel("residents"),)
    return listing(
        version=version,
        credentials={card(1): Credential("c-1", "p-1"), card(2): Credential("c-2", "p-2")},
        cardholders=(Cardholder("p-1", levels=held), Cardholder("p-2", levels=held, extended_time=True)),
        levels=(AccessLevel("residents", tuple((door, "always") for door in doors)),),
        schedules=(ALWAYS, *((unlock,) if unlock else ())),
        access_points=tuple(
            ListedAccessPoint(door, unlock.id if unlock and door == "north" else None) for door in doors
        ),
    )
