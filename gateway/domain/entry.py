"""What is shown at the readers, from the first card to the open door: collects, has it decided, and carries it out.

A request that wants something more waits here (`Waiting`); a grant whose door has not been opened yet does too
(`OnTheWay`), because a person is where their last taken passage led.
"""

from dataclasses import dataclass, field
from typing import Any

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access import decide
from gateway.domain.access_record import record
from gateway.domain.access_request import (
    MISSING,
    AccessRequest,
    Decision,
    DenialReason,
    PinResult,
    PointRules,
    Shown,
    Want,
)
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.attempts import WRONG, AttemptBook, Attempts
from gateway.domain.authentication import TAKES_PIN_ALONE, authentication_now
from gateway.domain.checks_who import find_person
from gateway.domain.commands import IndicateAtReader, Indication
from gateway.domain.counted import Counted
from gateway.domain.credential import Grade, Identifier
from gateway.domain.door_control import COMMAND_EXPIRY_S, DoorControl
from gateway.domain.door_mode import DoorMode
from gateway.domain.grants import Grants
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.passage import OnTheWay, gather
from gateway.domain.reader_watch import ReaderWatch
from gateway.domain.register import Register
from gateway.domain.shown import plate, rivals, shown_as, shown_pass, typed_pin
from gateway.domain.site import AccessPoint, ReaderRules, Site
from gateway.domain.trace import TraceStep

PASS_PREFIX = "GHP1."
SHOWN_MAX = 6
"""Five people of the groups that an access point asks for, and an escort."""


@dataclass(slots=True)
class Waiting:
    """A request that wants something more. `*_s` are monotonic seconds of the boot `boot_id`."""

    request: str
    reader: str
    wants: Want
    shown: tuple[Shown, ...]
    credential: str
    cardholder: str | None
    list_version: int | None
    trace: tuple[TraceStep, ...]
    ends_s: float
    boot_id: str
    pin: PinResult | None = None
    """What was typed already."""
    duress_told: bool = False


