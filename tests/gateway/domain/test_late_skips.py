"""An hour of the evening that the clock skips, and a request that shows nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.access import decide
from gateway.domain.access_request import AccessRequest, DenialReason, PointRules
from gateway.domain.area import is_forgiven
from gateway.domain.listed import Area
from gateway.domain.moment import Moment
from gateway.domain.register import Whereabouts
from gateway.domain.site import DegradedMode

LATE = [("Pacific/Easter", (22, 30), (2027, 9, 5, 8)), ("Asia/Pyongyang", (23, 45), (2018, 5, 5, 8))]


@pytest.mark.parametrize(("zone", "hour", "asked"), LATE)
def test_an_hour_that_was_skipped_late_yesterday_forgives_with_the_skip(
    zone: str, hour: tuple[int, int], asked: tuple[int, int, int, int]
) -> None:
    local = datetime(*asked, tzinfo=ZoneInfo(zone))
    area = Area("yard", forgive_at_minute=hour[0] * 60 + hour[1])
    moment = Moment(local.astimezone(UTC), 1.0, "boot")
    morning = Whereabouts("yard", local.replace(day=local.day - 1, hour=9).astimezone(UTC), "north")
    today = Whereabouts("yard", local.replace(hour=7).astimezone(UTC), "north")
    assert is_forgiven(morning, area, moment, ZoneInfo(zone))
    assert not is_forgiven(today, area, moment, ZoneInfo(zone))


def test_nothing_shown_is_nobody_s_facility_code() -> None:
    rules = PointRules(degraded=DegradedMode.FACILITY_CODE, facility=("H10301", 123))
    decision = decide(
        AccessRequest("north", (), rules=rules), Moment(datetime(2026, 11, 23, tzinfo=UTC), 1.0, "b"), None
    )
    assert decision.reason is DenialReason.NO_VALID_LIST
