"""ABA Track 2: the standard's own characters, both directions, corrupted, truncated, and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_reader import Card, Rejected
from drivers.wiegand.card_commands import decode_line, encode_card
from drivers.wiegand.card_format import Track2Layout
from drivers.wiegand.formats import BUILT_IN, FormatTable
from drivers.wiegand.message import read_message
from drivers.wiegand.track2 import (
    BITS_MAX,
    BadTrack,
    lrc_of,
    read_card,
    read_text,
    read_track,
    write_track,
)
from gateway.domain.credential import Identifier
from gateway.errors import ConfigError

MAXIPROX = "11010 10000 01000 11001 11111 00101"
"""HID MaxiProx manual 4.2.4: B 1 2 3 F and the LRC, whose own parity the manual has wrong."""
LAYOUT = Track2Layout(number=(3, 4, 5, 6, 7, 8), facility=(0, 1, 2))


def bits(text: str) -> tuple[int, int]:
    message = text.replace(" ", "")
    return int(message, 2), len(message)


def test_the_makers_sample_is_read() -> None:
    assert read_track(*bits(MAXIPROX)) == "123"


def test_the_written_track_is_the_makers_but_for_the_parity_of_the_lrc() -> None:
    value, length = write_track("123")
    assert f"{value:0{length}b}" == MAXIPROX.replace(" ", "")[:-1] + "0"


def test_zeros_around_and_the_other_direction_change_nothing() -> None:
    value, length = bits(MAXIPROX)
    assert read_track(value << 25, length + 40) == "123"
    backwards = int(f"{value:0{length}b}"[::-1], 2)
    assert read_track(backwards << 10, length + 20) == "123"


DIGITS = st.text("0123456789", min_size=1, max_size=37)


@given(DIGITS)
def test_reading_is_the_inverse_of_writing(digits: str) -> None:
    assert read_track(*write_track(digits)) == digits
    assert read_text(digits) == digits
    assert read_text(f";{digits}?{lrc_of(digits)}") == digits


@given(DIGITS, st.data())
def test_every_flipped_bit_is_noticed_but_the_parity_of_the_lrc(digits: str, data: st.DataObject) -> None:
    value, length = write_track(digits)
    place = data.draw(st.integers(1, length - 1))
    with pytest.raises(BadTrack):
        read_track(value ^ 1 << place, length)


@given(DIGITS)
def test_every_truncated_track_is_refused(digits: str) -> None:
    value, length = write_track(digits)
    for missing in range(1, length):
        text = f"{value:0{length}b}"[:-missing]
        if missing > 4:
            with pytest.raises(BadTrack):
                read_track(int(text, 2), len(text))


@given(st.integers(0, 256), st.data())
def test_any_bits_are_a_track_or_refused(length: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, (1 << length) - 1))
    try:
        found = read_track(value, length)
    except BadTrack:
        return
    assert 1 <= len(found) <= 37


@given(st.text("0123456789:;<=>?A ", max_size=50))
def test_any_text_is_a_track_or_refused(text: str) -> None:
    try:
        found = read_text(text)
    except BadTrack:
        return
    assert set(found) <= set("0123456789=")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "digits"),
        ("1" * 38, "digits"),
        (";123", "no end"),
        (";123?5", "LRC"),
        (";123?44", "LRC"),
        ("12A4", "sign"),
        ("12:4", "sign"),
    ],
)
def test_a_bad_text_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(BadTrack, match=reason):
        read_text(text)


@pytest.mark.parametrize(("value", "length"), [(0, 0), (-1, 40), (2, 1), (1, BITS_MAX + 1), (0, 100)])
def test_impossible_bits_are_refused(value: int, length: int) -> None:
    with pytest.raises(BadTrack):
        read_track(value, length)


def test_fields_are_places_of_digits() -> None:
    reading = read_card("123004567=99", LAYOUT)
    assert (reading.identifier, reading.parity_ok) == (Identifier("ABA", 123, 4567), True)
    assert read_card("123004567=99").identifier == Identifier("ABA", None, 123004567)


@pytest.mark.parametrize("digits", ["1230045", "123=04567"])
def test_a_track_without_its_fields_is_refused(digits: str) -> None:
    with pytest.raises(BadTrack):
        read_card(digits, LAYOUT)
    assert read_card("1=2").identifier.number == 1
    with pytest.raises(BadTrack, match="no number"):
        read_card("=2")


def test_a_track_is_read_beside_the_formats_of_its_length_and_written_by_its_name() -> None:
    card = encode_card("ABA", None, 1234567890)
    assert card["bits"] == 65
    (reading,) = decode_line(card["bits"], card["hex"])["readings"]
    assert reading == {"format": "ABA", "facility_code": None, "card_number": 1234567890, "parity_ok": True}


@pytest.mark.parametrize(
    ("facility", "number", "key"), [(1, 5, "facility"), (None, 10**37, "number"), (None, -1, "number")]
)
def test_what_a_track_cannot_hold_is_refused(facility: int | None, number: int, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        encode_card("ABA", facility, number)
    assert caught.value.key == key


def test_a_reader_of_stripes_reads_them_by_the_sites_layout() -> None:
    bits, length = write_track("123004567=99")
    table = FormatTable(track2=LAYOUT)
    (card,) = read_message(bits, length, table, ("H10301", "ABA"))
    assert isinstance(card, Card)
    assert [each.identifier for each in card.readings] == [Identifier("ABA", 123, 4567)]
    assert read_message(bits, length, table, ("H10301",)) == [Rejected(f"no format of {length} bits")]
    assert read_message(bits, length, BUILT_IN, ("ABA",)) != []


@given(st.integers(0, 999), st.integers(0, 999_999))
def test_a_card_of_the_sites_layout_is_written_and_read(facility: int, number: int) -> None:
    table = FormatTable(track2=LAYOUT)
    card = encode_card("ABA", facility, number, table)
    (reading,) = decode_line(card["bits"], card["hex"], table)["readings"]
    assert (reading["facility_code"], reading["card_number"]) == (facility, number)


def test_a_list_holds_what_the_sites_layout_can_say() -> None:
    table = FormatTable(track2=LAYOUT)
    assert table.fits("ABA", 999, 999_999) is None
    assert table.fits("ABA", 999, 1_000_000) == ".number: ABA holds 0 to 999999"
    assert table.fits("ABA", None, 1) == ".facility_code: ABA needs one, 0 to 999"
