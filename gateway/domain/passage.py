"""What is remembered around a decision: gathered before it, noted after its grant, and when the door was opened."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.domain.access_request import AccessRequest, Circumstances, Decision, Person, PersonFacts
from gateway.domain.area import is_forgiven
from gateway.domain.checks_who import find_person
from gateway.domain.counted import CountedUse
from gateway.domain.credential import former_pass_name
from gateway.domain.door_mode import DoorMode
from gateway.domain.listed import AccessList, ListedAccessPoint
from gateway.domain.moment import Moment
from gateway.domain.register import Made, Register, Uses, Whereabouts


@dataclass(slots=True)
class OnTheWay:
    """Somebody who was granted and whose door has not been opened yet. One grant's people share `leader`."""

    door: str
    leader: str | None
    """The credential that the door answers for."""
    access_point: str
    cardholder: str
    credential: str
    area_from: str | None
    area_to: str | None
    special_care: bool = False


def gather(
    request: AccessRequest,
    access_list: AccessList | None,
    register: Register,
    moment: Moment,
    *,
    mode: DoorMode = DoorMode.LOCKED,
    interlocked_by: str = "",
    locked_out: bool = False,
    on_their_way: Callable[[str], int] = lambda area: 0,
) -> Circumstances:
    """What `decide` looks at. `on_their_way(area)` counts those who were granted and have not passed yet."""
    people: dict[str, PersonFacts] = {}
    for shown in request.shown:
        person = find_person(shown, access_list)
        if person is not None and access_list is not None:
            people[person.id] = facts_of(person, request.access_point, register, moment, access_list)
    point = None if access_list is None else access_list.access_point(request.access_point)
    leads_to = None if point is None else point.area_to
    inside = 0 if leads_to is None else register.inside.get(leads_to, 0) + on_their_way(leads_to)
    return Circumstances(standing(mode), interlocked_by, inside, locked_out, people)


def standing(mode: DoorMode) -> DoorMode:
    """The mode by which the next one is judged: a door that is released for somebody is locked for everybody else."""
    return DoorMode.LOCKED if mode is DoorMode.ACCESSED else mode


def facts_of(
    person: Person, access_point: str, register: Register, moment: Moment, access_list: AccessList
) -> PersonFacts:
    """What is remembered of one person.

    What was remembered of a pass by its id alone counts until something is remembered under its name.
    """
    name, holder = person.id, "" if person.cardholder is None else person.cardholder.id
    where, uses = register.whereabouts.get(holder), register.uses.get(name)
    leave, made = register.local_grants.get(name), register.made.get(name)
    subjects: tuple[str, ...] = (f"credential:{name}", f"cardholder:{holder}")
    if person.shown.shown_pass is not None:
        former = former_pass_name(name)
        uses = uses or register.uses.get(former)
        leave, made = leave or register.local_grants.get(former), made or register.made.get(former)
        subjects += (f"credential:{former}",)
        if holder == name:
            where, subjects = where or register.whereabouts.get(former), (*subjects, f"cardholder:{former}")
    area = None if where is None or where.area is None else access_list.area(where.area)
    today = uses is not None and uses.day == _day(moment, access_list)
    return PersonFacts(
        known=where is not None and not is_forgiven(where, area, moment, access_list.zone),
        area=where.area if where is not None else None,
        since=None if where is None else where.at,
        used=0 if uses is None else uses.total,
        used_today=uses.today if uses is not None and today else 0,
        blocked=next((subject for subject in subjects if subject in register.blocks), ""),
        local_grant_until=leave.until if leave is not None and access_point in leave.access_points else None,
        made_at=None if made is None else made.at,
        revoked=_is_revoked(name, register, access_list),
    )


def _is_revoked(name: str, register: Register, access_list: AccessList) -> bool:
    """Has the office revoked it in a version later than this list's?"""
    revoked = register.revoked.get(name)
    in_force = (access_list.generation, access_list.version)
    return revoked is not None and (revoked.generation, revoked.version) > in_force


def note_grant(decision: Decision, register: Register, moment: Moment, access_list: AccessList) -> list[CountedUse]:
    """Count what the grant uses up, and tell it: it must be durable before a door moves."""
    counted = []
    for person in decision.people:
        credential, shown_pass = person.credential, person.shown.shown_pass
        limited = credential is not None and (credential.uses is not None or credential.uses_per_day is not None)
        if limited or (shown_pass is not None and shown_pass.uses is not None):
            before, today = _uses_of(person, register), _day(moment, access_list)
            used_today = before.today if before.day == today else 0
            register.put("uses", person.id, Uses(before.total + 1, today, used_today + 1))
            counted.append(CountedUse(person.id, today))
        if shown_pass is not None and shown_pass.made_at is not None:
            taken = register.made.get(person.id)
            register.put("made", person.id, Made(shown_pass.made_at))
            made_before = None if taken is None else taken.at
            counted.append(CountedUse(person.id, made=shown_pass.made_at, made_before=made_before))
    return counted


def _uses_of(person: Person, register: Register) -> Uses:
    uses = register.uses.get(person.id)
    if uses is None and person.shown.shown_pass is not None:
        uses = register.uses.get(former_pass_name(person.id))
    return uses or Uses()


def ways(decision: Decision, listed: ListedAccessPoint, door: str) -> list[OnTheWay]:
    """Who was granted, each on the way; nobody where the access point leads from nowhere to nowhere."""
    if listed.area_from == listed.area_to:
        return []
    leader, sides = leader_of(decision), (listed.area_from, listed.area_to)
    holders = [(person, person.cardholder) for person in decision.people if person.cardholder is not None]
    return [OnTheWay(door, leader, listed.id, h.id, p.id, *sides, h.special_care) for p, h in holders]


def leader_of(decision: Decision) -> str | None:
    """The credential that the door answers for."""
    return decision.people[0].id if decision.people else None


def note_passage(passed: OnTheWay, register: Register, moment: Moment) -> None:
    """Somebody went through: they are now where the access point leads."""
    where = Whereabouts(passed.area_to, moment.wall, passed.access_point, passed.credential, passed.special_care)
    register.put("whereabouts", passed.cardholder, where)
    former = former_pass_name(passed.cardholder)
    if passed.cardholder == passed.credential and former in register.whereabouts:
        register.put("whereabouts", former, None)  # Somebody nameless is in one area only.


def forgive(register: Register, cardholder: str | None) -> None:
    """Anti-passback forgets where one cardholder is, or where everybody is (None); the areas keep them."""
    whom = list(register.whereabouts) if cardholder is None else [cardholder]
    for each in whom:
        where = register.whereabouts.get(each)
        if where is not None and not where.forgiven:
            register.put("whereabouts", each, replace(where, forgiven=True))


def _day(moment: Moment, access_list: AccessList) -> str:
    return moment.wall.astimezone(access_list.zone).date().isoformat()
