"""Checks 1 to 9: is there a list, who was shown, and what is said of them."""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.domain.access_case import Case
from gateway.domain.access_request import DenialReason, Person, PersonFacts, Shown
from gateway.domain.cardholder import Cardholder, CardholderKind, HeldLevel
from gateway.domain.checks_permission import unknown_pin_counts
from gateway.domain.credential import CredentialState, Grade, Pass
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.site import DegradedMode

PASS_LIVES = timedelta(seconds=60)
"""A rotating pass is good for so long after it was made."""
PASS_AHEAD = timedelta(seconds=10)
"""A phone's clock may be this much ahead of the gate's."""


def list_usable(case: Case) -> bool:
    """A usable list; else what the access point does without one."""
    rules, found = case.request.rules, case.list
    if found is not None and not found.fallback:
        return case.passed(str(found.version))
    if rules.degraded is DegradedMode.FACILITY_CODE and rules.facility is not None:
        case.list = None
        shown = case.request.shown
        if shown and all(rules.facility in each.facilities for each in shown):
            case.by_facility = True
            return case.passed(f"{rules.facility[0]}:{rules.facility[1]}")
        return case.denied(DenialReason.NO_VALID_LIST, "facility_code")
    if found is not None and rules.degraded is DegradedMode.LAST_LIST:
        return case.passed(str(found.version))
    case.list = None
    return case.denied(DenialReason.NO_VALID_LIST)


def access_point_known(case: Case) -> bool:
    assert case.list is not None
    case.point = case.list.access_point(case.request.access_point)
    if case.point is None:
        return case.denied(DenialReason.UNKNOWN_ACCESS_POINT, case.request.access_point)
    return case.passed(case.request.access_point)


def credential_known(case: Case) -> bool:
    """Who was shown; the first key that the list knows decides.

    Digits that it doesn't know are an unknown credential only where, and while, a PIN alone is taken.
    """
    for shown in case.request.shown:
        person = find_person(shown, case.list)
        if person is None:
            typed = shown.grade is Grade.PIN and case.point is not None and not case.way_out
            if typed and not unknown_pin_counts(case):
                return False
            return case.denied(DenialReason.PASS_INVALID if shown.forged_pass else DenialReason.CREDENTIAL_NOT_FOUND)
        facts = case.circumstances.people.get(person.id, PersonFacts())
        case.duress = case.duress or (person.credential is not None and person.credential.duress)
        case.people.append(Person(person.id, person.credential, person.cardholder, shown, facts))
        case.passed(person.id)
    return bool(case.people) or case.denied(DenialReason.CREDENTIAL_NOT_FOUND)


def find_person(shown: Shown, access_list: AccessList | None) -> Person | None:
    """Whom the list knows by what was shown. A pass carries its own levels, beside its cardholder's kind and risk."""
    if access_list is None:
        return None
    if shown.shown_pass is not None:
        return _bearer(shown, shown.shown_pass, access_list)
    for key in shown.keys:
        credential = access_list.credential(key)
        if credential is not None:
            return Person(credential.id, credential, access_list.cardholder(credential.cardholder), shown)
    return None


def _bearer(shown: Shown, shown_pass: Pass, access_list: AccessList) -> Person:
    name = shown_pass.name
    held = tuple(HeldLevel(level) for level in shown_pass.levels)
    listed = None if shown_pass.cardholder is None else access_list.cardholder(shown_pass.cardholder)
    holder_id = shown_pass.cardholder or name
    if listed is None:
        return Person(name, None, Cardholder(holder_id, CardholderKind.VISITOR, held), shown)
    return Person(name, None, replace(listed, levels=held or listed.levels), shown)


def not_blocked_locally(case: Case) -> bool:
    for person in case.people:
        if person.facts.blocked:
            return case.denied(DenialReason.BLOCKED_LOCALLY, person.facts.blocked)
    return True


_STATE_REASONS = {
    CredentialState.SUSPENDED: DenialReason.CREDENTIAL_NOT_ENABLED,
    CredentialState.LOST: DenialReason.CREDENTIAL_LOST,
    CredentialState.EXPIRED: DenialReason.CREDENTIAL_EXPIRED,
}


def credential_enabled(case: Case) -> bool:
    state = CredentialState.ACTIVE
    for person in case.people:
        state = CredentialState.ACTIVE if person.credential is None else person.credential.state
        if person.facts.revoked and state is CredentialState.ACTIVE:
            state = CredentialState.SUSPENDED
        if state in _STATE_REASONS:
            return case.denied(_STATE_REASONS[state], state.value)
    return case.passed(state.value)


