"""When the list's settings leave a door unlocked: by the hour, or from the first card on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from gateway.domain.authentication import authentication_now, settings_change_at
from gateway.domain.listed import AccessList, Authentication, ListedAccessPoint
from gateway.domain.moment import ClockQuality, Moment


def may_unlock(moment: Moment, access_list: AccessList | None) -> bool:
    """Without a list, with the list of before it, or while the clock is suspect, nothing unlocks."""
    return access_list is not None and not access_list.fallback and moment.quality is not ClockQuality.SUSPECT


def is_unlocked(
    access_points: Iterable[str], first_cards: Mapping[str, datetime], moment: Moment, access_list: AccessList | None
) -> bool:
    """Do the settings of one of a door's access points leave it unlocked now?"""
    if access_list is None or not may_unlock(moment, access_list):
        return False
    for access_point in access_points:
        listed = access_list.access_point(access_point)
        wanted = None if listed is None else authentication_now(listed, moment, access_list)
        if wanted is Authentication.UNLOCKED:
            return True
        if wanted is Authentication.FIRST_CARD and first_card_counts(
            first_cards.get(access_point), moment, access_list
        ):
            return True
    return False


def first_card_counts(until: datetime | None, moment: Moment, access_list: AccessList) -> bool:
    """Does a first card that was shown count until a time to come, of this local day?

    One that counts for longer was shown by a clock that has been put back since.
    """
    return until is not None and moment.wall < until <= next_midnight(moment.wall, access_list.zone)


def first_card_until(point: ListedAccessPoint, moment: Moment, access_list: AccessList) -> datetime:
    """How long a first card that is shown now counts: to the end of its setting, at most to the next local midnight."""
    midnight = next_midnight(moment.wall, access_list.zone)
    at = settings_change_at(point, moment, access_list)
    while at is not None and at < midnight:
        then = replace(moment, wall=at)
        if authentication_now(point, then, access_list) is not Authentication.FIRST_CARD:
            return at
        at = settings_change_at(point, then, access_list)
    return midnight


def next_unlock_change(
    access_points: Iterable[str], first_cards: Mapping[str, datetime], moment: Moment, access_list: AccessList
) -> datetime | None:
    """The next time (UTC) at which `is_unlocked` may change by itself."""
    times: list[datetime | None] = [until for until in first_cards.values() if until > moment.wall]
    listed = (access_list.access_point(access_point) for access_point in access_points)
    times += [settings_change_at(point, moment, access_list) for point in listed if point is not None]
    return min((at for at in times if at is not None), default=None)


def next_midnight(wall: datetime, zone: tzinfo) -> datetime:
    """The next local midnight, UTC."""
    tomorrow = wall.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)
