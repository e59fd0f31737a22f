"""What an access event keeps of a decision's input, so that it can be decided again: recorded here, recalled here.

Plain JSON values; what is as usual is left out, so that an ordinary swipe keeps nothing. A known credential is kept by
its id, an unknown one by its keyed hashes. A PIN is kept as right or wrong; that it signalled duress is not.
"""

from dataclasses import fields
from datetime import datetime
from typing import Any

from gateway.domain.access_request import (
    AccessRequest,
    Circumstances,
    Person,
    PersonFacts,
    PinResult,
    PointRules,
    Shown,
)
from gateway.domain.credential import Grade, Pass, former_pass_name
from gateway.domain.door_mode import DoorMode
from gateway.domain.site import DegradedMode

ID_KEY = "id:"
"""A recalled `Shown` names a credential by its id: `id:c-1` in place of a keyed hash."""


def record(request: AccessRequest, circumstances: Circumstances, people: tuple[Person, ...]) -> dict[str, Any]:
    """The input of a decision as an event keeps it."""
    kept: dict[str, Any] = {}
    shown = [_shown(each, people[at] if at < len(people) else None) for at, each in enumerate(request.shown)]
    if len(shown) != 1 or set(shown[0]) != {"id"}:
        kept["shown"] = shown
    if request.pin is not None:
        kept["pin"] = (PinResult.WRONG if request.pin is PinResult.WRONG else PinResult.RIGHT).value
    if request.confirmed is not None:
        kept["confirmed"] = request.confirmed
        kept |= {"confirmed_by": request.confirmed_by} if request.confirmed_by else {}
    if circumstances.mode is not DoorMode.LOCKED:
        kept["mode"] = circumstances.mode.value
    if circumstances.interlocked_by:
        kept["interlocked_by"] = circumstances.interlocked_by
    if circumstances.inside:
        kept["inside"] = circumstances.inside
    if circumstances.locked_out:
        kept["locked_out"] = True
    facts = {name: told for name, each in circumstances.people.items() if (told := _told(each))}
    if facts:
        kept["people"] = facts
    rules = _told_rules(request.rules)
    if rules:
        kept["rules"] = rules
    return kept


def recall(access_point: str, credential: str | None, kept: dict[str, Any]) -> tuple[AccessRequest, Circumstances]:
    """What `record` kept, as a request and its circumstances. Raises KeyError or ValueError for what it never wrote.

    Older events name a pass by its id alone.
    """
    usual = [] if credential is None else [{"id": credential}]
    shown = tuple(_recalled(each) for each in kept.get("shown", usual))
    pin = PinResult(kept["pin"]) if "pin" in kept else None
    told: dict[str, Any] = kept.get("people", {})
    names = {former_pass_name(p.name): p.name for p in (each.shown_pass for each in shown) if p is not None}
    people = {names.get(name, name): _facts(each) for name, each in told.items()}
    circumstances = Circumstances(
        DoorMode(kept.get("mode", DoorMode.LOCKED)),
        kept.get("interlocked_by", ""),
        kept.get("inside", 0),
        kept.get("locked_out", False),
        people,
    )
    rules = _rules(kept.get("rules", {}))
    confirmed, by = kept.get("confirmed"), kept.get("confirmed_by", "")
    return AccessRequest(access_point, shown, pin, confirmed, rules, by), circumstances


def _shown(shown: Shown, person: Person | None) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if shown.shown_pass is not None:
        kept["pass"] = {name: told for name, told in _plain(shown.shown_pass).items() if told is not None}
    elif person is not None:
        kept["id"] = person.id
    else:
        kept["keys"] = list(shown.keys)
    if shown.grade is not Grade.CLONABLE:
        kept["grade"] = shown.grade.value
    if shown.forged_pass:
        kept["forged_pass"] = True
    if shown.facilities and person is None:
        kept["facilities"] = [list(each) for each in shown.facilities]
    return kept


def _recalled(kept: dict[str, Any]) -> Shown:
    keys = (ID_KEY + kept["id"],) if "id" in kept else tuple(kept.get("keys", ()))
    told = kept.get("pass")
    shown_pass = None
    if told is not None:
        shown_pass = Pass(
            told["id"],
            told["key"],
            told.get("cardholder"),
            tuple(told.get("levels", ())),
            _time(told.get("valid_from")),
            datetime.fromisoformat(told["valid_until"]),
            told.get("uses"),
            _time(told.get("made_at")),
        )
    facilities = tuple((name, code) for name, code in kept.get("facilities", ()))
    grade = Grade(kept.get("grade", Grade.CLONABLE))
    return Shown(keys, grade, shown_pass, kept.get("forged_pass", False), facilities)


_USUAL = PersonFacts()


def _told(facts: PersonFacts) -> dict[str, Any]:
    usual = _plain(_USUAL)
    return {name: told for name, told in _plain(facts).items() if told != usual[name]}


def _facts(kept: dict[str, Any]) -> PersonFacts:
    times = {name: _time(kept.get(name)) for name in ("since", "local_grant_until", "made_at")}
    return PersonFacts(
        kept.get("known", False),
        kept.get("area"),
        times["since"],
        kept.get("used", 0),
        kept.get("used_today", 0),
        kept.get("blocked", ""),
        times["local_grant_until"],
        times["made_at"],
        kept.get("revoked", False),
    )


def _told_rules(rules: PointRules) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if rules.way_out:
        kept["way_out"] = True
    if rules.exit:
        kept["exit"] = True
    if rules.accepts is not None:
        kept["accepts"] = sorted(grade.value for grade in rules.accepts)
    if rules.degraded is not DegradedMode.LAST_LIST:
        kept["degraded"] = rules.degraded.value
        kept["facility"] = None if rules.facility is None else list(rules.facility)
    return kept


def _rules(kept: dict[str, Any]) -> PointRules:
    accepts, facility = kept.get("accepts"), kept.get("facility")
    return PointRules(
        kept.get("way_out", False),
        None if accepts is None else frozenset(Grade(each) for each in accepts),
        DegradedMode(kept.get("degraded", DegradedMode.LAST_LIST)),
        None if facility is None else (facility[0], facility[1]),
        kept.get("exit", False),
    )


def _plain(value: Pass | PersonFacts) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for each in fields(value):
        held = getattr(value, each.name)
        plain[each.name] = (
            held.isoformat() if isinstance(held, datetime) else list(held) if isinstance(held, tuple) else held
        )
    return plain


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
