"""What an access point wants to see, by the time."""

from datetime import datetime

from gateway.domain.access_request import DenialReason
from gateway.domain.credential import Grade
from gateway.domain.listed import DEFAULT_AUTHENTICATION, AccessList, Authentication, ListedAccessPoint
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.schedule import Schedule

TAKES_PIN_ALONE = (Authentication.CARD_OR_PIN, Authentication.PIN, Authentication.UNLOCKED)
"""Where a PIN is a credential of its own; elsewhere it belongs to a card, or to nothing."""


def authentication_now(point: ListedAccessPoint, moment: Moment, access_list: AccessList) -> Authentication:
    """What the access point wants at this time: its first setting whose schedule covers it.

    While the clock is suspect, only a schedule that always holds does.
    """
    for schedule_id, authentication in _settings(point):
        schedule = access_list.schedule(schedule_id)
        if schedule is not None and holds(schedule, moment, access_list):
            return authentication
    return DEFAULT_AUTHENTICATION


def refusal_of(grade: Grade, now: Authentication) -> DenialReason | None:
    """Why what is shown at this grade is not of the kind that is wanted now; None where it is."""
    if now is Authentication.LOCKED:
        return DenialReason.ACCESS_POINT_LOCKED
    alone = grade is Grade.PIN
    if (alone and now not in TAKES_PIN_ALONE) or (not alone and now is Authentication.PIN):
        return DenialReason.FORMAT_NOT_ACCEPTED
    return None


def _settings(point: ListedAccessPoint) -> list[tuple[str, Authentication]]:
    first = [] if point.unlock_schedule is None else [(point.unlock_schedule, Authentication.UNLOCKED)]
    return first + [(setting.schedule, setting.authentication) for setting in point.settings]


def settings_change_at(point: ListedAccessPoint, moment: Moment, access_list: AccessList) -> datetime | None:
    """The next time (UTC) at which one of its settings' schedules begins or ends."""
    schedules = [access_list.schedule(schedule_id) for schedule_id, _ in _settings(point)]
    changes = [s.next_change(moment.wall, access_list.zone) for s in schedules if s is not None]
    return min((change for change in changes if change is not None), default=None)


def holds(schedule: Schedule, moment: Moment, access_list: AccessList) -> bool:
    """Does it cover the time? While the clock is suspect only one that always does."""
    if moment.quality is ClockQuality.SUSPECT:
        return schedule.always
    return schedule.covers(moment.wall, access_list.zone)
