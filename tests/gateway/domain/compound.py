"""A compound with two gates, an inner door, a vault and a lift, and a list that uses what an office may say."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.domain import signals as sg
from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.controller import Controller, Turn
from gateway.domain.credential import Credential, Grade, Identifier, Reading
from gateway.domain.events import AccessDenied, AccessGranted, AccessRequested
from gateway.domain.listed import AccessLevel, Area, Authentication, Grant, ListedAccessPoint, Setting
from gateway.domain.register import Register
from gateway.domain.schedule import Schedule
from gateway.domain.site import (
    AccessPoint,
    Door,
    DoorGroup,
    InputPurpose,
    Interlock,
    InterlockRule,
    Lift,
    Lock,
    LockKind,
    ReaderRules,
    Site,
    SiteInput,
    Terminal,
    Wiring,
)
from gateway.domain.snapshot import ControllerState
from tests.gateway.domain.listing import ALWAYS, MemoryAccessList, card, listing, pin_hash
from tests.gateway.domain.plant import GUARD, Rig


def door(name: str, number: int, **more: Any) -> Door:
    """A door with lock, contact and exit button on one board: output `number`, inputs 2n and 2n + 1."""
    lock = Lock(Terminal("board", number), LockKind.FAIL_SECURE, Wiring.NO)
    return Door(name, lock, contact=Terminal("board", 2 * number), rex=Terminal("board", 2 * number + 1), **more)


SITE = Site(
    id="compound",
    zone=ZoneInfo("Asia/Shanghai"),
    doors={
        "north": door("north", 0, escape_route=True),
        "south": door("south", 1),
        "inner": door("inner", 2),
        "vault": door("vault", 3),
        "flap": Door("flap", Lock(Terminal("board", 4), LockKind.FAIL_SECURE, Wiring.NO)),
    },
    access_points={
        "north-in": AccessPoint("north-in", "north", ("ni",), position_m=(0.0, 0.0)),
        "north-out": AccessPoint("north-out", "north", ("no",), exit=True),
        "south-in": AccessPoint("south-in", "south", ("si",), position_m=(0.0, 400.0)),
        "south-out": AccessPoint("south-out", "south", ("so",)),
        "inner-in": AccessPoint("inner-in", "inner", ("ii",)),
        "vault-in": AccessPoint(
            "vault-in", "vault", ("vi",), rules={"vi": ReaderRules(Grade.CLONABLE, frozenset({Grade.CLONABLE}))}
        ),
        "flap-in": AccessPoint("flap-in", "flap", ("fi",)),
        "lift": AccessPoint("lift", None, ("li",), lift="lift-1"),
    },
    inputs={"smoke": SiteInput("smoke", InputPurpose.FIRE, Terminal("alarms", 0, inverted=True))},
    lifts={"lift-1": Lift("lift-1", {"1": Terminal("car", 0), "2": Terminal("car", 1), "3": Terminal("car", 2)})},
    door_groups={"gates": DoorGroup("gates", ("north", "south"))},
    interlocks=(Interlock("sluice", InterlockRule.ONE_OPEN, ("inner", "vault")),),
)
POINTS = tuple(SITE.access_points)
WAYS = {
    "north-in": (None, "yard"),
    "north-out": ("yard", None),
    "south-in": (None, "yard"),
    "south-out": ("yard", None),
    "inner-in": ("yard", "hall"),
    "flap-in": (None, "yard"),
}
"""Where each access point leads from and to; the others lead nowhere else."""


def person(number: int, **more: Any) -> Cardholder:
    """Cardholder `p-N`, who may go everywhere."""
    return replace(Cardholder(f"p-{number}", levels=(HeldLevel("all"),)), **more)


def of(number: int, **more: Any) -> Credential:
    """Credential `c-N` of cardholder `p-N`."""
    return replace(Credential(f"c-{number}", f"p-{number}"), **more)


def pin(number: int, digits: str, duress: str | None = None) -> dict[str, Any]:
    """The PINs of credential `c-N`."""
    return {
        "pin": pin_hash(f"c-{number}", digits),
        "duress_pin": None if duress is None else pin_hash(f"c-{number}", duress),
    }


def compound_list(
    *,
    people: Iterable[Cardholder] = (),
    credentials: dict[Identifier, Credential] | None = None,
    areas: Iterable[Area] = (),
    wants: dict[str, Authentication] | None = None,
    points: dict[str, dict[str, Any]] | None = None,
    schedules: Iterable[Schedule] = (),
    levels: Iterable[AccessLevel] = (),
    **more: Any,
) -> MemoryAccessList:
    """Cards 1 to 5 of people 1 to 5, who may go everywhere; what is given replaces or adds."""
    holders = {f"p-{n}": person(n) for n in range(1, 6)} | {each.id: each for each in people}
    cards = {card(n): of(n) for n in range(1, 6)} | (credentials or {})
    everywhere = AccessLevel("all", tuple(Grant(point, "always", ("1", "2")) for point in POINTS))
    listed = [
        replace(
            ListedAccessPoint(
                point,
                None,
                (Setting("always", wants[point]),) if wants and point in wants else (),
                *WAYS.get(point, (None, None)),
            ),
            **(points or {}).get(point, {}),
        )
        for point in POINTS
    ]
    return listing(
        credentials=cards,
        cardholders=holders.values(),
        levels=(everywhere, *levels),
        schedules=(ALWAYS, *schedules),
        access_points=listed,
        areas=(*(Area(name) for name in ("yard", "hall") if name not in {a.id for a in areas}), *areas),
        **more,
    )


class Compound(Rig):
    """A rig on this compound, every door closed."""

    def __init__(self, access_list: MemoryAccessList | None = None, site: Site = SITE, **more: Any) -> None:
        super().__init__(site, access_list or compound_list(), **more)
        self.closed_and_ready()

    def show(self, number: int, reader: str = "ni") -> Turn:
        """A card, not within a second of the last one."""
        self.pass_time(1.5)
        return self.swipe(number, reader)

    def type(self, digits: str, reader: str = "ni") -> Turn:
        """A PIN and `#`."""
        for key in digits:
            self.handle(sg.KeyPressed(reader, key, self.monotonic_s))
        return self.handle(sg.KeyPressed(reader, "#", self.monotonic_s))

    def text(self, text: str, reader: str = "ni") -> Turn:
        """What a scanner reads."""
        self.pass_time(1.5)
        return self.handle(sg.TextRead(reader, text, self.monotonic_s))

    def walk(self, number: int, reader: str) -> Turn:
        """Show a card, open, close again. The turn of the card."""
        turn = self.show(number, reader)
        door_id = next(p.door for p in self.site.access_points.values() if reader in p.readers)
        if granted(turn) and door_id is not None and self.site.doors[door_id].contact is not None:
            self.open(door_id)
            self.close(door_id)
        return turn

    def confirm(self, request: str, allow: bool = True) -> Turn:
        return self.handle(sg.AccessConfirmRequested(self.request(), request, allow, GUARD))

    def block(self, subject: str, blocked: bool = True, reason: str = "seen on camera") -> Turn:
        return self.handle(sg.BlockRequested(self.request(), subject, blocked, reason, GUARD))

    def let_in(self, credential: str, points: tuple[str, ...], hours: float) -> Turn:
        until = self.wall + timedelta(hours=hours)
        return self.handle(sg.LocalGrantRequested(self.request(), credential, points, until, "no card today", GUARD))

    def lock_down(self, group: str | None = None) -> Turn:
        expires_at = self.wall + timedelta(seconds=5)
        return self.handle(sg.LockdownRequested(self.request(), group, "threat", GUARD, expires_at))

    def forgive(self, cardholder: str | None) -> Turn:
        return self.handle(sg.ForgiveRequested(self.request(), cardholder, "tailgated", GUARD))

    def handle_card(self, identifier: Identifier, reader: str = "ni") -> Turn:
        """A card by its identifier."""
        self.pass_time(1.5)
        return self.handle(sg.CardRead(reader, (Reading(identifier),), self.monotonic_s))

    def restarted(self) -> "Compound":
        """The same site after the process was killed and started again."""
        state = msgspec.json.decode(msgspec.json.encode(self.controller.snapshot()), type=ControllerState)
        register = Register(self.controller.register.all_facts())
        self.controller = Controller(self.site, state, register)
        self.handle(sg.GatewayStarting("0", restored=True))
        return self

    def where(self, number: int) -> str | None:
        """The area that a person is in: `?` if nobody knows."""
        found = self.controller.register.whereabouts.get(f"p-{number}")
        return "?" if found is None else found.area


def granted(turn: Turn) -> bool:
    return any(isinstance(event, AccessGranted) for event in turn.events)


def why(turn: Turn) -> str | None:
    """The reason of the turn's denial."""
    return next((event.reason for event in turn.events if isinstance(event, AccessDenied)), None)


def wants(turn: Turn) -> str | None:
    """What the request still wants."""
    return next((event.wants for event in turn.events if isinstance(event, AccessRequested)), None)


def asked(turn: Turn) -> str:
    """The request's name."""
    return next(event.request for event in turn.events if isinstance(event, AccessRequested))
