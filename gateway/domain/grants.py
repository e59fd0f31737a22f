"""What a grant comes to: what it uses up, what must be told of it, the door or lift, and where people then are."""

import math
from datetime import datetime

from gateway.domain import events as ev
from gateway.domain.access_request import Decision, Person
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.authentication import authentication_now
from gateway.domain.checks_who import risk_of
from gateway.domain.commands import PulseOutput
from gateway.domain.counted import Counted, CountedBook, CountedUse
from gateway.domain.door import DoorPhase, Stimulus
from gateway.domain.door_control import COMMAND_EXPIRY_S, Cause, DoorControl
from gateway.domain.door_mode import DoorMode
from gateway.domain.listed import AccessList, Authentication, ListedAccessPoint
from gateway.domain.moment import Moment
from gateway.domain.passage import OnTheWay, leader_of, note_grant, note_passage, ways
from gateway.domain.register import LastUse, Register
from gateway.domain.site import AccessPoint, Lift, Site

RISK_TOLD_FROM = 2
ON_THE_WAY_MAX = 200
"""More than can be granted while one release lasts, over all doors."""
LAST_USES_MAX = 5000
"""Credentials used lately; who was seen before them has long had time to walk."""


class Grants:
    """Carries grants out. Collects events and commands in the turn's lists of `doors`."""

    def __init__(
        self,
        site: Site,
        doors: DoorControl,
        alarms: AlarmBook,
        register: Register,
        on_the_way: list[OnTheWay],
        counted: list[Counted],
    ) -> None:
        self.site, self.doors, self.alarms, self.register = site, doors, alarms, register
        self.on_the_way, self.counted = on_the_way, CountedBook(register, counted)
        on_the_way[:] = [each for each in on_the_way if each.door in site.doors]

    def carry_out(self, point: AccessPoint, decision: Decision, moment: Moment, access_list: AccessList | None) -> bool:
        """Tell, count, release. True when something was used up, which must be durable before a door moves."""
        uses: list[CountedUse] = []
        listed, before = None, len(self.doors.commands)
        if access_list is not None and decision.people:
            uses = note_grant(decision, self.register, moment, access_list)
            self._tell_what_matters(point, decision, moment)
            listed = access_list.access_point(point.id)
            self._first_card(point, listed, moment, access_list)
        if point.lift is not None:
            self._enable_floors(point, self.site.lifts[point.lift], decision, moment)
        if point.door is not None:
            self._release(point.door, decision, listed, moment)
        if uses:
            commands = [command.command_id for command in self.doors.commands[before:]]
            self.counted.keep(Counted(point.id, point.door, decision.people[0].id, commands, uses))
        return bool(uses)

    def command_ended(self, command_id: str, never_sent: bool) -> None:
        """Give back what a grant counted, if none of its commands went and its door is shut."""
        for each in self.counted.ended(command_id, never_sent):
            state = None if each.door is None else self.doors.machines[each.door].state
            if state is not None and (state.phase is not DoorPhase.SECURE or state.open):
                continue  # It is released or open for somebody else, and who is counted may go along.
            for use in each.uses:
                self.counted.give_back(use)
                self._tell(ev.UseGivenBack(access_point=each.access_point, door=each.door, credential=use.credential))

    def on_their_way(self, area: str) -> int:
        """How many were granted into an area, are not in it yet and may still come."""
        where = self.register.whereabouts
        coming = {each.cardholder for each in self.on_the_way if each.area_to == area}
        return sum(1 for holder in coming if holder not in where or where[holder].area != area)

    def settle(self, events: list[ev.Event], moment: Moment) -> None:
        """After the doors have spoken: who passed is where the access point leads; who didn't is where they were."""
        taken = {(e.door, e.credential) for e in events if isinstance(e, ev.AccessTaken)}
        missed = {(e.door, e.credential) for e in events if isinstance(e, ev.AccessNotTaken)}
        for door, leader in taken:
            self.counted.taken(door, leader)
        still: list[OnTheWay] = []
        for each in self.on_the_way:
            answer = (each.door, each.leader)
            if answer in taken:
                self._pass(each, "taken", moment)
            elif self.doors.awaits(each.door, each.leader):
                still.append(each)
            elif answer not in missed and self.doors.machines[each.door].state.phase is DoorPhase.FREE:
                self._pass(each, "free", moment)
        self.on_the_way[:] = still

    # What must be told

    def tell_duress(self, point: AccessPoint, decision: Decision, moment: Moment) -> None:
        """A silent alarm; granted or not."""
        first = decision.people[0]
        holder = None if first.cardholder is None else first.cardholder.id
        self._tell(ev.DuressUsed(access_point=point.id, door=point.door, credential=first.id, cardholder=holder))
        self._raise(AlarmKind.DURESS, point.id, moment, point.door)

    def _tell_what_matters(self, point: AccessPoint, decision: Decision, moment: Moment) -> None:
        for person in decision.people:
            if person.id in decision.soft_passback:
                self._tell_passback(point, person, moment)
            self._tell_risk(point, person, moment)
            self._tell_travel(point, person, moment)

    def _tell_passback(self, point: AccessPoint, person: Person, moment: Moment) -> None:
        assert person.cardholder is not None
        self._tell(
            ev.AntipassbackViolated(
                access_point=point.id, credential=person.id, cardholder=person.cardholder.id, area=person.facts.area
            )
        )
        self._raise(AlarmKind.ANTIPASSBACK, person.id, moment, point.door)
        self._tell(*self.alarms.normal(AlarmKind.ANTIPASSBACK, person.id))

    def _tell_risk(self, point: AccessPoint, person: Person, moment: Moment) -> None:
        holder, level = person.cardholder, risk_of(person.cardholder, moment)
        if holder is None or holder.risk is None or level < RISK_TOLD_FROM:
            return
        self._tell(
            ev.RiskPassed(
                access_point=point.id,
                credential=person.id,
                cardholder=holder.id,
                level=level,
                reason=holder.risk.reason[:200],
            )
        )
        self._raise(AlarmKind.RISK, holder.id, moment, point.door)

    def _tell_travel(self, point: AccessPoint, person: Person, moment: Moment) -> None:
        """The same credential at two access points sooner than anybody gets there."""
        before = self.register.last_uses.get(person.id)
        if point.position_m is None:
            return
        now = LastUse(point.id, moment.wall, moment.monotonic_s, moment.boot_id)
        while len(self.register.last_uses) >= LAST_USES_MAX and person.id not in self.register.last_uses:
            self.register.put("last_use", next(iter(self.register.last_uses)), None)
        self.register.put("last_use", person.id, now)
        there = None if before is None else self.site.access_points.get(before.access_point)
        if before is None or there is None or there.id == point.id or there.position_m is None:
            return
        metres, seconds = math.dist(point.position_m, there.position_m), _seconds_between(before, moment)
        if seconds * self.site.travel_speed_m_s >= metres:
            return
        self._tell(
            ev.TravelImpossible(
                credential=person.id,
                cardholder=None if person.cardholder is None else person.cardholder.id,
                access_point=point.id,
                before=there.id,
                metres=round(metres, 1),
                seconds=round(seconds, 1),
            )
        )
        self._raise(AlarmKind.IMPOSSIBLE_TRAVEL, person.id, moment, point.door)

    def _first_card(
        self, point: AccessPoint, listed: ListedAccessPoint | None, moment: Moment, access_list: AccessList
    ) -> None:
        if listed is None or point.door is None:
            return
        if authentication_now(listed, moment, access_list) is Authentication.FIRST_CARD:
            self.doors.first_card(point.id, moment, access_list)

    # The door, the lift

    def _release(self, door: str, decision: Decision, listed: ListedAccessPoint | None, moment: Moment) -> None:
        leader = leader_of(decision)
        holder = decision.cardholder
        extended = any(p.cardholder is not None and p.cardholder.extended_time for p in decision.people)
        cause = Cause("grant", leader, None if holder is None else holder.id, extended)
        self.doors.give(door, Stimulus.GRANT, moment, cause)
        coming = [] if listed is None else ways(decision, listed, door)
        if not coming:
            return
        self.on_the_way[:] = [e for e in self.on_the_way if (e.door, e.leader) != (door, leader)]
        because = self._taken_at_once(door, leader)
        for each in coming:
            if because is None:
                self.on_the_way.append(each)
            else:
                self._pass(each, because, moment)
        del self.on_the_way[:-ON_THE_WAY_MAX]

    def _taken_at_once(self, door: str, leader: str | None) -> str | None:
        """Why the grant counts as taken, where the door can't tell; None where it can."""
        machine = self.doors.machines[door]
        if machine.door.contact is None:
            return "no_contact"
        if machine.state.contact_fault:
            return "contact_fault"
        if self.doors.awaits(door, leader):
            return None
        free = self.doors.mode_of(door) in (DoorMode.UNLOCKED, DoorMode.LOCKED_OPEN)
        return "free" if free and not machine.state.open else "already_open"

    def _enable_floors(self, point: AccessPoint, lift: Lift, decision: Decision, moment: Moment) -> None:
        floors = tuple(floor for floor in decision.floors if floor in lift.floors)
        for floor in floors:
            terminal = lift.floors[floor]
            self.doors.commands.append(
                PulseOutput(
                    self.doors.take_command_id(),
                    terminal.device,
                    terminal.number,
                    not terminal.inverted,
                    lift.enable_time_s,
                    moment.monotonic_s + COMMAND_EXPIRY_S,
                )
            )
        self._tell(ev.FloorsEnabled(lift=lift.id, access_point=point.id, floors=floors, seconds=lift.enable_time_s))

    def _pass(self, each: OnTheWay, because: str, moment: Moment) -> None:
        note_passage(each, self.register, moment)
        self._tell(
            ev.AreaEntered(
                cardholder=each.cardholder,
                credential=each.credential,
                access_point=each.access_point,
                area_from=each.area_from,
                area_to=each.area_to,
                because=because,
            )
        )

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told

    def _raise(self, kind: AlarmKind, source: str, moment: Moment, door: str | None) -> None:
        camera = next((c.id for c in self.site.cameras.values() if door is not None and door in c.doors), None)
        self._tell(*self.alarms.raise_alarm(kind, source, moment, door=door, camera=camera))


def _seconds_between(before: LastUse, moment: Moment) -> float:
    """By the monotonic clock within one boot, else by the wall; never below zero."""
    if before.boot_id == moment.boot_id:
        return max(0.0, moment.monotonic_s - before.monotonic_s)
    return max(0.0, _since(before.at, moment.wall))


def _since(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
