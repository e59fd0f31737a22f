"""One request after another, decided as at the door; with a memory, each as if those before it had happened."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.commands.decide_requests import (
    Act,
    Asked,
    AskedDoor,
    AskedIdentifier,
    AskedShown,
    Blocking,
    Forgiving,
    LettingIn,
    ListStanding,
)
from gateway.commands.times import parse_time
from gateway.domain.access import decide
from gateway.domain.access_request import (
    AccessRequest,
    Circumstances,
    Decision,
    PinResult,
    PointRules,
    Shown,
    Want,
)
from gateway.domain.access_requests import LOCAL_GRANT_MAX
from gateway.domain.attempts import AttemptBook
from gateway.domain.checks_who import find_person
from gateway.domain.credential import Grade, Identifier
from gateway.domain.door_mode import DoorMode
from gateway.domain.entry import rules_of
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.passage import forgive, gather, note_grant, note_passage, standing, ways
from gateway.domain.register import Block, LocalGrant, Register
from gateway.domain.shown import plate, shown_as, shown_pass, typed_pin
from gateway.domain.site import ReaderRules, Site
from gateway.errors import ConfigError
from gateway.store.access_list import MemoryAccessList

_WHO = "what-if"
_PASS = "pass:"
"""A pass, and who shows one in no cardholder's name, are in no list before they are shown."""
_PLAIN_DOOR = AskedDoor()


@dataclass(frozen=True, slots=True)
class _Point:
    """What the site says of an access point. `grade`: of the cards of its first reader."""

    rules: PointRules = field(default_factory=PointRules)
    grade: Grade = Grade.CLONABLE
    has_door: bool = True


_PLAIN_POINT = _Point()


class WhatIf:
    """Decides by one list; `before` is it as the list before a damaged one.

    `site`: the wiring; without it every access point is a plain door.
    """

    def __init__(
        self, access_list: MemoryAccessList, site: Site | None = None, before: AccessList | None = None
    ) -> None:
        self._list = access_list
        self._lists: dict[ListStanding, AccessList | None] = {
            ListStanding.IN_FORCE: access_list,
            ListStanding.FALLBACK: before,
            ListStanding.NONE: None,
        }
        self._points = {} if site is None else {point: _point_of(site, point) for point in site.access_points}

    def ask(self, asked: Asked, wall: datetime, number: int) -> Decision:
        """The decision. Raises ConfigError with the line's number where more is shown than anything wants."""
        return self._walk(asked, self.moment(asked, wall), number)

    def moment(self, asked: Asked, wall: datetime) -> Moment:
        """When it is asked, by what clock."""
        return Moment(wall, 0.0, _WHO, asked.clock or ClockQuality.SYNCHRONISED)

    def list_of(self, asked: Asked) -> AccessList | None:
        """The list that is asked."""
        return self._lists[asked.list_standing or ListStanding.IN_FORCE]

    def circumstances(self, request: AccessRequest, asked: Asked, moment: Moment) -> Circumstances:
        """What the decision looks at beside the list: what the line says."""
        door = asked.door or _PLAIN_DOOR
        mode = standing(door.mode or DoorMode.LOCKED)
        return Circumstances(mode, door.interlocked_by or "", door.inside or 0, bool(asked.locked_out))

    def _walk(self, asked: Asked, moment: Moment, number: int) -> Decision:
        """First alone, then with each further one that is waited for; the PIN and the yes when they are wanted."""
        point, access_list = self._points.get(asked.access_point, _PLAIN_POINT), self.list_of(asked)
        shown = [_shown(asked, point, access_list)]
        further = [_shown(each, point, access_list) for each in asked.further]
        pin: PinResult | None = None
        confirmed: bool | None = None
        while True:
            request = AccessRequest(asked.access_point, tuple(shown), pin, confirmed, point.rules)
            decision = decide(request, moment, access_list, self.circumstances(request, asked, moment))
            if decision.wants is Want.PIN and asked.pin is not None and access_list is not None:
                pin = typed_pin(asked.pin, shown[0], access_list)
            elif decision.wants is Want.CONFIRMATION and asked.confirmed is not None:
                confirmed = asked.confirmed
            elif decision.wants in (Want.PERSON, Want.ESCORT) and further:
                following = further.pop(0)
                shown += [] if following in shown else [following]  # The same card again changes nothing.
            else:
                break
        if further and decision.reason is None:
            raise _Unwanted(decision, number)
        return decision


