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
)
from gateway.commands.times import parse_time
from gateway.domain.access import decide
from gateway.domain.access_request import (
    AccessRequest,
    Circumstances,
    Decision,
    DenialReason,
    PinResult,
    PointRules,
    Shown,
    Want,
)
from gateway.domain.access_requests import LOCAL_GRANT_MAX
from gateway.domain.attempts import Attempts
from gateway.domain.checks_completion import pin_result
from gateway.domain.checks_who import find_person
from gateway.domain.credential import PLATE_FORMAT, Grade, Identifier
from gateway.domain.door_mode import DoorMode
from gateway.domain.entry import rules_of
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.passage import forgive, gather, note_grant, note_passage
from gateway.domain.register import Block, LocalGrant, Register
from gateway.domain.site import ReaderRules, Site
from gateway.errors import ConfigError

_WHO = "what-if"
_WRONG = (DenialReason.CREDENTIAL_NOT_FOUND, DenialReason.INVALID_PIN, DenialReason.PASS_INVALID)
_PLAIN_DOOR = AskedDoor()


@dataclass(frozen=True, slots=True)
class _Point:
    """What the site says of an access point. `grade`: of the cards of its first reader."""

    rules: PointRules = field(default_factory=PointRules)
    grade: Grade = Grade.CLONABLE
    has_door: bool = True


_PLAIN_POINT = _Point()


class WhatIf:
    """Decides by one list. `site`: the wiring; without it every access point is a plain door."""

    def __init__(self, access_list: AccessList, site: Site | None = None) -> None:
        self.access_list = access_list
        self._points = {} if site is None else {point: _point_of(site, point) for point in site.access_points}

    def ask(self, asked: Asked, wall: datetime, number: int) -> Decision:
        """The decision. Raises ConfigError with the line's number where more is shown than anything wants."""
        return self._walk(asked, self.moment(asked, wall), number)

    def moment(self, asked: Asked, wall: datetime) -> Moment:
        """When it is asked, by what clock."""
        return Moment(wall, 0.0, _WHO, asked.clock or ClockQuality.SYNCHRONISED)

    def circumstances(self, request: AccessRequest, asked: Asked, moment: Moment) -> Circumstances:
        """What the decision looks at beside the list: what the line says."""
        door = asked.door or _PLAIN_DOOR
        return Circumstances(_mode(door), door.interlocked_by or "", door.inside or 0, bool(asked.locked_out))

    def _walk(self, asked: Asked, moment: Moment, number: int) -> Decision:
        """First alone, then with each further one that is waited for; the PIN and the yes when they are wanted."""
        point = self._points.get(asked.access_point, _PLAIN_POINT)
        shown = [self._shown(asked, point)]
        further = [self._shown(each, point) for each in asked.further]
        pin: PinResult | None = None
        confirmed: bool | None = None
        while True:
            request = AccessRequest(asked.access_point, tuple(shown), pin, confirmed, point.rules)
            decision = decide(request, moment, self.access_list, self.circumstances(request, asked, moment))
            if decision.wants is Want.PIN and asked.pin is not None:
                pin = self._typed(asked.pin, shown[0])
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

    def _shown(self, asked: AskedShown, point: _Point) -> Shown:
        if asked.pass_text is not None:
            found = self.access_list.open_pass(asked.pass_text)
            return Shown(grade=Grade.PASS, shown_pass=found, forged_pass=found is None)
        identifiers = [_identifier(each) for each in asked.readings]
        return Shown(
            tuple(self.access_list.key(identifier) for identifier in identifiers),
            identifiers[0].grade(asked.grade or point.grade),
            facilities=tuple((i.format, i.facility_code) for i in identifiers if i.facility_code is not None),
        )

    def _typed(self, digits: str, shown: Shown) -> PinResult:
        person = find_person(shown, self.access_list)
        credential = None if person is None else person.credential
        return PinResult.WRONG if credential is None else pin_result(credential, digits, self.access_list)


