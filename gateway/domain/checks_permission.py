"""Checks 10 to 17: may they pass here, now, and does the place allow it."""

from datetime import datetime

from gateway.domain.access_case import Case
from gateway.domain.access_request import MODE_REASONS, DenialReason, Person
from gateway.domain.area import breaks_anti_passback
from gateway.domain.authentication import authentication_now, holds, refusal_of
from gateway.domain.credential import Grade
from gateway.domain.door_mode import DoorMode
from gateway.domain.listed import AntiPassback, Authentication
from gateway.domain.schedule import Schedule


def door_mode_allows(case: Case) -> bool:
    mode = case.circumstances.mode
    if mode in MODE_REASONS and not (mode is DoorMode.LOCKED_DOWN and case.request.rules.exit):
        return case.denied(MODE_REASONS[mode], mode.value)
    return case.passed(mode.value) if mode is not DoorMode.LOCKED else True


def level_leads_here(case: Case) -> bool:
    """Each of them holds a valid level that leads here, or a guard's leave."""
    named = []
    for person in case.people:
        found, waits_for_clock = _grants_of(case, person)
        local = _local_grant_holds(case, person)
        if local:
            named.append("local_grant")
        elif not found:
            reason = DenialReason.CLOCK_SUSPECT if waits_for_clock else DenialReason.UNAUTHORIZED
            return case.denied(reason, case.request.access_point)
        case.grants.append(found)
        named += [f"{level}/{schedule.id}" for level, schedule, _ in found]
    return case.passed(_joined(named))


def _local_grant_holds(case: Case, person: Person) -> bool:
    until = person.facts.local_grant_until
    return until is not None and not case.suspect and case.moment.wall < until


def _grants_of(case: Case, person: Person) -> tuple[list[tuple[str, Schedule, tuple[str, ...]]], bool]:
    """The (level, schedule, floors) of each valid grant for this access point, sorted.

    And whether one only waits for a clock that can be trusted.
    """
    assert case.list is not None
    assert person.cardholder is not None
    found, waits = [], False
    for held in person.cardholder.levels:
        level = case.list.level(held.level)
        here = [] if level is None else [g for g in level.grants if g.access_point == case.request.access_point]
        if level is None or not here:
            continue
        spans = ((held.valid_from, held.valid_until), (level.valid_from, level.valid_until))
        if case.suspect and any(limit is not None for span in spans for limit in span):
            waits = True
            continue
        if not all(_within(span, case.moment.wall) for span in spans):
            continue
        for grant in here:
            schedule = case.list.schedule(grant.schedule)
            if schedule is not None:
                found.append((level.id, schedule, grant.floors))
    return sorted(found, key=lambda each: (each[0], each[1].id)), waits


def _within(span: tuple[datetime | None, datetime | None], wall: datetime) -> bool:
    return (span[0] is None or wall >= span[0]) and (span[1] is None or wall < span[1])


def schedule_covers(case: Case) -> bool:
    """For each of them one of those schedules covers the time; the trace names all that do."""
    assert case.list is not None
    named = []
    for person, grants in zip(case.people, case.grants, strict=True):
        covering = [grant for grant in grants if holds(grant[1], case.moment, case.list)]
        if _local_grant_holds(case, person):
            named.append("local_grant")
        elif not covering:
            reason = DenialReason.CLOCK_SUSPECT if case.suspect else DenialReason.NOT_PERMITTED_AT_THIS_TIME
            return case.denied(reason, _joined([f"{level}/{schedule.id}" for level, schedule, _ in grants]))
        named += [f"{level}/{schedule.id}" for level, schedule, _ in covering]
        case.floors |= {floor for grant in covering for floor in grant[2]}
    return case.passed(_joined(named))


def _joined(named: list[str]) -> str:
    """Each name once; a level may be held twice."""
    return ",".join(dict.fromkeys(named))


def kind_accepted(case: Case) -> bool:
    """Is all that was shown of the kind that is wanted now? A PIN alone isn't enough where a card is wanted."""
    now = wanted(case)
    for person in case.people:
        reason = refusal_of(person.shown.grade, now)
        if reason is not None:
            return case.denied(reason, now.value)
    return case.passed(now.value)


def unknown_pin_counts(case: Case) -> bool:
    """Could digits that the list doesn't know have opened here now? Else they were no wrong PIN, whatever they are."""
    now, accepts = wanted(case), case.request.rules.accepts
    if accepts is not None and Grade.PIN not in accepts:
        case.check = "grade"
        return case.denied(DenialReason.FORMAT_NOT_ACCEPTED, Grade.PIN.value)
    reason = refusal_of(Grade.PIN, now)
    if reason is not None:
        case.check = "authentication"
        return case.denied(reason, now.value)
    if case.circumstances.locked_out:
        case.check = "lockout"
        return case.denied(DenialReason.LOCKED_OUT)
    return True


def wanted(case: Case) -> Authentication:
    assert case.point is not None
    assert case.list is not None
    return authentication_now(case.point, case.moment, case.list)


def uses_left(case: Case) -> bool:
    counted = []
    for person in case.people:
        allowed, a_day = allowance_of(person)
        facts = person.facts
        if (allowed is not None and facts.used >= allowed) or (a_day is not None and facts.used_today >= a_day):
            return case.denied(DenialReason.USES_EXHAUSTED, person.id)
        if allowed is not None or a_day is not None:
            counted.append(person.id)
    return case.passed(",".join(counted)) if counted else True


def allowance_of(person: Person) -> tuple[int | None, int | None]:
    """How often it may be granted: in all, and a day; None without limit."""
    if person.shown.shown_pass is not None:
        return person.shown.shown_pass.uses, None
    return (None, None) if person.credential is None else (person.credential.uses, person.credential.uses_per_day)


def whereabouts_allow(case: Case) -> bool:
    assert case.point is not None
    assert case.list is not None
    asked = []
    for person in case.people:
        facts, holder = person.facts, person.cardholder
        if holder is None or holder.anti_passback_exempt or not facts.known or facts.since is None:
            continue
        broken = breaks_anti_passback(case.point, (facts.area, facts.since), case.moment, case.list)
        if broken is AntiPassback.HARD:
            return case.denied(DenialReason.ANTIPASSBACK_VIOLATION, facts.area or "outside")
        if broken is AntiPassback.SOFT:
            case.soft_passback.append(person.id)
        asked.append(facts.area or "outside")
    return case.passed(",".join(asked)) if asked else True


def area_has_room(case: Case) -> bool:
    assert case.point is not None
    assert case.list is not None
    area = None if case.point.area_to is None else case.list.area(case.point.area_to)
    if area is None or area.max_occupancy is None:
        return True
    coming = [person for person in case.people if person.facts.since is None or person.facts.area != area.id]
    entering = {person.cardholder.id for person in coming if person.cardholder is not None}
    subject = f"{area.id}:{case.circumstances.inside}/{area.max_occupancy}"
    if entering and case.circumstances.inside + len(entering) > area.max_occupancy:
        return case.denied(DenialReason.OCCUPANCY_LIMIT, subject)
    return case.passed(subject)


def interlock_allows(case: Case) -> bool:
    door = case.circumstances.interlocked_by
    return case.denied(DenialReason.INTERLOCK_ACTIVE, door) if door else True
