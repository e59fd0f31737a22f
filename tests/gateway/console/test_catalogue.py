import re
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest

from gateway.console.messages import Catalogue
from gateway.domain.access import CHECKS
from gateway.domain.access_request import DenialReason, Want
from gateway.domain.alarm import AlarmKind, AlarmOutcome
from gateway.domain.cardholder import CardholderKind
from gateway.domain.credential import CredentialState, Grade
from gateway.domain.door import DoorPhase
from gateway.domain.door_mode import DoorMode
from gateway.domain.events import Event
from gateway.domain.listed import Authentication
from gateway.domain.signals import CommandOutcome, InputFault
from gateway.domain.site import InputPurpose
from gateway.domain.tour import Timing

ROOT = Path(__file__).parents[3]
REFUSALS = (
    "ListNotWaiting",
    "ListReplaced",
    "RequestGone",
    "TourUnknown",
    "TourUnderWay",
    "RoundOver",
    "SubjectUnknown",
    "ReasonMissing",
    "NotBlocked",
    "TooMany",
    "NoLocalGrant",
    "AccessPointUnknown",
    "ClockSuspect",
    "TooLong",
    "EndMissing",
    "EndPassed",
    "DoorUnknown",
    "DoorGroupUnknown",
    "GroupUnknown",
    "ModeUnknown",
    "SecondPersonMissing",
    "NothingLockedDown",
    "NotLockedDown",
    "AlreadyLockedDown",
    "NotLockedOpen",
    "AlreadyLockedOpen",
    "NotOverridden",
    "DoorLockedDown",
    "DoorBlocked",
    "DoorLockedOpen",
    "DeviceOffline",
    "RequestUsed",
    "RequestExpired",
    "AlarmNotOpen",
    "AlreadyAcknowledged",
    "OutcomeUnknown",
    "FireNotCleared",
    "FireNotLatched",
    "FireStillActive",
    "StillActive",
    "StillListed",
    "NotForThisRole",
    "InboxFull",
    "Refused",
)
"""What the doors process may answer to a guard."""
BECAUSE = (
    "grant",
    "guard",
    "rex",
    "schedule",
    "fire",
    "fire_cleared",
    "clock_suspect",
    "override",
    "override_ended",
    "lockdown",
    "lockdown_released",
    "lock_open",
    "lock_open_released",
    "card",
    "points_missed",
    "tour_changed",
)


def test_both_languages_have_the_same_keys_with_the_same_places() -> None:
    zh, en = Catalogue().texts["zh-CN"], Catalogue().texts["en"]
    assert zh.keys() == en.keys()
    for key in zh:
        assert zh[key].strip()
        assert en[key].strip()
        assert set(_places(zh[key])) == set(_places(en[key])), key


def test_every_event_type_has_a_sentence() -> None:
    missing = [kind.__name__ for kind in get_args(Event) if not Catalogue().has(f"event.{kind.__name__}")]
    assert missing == []


@pytest.mark.parametrize(
    ("area", "codes"),
    [
        ("alarm", AlarmKind),
        ("denial", DenialReason),
        ("want", Want),
        ("outcome", AlarmOutcome),
        ("outcome", CommandOutcome),
        ("mode", DoorMode),
        ("phase", DoorPhase),
        ("purpose", InputPurpose),
        ("fault", InputFault),
        ("credential_state", CredentialState),
        ("grade", Grade),
        ("authentication", Authentication),
        ("cardholder_kind", CardholderKind),
        ("timing", Timing),
    ],
)
def test_every_code_of_the_domain_has_a_word(area: str, codes: type[StrEnum]) -> None:
    assert [code.value for code in codes if not Catalogue().has(f"{area}.{code.value}")] == []


OFFICE_REFUSALS = ("unauthorized", "bad_signature", "other_device", "lost_device")
"""The 401 and the 403 of docs/protocol.md."""


@pytest.mark.parametrize(
    ("area", "codes"), [("refusal", REFUSALS), ("because", BECAUSE), ("office_refusal", OFFICE_REFUSALS)]
)
def test_every_code_that_is_told_has_a_word(area: str, codes: tuple[str, ...]) -> None:
    assert [code for code in codes if not Catalogue().has(f"{area}.{code}")] == []


def test_every_refusal_in_the_rooms_that_answer_guards_has_a_word() -> None:
    rooms = ("guard_desk", "door_requests", "access_requests", "alarm", "patrol")
    text = "".join((ROOT / "gateway" / "domain" / f"{room}.py").read_text(encoding="utf-8") for room in rooms)
    codes = set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)+)"', text))
    assert len(codes) > 20
    assert [code for code in sorted(codes) if not Catalogue().has(f"refusal.{code}")] == []


def test_every_counter_of_a_driver_has_a_word() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "drivers").rglob("*.py"))
    counters = set(re.findall(r'_counts\["([a-z_]+)"\]', text))
    assert len(counters) > 10
    assert [name for name in sorted(counters) if not Catalogue().has(f"counter.{name}")] == []


def test_every_check_of_the_decision_has_both_sentences() -> None:
    names = [check.name for check in CHECKS] + ["way_out"]
    keys = [f"check.{name}.{end}" for name in names for end in ("passed", "failed")]
    assert [key for key in keys if not Catalogue().has(key)] == []


def test_every_want_has_the_sentence_of_a_check_that_waits() -> None:
    checks = ("pin", "escort", "second_credential", "confirmation")
    assert [name for name in checks if not Catalogue().has(f"check.{name}.wanted")] == []


def test_a_number_takes_the_word_that_fits_it() -> None:
    def said(count: int, language: str = "en") -> str:
        return Catalogue().text(language, "event.SignalsLost", count=count)

    assert said(1) == "The inbox was full: 1 signal dropped"
    assert said(2) == "The inbox was full: 2 signals dropped"
    assert said(2, "zh-CN") == "收件队列已满，丢弃 2 条信号"


def _places(text: str) -> list[str]:
    return [re.split(r"[|}]", part)[0] for part in text.split("{")[1:]]
