"""The last words of each decision's trace: console and `gatehouse why` tell people why from them."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.access_request import (
    PersonFacts,
    PinResult,
    PointRules,
    Shown,
)
from gateway.domain.cardholder import CardholderKind, HeldLevel, Risk
from gateway.domain.credential import CredentialState, Grade
from gateway.domain.door_mode import DoorMode
from gateway.domain.listed import AntiPassback, Area, Authentication, PersonsOf
from gateway.domain.site import DegradedMode
from tests.gateway.domain.asked import (
    BY_FACILITY,
    LATER,
    LEAVE,
    NOON,
    SECOND,
    SEEN_INSIDE,
    SEEN_OUTSIDE,
    Asked,
    a_card,
    a_pass,
    answer,
    steps,
)
from tests.gateway.domain.listing import pin_hash

BOTH = (a_card(1), a_card(2))
INTO = {"area_to": "yard"}
HARD_YARD = (Area("yard", AntiPassback.HARD),)
SMALL_YARD = (Area("yard", max_occupancy=2),)
PIN = {"pin": pin_hash("c-1", "2468")}
CARD_AND_PIN = Authentication.CARD_AND_PIN
TWO_CARDS = Authentication.TWO_CARDS
CONFIRM = Authentication.CONFIRM


@pytest.mark.parametrize(
    ("asked", "told", "last"),
    [
        (Asked(without={"fallback": True}, request={"rules": PointRules(degraded=DegradedMode.LOCKED)}),
         "NoValidList", ("list", False, "")),
        (Asked((a_card(2, Grade.SECURE), Shown(("x",), facilities=(("W34", 123),))), without={"fallback": True},
               request={"rules": replace(BY_FACILITY, facility=("H10301", 124))}),
         "NoValidList", ("list", False, "facility_code")),
        (Asked(request={"access_point": "attic"}), "UnknownAccessPoint", ("access_point", False, "attic")),
        (Asked((a_card(9),)), "CredentialNotFound", ("credential_known", False, "")),
        (Asked(()), "CredentialNotFound", ("credential_known", False, "")),
        (Asked((Shown((), Grade.PASS, forged_pass=True),)), "PassInvalid", ("credential_known", False, "")),
        (Asked(facts=PersonFacts(blocked="cardholder:p-1")),
         "BlockedLocally", ("local_block", False, "cardholder:p-1")),
        (Asked(card={"state": CredentialState.SUSPENDED}),
         "CredentialNotEnabled", ("credential_state", False, "suspended")),
        (Asked(card={"state": CredentialState.LOST}), "CredentialLost", ("credential_state", False, "lost")),
        (Asked(card={"valid_from": LATER}), "CredentialNotActive", ("credential_validity", False, "c-1")),
        (Asked(card={"valid_until": NOON}), "CredentialExpired", ("credential_validity", False, "c-1")),
        (Asked(card={"valid_until": LATER}, suspect=True), "ClockSuspect", ("credential_validity", False, "c-1")),
        (Asked((a_pass(valid_from=LATER),)), "CredentialNotActive", ("credential_validity", False, "pass:app/v-1")),
        (Asked((a_pass(valid_until=NOON),)), "PassExpired", ("credential_validity", False, "pass:app/v-1")),
        (Asked((a_pass(),), suspect=True), "ClockSuspect", ("credential_validity", False, "pass:app/v-1")),
        (Asked((a_pass(made_at=NOON + 11 * SECOND),)),
         "CredentialNotActive", ("credential_validity", False, "pass:app/v-1")),
        (Asked((a_pass(made_at=NOON - 60 * SECOND),)), "PassExpired", ("credential_validity", False, "pass:app/v-1")),
        (Asked((a_pass(),), facts=PersonFacts(made_at=NOON)),
         "PassReplayed", ("credential_validity", False, "pass:app/v-1")),
        (Asked(without={"cardholders": {}}), "CardholderNotActive", ("cardholder_validity", False, "")),
        (Asked(holder={"valid_from": LATER}), "CardholderNotActive", ("cardholder_validity", False, "p-1")),
        (Asked(holder={"valid_until": NOON}), "CardholderExpired", ("cardholder_validity", False, "p-1")),
        (Asked(request={"rules": PointRules(accepts=frozenset({Grade.SECURE}))}),
         "FormatNotAccepted", ("grade", False, "clonable")),
        (Asked(card={"grade": Grade.SECURE}), "FormatNotAccepted", ("grade", False, "clonable")),
        (Asked(holder={"risk": Risk(3, "x"), "kind": CardholderKind.VISITOR}), "RiskRefused", ("risk", False, "3")),
        (Asked(around={"mode": DoorMode.LOCKED_DOWN}), "LockedDown", ("door_mode", False, "LockedDown")),
        (Asked(around={"mode": DoorMode.BLOCKED}), "DoorBlocked", ("door_mode", False, "Blocked")),
        (Asked(around={"mode": DoorMode.BLOCKED}, request={"rules": PointRules(exit=True)}),
         "DoorBlocked", ("door_mode", False, "Blocked")),
        (Asked(levels=()), "Unauthorized", ("access_level", False, "north")),
        (Asked(holder={"levels": (HeldLevel("residents", None, LATER),)}, suspect=True),
         "ClockSuspect", ("access_level", False, "north")),
        (Asked(levels=("staff", "residents", "staff"), schedule="never"),
         "NotPermittedAtThisTime", ("schedule", False, "residents/never,staff/never")),
        (Asked(schedule="never", suspect=True), "ClockSuspect", ("schedule", False, "residents/never")),
        (Asked(wants=Authentication.LOCKED), "AccessPointLocked", ("authentication", False, "locked")),
        (Asked(wants=Authentication.PIN), "FormatNotAccepted", ("authentication", False, "pin")),
        (Asked((a_card(1, Grade.PIN),), wants=Authentication.CARD),
         "FormatNotAccepted", ("authentication", False, "card")),
        (Asked((a_card(1, Grade.PIN),), wants=Authentication.FIRST_CARD),
         "FormatNotAccepted", ("authentication", False, "first_card")),
        (Asked((a_card(9, Grade.PIN),)), "CredentialNotFound", ("credential_known", False, "")),
        (Asked((a_card(9, Grade.PIN),), wants=CARD_AND_PIN),
         "FormatNotAccepted", ("authentication", False, "card_and_pin")),
        (Asked((a_card(9, Grade.PIN),), wants=Authentication.LOCKED),
         "AccessPointLocked", ("authentication", False, "locked")),
        (Asked((a_card(9, Grade.PIN),), request={"rules": PointRules(accepts=frozenset({Grade.CLONABLE}))}),
         "FormatNotAccepted", ("grade", False, "pin")),
        (Asked((a_card(9, Grade.PIN),), around={"locked_out": True}), "LockedOut", ("lockout", False, "")),
        (Asked((a_card(9, Grade.PIN),), wants=CARD_AND_PIN, request={"rules": PointRules(way_out=True)}),
         "CredentialNotFound", ("credential_known", False, "")),
        (Asked(card={"uses": 3}, facts=PersonFacts(used=3)), "UsesExhausted", ("uses", False, "c-1")),
        (Asked(point=INTO, areas=HARD_YARD, facts=SEEN_INSIDE),
         "AntipassbackViolation", ("anti_passback", False, "yard")),
        (Asked(point={"area_from": "yard"}, areas=HARD_YARD, facts=SEEN_OUTSIDE),
         "AntipassbackViolation", ("anti_passback", False, "outside")),
        (Asked(point=INTO, areas=SMALL_YARD, around={"inside": 2}),
         "OccupancyLimit", ("occupancy", False, "yard:2/2")),
        (Asked(around={"interlocked_by": "inner"}), "InterlockActive", ("interlock", False, "inner")),
        (Asked(request={"pin": PinResult.WRONG}, around={"locked_out": True}), "LockedOut", ("lockout", False, "")),
        (Asked(wants=CARD_AND_PIN), "InvalidPIN", ("pin", False, "c-1")),
        (Asked(wants=CARD_AND_PIN, card=PIN), "pin", ("pin", False, "c-1")),
        (Asked(wants=CARD_AND_PIN, card=PIN, request={"pin": PinResult.WRONG}), "InvalidPIN", ("pin", False, "c-1")),
        (Asked(holder={"escort_needed": True}), "escort", ("escort", False, "p-1")),
        (Asked(BOTH, second={"escort_needed": True}), "EscortMissing", ("escort", False, "p-2")),
        (Asked(wants=TWO_CARDS), "person", ("second_credential", False, "1/2")),
        (Asked((a_card(1), a_card(1)), wants=TWO_CARDS),
         "SecondCredentialMissing", ("second_credential", False, "p-1")),
        (Asked(BOTH, wants=TWO_CARDS, point={"persons": (PersonsOf("guards", 2),)}, holder={"groups": ("guards",)}),
         "SecondCredentialMissing", ("second_credential", False, "p-2")),
        (Asked(wants=CONFIRM), "confirmation", ("confirmation", False, "")),
        (Asked(wants=CONFIRM, request={"confirmed": False, "confirmed_by": "office:Lin"}),
         "ConfirmationRefused", ("confirmation", False, "office:Lin")),
        (Asked(wants=CONFIRM, request={"confirmed": False}), "ConfirmationRefused", ("confirmation", False, "")),
    ],
)  # fmt: skip
def test_the_last_step_names_what_was_looked_at(asked: Asked, told: str, last: tuple[str, bool, str]) -> None:
    decision = asked.decide()
    assert answer(decision) == told
    assert steps(decision)[-1] == last
    assert all(passed is True for _, passed, _ in steps(decision)[:-1])


ALWAYS_ASKED = [
    ("list", True, "1"),
    ("access_point", True, "north"),
    ("credential_known", True, "c-1"),
    ("credential_state", True, "active"),
    ("credential_validity", True, "c-1"),
    ("cardholder_validity", True, "p-1"),
    ("access_level", True, "residents/always"),
    ("schedule", True, "residents/always"),
    ("authentication", True, "card_or_pin"),
]


@pytest.mark.parametrize(
    ("asked", "steps_told"),
    [
        (Asked(request={"rules": PointRules(accepts=frozenset({Grade.CLONABLE}))}), [("grade", True, "clonable")]),
        (Asked((a_card(1, Grade.SECURE),), card={"grade": Grade.SECURE}), [("grade", True, "secure")]),
        (Asked(holder={"risk": Risk(2, "x")}), [("risk", True, "2")]),
        (Asked(holder={"risk": Risk(2, "x", NOON)}), []),
        (Asked(around={"mode": DoorMode.UNLOCKED}), [("door_mode", True, "Unlocked")]),
        (Asked(around={"mode": DoorMode.LOCKED_DOWN}, request={"rules": PointRules(exit=True)}),
         [("door_mode", True, "LockedDown")]),
        (Asked(levels=("staff", "residents", "staff")),
         [(check, True, "residents/always,staff/always") for check in ("access_level", "schedule")]),
        (Asked(levels=(), facts=LEAVE), [(check, True, "local_grant") for check in ("access_level", "schedule")]),
        (Asked(facts=LEAVE),
         [(check, True, "local_grant,residents/always") for check in ("access_level", "schedule")]),
        (Asked(wants=Authentication.CARD), [("authentication", True, "card")]),
        (Asked((a_card(1, Grade.PIN),), wants=Authentication.UNLOCKED), [("authentication", True, "unlocked")]),
        (Asked(card={"uses": 3}, facts=PersonFacts(used=2)), [("uses", True, "c-1")]),
        (Asked(point=INTO, areas=HARD_YARD, facts=SEEN_OUTSIDE), [("anti_passback", True, "outside")]),
        (Asked(point={"area_from": "yard"}, areas=HARD_YARD, facts=SEEN_INSIDE), [("anti_passback", True, "yard")]),
        (Asked(point=INTO, areas=SMALL_YARD, around={"inside": 1}), [("occupancy", True, "yard:1/2")]),
        (Asked(wants=CARD_AND_PIN, card=PIN, request={"pin": PinResult.RIGHT}),
         [("authentication", True, "card_and_pin"), ("pin", True, "c-1")]),
        (Asked(wants=CONFIRM, request={"confirmed": True}),
         [("authentication", True, "confirm"), ("confirmation", True, "")]),
    ],
)  # fmt: skip
def test_a_grants_trace_holds_what_was_asked_and_nothing_else(
    asked: Asked, steps_told: list[tuple[str, bool, str]]
) -> None:
    decision = asked.decide()
    assert answer(decision) == "granted"
    replaced = {check for check, _, _ in steps_told}
    usual = [step for step in ALWAYS_ASKED if step[0] not in replaced]
    assert sorted(steps(decision)) == sorted([*usual, *steps_told])


def test_of_two_people_each_step_names_both() -> None:
    decision = Asked(BOTH, wants=TWO_CARDS, card={"uses": 1}, holder={"risk": Risk(1, "x")}).decide()
    assert steps(decision) == [
        ("list", True, "1"),
        ("access_point", True, "north"),
        ("credential_known", True, "c-1"),
        ("credential_known", True, "c-2"),
        ("credential_state", True, "active"),
        ("credential_validity", True, "c-1,c-2"),
        ("cardholder_validity", True, "p-1,p-2"),
        ("risk", True, "1"),
        ("access_level", True, "residents/always"),
        ("schedule", True, "residents/always"),
        ("authentication", True, "two_cards"),
        ("uses", True, "c-1"),
        ("second_credential", True, "2/2"),
    ]
    both = Asked(BOTH, point=INTO, areas=(Area("yard", AntiPassback.SOFT),), around={
        "people": {"c-1": SEEN_INSIDE, "c-2": SEEN_OUTSIDE}
    }).decide()  # fmt: skip
    assert steps(both)[-1] == ("anti_passback", True, "yard,outside")
    assert both.soft_passback == ("c-1",)


def test_an_escort_is_named() -> None:
    decision = Asked(BOTH, holder={"escort_needed": True}, second={"can_escort": True}).decide()
    assert steps(decision)[-1] == ("escort", True, "p-2")


@pytest.mark.parametrize(
    ("around", "told", "more"),
    [
        ({}, "granted", []),
        ({"locked_out": True, "inside": 9}, "granted", []),
        ({"mode": DoorMode.UNLOCKED}, "granted", [("door_mode", True, "Unlocked")]),
        ({"mode": DoorMode.LOCKED_DOWN}, "LockedDown", [("door_mode", False, "LockedDown")]),
        ({"interlocked_by": "inner"}, "InterlockActive", [("interlock", False, "inner")]),
    ],
)
def test_without_a_list_the_sites_facility_code_passes_unless_the_door_says_no(
    around: dict[str, Any], told: str, more: list[tuple[str, bool, str]]
) -> None:
    decision = Asked(without={"fallback": True}, request={"rules": BY_FACILITY}, around=around).decide()
    assert answer(decision) == told
    assert steps(decision) == [("list", True, "H10301:123"), *more]
    assert decision.list_version is None
    assert decision.people == ()


@pytest.mark.parametrize(
    ("grades", "told", "last"),
    [
        ((Grade.CLONABLE,), "FormatNotAccepted", ("grade", False, "clonable")),
        ((Grade.SECURE,), "granted", ("grade", True, "secure")),
        ((Grade.SECURE, Grade.CLONABLE), "FormatNotAccepted", ("grade", False, "clonable")),
    ],
)
def test_a_reader_that_accepts_secure_cards_only_takes_no_copy_by_its_facility_code(
    grades: tuple[Grade, ...], told: str, last: tuple[str, bool, str]
) -> None:
    rules = replace(BY_FACILITY, accepts=frozenset({Grade.SECURE}))
    shown = tuple(a_card(number, grade) for number, grade in enumerate(grades, 1))
    decision = Asked(shown, without={"fallback": True}, request={"rules": rules}).decide()
    assert answer(decision) == told
    assert steps(decision) == [("list", True, "H10301:123"), last]


def test_the_list_before_decides_where_it_may_and_is_named() -> None:
    decision = Asked(without={"fallback": True, "version": 6}).decide()
    assert answer(decision) == "granted"
    assert steps(decision)[0] == ("list", True, "6")
    assert decision.list_version == 6
    no_code = PointRules(degraded=DegradedMode.FACILITY_CODE)
    assert answer(Asked(without={"fallback": True}, request={"rules": no_code}).decide()) == "NoValidList"


def test_a_way_out_ends_with_its_own_step() -> None:
    way_out = Asked(card={"state": CredentialState.LOST}, request={"rules": PointRules(way_out=True)}).decide()
    assert steps(way_out)[3:] == [("way_out", True, "")]
    assert answer(way_out) == "granted"


@pytest.mark.parametrize("age_s", [-10, 0, 59.9])
def test_a_rotating_pass_is_good_from_10_s_before_it_was_made_to_a_minute_after(age_s: float) -> None:
    assert answer(Asked((a_pass(made_at=NOON - age_s * SECOND),)).decide()) == "granted"
