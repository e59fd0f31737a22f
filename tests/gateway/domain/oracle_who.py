"""Checks 1 to 9 of docs/access.md: what was shown, and by whom. Each returns the reason of a denial, or None."""

from datetime import timedelta

from tests.gateway.domain.oracle_calendar import instant_of
from tests.gateway.domain.oracle_case import VISITOR, Case, Json, Person, canonical


def valid_list(case: Case) -> str | None:
    """1. Without a list the degraded mode decides."""
    if not case.without_list:
        if case.request["list"] == "fallback":
            case.notes.add("by the list before")
        return None
    case.notes.add("without a list")
    facility = case.rules["facility"]
    if case.rules["degraded"] != "facility_code" or facility is None:
        return "NoValidList"
    for shown in case.request["shown"]:
        readings = shown.get("readings", ())
        if not any([reading["format"], reading["facility_code"]] == facility for reading in readings):
            return "NoValidList"
    return None


def access_point(case: Case) -> str | None:
    """2."""
    return None if case.request["access_point"] in case.listed.points else "UnknownAccessPoint"


def credential_known(case: Case) -> str | None:
    """3. The first known reading counts; a pass must be signed."""
    for shown in case.request["shown"]:
        if "pass" in shown:
            if not case.listed.pass_holds(shown):
                return "PassInvalid"
            case.people.append(_bearer(case, shown["pass"]))
            continue
        person = _bearer_of_card(case, shown)
        if person is None:
            return _unknown(case, shown)
        case.people.append(person)
    return None


def _unknown(case: Case, shown: Json) -> str:
    """Digits that the list doesn't know are an unknown credential only where and while a PIN alone is taken."""
    if shown["grade"] != "pin" or case.rules["way_out"]:
        return "CredentialNotFound"
    accepts, wanted = case.rules["accepts"], case.wanted()
    if accepts is not None and "pin" not in accepts:
        case.notes.add("unknown digits: the reader takes no PIN")
        return "FormatNotAccepted"
    if wanted not in {"card_or_pin", "pin", "unlocked"}:
        case.notes.add("unknown digits where no PIN alone is taken")
        return "AccessPointLocked" if wanted == "locked" else "FormatNotAccepted"
    if case.request["locked_out"]:
        case.notes.add("unknown digits while no PIN is taken")
        return "LockedOut"
    case.notes.add("an unknown PIN")
    return "CredentialNotFound"


def _bearer(case: Case, payload: Json) -> Person:
    named = payload.get("cardholder")
    holder = case.listed.holders.get(named or "", VISITOR)
    case.notes.add("pass of " + ("somebody unknown" if holder is VISITOR else "a cardholder"))
    name = f"pass:{payload['key']}/{payload['id']}"
    return Person(name, f"cardholder:{named or name}", holder, "pass", shown_pass=payload)


def _bearer_of_card(case: Case, shown: Json) -> Person | None:
    for number, reading in enumerate(shown["readings"]):
        credential = case.listed.credentials.get(case.listed.keyed(canonical(reading)))
        if credential is None:
            continue
        if number > 0:
            case.notes.add("not the first reading is known")
        holder = case.listed.holders[credential["cardholder"]]
        return Person(credential["id"], f"cardholder:{holder['id']}", holder, shown["grade"], credential)
    return None


def local_block(case: Case) -> str | None:
    """4."""
    for person in case.people:
        for name in case.names(person):
            if f"credential:{name}" in case.request["blocked"]:
                case.notes.add("block of a credential")
                return "BlockedLocally"
        for name in case.holder_names(person):
            if f"cardholder:{name}" in case.request["blocked"]:
                case.notes.add("block of a cardholder")
                return "BlockedLocally"
    return None


def credential_state(case: Case) -> str | None:
    """5."""
    reasons = {"suspended": "CredentialNotEnabled", "lost": "CredentialLost", "expired": "CredentialExpired"}
    for person in case.people:
        state = person.credential.get("state", "active") if person.credential else "active"
        if state in reasons:
            return reasons[state]
    return None


def credential_validity(case: Case) -> str | None:
    """6."""
    for person in case.people:
        if person.shown_pass is not None:
            reason = _pass_validity(case, person, person.shown_pass)
        else:
            reason = case.validity(person.credential or {}, "CredentialNotActive", "CredentialExpired")
        if reason is not None:
            return reason
    return None


def _pass_validity(case: Case, person: Person, payload: Json) -> str | None:
    """A pass always ends, so it is limited in time."""
    limits = {"valid_from": payload.get("from"), "valid_until": payload["until"]}
    reason = case.validity(limits, "CredentialNotActive", "PassExpired")
    if reason is not None or "at" not in payload:
        return reason
    made = instant_of(payload["at"])
    if case.wall < made - timedelta(seconds=10):
        case.notes.add("a rotating pass is ahead")
        return "CredentialNotActive"
    if case.wall >= made + timedelta(seconds=60):
        case.notes.add("a rotating pass is too old")
        return "PassExpired"
    taken = case.remembered("made", person)
    if taken is not None and made <= instant_of(taken):
        return "PassReplayed"
    case.notes.add("a rotating pass holds")
    return None


def cardholder_validity(case: Case) -> str | None:
    """7."""
    for person in case.people:
        reason = case.validity(person.holder, "CardholderNotActive", "CardholderExpired")
        if reason is not None:
            return reason
    return None


def grade(case: Case) -> str | None:
    """8."""
    accepts = case.rules["accepts"]
    for shown in case.request["shown"]:
        if accepts is not None and shown["grade"] not in accepts:
            case.notes.add("the reader does not accept the grade")
            return "FormatNotAccepted"
    for person in case.people:
        if person.credential and person.credential.get("grade") == "secure" and person.grade != "secure":
            case.notes.add("a copy of a secure credential")
            return "FormatNotAccepted"
    return None


def risk(case: Case) -> str | None:
    """9."""
    for person in case.people:
        warning = person.holder.get("risk")
        if warning is None or warning["level"] != 3:
            continue
        until = warning.get("until")
        if not case.suspect and until is not None and case.wall >= instant_of(until):
            case.notes.add("risk is over")
        elif person.holder.get("kind", "resident") in ("visitor", "contractor"):
            return "RiskRefused"
        else:
            case.notes.add("risk 3 passes everybody else")
    return None