class WhatIfDay(WhatIf):
    """The same with a memory: uses, whereabouts, wrong attempts, and what guards did carry over to later lines."""

    def __init__(self, access_list: AccessList, site: Site | None = None) -> None:
        super().__init__(access_list, site)
        self.register = Register()
        self._attempts: dict[str, Attempts] = {}
        self._first: datetime | None = None
        self._latest: datetime | None = None

    def ask(self, asked: Asked, wall: datetime, number: int) -> Decision:
        """The decision, which is then carried out. Raises ConfigError also for a line earlier than the one before."""
        self._go_on(asked.time, wall, number)
        moment = self.moment(asked, wall)
        decision = self._walk(asked, moment, number)
        if decision.granted:
            self._carry_out(asked, decision, moment)
        elif decision.reason in _WRONG:
            keys = [f"reader:{asked.access_point}"]
            if decision.reason is DenialReason.INVALID_PIN:
                keys.append(f"credential:{decision.people[0].id}")
            for key in keys:
                self._attempts.setdefault(key, Attempts()).wrong(moment)
        return decision

    def act(self, act: Act, wall: datetime, number: int) -> None:
        """A guard does something. Raises ConfigError."""
        self._go_on(act.time, wall, number)
        if isinstance(act, Forgiving):
            forgive(self.register, act.forgive)
        elif isinstance(act, Blocking):
            self.register.put("block", act.block, Block(_WHO, _WHO, _WHO, wall) if act.blocked else None)
        else:
            self.register.put("local_grant", act.local_grant, _leave(act, wall, number))

    def moment(self, asked: Asked, wall: datetime) -> Moment:
        """When it is asked; seconds are counted from the first line."""
        start = self._first or wall
        return replace(super().moment(asked, wall), monotonic_s=(wall - start).total_seconds())

    def circumstances(self, request: AccessRequest, asked: Asked, moment: Moment) -> Circumstances:
        """What is remembered; what the line says itself comes first."""
        said = super().circumstances(request, asked, moment)
        locked_out = said.locked_out if asked.locked_out is not None else self._is_locked_out(request, moment)
        found = gather(
            request,
            self.access_list,
            self.register,
            moment,
            mode=said.mode,
            interlocked_by=said.interlocked_by,
            locked_out=locked_out,
        )
        given = None if asked.door is None else asked.door.inside
        return found if given is None else replace(found, inside=given)

    def _carry_out(self, asked: Asked, decision: Decision, moment: Moment) -> None:
        for key in (f"reader:{asked.access_point}", *(f"credential:{person.id}" for person in decision.people)):
            if key in self._attempts:
                self._attempts[key].right()
        note_grant(decision, self.register, moment, self.access_list)
        listed = self.access_list.access_point(asked.access_point)
        has_door = self._points.get(asked.access_point, _PLAIN_POINT).has_door
        if listed is None or not has_door or asked.taken is False:
            return
        for person in decision.people:
            note_passage(person, listed, self.register, moment)

    def _is_locked_out(self, request: AccessRequest, moment: Moment) -> bool:
        person = find_person(request.shown[0], self.access_list)
        keys = [f"reader:{request.access_point}"] + ([] if person is None else [f"credential:{person.id}"])
        return any(key in self._attempts and self._attempts[key].is_locked(moment) for key in keys)

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


def _mode(door: AskedDoor) -> DoorMode:
    """A door that is released for somebody is locked for the next one."""
    return DoorMode.LOCKED if door.mode in (None, DoorMode.ACCESSED) else door.mode


def _identifier(asked: AskedIdentifier) -> Identifier:
    number = asked.number
    if asked.format == PLATE_FORMAT and isinstance(number, str):
        number = "".join(number.upper().split())
    return Identifier(asked.format, asked.facility_code, number)


def _leave(act: LettingIn, wall: datetime, number: int) -> LocalGrant | None:
    if act.until is None:
        return None
    until = parse_time("until", act.until, number)
    if not act.access_points:
        raise ConfigError("access_points", [], "name the access points that the credential may pass", number)
    if not timedelta() < until - wall <= LOCAL_GRANT_MAX:
        raise ConfigError("until", act.until, "a local grant lasts 24 h at most, and ends after it begins", number)
    return LocalGrant(act.access_points, until, _WHO, _WHO, _WHO)
