"""QR passes: what is opened, and all that isn't."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.credential import Pass
from gateway.domain.listed import PassKey
from gateway.store.passes import PASS_BOUND, open_pass, sign_pass
from tests.gateway.store.sample_lists import OFFICE_KEY, RESIDENT_KEY

KEYS = {
    "office": PassKey("office", OFFICE_KEY.public_key().public_bytes_raw(), None, ("residents", "works")),
    "phone": PassKey("phone", RESIDENT_KEY.public_key().public_bytes_raw(), "p-0", ("residents",)),
}
VISIT = {"key": "office", "id": "v-1", "until": "2027-01-02T00:00:00+08:00", "levels": ["works"], "uses": 2}
OWN = {"key": "phone", "id": "o-1", "until": "2027-01-02T00:00:00Z", "cardholder": "p-0", "at": "2027-01-01T12:00:00Z"}


def _open(text: str) -> Pass | None:
    return open_pass(text, KEYS.get)


def _signed(fields: Mapping[str, Any]) -> Pass | None:
    return _open(sign_pass(RESIDENT_KEY if fields.get("key") == "phone" else OFFICE_KEY, fields))


def test_counted_pass_of_a_visitor_is_opened() -> None:
    until = datetime(2027, 1, 1, 16, tzinfo=UTC)
    assert _signed(VISIT) == Pass("v-1", "office", None, ("works",), None, until, uses=2)
    whole = {**VISIT, "from": "2027-01-01T00:00:00Z", "cardholder": "p-9", "uses": 1000}
    start = datetime(2027, 1, 1, tzinfo=UTC)
    assert _signed(whole) == Pass("v-1", "office", "p-9", ("works",), start, until, uses=1000)


def test_rotating_pass_of_a_resident_is_opened() -> None:
    opened = _signed(OWN)
    assert opened is not None
    assert (opened.cardholder, opened.levels, opened.made_at) == ("p-0", (), datetime(2027, 1, 1, 12, tzinfo=UTC))


def test_times_may_be_given_as_values() -> None:
    until = datetime(2027, 1, 2, tzinfo=UTC)
    opened = _signed({**VISIT, "until": until})
    assert opened is not None
    assert opened.valid_until == until


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("neither uses nor at", {**VISIT, "uses": None}),
    ("both uses and at", {**VISIT, "at": "2027-01-01T00:00:00Z"}),
    ("no uses left", {**VISIT, "uses": 0}),
    ("too many uses", {**VISIT, "uses": 1001}),
    ("uses that is no number", {**VISIT, "uses": "2"}),
    ("a level that its key may not give", {**OWN, "levels": ["works"]}),
    ("a level that nobody knows", {**VISIT, "levels": ["works", "x"]}),
    ("another cardholder than its key's", {**OWN, "cardholder": "p-1"}),
    ("no cardholder under a bound key", {name: value for name, value in OWN.items() if name != "cardholder"}),
    ("a key that the list doesn't have", {**VISIT, "key": "gone"}),
    ("an unknown field", {**VISIT, "floors": ["12"]}),
    ("an empty id", {**VISIT, "id": ""}),
    ("an id with white space", {**VISIT, "id": "v 1"}),
    ("an id with a slash", {**VISIT, "id": "office/v-1"}),
    ("an id with a comma", {**VISIT, "id": "v-1,v-2"}),
    ("a time without offset", {**VISIT, "until": "2027-01-02T00:00:00"}),
    ("a start that is no time", {**VISIT, "from": "now"}),
    ("a making that is no time", {**OWN, "at": "now"}),
    ("no until", {name: value for name, value in VISIT.items() if name != "until"}),
]


@pytest.mark.parametrize("fields", [fields for _, fields in REFUSED], ids=[name for name, _ in REFUSED])
def test_pass_with_a_fault_is_not_opened(fields: dict[str, Any]) -> None:
    assert _signed(fields) is None


def test_signature_of_another_key_opens_nothing() -> None:
    assert _open(sign_pass(RESIDENT_KEY, VISIT)) is None
    assert _open(sign_pass(OFFICE_KEY, OWN)) is None


@given(st.data())
def test_one_changed_character_closes_a_pass(data: st.DataObject) -> None:
    text = sign_pass(OFFICE_KEY, VISIT)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[at]))
    assert _open(text[:at] + other + text[at + 1 :]) is None


@given(st.text())
def test_other_text_is_no_pass(text: str) -> None:
    assert _open(text) is None
    assert _open(f"GHP1.{text}") is None
    assert _open(f"GHP1.{text}.{'A' * 86}") is None


@given(st.binary(max_size=200))
def test_signed_rubbish_is_no_pass(payload: bytes) -> None:
    signed = b"GHP1." + urlsafe_b64encode(payload).rstrip(b"=")
    signature = urlsafe_b64encode(OFFICE_KEY.sign(signed)).rstrip(b"=")
    assert _open((signed + b"." + signature).decode()) is None


def test_pass_has_only_one_text() -> None:
    text = sign_pass(OFFICE_KEY, VISIT)
    assert _open(text) is not None
    for other in (
        text + "=",
        text + "\n",
        " " + text,
        text.lower(),
        text.replace("GHP1", "GHP2"),
        text + "." + "A" * 86,
    ):
        assert _open(other) is None
    spare_bits = {"A": "B", "Q": "R", "g": "h", "w": "x"}[text[-1]]
    assert _open(text[:-1] + spare_bits) is None


def test_pass_that_no_scanner_reads_is_neither_signed_nor_opened() -> None:
    long = {**VISIT, "levels": ["works"] * 100}
    with pytest.raises(ValueError, match="at most 1024"):
        sign_pass(OFFICE_KEY, long)
    assert _open("GHP1." + "A" * PASS_BOUND + "." + "A" * 86) is None
