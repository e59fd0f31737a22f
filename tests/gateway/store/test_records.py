"""What an event's row says beside its body, and that old rows are read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import events as ev
from gateway.domain.events import Event
from gateway.domain.trace import TraceStep
from gateway.store import records
from tests.sync import jcs

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BY_GUARD: dict[str, str] = {"reason": "drill", "actor": "li", "post": "gate", "request_id": "r-1"}
REQUESTED = ev.AccessRequested(
    request="q-1",
    access_point="north",
    door="n1",
    reader="r1",
    wants="pin",
    credential="c-1",
    cardholder="p-1",
    list_version=7,
    trace=(),
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(TEXTS, st.floats(), st.dictionaries(TEXTS, PLAIN, max_size=4))
def test_what_is_recorded_is_the_canonical_json_of_any_language(
    text: str, seconds: float, kept: dict[str, Any]
) -> None:
    released = ev.LockReleased(door=text, because=text, command_id="k-1", seconds=seconds)
    denied = ev.AccessDenied(
        access_point=text,
        door=text,
        reader="r1",
        reason="CredentialNotFound",
        credential=None,
        cardholder=None,
        list_version=None,
        trace=(),
        circumstances=kept,
    )
    for event in (released, denied):
        body = records.canonical_body(event)
        assert jcs.rendered(json.loads(body)).encode() == body


def test_whole_seconds_are_recorded_without_a_point_and_others_to_five_digits() -> None:
    for seconds, written in (
        (5.0, "5"),
        (21.6, "21.6"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1e-6, "0"),
        (1e-5, "0.00001"),
    ):
        event = ev.LockReleased(door="n", because="g", command_id="k", seconds=seconds)
        assert records.canonical_body(event).decode().endswith(f'"seconds":{written}}}')
        again = records.event_from_record("LockReleased", 1, records.to_record_body(event))
        assert again == ev.LockReleased(door="n", because="g", command_id="k", seconds=round(seconds, 5))


def test_granted_of_version_1_is_read_with_the_new_fields_at_their_defaults() -> None:
    body: dict[str, Any] = {
        "access_point": "north",
        "cardholder": "p-1",
        "credential": "c-1",
        "door": "n1",
        "list_version": 7,
        "reader": "r1",
        "trace": [{"check": "list", "passed": True, "subject": "7"}],
    }
    assert records.event_from_record("AccessGranted", 1, body) == ev.AccessGranted(
        access_point="north",
        door="n1",
        reader="r1",
        credential="c-1",
        cardholder="p-1",
        list_version=7,
        trace=(TraceStep("list", True, "7"),),
        accompanied=(),
        floors=(),
        request=None,
        circumstances={},
    )


def test_denied_of_version_1_is_read_with_the_new_fields_at_their_defaults() -> None:
    body: dict[str, Any] = {
        "access_point": "north",
        "cardholder": None,
        "credential": None,
        "door": "n1",
        "list_version": None,
        "reader": "r1",
        "reason": "NoValidList",
        "trace": [],
    }
    denied = records.event_from_record("AccessDenied", 1, body)
    assert isinstance(denied, ev.AccessDenied)
    assert (denied.reason, denied.request, denied.circumstances) == ("NoValidList", None, {})


@pytest.mark.parametrize("event_type", records.EVENT_TYPES)
def test_every_version_below_the_present_one_can_be_lifted(event_type: str) -> None:
    present = records.EVENT_TYPES[event_type].version
    assert all((event_type, version) in records.UPCASTERS for version in range(1, present))


@pytest.mark.parametrize(
    ("event", "subjects"),
    [
        (REQUESTED, "access_point:north cardholder:p-1 credential:c-1 door:n1 reader:r1 request:q-1"),
        (ev.SubjectBlocked(subject="credential:c-1", **BY_GUARD), "credential:c-1"),
        (ev.SubjectUnblocked(subject="cardholder:p-1", **BY_GUARD), "cardholder:p-1"),
        (ev.SubjectBlocked(subject="credential:a\nb", **BY_GUARD), "credential:a|b"),
        (
            ev.LocalGrantGiven(credential="c-1", access_points=("north", "yard"), until=NOON, **BY_GUARD),
            "credential:c-1 access_point:north access_point:yard",
        ),
        (
            ev.LockdownReleased(group="g", doors=("n1", "n2"), second="wei", **BY_GUARD),
            "door:n1 door:n2 operator:wei",
        ),
        (ev.LockdownStarted(group=None, doors=("n1",), **BY_GUARD), "door:n1"),
        (
            ev.AreaEntered(
                cardholder="p-1", credential="c-1", access_point="g", area_from="yard", area_to=None, because="taken"
            ),
            "access_point:g cardholder:p-1 credential:c-1 area:yard",
        ),
        (
            ev.TravelImpossible(
                credential="c-1", cardholder=None, access_point="a", before="b", metres=900.0, seconds=4.0
            ),
            "access_point:a credential:c-1 access_point:b",
        ),
        (ev.FloorsEnabled(lift="l1", access_point="l", floors=("3",), seconds=5.0), "access_point:l lift:l1"),
        (
            ev.RequestRefused(
                request_id="r-1", request="open", subject="n9", reason="DoorUnknown", actor="li", post="gate"
            ),
            "",
        ),
    ],
)
def test_subjects_name_everybody_and_every_place_once(event: Event, subjects: str) -> None:
    assert records.subjects_of(event) == tuple(s.replace("|", " ") for s in subjects.split())


@pytest.mark.parametrize(
    ("event", "actor"),
    [
        (REQUESTED, "cardholder:p-1"),
        (ev.RiskPassed(access_point="a", credential="c", cardholder="p-1", level=2, reason="x"), "cardholder:p-1"),
        (ev.DuressUsed(access_point="a", door=None, credential="c", cardholder=None), "gateway"),
        (ev.AntipassbackForgiven(cardholder="p-1", **BY_GUARD), "operator:li@gate"),
        (ev.LockdownReleased(group=None, doors=(), second="wei", **BY_GUARD), "operator:li@gate"),
        (ev.DoorModeOverrideEnded(door="n1", mode="Blocked"), "gateway"),
    ],
)
def test_actor_is_who_did_it(event: Event, actor: str) -> None:
    assert records.actor_of(event) == actor
