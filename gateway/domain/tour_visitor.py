"""Whose card was shown at a point of a tour, and may they walk it? Asked of the list, never of a door."""

from dataclasses import dataclass

from gateway.domain.access import CHECKS
from gateway.domain.access_case import Case
from gateway.domain.access_request import AccessRequest, DenialReason, PointRules, Shown
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.passage import gather
from gateway.domain.register import Register
from gateway.domain.trace import TraceStep

WHO = ("list", "credential_known", "local_block", "credential_state", "credential_validity", "cardholder_validity")
"""What is asked of whoever walks; where they may go and when is no matter of a tour."""
GROUP_CHECK = "tour_group"
_ASKED = tuple(check for check in CHECKS if check.name in (*WHO, "grade"))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who was shown. `reason`: why they walk no tour here; None where they do, as one of `groups`."""

    credential: str | None
    cardholder: str | None
    groups: frozenset[str]
    reason: DenialReason | None
    list_version: int | None
    trace: tuple[TraceStep, ...]


def identify(
    shown: Shown,
    rules: PointRules,
    groups: frozenset[str],
    register: Register,
    moment: Moment,
    access_list: AccessList | None,
) -> Visitor:
    """Is it a card in force, of a cardholder in force who is in one of `groups`?"""
    request = AccessRequest("", (shown,), rules=rules)
    case = Case(request, moment, access_list, gather(request, access_list, register, moment))
    for check in _ASKED:
        case.check = check.name
        if not check.run(case):
            break
    person = case.people[0] if case.people else None
    holder = None if person is None else person.cardholder
    found = groups.intersection(() if holder is None else holder.groups)
    if case.reason is None:
        case.check = GROUP_CHECK
        subject = ",".join(sorted(found or groups))
        _ = case.passed(subject) if found else case.denied(DenialReason.UNAUTHORIZED, subject)
    return Visitor(
        None if person is None else person.id,
        None if holder is None else holder.id,
        found,
        case.reason,
        None if case.list is None else case.list.version,
        tuple(case.steps),
    )
