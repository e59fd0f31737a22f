"""What an event keeps of a decision's input is all that decided, and nothing of what is as usual."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.access_record import recall, record
from gateway.domain.access_request import (
    AccessRequest,
    Circumstances,
    Person,
    PersonFacts,
    PinResult,
    PointRules,
    Shown,
)
from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, Grade, Pass
from gateway.domain.door_mode import DoorMode
from gateway.domain.site import DegradedMode

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
UNTIL = AT + timedelta(hours=1)
CARD = Shown(("hash-1",), facilities=(("H10301", 123),))
KNOWN = Person("c-1", Credential("c-1", "p-1"), Cardholder("p-1"), CARD)
ORDINARY = AccessRequest("north", (CARD,))
SEEN = PersonFacts(area="yard")
COUNTED = Pass("v-1", "office", None, (), None, UNTIL, uses=3)
ROTATING = Pass("v-2", "app", "p-5", ("guests", "lift"), AT, UNTIL, made_at=AT)


def kept(request: AccessRequest = ORDINARY, circumstances: Circumstances | None = None) -> dict[str, Any]:
    """What is kept of it where the first that was shown is known."""
    return record(request, circumstances or Circumstances(), (KNOWN,))


def again(request: AccessRequest, circumstances: Circumstances | None = None) -> tuple[AccessRequest, Circumstances]:
    """Recorded and recalled."""
    return recall(request.access_point, "c-1", kept(request, circumstances))


def test_an_ordinary_swipe_keeps_nothing_and_is_recalled_by_its_credential() -> None:
    assert kept(circumstances=Circumstances(people={"c-1": PersonFacts()})) == {}
    assert recall("north", "c-1", {}) == (AccessRequest("north", (Shown(("id:c-1",)),)), Circumstances())
    assert recall("north", None, {}) == (AccessRequest("north", ()), Circumstances())


def test_a_known_credential_is_kept_by_its_id_and_an_unknown_one_by_its_hashes_and_facilities() -> None:
    unknown = Shown(("hash-2", "hash-3"), facilities=(("H10301", 123), ("W34", 7)))
    both = AccessRequest("north", (CARD, unknown))
    facilities = [["H10301", 123], ["W34", 7]]
    assert kept(both) == {"shown": [{"id": "c-1"}, {"keys": ["hash-2", "hash-3"], "facilities": facilities}]}
    assert again(both)[0].shown == (Shown(("id:c-1",)), unknown)
    alone = record(AccessRequest("north", (unknown,)), Circumstances(), ())
    assert alone == {"shown": [{"keys": ["hash-2", "hash-3"], "facilities": facilities}]}
    assert recall("north", None, alone)[0].shown == (unknown,)


def test_two_known_people_are_both_kept() -> None:
    second = replace(KNOWN, id="c-2")
    told = record(AccessRequest("north", (CARD, CARD)), Circumstances(), (KNOWN, second))
    assert told == {"shown": [{"id": "c-1"}, {"id": "c-2"}]}


@pytest.mark.parametrize("grade", [Grade.SECURE, Grade.PIN, Grade.PLATE])
def test_a_grade_other_than_the_usual_one_is_kept_beside_the_id(grade: Grade) -> None:
    request = AccessRequest("north", (replace(CARD, grade=grade),))
    assert kept(request) == {"shown": [{"id": "c-1", "grade": grade.value}]}
    assert again(request)[0].shown == (Shown(("id:c-1",), grade),)


def test_a_pass_is_kept_whole_without_what_it_does_not_say() -> None:
    request = AccessRequest("north", (Shown((), Grade.PASS, COUNTED), Shown((), Grade.PASS, ROTATING)))
    assert kept(request)["shown"] == [
        {
            "pass": {"id": "v-1", "key": "office", "levels": [], "valid_until": "2026-11-23T05:00:00+00:00", "uses": 3},
            "grade": "pass",
        },
        {
            "pass": {
                "id": "v-2",
                "key": "app",
                "cardholder": "p-5",
                "levels": ["guests", "lift"],
                "valid_from": "2026-11-23T04:00:00+00:00",
                "valid_until": "2026-11-23T05:00:00+00:00",
                "made_at": "2026-11-23T04:00:00+00:00",
            },
            "grade": "pass",
        },
    ]
    assert again(request)[0] == request


def test_a_pass_without_levels_is_recalled_without() -> None:
    told = {"id": "v-1", "key": "office", "valid_until": "2026-11-23T05:00:00+00:00", "uses": 3}
    assert recall("north", "pass:v-1", {"shown": [{"pass": told}]})[0].shown[0].shown_pass == COUNTED


def test_what_was_recorded_of_a_pass_by_its_id_alone_is_that_passs() -> None:
    told = {"id": "v-1", "key": "office", "valid_until": "2026-11-23T05:00:00+00:00", "uses": 3}
    kept_then = {"shown": [{"pass": told}, {"id": "c-1"}], "people": {"pass:v-1": {"used": 3}, "c-1": {"used": 1}}}
    people = recall("north", "pass:v-1", kept_then)[1].people
    assert people == {"pass:office/v-1": PersonFacts(used=3), "c-1": PersonFacts(used=1)}


def test_a_text_that_only_looks_like_a_pass_stays_forged() -> None:
    request = AccessRequest("north", (Shown((), Grade.PASS, forged_pass=True),))
    told = record(request, Circumstances(), ())
    assert told == {"shown": [{"keys": [], "grade": "pass", "forged_pass": True}]}
    assert recall("north", None, told)[0] == request
    assert recall("north", None, {"shown": [{}]})[0].shown == (Shown(),)


@pytest.mark.parametrize(
    ("pin", "told"),
    [(PinResult.RIGHT, "right"), (PinResult.DURESS, "right"), (PinResult.WRONG, "wrong")],
)
def test_a_pin_is_kept_as_right_or_wrong_and_never_as_duress(pin: PinResult, told: str) -> None:
    request = replace(ORDINARY, pin=pin)
    assert kept(request) == {"pin": told}
    assert again(request)[0].pin is PinResult(told)


@pytest.mark.parametrize("answer", [True, False])
def test_a_guards_yes_or_no_is_kept_and_nothing_where_nobody_was_asked(answer: bool) -> None:
    assert kept(replace(ORDINARY, confirmed=answer)) == {"confirmed": answer}
    assert again(replace(ORDINARY, confirmed=answer))[0].confirmed is answer
    assert again(ORDINARY)[0].confirmed is None


def test_who_confirmed_is_kept_with_the_answer() -> None:
    request = replace(ORDINARY, confirmed=False, confirmed_by="office:lin")
    assert kept(request) == {"confirmed": False, "confirmed_by": "office:lin"}
    assert again(request)[0].confirmed_by == "office:lin"
    assert again(replace(ORDINARY, confirmed=True))[0].confirmed_by == ""


def test_what_the_office_has_revoked_is_kept_as_revoked() -> None:
    revoked = Circumstances(people={"c-1": PersonFacts(revoked=True)})
    assert kept(circumstances=revoked) == {"people": {"c-1": {"revoked": True}}}
    assert again(ORDINARY, revoked)[1] == revoked


def test_circumstances_are_kept_where_they_are_unusual() -> None:
    facts = PersonFacts(True, "yard", AT, 2, 1, "credential:c-1", UNTIL, AT)
    people = {"c-1": facts, "c-2": PersonFacts(), "c-3": PersonFacts(used=4), "c-4": SEEN}
    circumstances = Circumstances(DoorMode.LOCKED_DOWN, "inner", 12, True, people)
    assert kept(circumstances=circumstances) == {
        "mode": "LockedDown",
        "interlocked_by": "inner",
        "inside": 12,
        "locked_out": True,
        "people": {
            "c-1": {
                "known": True,
                "area": "yard",
                "since": "2026-11-23T04:00:00+00:00",
                "used": 2,
                "used_today": 1,
                "blocked": "credential:c-1",
                "local_grant_until": "2026-11-23T05:00:00+00:00",
                "made_at": "2026-11-23T04:00:00+00:00",
            },
            "c-3": {"used": 4},
            "c-4": {"area": "yard"},
        },
    }
    expected = replace(circumstances, people={"c-1": facts, "c-3": PersonFacts(used=4), "c-4": SEEN})
    assert again(ORDINARY, circumstances)[1] == expected


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (PointRules(way_out=True), {"way_out": True}),
        (PointRules(exit=True), {"exit": True}),
        (PointRules(accepts=frozenset({Grade.SECURE, Grade.PASS})), {"accepts": ["pass", "secure"]}),
        (PointRules(degraded=DegradedMode.LOCKED), {"degraded": "locked", "facility": None}),
        (
            PointRules(degraded=DegradedMode.FACILITY_CODE, facility=("H10301", 123)),
            {"degraded": "facility_code", "facility": ["H10301", 123]},
        ),
    ],
)
def test_the_wirings_rules_are_kept_where_they_are_unusual(rules: PointRules, told: dict[str, Any]) -> None:
    request = replace(ORDINARY, rules=rules)
    assert kept(request) == {"rules": told}
    assert again(request)[0].rules == rules
