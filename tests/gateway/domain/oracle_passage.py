"""Checks 10 to 22 of docs/access.md: may they pass here and now, and what is still wanted?

Each returns the reason of a denial, a wanted thing (one of `WANTS`), or None.
"""

from tests.gateway.domain.oracle_case import Case, Json, Person

WANTS = {
    "pin": "PinMissing",
    "escort": "EscortMissing",
    "person": "SecondCredentialMissing",
    "confirmation": "ConfirmationMissing",
}
"""What can be wanted, and the reason of the denial when it doesn't come."""


def door_mode(case: Case) -> str | None:
    """10."""
    return {"LockedDown": "LockedDown", "Blocked": "DoorBlocked"}.get(case.request["mode"])


def access_level(case: Case) -> str | None:
    """11."""
    for person in case.people:
        if case.local_grant(person):
            case.notes.add("local grant")
            continue
        leads, suspected = case.grants_of(person)
        if not leads:
            return "ClockSuspect" if suspected else "Unauthorized"
    return None


def schedule(case: Case) -> str | None:
    """12."""
    for person in case.people:
        if case.local_grant(person):
            continue
        leads, _ = case.grants_of(person)
        if not any(case.covers(grant["schedule"]) for grant in leads):
            return "ClockSuspect" if case.suspect else "NotPermittedAtThisTime"
    return None


def authentication(case: Case) -> str | None:
    """13."""
    wanted = case.wanted()
    case.notes.add(f"authentication {wanted}")
    if wanted == "locked":
        return "AccessPointLocked"
    for person in case.people:
        if wanted not in ("card_or_pin", "unlocked") and (person.grade == "pin") != (wanted == "pin"):
            return "FormatNotAccepted"
    return None


def uses(case: Case) -> str | None:
    """14."""
    for person in case.people:
        allowed: Json = person.credential or person.shown_pass or {}
        total, today = case.used(person)
        if allowed.get("uses") is not None and total >= allowed["uses"]:
            case.notes.add("no use is left")
            return "UsesExhausted"
        if allowed.get("uses_per_day") is not None and today >= allowed["uses_per_day"]:
            case.notes.add("no use is left today")
            return "UsesExhausted"
    return None


def anti_passback(case: Case) -> str | None:
    """15. The graver answer of the area entered and the area left counts."""
    for person in case.people:
        answers = _contradicted(case, person)
        if "hard" in answers:
            return "AntipassbackViolation"
        if "soft" in answers:
            case.soft.add(person.id)
    return None


def _contradicted(case: Case, person: Person) -> set[str]:
    area_from, area_to = case.point.get("area_from"), case.point.get("area_to")
    seen = case.seen(person)
    if area_from == area_to or seen is None or person.holder.get("anti_passback_exempt"):
        return set()
    answers = set()
    if area_to is not None and seen["area"] == area_to:
        answers.add(case.area_rule(area_to, seen))
    if area_from is not None and seen["area"] != area_from:
        answers.add(case.area_rule(area_from, seen))
    return answers


def occupancy(case: Case) -> str | None:
    """16."""
    area_id = case.point.get("area_to")
    limit = None if area_id is None else case.listed.areas[area_id].get("max_occupancy")
    if limit is None:
        return None
    inside = [seen for seen in case.request["whereabouts"].values() if seen["area"] == area_id]
    expected = len(inside) + case.request["on_their_way"]
    coming = {person.who for person in case.people if case.seen(person) not in inside}
    if not coming and expected >= limit:
        case.notes.add("who is in it already doesn't count twice")
    return "OccupancyLimit" if coming and expected + len(coming) > limit else None


def interlock(case: Case) -> str | None:
    """17."""
    return "InterlockActive" if case.request["interlocked_by"] else None


def lockout(case: Case) -> str | None:
    """18. No PIN is taken; a known card alone still opens."""
    with_pin = case.wanted() == "card_and_pin" or case.request["pin"] is not None
    with_pin |= any(person.grade == "pin" for person in case.people)
    if case.request["locked_out"] and not with_pin:
        case.notes.add("a card alone while no PIN is taken")
    return "LockedOut" if case.request["locked_out"] and with_pin else None


def pin(case: Case) -> str | None:
    """19. Of whoever was shown first; what has no PIN is not asked for one in vain."""
    if case.wanted() != "card_and_pin":
        return None
    credential = case.people[0].credential or {}
    if credential.get("pin") is None and credential.get("pin_key") is None:
        case.notes.add("no PIN to ask for")
        return "InvalidPIN"
    if case.request["pin"] is None:
        return "pin"
    case.notes.add(f"a {case.typed()} PIN")
    return "InvalidPIN" if case.typed() == "wrong" else None


def escort(case: Case) -> str | None:
    """20. Somebody who needs none. Who comes and is none ends the waiting, unless more people are wanted anyway."""
    for person in case.people:
        if not person.holder.get("escort_needed"):
            continue
        if not any(_escorts(other, person) for other in case.people):
            in_vain = len(case.people) > 1 and case.wanted() != "two_cards"
            return "EscortMissing" if in_vain else "escort"
        case.notes.add("escorted")
    return None


def _escorts(other: Person, person: Person) -> bool:
    free = other.holder.get("can_escort") and not other.holder.get("escort_needed")
    return bool(free and person.holder.get("escort_needed"))


def second_credential(case: Case) -> str | None:
    """21. Everybody wanted is there; who comes and is of no use ends the waiting. A first escort is of use."""
    if case.wanted() != "two_cards":
        return None
    seats = [one["group"] for one in case.point.get("persons", ()) for _ in range(one.get("count", 1))]
    wanted = len(seats) or 2
    newest, before = case.people[-1], case.people[:-1]
    seated = _seated(case.people, seats)
    if seated == wanted:
        case.notes.add("people of the groups wanted" if seats else "two people")
        return None
    alone = [person for person in before if not any(_escorts(other, person) for other in before)]
    of_use = seated > _seated(before, seats) or any(_escorts(newest, person) for person in alone)
    return "person" if of_use else "SecondCredentialMissing"


def _seated(people: list[Person], seats: list[str]) -> int:
    """How many different people can sit, each on one seat of one of their groups; without seats: how many there are."""
    different = list({person.who: person for person in people}.values())
    return _most_seated(different, seats) if seats else min(2, len(different))


def _most_seated(people: list[Person], seats: list[str]) -> int:
    """Tries everybody on the first seat, and nobody, and then the other seats."""
    if not seats:
        return 0
    most = _most_seated(people, seats[1:])
    for person in people:
        if seats[0] in person.holder.get("groups", ()):
            others = [other for other in people if other is not person]
            most = max(most, 1 + _most_seated(others, seats[1:]))
    return most


def confirmation(case: Case) -> str | None:
    """22."""
    if case.wanted() != "confirm" or case.request["confirmed"] is True:
        return None
    return "confirmation" if case.request["confirmed"] is None else "ConfirmationRefused"
