"""What must hold of every access decision, on random lists and requests."""

from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from gateway.domain.access import CHECKS
from gateway.domain.access_request import Decision, DenialReason
from gateway.domain.checks_who import find_person
from tests.gateway.domain.engine_case import Engine, EngineCase
from tests.gateway.domain.oracle import Oracle
from tests.gateway.domain.random_lists import LIFT, SITE_KEY, random_scene
from tests.gateway.domain.random_requests import random_request
from tests.gateway.domain.test_oracle import as_it_comes, outcome

Json = dict[str, Any]

SEEDS = range(4)
IN_ORDER = {"settings"}
"""Of these the first one that covers the time counts."""


@dataclass(frozen=True)
class Asked:
    """One random question and the engine's answer."""

    number: int
    """Of its list."""
    document: Json
    request: Json
    case: EngineCase
    decision: Decision


def answers(seed: int, lists: int, requests: int) -> Iterator[Asked]:
    """Random questions with the engine's answers."""
    rng = Random(1000 + seed)
    for number in range(lists):
        scene = random_scene(rng)
        engine, oracle = Engine(scene.document, SITE_KEY), Oracle(scene.document, SITE_KEY)
        for _ in range(requests):
            request, _ = as_it_comes(oracle, random_request(scene, rng))
            case = engine.case(request)
            yield Asked(number, scene.document, request, case, case.decide())


def decided(document: Json, request: Json) -> Decision:
    """The answer by another list, or to another request."""
    return Engine(document, SITE_KEY).case(request).decide()


def told(decision: Decision) -> tuple[object, ...]:
    """What is answered, beside the trace."""
    return outcome(decision), set(decision.floors), decision.duress, set(decision.soft_passback)


# ------------------------------------------------------------------ one answer, one reason


@pytest.mark.parametrize("seed", SEEDS)
def test_a_denial_has_one_reason_and_ends_with_its_one_failed_check(seed: int) -> None:
    order = [check.name for check in CHECKS]
    for asked in answers(seed, 4, 250):
        decision, trace = asked.decision, asked.decision.trace
        failed = [step for step in trace if not step.passed]
        assert len({decision.granted, decision.reason is not None, decision.wants is not None}) == 2, decision
        assert [decision.granted, decision.reason is not None, decision.wants is not None].count(True) == 1, decision
        assert failed == ([] if decision.granted else [trace[-1]]), decision
        places = [order.index(step.check) for step in trace if step.check != "way_out"]
        assert places == sorted(places), decision


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_question_has_the_same_answer(seed: int) -> None:
    for asked in answers(seed, 3, 100):
        looked_at = repr(asked.case.circumstances)
        assert asked.case.decide() == asked.decision
        assert repr(asked.case.circumstances) == looked_at


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lists_version_and_issue_time_decide_nothing(seed: int) -> None:
    renumbered: dict[int, Engine] = {}
    for asked in answers(seed, 4, 100):
        other = {**asked.document, "version": 1001, "issued_at": "2026-01-01T00:00:00Z"}
        engine = renumbered.get(asked.number) or Engine(other, SITE_KEY)
        renumbered[asked.number] = engine
        decision = engine.case(asked.request).decide()
        assert decision.list_version == (None if asked.decision.list_version is None else 1001)
        assert told(decision) == told(asked.decision)
        assert decision.trace[1:] == asked.decision.trace[1:], "the first step names the list"


# ------------------------------------------------------------------ order means nothing


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_a_list_changes_nothing(seed: int) -> None:
    rng = Random(seed)
    shuffled: dict[int, Engine] = {}
    for asked in answers(seed, 8, 100):
        engine = shuffled.get(asked.number) or Engine(_shuffled(asked.document, rng), SITE_KEY)
        shuffled[asked.number] = engine
        assert told(engine.case(asked.request).decide()) == told(asked.decision), asked.request


def _shuffled(value: Any, rng: Random) -> Any:
    """The same with every array in another order but those whose order means something."""
    if isinstance(value, dict):
        return {name: inner if name in IN_ORDER else _shuffled(inner, rng) for name, inner in value.items()}
    if isinstance(value, list):
        return rng.sample([_shuffled(inner, rng) for inner in value], len(value))
    return value


# ------------------------------------------------------------------ a trace names what it rests on


@pytest.mark.parametrize("seed", SEEDS)
def test_taking_away_all_that_a_grants_trace_names_denies(seed: int) -> None:
    seen = 0
    for asked in answers(seed, 10, 120):
        rules = [step.subject for step in asked.decision.trace if step.check == "schedule"]
        if not asked.decision.granted or not rules:
            continue
        seen += 1
        request, document = asked.request, deepcopy(asked.document)
        for rule in rules[0].split(","):
            if rule == "local_grant":
                request = {**request, "local_grants": {}}
            else:
                _take_away(document, request["access_point"], *rule.split("/"))
        assert decided(document, request).reason in {
            DenialReason.UNAUTHORIZED,
            DenialReason.NOT_PERMITTED_AT_THIS_TIME,
            DenialReason.CLOCK_SUSPECT,
        }, (asked.decision, asked.request)
    assert seen > 50


def _take_away(document: Json, point: str, level_id: str, schedule: str) -> None:
    for level in document["levels"]:
        if level["id"] == level_id:
            kept = [one for one in level["grants"] if (one["access_point"], one["schedule"]) != (point, schedule)]
            level["grants"] = kept


