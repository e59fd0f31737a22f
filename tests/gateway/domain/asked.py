"""One question to the engine, told by what differs from a card that passes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.access import decide
from gateway.domain.access_request import (
    AccessRequest,
    Circumstances,
    Decision,
    PersonFacts,
    PointRules,
    Shown,
)
from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.credential import Credential, Grade, Pass
from gateway.domain.listed import Area, Authentication, ListedAccessPoint, Setting
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.site import DegradedMode
from tests.gateway.domain.listing import ALWAYS, NEVER, MemoryAccessList, card, level, listing

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1)
SITE_CODE = ("H10301", 123)
BY_FACILITY = PointRules(degraded=DegradedMode.FACILITY_CODE, facility=SITE_CODE)
ROTATING = Pass("v-1", "app", None, ("residents",), None, LATER, made_at=NOON)
SEEN_INSIDE = PersonFacts(known=True, area="yard", since=NOON)
SEEN_OUTSIDE = PersonFacts(known=True, since=NOON)
UNSEEN = PersonFacts()
LEAVE = PersonFacts(local_grant_until=LATER)


def a_card(number: int, grade: Grade = Grade.CLONABLE) -> Shown:
    return Shown((card(number).canonical(),), grade, facilities=(SITE_CODE,))


def a_pass(**more: Any) -> Shown:
    return Shown((), Grade.PASS, replace(ROTATING, **more))


@dataclass(frozen=True)
class Asked:
    """Card 1 of p-1 at the north gate at noon, with what differs from that."""

    shown: tuple[Shown, ...] = (a_card(1),)
    card: dict[str, Any] = field(default_factory=dict)
    holder: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    point: dict[str, Any] = field(default_factory=dict)
    wants: Authentication | None = None
    areas: tuple[Area, ...] = ()
    levels: tuple[str, ...] = ("residents",)
    schedule: str = "always"
    request: dict[str, Any] = field(default_factory=dict)
    around: dict[str, Any] = field(default_factory=dict)
    facts: PersonFacts = UNSEEN
    suspect: bool = False
    without: dict[str, Any] = field(default_factory=dict)
    """Parts of the list that are replaced as a whole."""

    def list(self) -> MemoryAccessList:
        settings = () if self.wants is None else (Setting("always", self.wants),)
        held = tuple(HeldLevel(name) for name in self.levels)
        made = listing(
            credentials={
                card(1): replace(Credential("c-1", "p-1"), **self.card),
                card(2): Credential("c-2", "p-2"),
            },
            cardholders=(
                replace(Cardholder("p-1", levels=held), **self.holder),
                replace(Cardholder("p-2", levels=held), **self.second),
            ),
            levels=tuple(level(name, "north", schedule=self.schedule) for name in ("residents", "staff")),
            schedules=(ALWAYS, NEVER),
            access_points=(replace(ListedAccessPoint("north", settings=settings), **self.point),),
            areas=self.areas,
        )
        return replace(made, **self.without)

    def decide(self) -> Decision:
        quality = ClockQuality.SUSPECT if self.suspect else ClockQuality.SYNCHRONISED
        request = replace(AccessRequest("north", self.shown), **self.request)
        circumstances = replace(Circumstances(people={"c-1": self.facts, "pass:app/v-1": self.facts}), **self.around)
        return decide(request, Moment(NOON, 1.0, "boot", quality), self.list(), circumstances)


def answer(decision: Decision) -> str:
    return "granted" if decision.granted else str(decision.reason or decision.wants)


def steps(decision: Decision) -> list[tuple[str, bool, str]]:
    return [(step.check, step.passed, step.subject) for step in decision.trace]
