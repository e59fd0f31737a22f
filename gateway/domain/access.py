"""The decision: may what was shown pass this access point now?

Pure. `CHECKS` is the one order of checks; the first that fails gives the denial its one reason, and the trace holds
every check that was asked, in order. docs/access.md is this table in words.
"""

from gateway.domain import checks_completion as completion
from gateway.domain import checks_permission as permission
from gateway.domain import checks_who as who
from gateway.domain.access_case import Case, Check
from gateway.domain.access_request import AccessRequest, Circumstances, Decision
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment

CHECKS: tuple[Check, ...] = (
    Check("list", who.list_usable, bound_out=False),
    Check("access_point", who.access_point_known, bound_out=False),
    Check("credential_known", who.credential_known, bound_out=False),
    Check("local_block", who.not_blocked_locally),
    Check("credential_state", who.credential_enabled),
    Check("credential_validity", who.credential_valid),
    Check("cardholder_validity", who.cardholder_valid),
    Check("grade", who.grade_accepted, without_list=True),
    Check("risk", who.risk_accepted),
    Check("door_mode", permission.door_mode_allows, without_list=True),
    Check("access_level", permission.level_leads_here),
    Check("schedule", permission.schedule_covers),
    Check("authentication", permission.kind_accepted),
    Check("uses", permission.uses_left),
    Check("anti_passback", permission.whereabouts_allow),
    Check("occupancy", permission.area_has_room),
    Check("interlock", permission.interlock_allows, without_list=True),
    Check("lockout", completion.not_locked_out),
    Check("pin", completion.pin_right),
    Check("escort", completion.escort_there),
    Check("second_credential", completion.persons_there),
    Check("confirmation", completion.confirmed),
)
"""The one order of checks. What somebody must still do (PIN, escort, second card, a guard's yes) is asked for last."""


def decide(
    request: AccessRequest, moment: Moment, access_list: AccessList | None, circumstances: Circumstances | None = None
) -> Decision:
    """Decide, by `CHECKS`.

    While the clock is suspect, what is limited in time is denied and what is permanent goes on.
    """
    case = Case(request, moment, access_list, circumstances or Circumstances())
    for check in CHECKS:
        case.check = check.name
        if check.bound_out and case.way_out:
            case.check = "way_out"
            case.passed()
            break
        if case.by_facility and not check.without_list:
            continue
        if not check.run(case):
            break
    granted = case.reason is None and case.wants is None
    return Decision(
        granted,
        case.reason,
        tuple(case.steps),
        None if case.list is None else case.list.version,
        case.wants,
        tuple(case.people),
        tuple(sorted(case.floors)) if granted else (),
        case.duress,
        tuple(case.soft_passback) if granted else (),
    )