@dataclass(slots=True)
class EntryState:
    """Plain values for the checkpoint. `waiting` by access point; `attempts` by `reader:ID` and `credential:ID`."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    on_the_way: list[OnTheWay] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    attempts: dict[str, Attempts] = field(default_factory=dict)
    next_request: int = 1


class Entry:
    """All readers of the site. Collects events and commands in the turn's lists of `doors`."""

    def __init__(
        self, site: Site, doors: DoorControl, alarms: AlarmBook, register: Register, state: EntryState
    ) -> None:
        self.site, self.doors, self.alarms, self.register, self.state = site, doors, alarms, register, state
        self.grants = Grants(site, doors, alarms, register, state.on_the_way, state.counted)
        self.watches: dict[str, ReaderWatch] = {}
        self.durable_first = False
        self._attempts = AttemptBook(state.attempts)
        self._by_reader = {reader: point for point in site.access_points.values() for reader in point.readers}
        for point in [name for name in state.waiting if name not in site.access_points]:
            del state.waiting[point]

    # What readers say

    def card_read(self, signal: sg.CardRead, moment: Moment, access_list: AccessList | None) -> None:
        """A card, unless it is the one still being held to the reader."""
        identifiers = tuple(reading.identifier for reading in signal.readings)
        point = self._point(signal.reader)
        if point is None or self._is_repeat(signal, identifiers):
            return
        shown = shown_as(identifiers, point.rules.get(signal.reader, ReaderRules()).grade, access_list)
        self._tell_rivals(signal.reader, point, shown, access_list)
        self._show(signal.reader, point, shown, moment, access_list)

    def _tell_rivals(self, reader: str, point: AccessPoint, shown: Shown, access_list: AccessList | None) -> None:
        others = rivals(shown, access_list)
        person = find_person(shown, access_list) if others else None
        if person is not None:
            self._tell(ev.ReadAmbiguous(access_point=point.id, reader=reader, credential=person.id, rivals=others))

    def text_read(self, signal: sg.TextRead, moment: Moment, access_list: AccessList | None) -> None:
        """A pass, or a number plate."""
        point, text = self._point(signal.reader), signal.text.strip()
        if point is None or self._is_repeat(signal, text):
            return
        if text.startswith(PASS_PREFIX):
            shown = shown_pass(text, access_list)
        else:
            shown = shown_as((plate(text),), Grade.PLATE, access_list)
        self._show(signal.reader, point, shown, moment, access_list)

    def key_pressed(self, signal: sg.KeyPressed, moment: Moment, access_list: AccessList | None) -> None:
        """A key; at `#` the digits are the PIN that is waited for, one that comes after its card was refused, or one of
        their own.
        """
        point = self._point(signal.reader)
        digits = self._watch(signal.reader).press(signal.key, signal.received_s)
        if point is None or digits is None:
            return
        waiting = self.state.waiting.get(point.id)
        if waiting is not None and waiting.wants is Want.PIN and access_list is not None:
            pin = typed_pin(digits, waiting.shown[0], access_list)
            self._ask(signal.reader, point, waiting.shown, moment, access_list, pin=pin)
        elif self._belongs_to_refused(signal.reader, point, moment, access_list):
            self._indicate(signal.reader, Indication.DENIED, moment)
        else:
            identifier = Identifier(f"PIN{len(digits)}", None, int(digits))
            self._show(signal.reader, point, shown_as((identifier,), Grade.PIN, access_list), moment, access_list)

    def _belongs_to_refused(
        self, reader: str, point: AccessPoint, moment: Moment, access_list: AccessList | None
    ) -> bool:
        """Are digits the PIN of a card that was refused here just now? That attempt was judged with the card.

        Not where a PIN alone could open: there it is a request of its own.
        """
        listed, rules = None, rules_of(self.site, point, reader)
        if access_list is not None and not rules.way_out:
            listed = access_list.access_point(point.id)
        recent = moment.monotonic_s - self._watch(reader).refused_s < self.site.second_credential_s
        if listed is None or access_list is None or not recent:
            return False
        shut = rules.accepts is not None and Grade.PIN not in rules.accepts
        return shut or authentication_now(listed, moment, access_list) not in TAKES_PIN_ALONE

    def confirm(self, signal: sg.AccessConfirmRequested, moment: Moment, access_list: AccessList | None) -> str | None:
        """Somebody says yes or no to a request that waits for it; a code when none does."""
        found = next(((p, w) for p, w in self.state.waiting.items() if w.request == signal.request), None)
        if found is None or found[1].wants is not Want.CONFIRMATION:
            return "RequestGone"
        by, point, waiting = signal.operator, self.site.access_points[found[0]], found[1]
        self._tell(
            ev.AccessConfirmed(
                request=signal.request,
                allowed=signal.allow,
                actor=by.name,
                post=by.post,
                request_id=signal.request_id,
                access_point=point.id,
                door=point.door,
                credential=waiting.credential,
                cardholder=waiting.cardholder,
            )
        )
        answer = (signal.allow, f"{'office' if by.post == sg.OFFICE_POST else 'guard'}:{by.name}")
        self._ask(waiting.reader, point, waiting.shown, moment, access_list, pin=waiting.pin, answer=answer)
        return None

    # Time

    def run_timers(self, moment: Moment) -> None:
        """Deny what waited in vain."""
        for point, waiting in list(self.state.waiting.items()):
            if waiting.boot_id != moment.boot_id or waiting.ends_s <= moment.monotonic_s:
                self._give_up(point, waiting)
                if waiting.shown[0].grade is not Grade.PIN:
                    self._watch(waiting.reader).refuse(moment.monotonic_s, wrong=False)
                self._indicate(waiting.reader, Indication.DENIED, moment)

    def deadline_s(self) -> float | None:
        """The next such time, monotonic seconds."""
        return min((waiting.ends_s for waiting in self.state.waiting.values()), default=None)

    # The request

    def _show(
        self, reader: str, point: AccessPoint, shown: Shown, moment: Moment, access_list: AccessList | None
    ) -> None:
        """One more credential: it completes what waits for it, or begins anew."""
        waiting = self.state.waiting.get(point.id)
        if waiting is not None and shown in waiting.shown:
            return  # The same card again while something else is waited for.
        more = waiting is not None and waiting.wants in (Want.PERSON, Want.ESCORT)
        if waiting is not None and more and len(waiting.shown) < SHOWN_MAX:
            self._ask(reader, point, (*waiting.shown, shown), moment, access_list, pin=waiting.pin)
            return
        if waiting is not None:
            self._give_up(point.id, waiting)
        self._ask(reader, point, (shown,), moment, access_list)

    def _ask(
        self,
        reader: str,
        point: AccessPoint,
        shown: tuple[Shown, ...],
        moment: Moment,
        access_list: AccessList | None,
        *,
        pin: PinResult | None = None,
        answer: tuple[bool, str] | None = None,
    ) -> None:
        """Have it decided. `answer`: yes or no, and whose, as `AccessRequest` has them."""
        rules, (confirmed, by) = rules_of(self.site, point, reader), answer or (None, "")
        request = AccessRequest(point.id, shown, pin, confirmed, rules, by)
        circumstances = gather(
            request,
            access_list,
            self.register,
            moment,
            mode=DoorMode.LOCKED if point.door is None else self.doors.mode_of(point.door),
            interlocked_by="" if point.door is None else self.doors.interlocked_by(point.door),
            locked_out=self._attempts.is_locked_out(reader, find_person(shown[0], access_list), moment),
            on_their_way=self.grants.on_their_way,
        )
        decision = decide(request, moment, access_list, circumstances)
        before = self.state.waiting.pop(point.id, None)
        name, duress_told = (None, False) if before is None else (before.request, before.duress_told)
        if decision.tells_duress and not duress_told:
            self.grants.tell_duress(point, decision, moment)
        kept = record(request, circumstances, decision.people)
        if decision.granted:
            self._granted(reader, point, decision, name, kept, moment, access_list)
            self._indicate(reader, Indication.GRANTED, moment)
        elif decision.wants is not None:
            self._wait(reader, point, request, decision, name, moment)
            self.state.waiting[point.id].duress_told = decision.tells_duress
            self._indicate(reader, Indication.WAITING, moment)
        else:
            assert decision.reason is not None
            self._denied(reader, point, decision, decision.reason, name, kept)
            self._count_wrong(reader, point, decision, shown[0], moment)
            self._indicate(reader, Indication.DENIED, moment)

    def _granted(
        self,
        reader: str,
        point: AccessPoint,
        decision: Decision,
        name: str | None,
        kept: dict[str, Any],
        moment: Moment,
        access_list: AccessList | None,
    ) -> None:
        self._attempts.right(reader, decision.people)
        self._tell(
            ev.AccessGranted(
                access_point=point.id,
                door=point.door,
                reader=reader,
                credential=decision.people[0].id if decision.people else None,
                cardholder=_holder(decision),
                list_version=decision.list_version,
                trace=decision.trace,
                accompanied=tuple(person.id for person in decision.people[1:]),
                floors=decision.floors,
                request=name,
                circumstances=kept,
            )
        )
        self.durable_first |= self.grants.carry_out(point, decision, moment, access_list)

    def _wait(
        self,
        reader: str,
        point: AccessPoint,
        request: AccessRequest,
        decision: Decision,
        name: str | None,
        moment: Moment,
    ) -> None:
        assert decision.wants is not None
        if name is None:
            name = f"r-{self.state.next_request}"
            self.state.next_request += 1
        seconds = self.site.confirm_s if decision.wants is Want.CONFIRMATION else self.site.second_credential_s
        first = decision.people[0].id
        self.state.waiting[point.id] = Waiting(
            name,
            reader,
            decision.wants,
            request.shown,
            first,
            _holder(decision),
            decision.list_version,
            decision.trace,
            moment.monotonic_s + seconds,
            moment.boot_id,
            request.pin,
        )
        self._tell(
            ev.AccessRequested(
                request=name,
                access_point=point.id,
                door=point.door,
                reader=reader,
                wants=decision.wants.value,
                credential=first,
                cardholder=_holder(decision),
                list_version=decision.list_version,
                trace=decision.trace,
            )
        )

    def _denied(
        self,
        reader: str,
        point: AccessPoint,
        decision: Decision,
        reason: DenialReason,
        name: str | None,
        kept: dict[str, Any],
    ) -> None:
        self._tell(
            ev.AccessDenied(
                access_point=point.id,
                door=point.door,
                reader=reader,
                reason=reason.value,
                credential=decision.people[0].id if decision.people else None,
                cardholder=_holder(decision),
                list_version=decision.list_version,
                trace=decision.trace,
                request=name,
                circumstances=kept,
            )
        )

    def _give_up(self, point: str, waiting: Waiting) -> None:
        """What was waited for did not come."""
        del self.state.waiting[point]
        self._tell(
            ev.AccessDenied(
                access_point=point,
                door=self.site.access_points[point].door,
                reader=waiting.reader,
                reason=MISSING[waiting.wants].value,
                credential=waiting.credential,
                cardholder=waiting.cardholder,
                list_version=waiting.list_version,
                trace=waiting.trace,
                request=waiting.request,
                circumstances={"gave_up": True},
            )
        )

    def _indicate(self, reader: str, indication: Indication, moment: Moment) -> None:
        """Nothing but the outcome is shown: the grant of somebody under duress is a grant like any other."""
        if reader in self.site.indicators:
            expires_s = moment.monotonic_s + COMMAND_EXPIRY_S
            command = IndicateAtReader(self.doors.take_command_id(), reader, indication, expires_s)
            self.doors.commands.append(command)

    # Wrong attempts

    def _count_wrong(self, reader: str, point: AccessPoint, decision: Decision, shown: Shown, moment: Moment) -> None:
        """At the fifth wrong PIN or unknown card there is an alarm, and no PIN is taken there for a minute.

        What was refused and the first digits after it are one attempt of one person: counted once.
        """
        if decision.reason is DenialReason.NO_VALID_LIST:
            self._raise(AlarmKind.NO_VALID_LIST, "site", moment)
        watch = self._watch(reader)
        if shown.grade is not Grade.PIN:
            watch.refuse(moment.monotonic_s, wrong=decision.reason in WRONG)
        elif watch.is_counted(moment.monotonic_s, self.site.second_credential_s):
            return
        locked = self._attempts.wrong(reader, decision, moment)
        if locked is not None:
            self._raise(AlarmKind.WRONG_ATTEMPTS, locked, moment, point.door)

    def _point(self, reader: str) -> AccessPoint | None:
        point = self._by_reader.get(reader)
        if point is None:
            self._tell(ev.ReadDropped(reader=reader, reason="ReaderBelongsToNoAccessPoint"))
        return point

    def _is_repeat(self, signal: sg.CardRead | sg.TextRead, read: tuple[Identifier, ...] | str) -> bool:
        return self._watch(signal.reader).is_repeat(read, signal.received_s, self.site.repeat_read_s)

    def _watch(self, reader: str) -> ReaderWatch:
        return self.watches.setdefault(reader, ReaderWatch())

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told

    def _raise(self, kind: AlarmKind, source: str, moment: Moment, door: str | None = None) -> None:
        self._tell(*self.alarms.raise_alarm(kind, source, moment, door=door))


def rules_of(site: Site, point: AccessPoint, reader: str) -> PointRules:
    """What the site's wiring says of the access point, for a decision."""
    escape = point.door is not None and site.doors[point.door].escape_route
    accepts = point.rules.get(reader, ReaderRules()).accepts
    return PointRules(point.exit and escape, accepts, point.degraded, point.facility, point.exit)


def _holder(decision: Decision) -> str | None:
    holder = decision.cardholder
    return None if holder is None else holder.id
