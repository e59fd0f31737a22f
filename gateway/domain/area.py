"""Areas: who is where, and what anti-passback makes of it."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from gateway.domain.listed import AccessList, AntiPassback, Area, ListedAccessPoint
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.register import Whereabouts
from gateway.domain.schedule import clock_changes


def breaks_anti_passback(
    point: ListedAccessPoint, where: tuple[str | None, datetime], moment: Moment, access_list: AccessList
) -> AntiPassback:
    """Does passing `point` contradict being in `where` (area, None for outside; since when)? How gravely.

    Who is in the area already can't enter it again; who isn't in an area can't leave it. Each area judges by its own
    rule, and the graver one counts.
    """
    if point.area_from == point.area_to:
        return AntiPassback.OFF
    area, since = where
    entered = None if point.area_to is None else access_list.area(point.area_to)
    left = None if point.area_from is None else access_list.area(point.area_from)
    found = [AntiPassback.OFF]
    if entered is not None and area == entered.id:
        found.append(_judgement(entered, since, moment, access_list.zone))
    if left is not None and area != left.id:
        found.append(_judgement(left, since, moment, access_list.zone))
    return max(found, key=_GRAVITY.index)


_GRAVITY = (AntiPassback.OFF, AntiPassback.SOFT, AntiPassback.HARD)


def _judgement(area: Area, since: datetime, moment: Moment, zone: tzinfo) -> AntiPassback:
    """The area's rule, unless its time is over or its hour came. By a suspect clock a timed one doesn't bind."""
    if _started_anew(area, since, moment, zone):
        return AntiPassback.OFF
    if area.timed_minutes is None:
        return area.anti_passback
    suspect = moment.quality is ClockQuality.SUSPECT
    over = suspect or moment.wall >= since + timedelta(minutes=area.timed_minutes)
    return AntiPassback.OFF if over else area.anti_passback


def is_forgiven(where: Whereabouts, area: Area | None, moment: Moment, zone: tzinfo) -> bool:
    """By a guard, or because the hour of the area where they are has come since."""
    return where.forgiven or (area is not None and _started_anew(area, where.at, moment, zone))


def _started_anew(area: Area, since: datetime, moment: Moment, zone: tzinfo) -> bool:
    """Has the area's hour of the day come since?"""
    if area.forgive_at_minute is None:
        return False
    today = moment.wall.astimezone(zone).date()
    days = (today, today - timedelta(days=1))
    came = [at for day in days for at in _comes(day, area.forgive_at_minute, zone) if at <= moment.wall]
    return any(since < at for at in came)


def _comes(day: date, minute: int, zone: tzinfo) -> set[datetime]:
    """When the local clock comes to a minute of that day: twice where it is put back; a skipped one with the skip."""
    midnight = datetime.combine(day, time())
    shown = midnight + timedelta(minutes=minute)
    told = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    there = {at for at in told if at.astimezone(zone).replace(tzinfo=None) == shown}
    # A skip at midnight shows only from the day before, one late in the evening only from the day itself.
    return there or clock_changes(midnight - timedelta(hours=12), zone) or clock_changes(midnight, zone)
