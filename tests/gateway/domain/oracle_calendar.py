"""When a schedule of a raw LIST.json covers a time, by the words of docs/access.md alone: slow and obvious.

It looks at what the local clock shows, one date and one minute at a time, and never at the engine's schedules.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 1440
MINUTE = timedelta(minutes=1)
MINUTES_ASKED = 3 * DAY
"""A daily hour comes at least once in so long, also where the local clock skips it on one of the days."""


@cache
def minute_of(text: str) -> int:
    """`HH:MM` as minutes of the day; 24:00 is 1440."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


@cache
def day_of(text: str) -> date:
    """A date as the list writes it."""
    return date.fromisoformat(text)


@cache
def instant_of(text: str) -> datetime:
    """An RFC 3339 time."""
    return datetime.fromisoformat(text)


class Calendar:
    """The schedules and special days of one document, in its zone."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.zone = ZoneInfo(document["zone"])
        self.special_days = {group["id"]: {day_of(day) for day in group["dates"]} for group in document["special_days"]}
        self.schedules: dict[str, dict[str, Any]] = {schedule["id"]: schedule for schedule in document["schedules"]}
        self._always = {schedule_id: self._holds_always(schedule_id) for schedule_id in self.schedules}

    def covers(self, schedule_id: str, wall: datetime, notes: set[str]) -> bool:
        """Does the schedule cover the time? `notes` collects what its answer rested on."""
        schedule = self.schedules[schedule_id]
        local = wall.astimezone(self.zone)
        today = local.date()
        minute = local.hour * 60 + local.minute
        plan_today, spans_today = self._plan(schedule, today)
        plan_before, spans_before = self._plan(schedule, today - timedelta(days=1))
        covered = any(start <= minute < end for start, end in spans_today)
        late = any(start <= minute + DAY < end for start, end in spans_before)
        cut = plan_today[0] == "special day" and plan_before != plan_today
        if late and cut:
            notes.add("schedule: a special day ends what runs into it")
        elif late:
            notes.add("schedule: over midnight")
            covered = True
        notes.add(f"schedule: {plan_today[0]} {'covers' if covered else 'does not cover'}")
        if local.fold:
            notes.add(f"schedule: the hour that comes twice, {'covered' if covered else 'not covered'}")
        return covered

    def always(self, schedule_id: str) -> bool:
        """Do its periods together hold at every minute of the week, and can nothing replace a day?"""
        return self._always[schedule_id]

    def came_between(self, hour: str, since: datetime, wall: datetime) -> bool:
        """Did the local clock come to this daily hour after `since`, and at `wall` at the latest?

        Where the clock shows it twice it comes twice; where it is skipped it comes with what follows.
        """
        wanted = minute_of(hour)
        for end in self._minutes_back(wall):
            if end <= since:
                return False
            before, now = (end - MINUTE).astimezone(self.zone), end.astimezone(self.zone)
            shown_before, shown = before.hour * 60 + before.minute, now.hour * 60 + now.minute
            skipped = now.date() == before.date() and shown_before < wanted < shown
            if shown == wanted or skipped or (now.date() > before.date() and wanted < shown):
                return True
        return False

    def _holds_always(self, schedule_id: str) -> bool:
        schedule = self.schedules[schedule_id]
        if schedule.get("special_days") or schedule.get("dated"):
            return False
        week = [False] * (7 * DAY)
        for day, weekday in enumerate(WEEKDAYS):
            for start, end in _spans(schedule["periods"], weekday):
                for minute in range(start, end):
                    week[(day * DAY + minute) % (7 * DAY)] = True
        return all(week)

    def _minutes_back(self, wall: datetime) -> Iterator[datetime]:
        minute = wall.replace(second=0, microsecond=0)
        for back in range(MINUTES_ASKED):
            yield minute - back * MINUTE

    def _plan(self, schedule: dict[str, Any], day: date) -> tuple[tuple[str, str], list[tuple[int, int]]]:
        """The plan that a date follows (kind, which), and its (start, end) in minutes; past 1440 is the next day."""
        for special in schedule.get("special_days", ()):
            if day in self.special_days[special["special_day"]]:
                return ("special day", special["special_day"]), [_span(period) for period in special["periods"]]
        weekday = WEEKDAYS[day.weekday()]
        for number, dated in enumerate(schedule.get("dated", ())):
            if day_of(dated["from"]) <= day <= day_of(dated["until"]):
                return ("dated plan", str(number)), _spans(dated["periods"], weekday)
        return ("week", ""), _spans(schedule["periods"], weekday)


def _spans(periods: list[dict[str, Any]], weekday: str) -> list[tuple[int, int]]:
    return [_span(period) for period in periods if weekday in period["days"]]


def _span(period: dict[str, Any]) -> tuple[int, int]:
    start, end = minute_of(period["start"]), minute_of(period["end"])
    return start, end if end > start else end + DAY