class WhatIfDay(WhatIf):
    """The same with a memory: uses, whereabouts, wrong attempts, and what guards did carry over to later lines."""

    def __init__(
        self, access_list: MemoryAccessList, site: Site | None = None, before: AccessList | None = None
    ) -> None:
        super().__init__(access_list, site, before)
        self.register = Register()
        self._attempts = AttemptBook({})
        self._first: datetime | None = None
        self._latest: datetime | None = None

    def ask(self, asked: Asked, wall: datetime, number: int) -> Decision:
        """The decision, which is then carried out. Raises ConfigError also for a line earlier than the one before."""
        self._go_on(asked.time, wall, number)
        moment = self.moment(asked, wall)
        decision = self._walk(asked, moment, number)
        if decision.granted:
            self._carry_out(asked, decision, moment)
        else:
            self._attempts.wrong(asked.access_point, decision, moment)
        return decision

    def act(self, act: Act, wall: datetime, number: int) -> tuple[str, str] | None:
        """A guard does something; (code, subject) where that is refused. Raises ConfigError."""
        self._go_on(act.time, wall, number)
        refusal = self._refusal(act)
        if refusal is not None:
            return refusal
        if isinstance(act, Forgiving):
            forgive(self.register, act.forgive)
        elif isinstance(act, Blocking):
            self.register.put("block", act.block, Block(_WHO, _WHO, _WHO, wall) if act.blocked else None)
        else:
            self.register.put("local_grant", act.local_grant, _leave(act, wall, number))
        return None

    def _refusal(self, act: Act) -> tuple[str, str] | None:
        """Is it about somebody or something that neither the list nor this day knows?"""
        if isinstance(act, Forgiving):
            known = act.forgive is None or act.forgive in self.register.whereabouts or self._has_person(act.forgive)
            return None if known else ("SubjectUnknown", act.forgive or "")
        if isinstance(act, Blocking):
            kind, _, name = act.block.partition(":")
            known = self._has_credential(name) if kind == "credential" else self._has_person(name)
            return None if known else ("SubjectUnknown", act.block)
        if not self._has_credential(act.local_grant):
            return "SubjectUnknown", act.local_grant
        unknown = next((point for point in act.access_points if self._list.access_point(point) is None), None)
        return None if unknown is None else ("AccessPointUnknown", unknown)

    def _has_credential(self, name: str) -> bool:
        return name.startswith(_PASS) or self._list.credential_by_id(name) is not None

    def _has_person(self, name: str) -> bool:
        return name.startswith(_PASS) or self._list.cardholder(name) is not None

    def moment(self, asked: Asked, wall: datetime) -> Moment:
        """When it is asked; seconds are counted from the first line."""
        start = self._first or wall
        return replace(super().moment(asked, wall), monotonic_s=(wall - start).total_seconds())

    def circumstances(self, request: AccessRequest, asked: Asked, moment: Moment) -> Circumstances:
        """What is remembered; what the line says itself comes first."""
        said, access_list = super().circumstances(request, asked, moment), self.list_of(asked)
        person = find_person(request.shown[0], access_list)
        lately = self._attempts.is_locked_out(request.access_point, person, moment)
        locked_out = lately if asked.locked_out is None else said.locked_out
        found = gather(
            request,
            access_list,
            self.register,
            moment,
            mode=said.mode,
            interlocked_by=said.interlocked_by,
            locked_out=locked_out,
        )
        given = None if asked.door is None else asked.door.inside
        return found if given is None else replace(found, inside=given)

    def _carry_out(self, asked: Asked, decision: Decision, moment: Moment) -> None:
        self._attempts.right(asked.access_point, decision.people)
        access_list = self.list_of(asked)
        if access_list is None or not decision.people:
            return
        note_grant(decision, self.register, moment, access_list)
        listed = access_list.access_point(asked.access_point)
        has_door = self._points.get(asked.access_point, _PLAIN_POINT).has_door
        if listed is None or not has_door or asked.taken is False:
            return
        for each in ways(decision, listed, asked.access_point):
            note_passage(each, self.register, moment)

    def _go_on(self, text: str, wall: datetime, number: int) -> None:
        if self._latest is not None and wall < self._latest:
            raise ConfigError("time", text, "is before the line above: with --stateful, lines follow in time", number)
        self._first, self._latest = self._first or wall, wall


class _Unwanted(ConfigError):
    def __init__(self, decision: Decision, number: int) -> None:
        asked_for = "nothing more" if decision.wants is None else f"the {decision.wants.value}"
        remedy = f"{asked_for} is waited for, so a further one is a request of its own: give it a line of its own"
        super().__init__("second", decision.people[0].id if decision.people else "", remedy, number)


def _point_of(site: Site, name: str) -> _Point:
    point = site.access_points[name]
    reader = point.readers[0] if point.readers else ""
    grade = point.rules.get(reader, ReaderRules()).grade
    return _Point(rules_of(site, point, reader), grade, point.door is not None)


def _shown(asked: AskedShown, point: _Point, access_list: AccessList | None) -> Shown:
    if asked.pass_text is not None:
        return shown_pass(asked.pass_text, access_list)
    identifiers = tuple(_identifier(each) for each in asked.readings)
    return shown_as(identifiers, asked.grade or point.grade, access_list)


def _identifier(asked: AskedIdentifier) -> Identifier:
    if isinstance(asked.number, str):
        return replace(plate(asked.number), facility_code=asked.facility_code)
    return Identifier(asked.format, asked.facility_code, asked.number)


def _leave(act: LettingIn, wall: datetime, number: int) -> LocalGrant | None:
    if act.until is None:
        return None
    until = parse_time("until", act.until, number)
    if not act.access_points:
        raise ConfigError("access_points", [], "name the access points that the credential may pass", number)
    if not timedelta() < until - wall <= LOCAL_GRANT_MAX:
        raise ConfigError("until", act.until, "a local grant lasts 24 h at most, and ends after it begins", number)
    return LocalGrant(act.access_points, until, _WHO, _WHO, _WHO)
