import re
from enum import StrEnum
from typing import get_args

import pytest

from gateway.console.messages import Catalogue
from gateway.domain.access import DenialReason
from gateway.domain.alarm import AlarmKind, AlarmOutcome
from gateway.domain.credential import CredentialState
from gateway.domain.door import DoorMode, DoorPhase
from gateway.domain.events import Event
from gateway.domain.signals import CommandOutcome
from gateway.domain.site import InputPurpose

CHECKS = (
    "list",
    "access_point",
    "credential_known",
    "credential_state",
    "credential_validity",
    "cardholder_known",
    "cardholder_validity",
    "access_level",
    "schedule",
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
        ("outcome", AlarmOutcome),
        ("outcome", CommandOutcome),
        ("mode", DoorMode),
        ("phase", DoorPhase),
        ("purpose", InputPurpose),
        ("credential_state", CredentialState),
    ],
)
def test_every_code_of_the_domain_has_a_word(area: str, codes: type[StrEnum]) -> None:
    assert [code.value for code in codes if not Catalogue().has(f"{area}.{code.value}")] == []


def test_every_check_of_the_decision_has_both_sentences() -> None:
    keys = [f"check.{check}.{end}" for check in CHECKS for end in ("passed", "failed")]
    assert [key for key in keys if not Catalogue().has(key)] == []


def test_a_number_takes_the_word_that_fits_it() -> None:
    def said(count: int, language: str = "en") -> str:
        return Catalogue().text(language, "event.SignalsLost", count=count)

    assert said(1) == "The inbox was full: 1 signal dropped"
    assert said(2) == "The inbox was full: 2 signals dropped"
    assert said(2, "zh-CN") == "收件队列已满，丢弃 2 条信号"


def _places(text: str) -> list[str]:
    return [re.split(r"[|}]", part)[0] for part in text.split("{")[1:]]
