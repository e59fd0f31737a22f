"""Keys on a Wiegand line: every kind of keypad, its own samples, and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import BUILT_IN
from drivers.wiegand.keypad import KEYS, BadKey, Keypad, KeypadKind, KeypadSettings, read_keys
from drivers.wiegand.message import read_message
from gateway.domain.credential import Identifier, Reading

BUFFERED, DECIMAL = Keypad(KeypadKind.BUFFERED_26, facility=7), Keypad(KeypadKind.BCD_26)

CDVI_8_BITS = dict(
    zip("0123456789*#", (0xF0, 0xE1, 0xD2, 0xC3, 0xB4, 0xA5, 0x96, 0x87, 0x78, 0x69, 0x5A, 0x4B), strict=True)
)
"""CDVI KCPROXWLC manual, 13: ARK 8 bits output format."""


def pin(facility: int, number: int) -> int:
    return BUILT_IN.encode("H10301", facility, number)[0]


@pytest.mark.parametrize(("key", "bits"), CDVI_8_BITS.items())
def test_eight_bits_are_the_keys_of_the_makers_table(key: str, bits: int) -> None:
    assert read_keys(bits, 8) == key
    assert read_keys(bits & 0xF, 4) == key


@pytest.mark.parametrize("number", range(12, 16))
def test_four_bits_beyond_the_keys_are_none(number: int) -> None:
    with pytest.raises(BadKey, match="number"):
        read_keys(number, 4)
    with pytest.raises(BadKey, match="number"):
        read_keys((15 - number) << 4 | number, 8)


def test_every_flipped_bit_of_eight_is_noticed() -> None:
    for bits in CDVI_8_BITS.values():
        for place in range(8):
            with pytest.raises(BadKey):
                read_keys(bits ^ 1 << place, 8)


def test_a_buffered_pin_is_its_digits_between_star_and_hash() -> None:
    assert read_keys(pin(7, 4321), 26, BUFFERED) == "*4321#"
    assert read_keys(pin(7, 42), 26, BUFFERED) == "*0042#"
    assert read_keys(pin(7, 65535), 26, BUFFERED) == "*65535#"


def test_another_facility_code_is_a_card_and_wrong_parity_is_nothing() -> None:
    assert read_keys(pin(8, 4321), 26, BUFFERED) is None
    with pytest.raises(BadKey, match="parity"):
        read_keys(pin(7, 4321) ^ 1, 26, BUFFERED)


def test_six_decimal_digits_are_a_pin_and_other_hex_digits_a_card() -> None:
    assert read_keys(pin(0x00, 0x7007), 26, DECIMAL) == "*007007#"
    assert read_keys(pin(0x12, 0x345A), 26, DECIMAL) is None
    with pytest.raises(BadKey, match="parity"):
        read_keys(pin(0x12, 0x3456) ^ 1 << 25, 26, DECIMAL)


@pytest.mark.parametrize("kind", KeypadKind)
@given(st.integers(1, 64), st.data())
def test_any_message_is_keys_a_card_or_a_bad_key(kind: KeypadKind, length: int, data: st.DataObject) -> None:
    bits = data.draw(st.integers(0, (1 << length) - 1))
    try:
        keys = read_keys(bits, length, Keypad(kind, facility=bits >> 17 & 0xFF))
    except BadKey:
        return
    assert keys is None or (keys and set(keys) <= set(KEYS))
    if length not in (4, 8, 26):
        assert keys is None


class TestMessages:
    def test_a_message_is_a_card_or_keys(self) -> None:
        (card,) = read_message(0x2F623AE, 26, BUILT_IN, ("H10301",))
        assert card == Card((Reading(Identifier("H10301", 123, 4567), True),))
        assert read_message(0xE1, 8, BUILT_IN) == [Key("1")]
        assert read_message(pin(7, 12), 26, BUILT_IN, ("H10301",), BUFFERED) == [Key(key) for key in "*0012#"]

    def test_readings_of_wrong_parity_are_left_out_and_a_message_of_nothing_else_is_rejected(self) -> None:
        bits = BUILT_IN.encode("H10306", 1, 2)[0] ^ 1
        (card,) = read_message(bits, 34, BUILT_IN)
        assert isinstance(card, Card)
        assert [each.identifier.format for each in card.readings] == ["Optus34", "SMP34"]
        assert read_message(bits, 34, BUILT_IN, ("H10306",)) == [Rejected("wrong parity")]
        assert read_message(1, 41, BUILT_IN) == [Rejected("no format of 41 bits")]
        assert read_message(16, 4, BUILT_IN) == [Rejected("a number of more than 4 bits")]
        assert read_message(15, 4, BUILT_IN) == [Rejected("no key has this number")]

    @given(st.integers(0, 300), st.data())
    def test_any_message_has_a_meaning_and_no_reading_of_wrong_parity(self, length: int, data: st.DataObject) -> None:
        bits = data.draw(st.integers(-1, 1 << length))
        for value in read_message(bits, length, BUILT_IN, (), data.draw(st.sampled_from([BUFFERED, DECIMAL]))):
            if isinstance(value, Card):
                assert all(reading.parity_ok is not False for reading in value.readings)
            else:
                assert isinstance(value, Key | Rejected)

    def test_settings_make_the_keypad(self) -> None:
        settings = KeypadSettings.model_validate({"keypad": "26bit", "keypad_facility": 7, "keypad_digits": 4})
        assert settings.make_keypad() == BUFFERED
        assert KeypadSettings().make_keypad() == Keypad()
        assert KeypadSettings(keypad_facility=0, keypad_digits=1).make_keypad() == Keypad(digits=1)
        assert KeypadSettings(keypad="none").make_keypad().kind is KeypadKind.NONE
