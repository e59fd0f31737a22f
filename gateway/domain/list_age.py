"""How long ago the office said that the list in force is its newest: lists don't expire, their age is told."""

from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.events import Event
from gateway.domain.listed import AccessList
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.snapshot import ControllerState

OLD_S = 24 * 3600.0
OUTDATED_S = 72 * 3600.0
FIRST_WORD_S = 120.0
"""So long after a start the office is waited for before a list becomes too old: it was asked nothing meanwhile."""
SOURCE = "office"


class ListAge:
    """Of a site that has an office. What a list is refused for, and what waits for a second yes, make it old too."""

    def __init__(self, alarms: AlarmBook, state: ControllerState, *, has_office: bool) -> None:
        self._alarms, self._state, self._has_office = alarms, state, has_office
        self._patient_until_s = 0.0

    def start(self, moment: Moment) -> None:
        """The gateway starts."""
        self._patient_until_s = moment.monotonic_s + FIRST_WORD_S

    def confirm(self, moment: Moment) -> list[Event]:
        """The office has said now that the list in force is its newest."""
        self._state.list_current = moment
        return self._settle(0.0, moment)

    def judge(self, moment: Moment, access_list: AccessList | None) -> list[Event]:
        """Raise what is due. Called once a minute."""
        if not self._has_office or access_list is None:
            return [event for kind in _KINDS for event in self._alarms.normal(kind, SOURCE)]
        if self._state.list_current is None:
            self._state.list_current = moment
        return [] if moment.monotonic_s < self._patient_until_s else self._settle(self._age_s(moment), moment)

    def _age_s(self, moment: Moment) -> float:
        since = self._state.list_current
        assert since is not None
        if since.boot_id == moment.boot_id:
            return moment.monotonic_s - since.monotonic_s
        # Since then there was a boot at least. A clock that is suspect tells nothing of the time before it.
        trusted = ClockQuality.SUSPECT not in (since.quality, moment.quality)
        return max(moment.monotonic_s, (moment.wall - since.wall).total_seconds() if trusted else 0.0)

    def _settle(self, age_s: float, moment: Moment) -> list[Event]:
        events: list[Event] = []
        for kind, (least_s, below_s) in _KINDS.items():
            if not least_s <= age_s < below_s:
                events += self._alarms.normal(kind, SOURCE)
            elif not self._alarms.is_active(kind, SOURCE):
                events += self._alarms.raise_alarm(kind, SOURCE, moment)
        return events


_KINDS = {AlarmKind.LIST_OLD: (OLD_S, OUTDATED_S), AlarmKind.LIST_OUTDATED: (OUTDATED_S, float("inf"))}
