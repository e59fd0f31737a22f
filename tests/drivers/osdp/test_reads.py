from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.osdp.reads import CARD_BITS_MAX, read_card, read_keys
from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import BUILT_IN
from drivers.wiegand.keypad import Keypad, KeypadKind


def card(bits: int, length: int, **more: Any) -> Card | Key | Rejected:
    count = (length + 7) // 8
    event = {"reader_no": 0, "length": length, "data": (bits << count * 8 - length).to_bytes(count, "big"), **more}
    (read,) = read_card(event, BUILT_IN, ("H10301", "UID32", "UID56"))
    return read


def names(read: Card | Key | Rejected) -> list[tuple[str, int | None, int | str]]:
    assert isinstance(read, Card), read
    return [(each.identifier.format, each.identifier.facility_code, each.identifier.number) for each in read.readings]


def test_a_card_is_read_by_the_formats_of_its_length() -> None:
    bits, length = BUILT_IN.encode("H10301", 123, 4567)
    assert names(card(bits, length)) == [("H10301", 123, 4567)]


def test_a_chips_uid_is_read_with_its_first_byte_first() -> None:
    assert names(card(0x04A1B2C3, 32)) == [("UID32", None, 0x04A1B2C3)]
    assert names(card(0x04A1B2C3D4E5F6, 56)) == [("UID56", None, 0x04A1B2C3D4E5F6)]


def test_a_card_with_wrong_parity_is_none() -> None:
    bits, length = BUILT_IN.encode("H10301", 123, 4567)
    assert card(bits ^ 1, length) == Rejected("wrong parity")


def test_a_card_of_no_known_length_is_rejected_without_its_bits() -> None:
    assert card(0b1011, 5) == Rejected("no format of 5 bits")


def test_four_and_eight_bits_are_keys_of_a_wiegand_keypad() -> None:
    assert card(0b1011, 4) == Key("#")
    assert card(0xE1, 8) == Key("1")
    assert card(0xE2, 8) == Rejected("a key whose halves contradict each other")


def test_a_pin_that_comes_whole_is_its_keys_where_the_site_says_so() -> None:
    bits, _ = BUILT_IN.encode("H10301", 7, 42)
    event = {"reader_no": 0, "length": 26, "data": (bits << 6).to_bytes(4, "big")}
    keypad = Keypad(KeypadKind.BUFFERED_26, facility=7)
    assert read_card(event, BUILT_IN, ("H10301",), keypad) == [Key(key) for key in "*0042#"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"reader_no": 0, "length": 26},
        {"reader_no": 0, "length": 26, "data": b"\x01"},
        {"reader_no": 0, "length": 0, "data": b""},
        {"reader_no": 0, "length": -1, "data": b""},
        {"reader_no": 0, "length": CARD_BITS_MAX + 1, "data": bytes(65)},
        {"reader_no": 0, "length": "26", "data": bytes(4)},
        {"reader_no": 1, "length": 32, "data": bytes(4)},
    ],
)
def test_what_is_no_card_is_rejected(event: dict[str, Any]) -> None:
    (read,) = read_card(event, BUILT_IN, ())
    assert isinstance(read, Rejected)


@given(st.integers(-8, 600), st.binary(max_size=80))
def test_any_length_with_any_bytes_is_a_card_or_rejected(length: int, data: bytes) -> None:
    read = read_card({"reader_no": 0, "length": length, "data": data}, BUILT_IN, ())
    assert all(isinstance(each, Card | Key | Rejected) for each in read)


def test_keys_are_the_standards_and_the_plain_ones() -> None:
    assert read_keys({"data": b"1290\x7f\x0d*#"}) == [Key(key) for key in "1290*#*#"]


def test_a_function_key_is_rejected_and_the_others_stand() -> None:
    assert read_keys({"data": b"1A2"}) == [Key("1"), Rejected("an unknown key"), Key("2")]
    assert read_keys({}) == [Rejected("keys without digits")]
