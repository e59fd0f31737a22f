"""Whose card was shown at a point of a tour, and may they walk it? Asked of the list, never of a door."""

from dataclasses import dataclass

from gateway.domain.access import CHECKS
from gateway.domain.access_case import Case
from gateway.domain.access_request import AccessRequest, PointRules, Shown
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.passage import gather
from gateway.domain.register import Register
from gateway.domain.trace import TraceStep

WHO = ("list", "credential_known", "local_block", "credential_state", "credential_validity", "cardholder_validity")
"""What is asked of whoever walks; where they may go and when is no matter of a tour."""
GROUP_CHECK = "tour_group"
NOT_IN_TOUR_GROUP = "NotInTourGroup"
"""No denial of a door's: whoever it is may pass wherever their levels lead, and walks no tour here."""
_ASKED = tuple(check for check in CHECKS if check.name in (*WHO, "grade"))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who was shown.

    `reason`: why they walk no tour here, a `DenialReason` or `NOT_IN_TOUR_GROUP`; None where they do, as one of
    `groups`.
    """

    credential: str | None
    cardholder: str | None
    groups: frozenset[str]
    reason: str | None
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
    reason = None if case.reason is None else case.reason.value
    if reason is None:
        case.steps.append(TraceStep(GROUP_CHECK, bool(found), ",".join(sorted(found or groups))))
        reason = None if found else NOT_IN_TOUR_GROUP
    return Visitor(
        None if person is None else person.id,
        None if holder is None else holder.id,
        found,
        reason,
        None if case.list is None else case.list.version,
        tuple(case.steps),
    )
