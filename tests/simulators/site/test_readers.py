"""What the simulated readers say, against published frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.wiegand.formats import BUILT_IN
from gateway.domain.credential import Identifier
from simulators.card import Card, CardUnreadable, wiegand_message, wiegand_payload
from simulators.card_layouts import LAYOUTS
from simulators.readers import em4100_digits, rdm6300_frame, s4a_frame


def test_rdm6300_says_the_frame_of_the_published_sample() -> None:
    # Tasmota xsns_51_rdm6300: version 14, tag 008EC793, sum CE.
    frame = rdm6300_frame(Card("EM4100", 0x008EC793, version=0x14))
    assert frame == bytes.fromhex("02 31 34 30 30 38 45 43 37 39 33 43 45 03")


def test_rdm6300_sums_the_second_published_sample() -> None:
    # Seeed: 62E3086CED has sum 08.
    frame = rdm6300_frame(Card("EM4100", 0xE3086CED, version=0x62))
    assert frame == b"\x0262E3086CED08\x03"


def test_em18_says_the_digits_of_the_published_samples_alone() -> None:
    # Sellers' data sheets: 4500C5D1E9B8 and 307E4DE5C224.
    assert em4100_digits(Card("EM4100", 0x00C5D1E9, version=0x45)) == b"4500C5D1E9B8"
    assert em4100_digits(Card("EM4100", 0x7E4DE5C2, version=0x30)) == b"307E4DE5C224"


def test_s4a_says_ten_decimal_digits_and_a_line_end() -> None:
    assert s4a_frame(Card("H10301", 4567, 123)) == b"0008065495\r\n"


def test_wiegand_payload_is_the_published_tasmota_reading() -> None:
    # Tasmota's sample: UID 7748328, Size 26; that is facility 118, card 15080.
    assert wiegand_payload(Card("H10301", 15080, 118)) == (7748328, 26)


def test_blue_card_shows_a_26_bit_reader_its_low_24_bits() -> None:
    assert wiegand_payload(Card("EM4100", 0x12763AE8)) == (7748328, 26)


def test_34_bit_card_carries_sixteen_bits_of_facility() -> None:
    assert wiegand_payload(Card("H10306", 2, 1)) == (0x10002, 34)


def test_number_beyond_32_bits_is_no_blue_card() -> None:
    with pytest.raises(CardUnreadable, match="32 bits"):
        rdm6300_frame(Card("EM4100", 1 << 32))


def test_red_card_is_invisible_to_an_rdm6300() -> None:
    with pytest.raises(CardUnreadable, match="EM4100"):
        rdm6300_frame(Card("H10301", 4567, 123))


@pytest.mark.parametrize(
    "card",
    [
        Card("H10301", 65536, 1),
        Card("H10301", 1, 256),
        Card("H10301", 1),
        Card("UID56", 1, 1),
        Card("UID32", -1),
        Card("H10399", 1, 1),
    ],
)
def test_impossible_card_is_unreadable(card: Card) -> None:
    with pytest.raises(CardUnreadable):
        wiegand_payload(card)


def test_there_is_a_card_of_each_length_that_readers_send() -> None:
    lengths = {len(layout) for layout, *_ in LAYOUTS.values()}
    assert lengths == {row.length for row in BUILT_IN.rows if row.length <= 64}


@pytest.mark.parametrize("name", LAYOUTS)
@given(st.data())
def test_the_driver_reads_what_the_simulated_card_sends(name: str, data: st.DataObject) -> None:
    widths = {sign: LAYOUTS[name][0].count(sign) for sign in "FN"}
    facility = data.draw(st.integers(0, (1 << widths["F"]) - 1)) if widths["F"] else None
    card = Card(name, data.draw(st.integers(0, (1 << widths["N"]) - 1)), facility)
    message = wiegand_message(card)
    (reading,) = BUILT_IN.read(int(message, 2), len(message), (name,))
    assert reading.identifier == Identifier(name, facility, card.number)
    assert reading.parity_ok is (None if len(LAYOUTS[name]) == 1 else True)
    (said,) = BUILT_IN.read_payload(wiegand_payload(card)[0], (name,))
    assert said.identifier == reading.identifier


def test_a_converter_of_ten_digits_cannot_say_a_longer_card() -> None:
    assert s4a_frame(Card("H10306", 65535, 65535)) == b"4294967295\r\n"
    with pytest.raises(CardUnreadable, match="ten digits"):
        s4a_frame(Card("UID56", 1 << 55))
