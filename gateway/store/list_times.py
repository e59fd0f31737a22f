"""The times of LIST.json: RFC 3339, dates, hours of the day, and the periods of a plan."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

from gateway.domain.schedule import DAY_MINUTES, Period
from gateway.store.list_schema import DAYS

_WEEK_MINUTES = 7 * DAY_MINUTES


@lru_cache(maxsize=8192)  # a list says the same few ends a million times
def rfc3339(text: str) -> datetime:
    """The time of an RFC 3339 text with offset, in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if "T" not in text.upper() or moment.tzinfo is None:
        raise ValueError("needs a date, T, a time and an offset or Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999") from error


def minute_of_day(text: str) -> int:
    """The minute that `HH:MM` names."""
    return int(text[:2]) * 60 + int(text[3:])


def weekly_period(raw: dict[str, Any]) -> Period:
    """A period of the week as the domain has it."""
    return Period(frozenset(map(DAYS.index, raw["days"])), *_span(raw))


def period_of_day(raw: dict[str, Any]) -> Period:
    """A period of a special day: its weekdays mean nothing."""
    return Period(frozenset(), *_span(raw))


def _span(raw: dict[str, Any]) -> tuple[int, int]:
    start, end = minute_of_day(raw["start"]), minute_of_day(raw["end"])
    return start, end + (DAY_MINUTES if end < start else 0)


def time_faults(text: str | None, path: str) -> Iterator[str]:
    """The fault of a time, if it is one at all."""
    if text is not None:
        try:
            rfc3339(text)
        except ValueError:
            yield f"{path}: {text[:40]!r} is no RFC 3339 time with offset"


def date_faults(text: str, path: str) -> Iterator[str]:
    """The fault of a date."""
    try:
        date.fromisoformat(text)
    except ValueError:
        yield f"{path}: {text[:40]!r} is no day of the calendar"


def validity_faults(item: dict[str, Any], path: str) -> Iterator[str]:
    """`valid_from` before `valid_until`, both times."""
    start, end = item.get("valid_from"), item.get("valid_until")
    faults = [*time_faults(start, f"{path}.valid_from"), *time_faults(end, f"{path}.valid_until")]
    yield from faults
    if not faults and start is not None and end is not None and rfc3339(end) <= rfc3339(start):
        yield f"{path}.valid_until: ends before it starts"


def week_faults(periods: list[dict[str, Any]], path: str) -> Iterator[str]:
    """Periods of a week that are empty, name a day twice, or overlap; Sunday night runs into Monday."""
    spans = []
    for index, raw in enumerate(periods):
        if raw["start"] == raw["end"]:
            yield _empty(path, index)
            continue
        if len(set(raw["days"])) != len(raw["days"]):
            yield f"{path}[{index}].days: names a day twice"
        period = weekly_period(raw)
        spans += [
            (day * DAY_MINUTES + period.start_minute, day * DAY_MINUTES + period.end_minute, index)
            for day in period.days
        ]
    yield from _overlaps(spans, _WEEK_MINUTES, path)


def day_faults(periods: list[dict[str, Any]], runs_on: bool, path: str) -> Iterator[str]:
    """Periods of one special day that are empty or overlap. `runs_on`: the next day may be one of the same group."""
    spans = []
    for index, raw in enumerate(periods):
        if raw["start"] == raw["end"]:
            yield _empty(path, index)
        else:
            spans.append((*_span(raw), index))
    yield from _overlaps(spans, DAY_MINUTES if runs_on else None, path)


def _empty(path: str, index: int) -> str:
    return f"{path}[{index}]: is empty; the whole day is 00:00 to 24:00"


def _overlaps(spans: list[tuple[int, int, int]], again_after: int | None, path: str) -> Iterator[str]:
    spans.sort()
    if spans and again_after is not None:
        start, end, index = spans[0]
        spans.append((start + again_after, end + again_after, index))
    told = set()
    for (_, end, first), (start, _, second) in pairwise(spans):
        if start < end and (first, second) not in told:
            told.add((first, second))
            yield f"{path}[{second}]: overlaps {path}[{first}]"
