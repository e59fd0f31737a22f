"""100,000 random requests: the engine says what the manual says.

`oracle.py` is the manual written a second time over the raw list. A failure prints its seed and, in JSON, the request
and the part of the list that it touches: a sound LIST.json for the same question.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from gateway.domain.access_request import MISSING, Decision, DenialReason, Want
from gateway.domain.area import is_forgiven
from gateway.domain.listed import Area
from gateway.domain.moment import Moment
from gateway.domain.register import Whereabouts
from gateway.store.list_document import parse_list
from tests.gateway.domain.engine_case import Engine
from tests.gateway.domain.oracle import Answer, Oracle
from tests.gateway.domain.oracle_calendar import DAY, Calendar, minute_of
from tests.gateway.domain.oracle_passage import WANTS
from tests.gateway.domain.random_lists import HOURS, SITE_KEY, Scene, random_scene
from tests.gateway.domain.random_requests import random_request

Json = dict[str, Any]

SEEDS = range(20)
LISTS = 20
REQUESTS = 250
"""Of each list."""
SEEN_AT_LEAST = 3
"""So often must each seed reach every reason and every want: a generator that never reaches one proves nothing."""
LATER = (0, 1, 29, 30, 31, 59, 60, 61, 90, 120, 600, 1379, 1380, 1439, 1440, 1441, 1500, 3000)
"""How many minutes after somebody was seen anti-passback asks."""
FEATURES = frozenset(
    {
        "a card alone while no PIN is taken",
        "a copy of a secure credential",
        "a duress PIN",
        "a hard rule is broken",
        "a level does not count: ClockSuspect",
        "a level does not count: early",
        "a level does not count: late",
        "a pass with levels of its own",
        "a right PIN",
        "a rotating pass holds",
        "a rotating pass is ahead",
        "a rotating pass is too old",
        "a soft rule is broken",
        "a timed rule does not bind",
        "a wrong PIN",
        "an unknown PIN",
        "authentication card",
        "authentication card_and_pin",
        "authentication card_or_pin",
        "authentication confirm",
        "authentication first_card",
        "authentication locked",
        "authentication pin",
        "authentication two_cards",
        "authentication unlocked",
        "block of a cardholder",
        "block of a credential",
        "by the list before",
        "escorted",
        "forgiven by a guard",
        "forgiven by the hour of the area that asks",
        "forgiven by the hour of the area where they are",
        "granted without a list",
        "local grant",
        "no PIN to ask for",
        "no use is left",
        "no use is left today",
        "not the first reading is known",
        "pass of a cardholder",
        "pass of somebody unknown",
        "people of the groups wanted",
        "remembered of a pass by its id alone",
        "risk 3 passes everybody else",
        "risk is over",
        "schedule: a special day ends what runs into it",
        "schedule: dated plan covers",
        "schedule: dated plan does not cover",
        "schedule: over midnight",
        "schedule: special day covers",
        "schedule: special day does not cover",
        "schedule: the hour that comes twice, covered",
        "schedule: the hour that comes twice, not covered",
        "schedule: week covers",
        "schedule: week does not cover",
        "the reader does not accept the grade",
        "two people",
        "unknown digits where no PIN alone is taken",
        "unknown digits while no PIN is taken",
        "unknown digits: the reader takes no PIN",
        "way out",
        "who is in it already doesn't count twice",
        "with duress",
        "with floors",
        "with soft anti-passback",
    }
)
"""What the oracle's answers must have rested on."""


def asked(seed: int, lists: int, requests: int) -> Iterator[tuple[str, Scene, Oracle, Iterator[Json]]]:
    """Random lists, each with its name, its oracle and random requests."""
    rng = Random(seed)
    for number in range(lists):
        scene = random_scene(rng)
        oracle = Oracle(scene.document, SITE_KEY)
        yield f"seed {seed}, list {number}", scene, oracle, (random_request(scene, rng) for _ in range(requests))


def as_it_comes(oracle: Oracle, request: Json) -> tuple[Json, Answer]:
    """The request as far as it goes: the next one shows a card only while somebody more is wanted."""
    for count in range(1, len(request["shown"])):
        so_far = {**request, "shown": request["shown"][:count]}
        answer = oracle.answer(so_far)
        if answer.outcome not in {"wants escort", "wants person"}:
            return so_far, answer
    return request, oracle.answer(request)


def outcome(decision: Decision) -> str:
    """The engine's answer in the oracle's words."""
    if decision.granted:
        return "granted"
    return f"wants {decision.wants}" if decision.wants else f"denied {decision.reason}"


def difference(answer: Answer, decision: Decision) -> str:
    """What engine and manual don't agree about, if anything."""
    if outcome(decision) != answer.outcome:
        return f"the manual says {answer.outcome}, the engine {outcome(decision)}"
    if decision.tells_duress != answer.duress:
        return f"of duress the manual says {answer.duress}, the engine {decision.tells_duress}"
    if not decision.granted:
        return ""
    for what, ours, theirs in (
        ("floors", answer.floors, set(decision.floors)),
        ("soft anti-passback", answer.soft, set(decision.soft_passback)),
    ):
        if ours != theirs:
            return f"granted, but of {what} the manual says {ours}, the engine {theirs}"
    return ""