@pytest.mark.parametrize("seed", SEEDS)
def test_one_more_level_refuses_nobody_and_takes_no_floor(seed: int) -> None:
    for asked in answers(seed, 5, 100):
        if not asked.decision.granted or asked.request["list"] == "none":
            continue
        document = deepcopy(asked.document)
        points = [point["id"] for point in document["access_points"]]
        grants = [{"access_point": point, "schedule": "always"} for point in points]
        document["levels"].append(
            {"id": "more", "grants": [*grants, {**grants[0], "access_point": LIFT, "floors": ["9"]}]}
        )
        for holder in document["cardholders"]:
            holder["levels"] = [{"level": "more"}, *holder["levels"]]
        more = decided(document, asked.request)
        assert more.granted
        assert set(more.floors) >= set(asked.decision.floors)


# ------------------------------------------------------------------ taking away what denies

Cure = Callable[[Json, Json], None]
"""Takes away in a request and its document what its denial names."""


def _in_request(**fields: Any) -> Cure:
    return lambda request, document: request.update(fields)


def _in_rules(**fields: Any) -> Cure:
    return lambda request, document: request["rules"].update(fields)


def _in_each(table: str, **fields: Any) -> Cure:
    def cure(request: Json, document: Json) -> None:
        for one in document[table]:
            one.update(fields)

    return cure


def _known_point(request: Json, document: Json) -> None:
    document["access_points"].append({"id": request["access_point"]})


def _fewer_people(request: Json, document: Json) -> None:
    """Nobody came who is of no use, and anybody may be the second one."""
    request["shown"] = request["shown"][:1]
    _in_each("access_points", persons=[])(request, document)


def _grades(request: Json, document: Json) -> None:
    """The reader takes everything, no card must be secure, and the access point takes card or PIN."""
    request["rules"]["accepts"] = None
    _in_each("credentials", grade=None)(request, document)
    _in_each("access_points", settings=[], unlock_schedule=None)(request, document)


ENDLESS = {"valid_from": None, "valid_until": None}
CURES: dict[DenialReason, Cure] = {
    DenialReason.NO_VALID_LIST: _in_request(list="in_force"),
    DenialReason.UNKNOWN_ACCESS_POINT: _known_point,
    DenialReason.PASS_REPLAYED: _in_request(made={}),
    DenialReason.BLOCKED_LOCALLY: _in_request(blocked=[]),
    DenialReason.CREDENTIAL_NOT_ENABLED: _in_each("credentials", state="active"),
    DenialReason.CREDENTIAL_LOST: _in_each("credentials", state="active"),
    DenialReason.CREDENTIAL_EXPIRED: _in_each("credentials", state="active", **ENDLESS),
    DenialReason.CARDHOLDER_NOT_ACTIVE: _in_each("cardholders", **ENDLESS),
    DenialReason.CARDHOLDER_EXPIRED: _in_each("cardholders", **ENDLESS),
    DenialReason.CLOCK_SUSPECT: _in_request(clock_suspect=False),
    DenialReason.FORMAT_NOT_ACCEPTED: _grades,
    DenialReason.RISK_REFUSED: _in_each("cardholders", risk=None),
    DenialReason.LOCKED_DOWN: _in_request(mode="Locked"),
    DenialReason.DOOR_BLOCKED: _in_request(mode="Locked"),
    DenialReason.ACCESS_POINT_LOCKED: _in_each("access_points", settings=[]),
    DenialReason.USES_EXHAUSTED: _in_request(uses={}),
    DenialReason.ANTIPASSBACK_VIOLATION: _in_request(whereabouts={}),
    DenialReason.OCCUPANCY_LIMIT: _in_each("areas", max_occupancy=None),
    DenialReason.INTERLOCK_ACTIVE: _in_request(interlocked_by=""),
    DenialReason.LOCKED_OUT: _in_request(locked_out=False),
    DenialReason.INVALID_PIN: _in_each("access_points", settings=[], unlock_schedule=None),
    DenialReason.ESCORT_MISSING: _in_each("cardholders", escort_needed=False),
    DenialReason.SECOND_CREDENTIAL_MISSING: _fewer_people,
    DenialReason.CONFIRMATION_REFUSED: _in_request(confirmed=True),
}
EACH_AT_MOST = 8
"""Each of these needs a list of its own."""


@pytest.mark.parametrize("seed", SEEDS)
def test_taking_away_what_a_denial_names_changes_the_answer(seed: int) -> None:
    seen: Counter[DenialReason] = Counter()
    for asked in answers(seed, 10, 400):
        reason = asked.decision.reason
        if reason not in CURES or seen[reason] == EACH_AT_MOST:
            continue
        seen[reason] += 1
        request, document = deepcopy(asked.request), deepcopy(asked.document)
        CURES[reason](request, document)
        assert decided(document, request).reason is not reason, (asked.decision, asked.request)
    assert seen.keys() == CURES.keys()


# ------------------------------------------------------------------ the way out


@pytest.mark.parametrize("seed", SEEDS)
def test_the_way_out_refuses_nothing_that_the_list_knows(seed: int) -> None:
    unknown = {DenialReason.UNKNOWN_ACCESS_POINT, DenialReason.CREDENTIAL_NOT_FOUND, DenialReason.PASS_INVALID}
    for asked in answers(seed, 4, 250):
        if asked.request["list"] != "in_force":
            continue
        rules = replace(asked.case.request.rules, way_out=True)
        out = replace(asked.case, request=replace(asked.case.request, rules=rules)).decide()
        strangers = [each for each in asked.case.request.shown if find_person(each, asked.case.access_list) is None]
        assert out.granted == (not strangers and asked.decision.reason not in unknown), (out, asked.request)
