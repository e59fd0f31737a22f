"""One decision under way: what it is about, and what was found so far."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.domain.access_request import AccessRequest, Circumstances, DenialReason, Person, Want
from gateway.domain.listed import AccessList, ListedAccessPoint
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.schedule import Schedule
from gateway.domain.trace import TraceStep


class Case:
    """One decision under way."""

    def __init__(
        self, request: AccessRequest, moment: Moment, access_list: AccessList | None, circumstances: Circumstances
    ) -> None:
        self.request, self.moment, self.list, self.circumstances = request, moment, access_list, circumstances
        self.check = ""
        self.steps: list[TraceStep] = []
        self.reason: DenialReason | None = None
        self.wants: Want | None = None
        self.by_facility = False
        """Without a list, the site's own facility code lets pass."""
        self.people: list[Person] = []
        self.point: ListedAccessPoint | None = None
        self.grants: list[list[tuple[str, Schedule, tuple[str, ...]]]] = []
        self.floors: set[str] = set()
        self.duress = False
        self.soft_passback: list[str] = []

    @property
    def suspect(self) -> bool:
        return self.moment.quality is ClockQuality.SUSPECT

    @property
    def way_out(self) -> bool:
        return self.request.rules.way_out

    def passed(self, subject: str = "") -> bool:
        self.steps.append(TraceStep(self.check, True, subject))
        return True

    def denied(self, reason: DenialReason, subject: str = "") -> bool:
        self.steps.append(TraceStep(self.check, False, subject))
        self.reason = reason
        return False

    def wanting(self, want: Want, subject: str = "") -> bool:
        self.steps.append(TraceStep(self.check, False, subject))
        self.wants = want
        return False


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table. `bound_out`: the way out of an escape route isn't bound by it. `without_list`: it is asked
    of any card of the site's facility code, too.

    `run` says whether to go on. A check with nothing to ask of anybody leaves no step.
    """

    name: str
    run: Callable[[Case], bool]
    bound_out: bool = True
    without_list: bool = False