def part_of(document: Json, request: Json) -> Json:
    """The document with those people only whom the request touches."""
    readings = [reading for shown in request["shown"] for reading in shown.get("readings", ())]
    oracle = Oracle(document, SITE_KEY)
    credentials = [one for one in document["credentials"] if any(oracle.shows(reading, one) for reading in readings)]
    people = {one["cardholder"] for one in credentials}
    people |= {shown["pass"].get("cardholder") for shown in request["shown"] if "pass" in shown}
    people |= {key["cardholder"] for key in document["pass_keys"]}
    holders = [one for one in document["cardholders"] if one["id"] in people]
    return {**document, "cardholders": holders, "credentials": credentials}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_engine_says_what_the_manual_says(seed: int) -> None:
    seen: Counter[str] = Counter()
    differ: Counter[str] = Counter()
    first = ""
    for name, scene, oracle, requests in asked(seed, LISTS, REQUESTS):
        engine = Engine(scene.document, SITE_KEY)
        for whole in requests:
            request, answer = as_it_comes(oracle, whole)
            seen[answer.outcome] += 1
            different = difference(answer, engine.case(request).decide())
            if different:
                differ[different] += 1
                part = json.dumps(part_of(scene.document, request), ensure_ascii=False)
                first = first or f"{name}: {different}\nREQUEST {json.dumps(request, ensure_ascii=False)}\nLIST {part}"
    kinds = "\n".join(f"{count} x {different}" for different, count in differ.most_common(20))
    assert not differ, f"{differ.total()} differences\n{kinds}\n{first}"
    _reached_everything(seen)


def _reached_everything(seen: Counter[str]) -> None:
    """Every want, and every reason of a denial but those two that only stand for a want that nobody fulfilled."""
    denied = {f"denied {reason}" for reason in set(DenialReason) - {MISSING[Want.PIN], MISSING[Want.CONFIRMATION]}}
    wanted = {f"wants {want}" for want in Want}
    rare = {one: seen[one] for one in denied | wanted | {"granted"} if seen[one] < SEEN_AT_LEAST}
    assert not rare


def test_what_is_wanted_and_does_not_come_has_the_manuals_reason() -> None:
    assert {str(want): str(reason) for want, reason in MISSING.items()} == WANTS


def test_random_requests_rest_on_every_feature() -> None:
    seen: Counter[str] = Counter()
    for seed in range(100, 110):
        for _, _, oracle, requests in asked(seed, 8, 150):
            for whole in requests:
                _, answer = as_it_comes(oracle, whole)
                seen.update(answer.notes)
                seen["with duress"] += answer.duress
                seen["with floors"] += bool(answer.floors)
                seen["with soft anti-passback"] += bool(answer.soft)
    assert {one: seen[one] for one in FEATURES if seen[one] < SEEN_AT_LEAST} == {}


@pytest.mark.parametrize("seed", range(4))
def test_schedules_cover_what_the_local_clock_shows(seed: int) -> None:
    rng = Random(seed)
    for _ in range(8):
        scene = random_scene(rng)
        calendar = Calendar(scene.document)
        times = [edge + timedelta(seconds=off) for edge in sorted(set(scene.edges)) for off in (-1, 0)]
        for schedule in parse_list(scene.document).schedules.values():
            for at in times:
                covered = calendar.covers(schedule.id, at, set())
                assert schedule.covers(at, scene.zone) == covered, (scene.zone.key, schedule, at.isoformat())


@pytest.mark.parametrize("seed", range(4))
def test_the_next_change_of_a_schedule_is_the_first_minute_that_differs(seed: int) -> None:
    rng = Random(seed)
    for _ in range(8):
        scene = random_scene(rng)
        calendar = Calendar(scene.document)
        for schedule in rng.sample([*parse_list(scene.document).schedules.values()], 4):
            at = rng.choice(scene.edges) + timedelta(seconds=rng.choice((-1, 0, 1)))
            now = schedule.covers(at, scene.zone)
            minutes = (at.replace(second=0, microsecond=0) + timedelta(minutes=later) for later in range(1, 2 * DAY))
            differs = next((minute for minute in minutes if calendar.covers(schedule.id, minute, set()) != now), None)
            change = schedule.next_change(at, scene.zone)
            told = (scene.zone.key, schedule, at.isoformat())
            if differs is not None:
                assert change == differs, told
            else:
                assert change is None or change > at + timedelta(minutes=2 * DAY - 2), told


@pytest.mark.parametrize("seed", range(4))
def test_the_daily_hour_forgives_who_was_seen_last_before_it(seed: int) -> None:
    rng = Random(seed)
    for _ in range(15):
        scene = random_scene(rng)
        calendar = Calendar(scene.document)
        for hour in HOURS:
            area = Area("yard", forgive_at_minute=minute_of(hour))
            for _ in range(20):
                since = rng.choice(scene.edges) + timedelta(seconds=rng.choice((-60, -1, 0, 1)))
                wall = since + timedelta(minutes=rng.choice(LATER), seconds=rng.choice((0, 0, 1)))
                seen, moment = Whereabouts("yard", since, "ap-0"), Moment(wall, 1000.0, "boot")
                told = f"{hour} {scene.zone.key}: {since.astimezone(scene.zone)}, {wall.astimezone(scene.zone)}"
                assert is_forgiven(seen, area, moment, scene.zone) == calendar.came_between(hour, since, wall), told