def credential_valid(case: Case) -> bool:
    for person in case.people:
        if person.shown.shown_pass is not None:
            if not _pass_holds(case, person.shown.shown_pass, person.facts):
                return False
        elif person.credential is not None:
            span = (person.credential.valid_from, person.credential.valid_until)
            reasons = (DenialReason.CREDENTIAL_NOT_ACTIVE, DenialReason.CREDENTIAL_EXPIRED)
            if not _validity_holds(case, person.id, span, reasons):
                return False
    return case.passed(",".join(person.id for person in case.people))


def _pass_holds(case: Case, shown_pass: Pass, facts: PersonFacts) -> bool:
    span = (shown_pass.valid_from, shown_pass.valid_until)
    if not _validity_holds(
        case, shown_pass.name, span, (DenialReason.CREDENTIAL_NOT_ACTIVE, DenialReason.PASS_EXPIRED)
    ):
        return False
    if shown_pass.made_at is None:
        return True
    if case.moment.wall < shown_pass.made_at - PASS_AHEAD:
        return case.denied(DenialReason.CREDENTIAL_NOT_ACTIVE, shown_pass.name)
    if case.moment.wall >= shown_pass.made_at + PASS_LIVES:
        return case.denied(DenialReason.PASS_EXPIRED, shown_pass.name)
    if facts.made_at is not None and shown_pass.made_at <= facts.made_at:
        return case.denied(DenialReason.PASS_REPLAYED, shown_pass.name)
    return True


def cardholder_valid(case: Case) -> bool:
    for person in case.people:
        holder = person.cardholder
        if holder is None:
            return case.denied(DenialReason.CARDHOLDER_NOT_ACTIVE)
        reasons = (DenialReason.CARDHOLDER_NOT_ACTIVE, DenialReason.CARDHOLDER_EXPIRED)
        if not _validity_holds(case, holder.id, (holder.valid_from, holder.valid_until), reasons):
            return False
    return case.passed(",".join(person.cardholder.id for person in case.people if person.cardholder))


def _validity_holds(
    case: Case,
    subject: str,
    span: tuple[datetime | None, datetime | None],
    reasons: tuple[DenialReason, DenialReason],
) -> bool:
    valid_from, valid_until = span
    if case.suspect and (valid_from is not None or valid_until is not None):
        return case.denied(DenialReason.CLOCK_SUSPECT, subject)
    if valid_from is not None and case.moment.wall < valid_from:
        return case.denied(reasons[0], subject)
    if valid_until is not None and case.moment.wall >= valid_until:
        return case.denied(reasons[1], subject)
    return True


def grade_accepted(case: Case) -> bool:
    """What the reader accepts; and a credential that must be secure, shown otherwise, is a copy."""
    accepts, asked = case.request.rules.accepts, False
    for at, shown in enumerate(case.request.shown):
        credential = None if case.by_facility else case.people[at].credential
        secure = credential is not None and credential.grade is Grade.SECURE
        if (accepts is not None and shown.grade not in accepts) or (secure and shown.grade is not Grade.SECURE):
            return case.denied(DenialReason.FORMAT_NOT_ACCEPTED, shown.grade.value)
        asked = asked or accepts is not None or secure
    return case.passed(case.request.shown[-1].grade.value) if asked else True


_SHUT_OUT_BY_RISK = (CardholderKind.VISITOR, CardholderKind.CONTRACTOR)


def risk_of(holder: Cardholder | None, moment: Moment) -> int:
    """The risk level in force: 0 without one. While the clock is suspect it doesn't run out."""
    risk = None if holder is None else holder.risk
    if risk is None:
        return 0
    over = risk.until is not None and moment.quality is not ClockQuality.SUSPECT and moment.wall >= risk.until
    return 0 if over else risk.level


def risk_accepted(case: Case) -> bool:
    for person in case.people:
        level = risk_of(person.cardholder, case.moment)
        if level >= 3 and person.cardholder is not None and person.cardholder.kind in _SHUT_OUT_BY_RISK:
            return case.denied(DenialReason.RISK_REFUSED, str(level))
    highest = max(risk_of(person.cardholder, case.moment) for person in case.people)
    return case.passed(str(highest)) if highest else True
