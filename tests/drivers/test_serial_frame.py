"""Readers whose frames a site describes: known readers by description, and what no description may make of them."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_frame.driver import make_framer
from drivers.serial_frame.framer import FRAME_PATIENCE_S, GAP_S, FrameFramer
from drivers.serial_frame.settings import SerialFrameSettings
from drivers.serial_reader import Card, Key, Rejected
from gateway.domain.credential import Identifier

XOR = {"checksum": "xor"}
EM4100 = {"number": "0-4", "bits": 40, "formats": ["EM4100"]}
DESCRIBED: dict[str, tuple[dict[str, Any], bytes, Identifier]] = {
    "rdm6300": (
        {"start": "02", "end": "03", "length": 12, **XOR, **EM4100},
        b"\x0214008EC793CE\x03",
        Identifier("EM4100", None, 0x008EC793),
    ),
    "id12la": (
        {"start": "02", "end": "0D 0A 03", "length": 12, **XOR, **EM4100},
        b"\x020C000621A58E\r\n\x03",
        Identifier("EM4100", None, 0x000621A5),
    ),
    "em18": ({"length": 12, **XOR, **EM4100}, b"4500C5D1E9B8", Identifier("EM4100", None, 0x00C5D1E9)),
    "s4a": (
        {"end": "0D0A", "length": 10, "encoding": "decimal", "formats": ["H10301"]},
        b"0008065495\r\n",
        Identifier("H10301", 123, 4567),
    ),
    "wie232": ({"end": "0D", "length": 6, "formats": ["H10301"]}, b"7B11D7\r", Identifier("H10301", 123, 4567)),
    # Seller's data sheet of a 125 kHz and 13.56 MHz reader: STX, length of the whole, type, batch and number, XOR, ETX.
    "with a length byte": (
        {
            "start": "02",
            "end": "03",
            "encoding": "binary",
            "length_at": 0,
            "length_adds": -2,
            **XOR,
            "number": "2-6",
            "bits": 40,
            "formats": ["EM4100"],
        },
        bytes.fromhex("020A0206008E6D5DB003"),
        Identifier("EM4100", None, 9334109),
    ),
    # The example of docs/drivers/serial-readers.md: `length` counts the ten characters.
    "eight hex digits and their XOR": (
        {"start": "23", "end": "0D 0A", "length": 10, **XOR, "formats": ["UID32"]},
        b"#A1B2C3D404\r\n",
        Identifier("UID32", None, 0xA1B2C3D4),
    ),
    # SP-D300, Shanghai Super Electronic, 28.11.2006: STX and four hex digits; ID 10811 is 2A3B.
    "start alone": ({"start": "02", "length": 4, "formats": ["H10301"]}, b"\x022A3B", Identifier("H10301", 0, 10811)),
    "sum after the end": (
        {
            "start": "02",
            "end": "03",
            "length": 8,
            "encoding": "decimal",
            "checksum": "sum",
            "checksum_over": ["start", "text", "end"],
            "checksum_after_end": True,
            "formats": ["H10301"],
        },
        b"\x0208065495\x03" + bytes([(2 + sum(b"08065495") + 3) & 0xFF]),
        Identifier("H10301", 123, 4567),
    ),
    "crc, last byte first": (
        {
            "encoding": "binary",
            "length": 6,
            "checksum": "crc16-modbus",
            "checksum_order": "little",
            "byte_order": "little",
            "bits": 32,
            "formats": ["UID32"],
        },
        bytes.fromhex("5FFCD894") + (0xAF89).to_bytes(2, "little"),
        Identifier("UID32", None, 0x94D8FC5F),
    ),
}
each = pytest.mark.parametrize("name", DESCRIBED)


def settings(**given: Any) -> SerialFrameSettings:
    return SerialFrameSettings.model_validate({"port": "-", **given})


def framer_of(name: str) -> tuple[FrameFramer, bytes, Identifier]:
    described, frame, identifier = DESCRIBED[name]
    return make_framer(settings(**described)), frame, identifier


def expire(framer: FrameFramer) -> list[object]:
    due = framer.deadline()
    return [] if due is None else framer.feed(b"", due)


def identifiers(values: list[object]) -> list[Identifier]:
    return [value.readings[0].identifier for value in values if isinstance(value, Card)]


@each
def test_described_reader_is_read(name: str) -> None:
    framer, frame, identifier = framer_of(name)
    values = framer.feed(frame, 0.0) + expire(framer)
    assert identifiers(values) == [identifier]
    assert len(values) == 1
    assert framer.deadline() is None


@each
def test_frame_byte_by_byte_is_the_same_card(name: str) -> None:
    framer, frame, identifier = framer_of(name)
    values = [value for n, byte in enumerate(frame) for value in framer.feed(bytes([byte]), n * 0.001)]
    assert identifiers(values + expire(framer)) == [identifier]


@each
def test_only_silence_ends_a_half_frame(name: str) -> None:
    """Late data may have waited in the kernel while the process stood still."""
    for cut in range(1, len(DESCRIBED[name][1])):
        framer, frame, identifier = framer_of(name)
        assert framer.feed(frame[:cut], 0.0) == []
        assert identifiers(framer.feed(frame[cut:], 60.0) + expire(framer)) == [identifier]


@each
def test_truncated_frame_dies_of_silence_and_the_next_is_read(name: str) -> None:
    for cut in range(1, len(DESCRIBED[name][1])):
        framer, frame, identifier = framer_of(name)
        framer.feed(frame[:cut], 1.0)
        assert framer.deadline() == 1.0 + FRAME_PATIENCE_S
        assert framer.feed(b"", 1.0 + FRAME_PATIENCE_S) == [Rejected("half a frame")]
        assert framer.deadline() is None
        assert identifiers(framer.feed(frame, 2.0) + expire(framer)) == [identifier]


@each
@pytest.mark.parametrize("times", [1, 2, 20])
def test_lost_byte_never_makes_another_card_of_the_frames_that_follow(name: str, times: int) -> None:
    for lost in range(len(DESCRIBED[name][1])):
        framer, frame, identifier = framer_of(name)
        values = framer.feed(frame[:lost] + frame[lost + 1 :] + frame * times, 0.0) + expire(framer)
        assert set(identifiers(values)) <= {identifier}, lost
        assert any(isinstance(value, Rejected) for value in values), lost
        assert identifiers(framer.feed(frame, 9.0) + expire(framer)) == [identifier]


@each
def test_every_changed_byte_is_noticed_where_there_is_a_checksum(name: str) -> None:
    described, frame, identifier = DESCRIBED[name]
    if "checksum" not in described:
        return
    for place in range(len(frame)):
        for value in range(256):
            broken = bytes([*frame[:place], value, *frame[place + 1 :]])
            framer = make_framer(settings(**described))
            found = identifiers(framer.feed(broken, 0.0) + expire(framer))
            assert found in ([], [identifier]), (place, value)
            assert found == [] or broken.upper() == frame.upper()


@each
@given(st.binary(max_size=200), st.data())
def test_any_bytes_in_any_chunks_give_the_same_values(name: str, noise: bytes, data: st.DataObject) -> None:
    whole, frame, _ = framer_of(name)
    stream = noise + frame + noise + frame
    values = whole.feed(stream, 0.0) + expire(whole)
    assert {type(value) for value in values} <= {Card, Rejected}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    framer, _, _ = framer_of(name)
    pieces = [framer.feed(stream[a:b], 0.0) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [value for piece in pieces for value in piece] + expire(framer) == values


@each
@given(st.binary(max_size=100))
def test_after_any_bytes_and_silence_a_card_is_read(name: str, noise: bytes) -> None:
    framer, frame, identifier = framer_of(name)
    framer.feed(noise, 0.0)
    expire(framer)
    assert identifiers(framer.feed(frame, 5.0) + expire(framer))[-1:] == [identifier]


@each
@pytest.mark.parametrize("rubbish", [b"\xff", b"7", b"\x02", b"\x00\x55\xaa", b"7\r"])
def test_endless_rubbish_holds_one_frame_at_most(name: str, rubbish: bytes) -> None:
    framer, frame, identifier = framer_of(name)
    framer.feed(rubbish * 1000, 0.0)
    tracemalloc.start()
    for number in range(10):
        framer.feed(rubbish * 1000, number / 1000)
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000
    expire(framer)
    assert identifiers(framer.feed(frame, 10.0) + expire(framer)) == [identifier]


class TestMarks:
    def test_noise_between_frames_costs_no_frame_where_a_start_marks_them(self) -> None:
        for name in ("rdm6300", "with a length byte", "start alone"):
            framer, frame, identifier = framer_of(name)
            assert identifiers(framer.feed(b"\xfe\x00" + frame + b"\xfe" + frame, 0.0)) == [identifier] * 2

    def test_rest_of_a_broken_binary_frame_is_skipped_up_to_silence(self) -> None:
        framer, frame, identifier = framer_of("with a length byte")
        assert framer.feed(frame[:3] + frame[4:] + frame, 0.0) == [Rejected("no end of frame")]
        assert framer.feed(b"", FRAME_PATIENCE_S) == []
        assert identifiers(framer.feed(frame, 1.0)) == [identifier]

    def test_length_byte_that_says_too_little_or_too_much_is_rejected(self) -> None:
        framer, _, _ = framer_of("with a length byte")
        assert framer.feed(b"\x02\x02", 0.0) == [Rejected("a length that can't be")]
        expire(framer)
        described = {**DESCRIBED["with a length byte"][0], "length_adds": 2}
        assert make_framer(settings(**described)).feed(b"\x02\xff", 0.0) == [Rejected("a length that can't be")]

    def test_digits_without_end_are_bounded(self) -> None:
        framer = make_framer(settings(start="02", end="03", **XOR, **EM4100))
        assert framer.feed(b"\x02" + b"7" * 300, 0.0) == [Rejected("a frame that is too long")]

    def test_body_of_any_length_up_to_its_end_is_read(self) -> None:
        framer = make_framer(settings(start="02", end="03", **XOR, formats=["H10301", "EM4100"]))
        assert identifiers(framer.feed(b"\x027B11D7BD\x03\x0200AB7B11D716\x03", 0.0)) == [
            Identifier("H10301", 123, 4567),
            Identifier("EM4100", None, 0xAB7B11D7),
        ]


class TestKeypad:
    ASCII = "30 31 32 33 34 35 36 37 38 39 2A 23"

    def keypad(self, **given: Any) -> FrameFramer:
        return make_framer(settings(keys=self.ASCII, formats=["H10301"], **given))

    def test_lone_byte_before_silence_is_a_key_where_frames_have_no_start(self) -> None:
        framer = self.keypad(end="0D0A", length=10, encoding="decimal")
        values: list[object] = []
        for n, byte in enumerate(b"12*#0"):
            values += framer.feed(bytes([byte]), float(n)) + expire(framer)
        assert values == [Key(key) for key in "12*#0"]
        assert identifiers(framer.feed(b"0008065495\r\n", 9.0)) == [Identifier("H10301", 123, 4567)]

    def test_first_digit_of_a_card_is_no_key(self) -> None:
        framer = self.keypad(end="0D0A", length=10, encoding="decimal")
        assert framer.feed(b"0", 0.0) == []
        assert framer.deadline() == GAP_S
        assert identifiers(framer.feed(b"008065495\r\n", 1.0)) == [Identifier("H10301", 123, 4567)]

    def test_byte_between_frames_is_a_key_at_once_where_they_have_a_start(self) -> None:
        framer = self.keypad(start="02", length=6)
        values = framer.feed(b"1#\x027B11D72", 0.0)
        assert [value for value in values if isinstance(value, Key)] == [Key("1"), Key("#"), Key("2")]
        assert identifiers(values) == [Identifier("H10301", 123, 4567)]

    def test_digits_of_a_broken_frame_are_no_keys(self) -> None:
        framer = self.keypad(start="02", end="03", length=6)
        values = framer.feed(b"\x027B1\xff1D7\x03", 0.0)
        assert values == [Rejected("a byte that is no digit")]
        expire(framer)
        assert framer.feed(b"5", 9.0) == [Key("5")]

    def test_keys_of_other_bytes_are_named_by_their_place(self) -> None:
        framer = make_framer(settings(start="02", length=6, formats=["H10301"], keys="F0E1D2C3B4A5968778695A4B"))
        assert framer.feed(bytes.fromhex("F05A4B69"), 0.0) == [Key("0"), Key("*"), Key("#"), Key("9")]


class TestMeaning:
    def test_number_that_its_formats_cannot_hold_is_rejected(self) -> None:
        framer, _, _ = framer_of("s4a")
        assert framer.feed(b"0016777216\r\n", 0.0) == [Rejected("a number beyond H10301")]

    def test_formats_stand_in_their_order(self) -> None:
        framer = make_framer(settings(end="0D", length=6, formats=["H10306", "H10301"]))
        (card,) = framer.feed(b"7B11D7\r", 0.0)
        assert isinstance(card, Card)
        assert [reading.identifier.format for reading in card.readings] == ["H10306", "H10301"]

    def test_message_with_its_parities_says_whether_they_hold(self) -> None:
        framer = make_framer(settings(end="0D", length=8, bits=26, formats=["H10301"]))
        values = framer.feed(b"02F623AE\r02F623AF\r04000000\r", 0.0)
        readings = [value.readings[0] for value in values if isinstance(value, Card)]
        assert [(reading.identifier, reading.parity_ok) for reading in readings] == [
            (Identifier("H10301", 123, 4567), True),
            (Identifier("H10301", 123, 4567), False),
        ]
        assert values[2] == Rejected("a number beyond H10301")

    def test_em4100_keeps_its_version_byte_beside_the_number(self) -> None:
        framer, frame, _ = framer_of("rdm6300")
        (card,) = framer.feed(frame, 0.0)
        assert isinstance(card, Card)
        assert card.readings[0].version_byte == 0x14

    @given(st.integers(0, (1 << 24) - 1), st.sampled_from(["big", "little"]))
    def test_every_number_is_read_in_its_byte_order(self, number: int, order: Any) -> None:
        framer = make_framer(
            settings(encoding="binary", length=3, end="0D", byte_order=order, number="0-2", formats=["H10301"])
        )
        found = identifiers(framer.feed(number.to_bytes(3, order) + b"\r", 0.0))
        assert found == [Identifier("H10301", number >> 16, number & 0xFFFF)]


BY_LENGTH_BYTE = DESCRIBED["with a length byte"][0]


def flawed() -> Iterator[tuple[dict[str, Any], str]]:
    base: dict[str, Any] = {"formats": ["H10301"], "end": "0D", "length": 6}
    binary = {**base, "encoding": "binary"}
    yield {**base, "baud": 960}, "as the reader's data sheet says"
    yield {**base, "formats": []}, "at least 1"
    yield {**base, "start": "2"}, "two digits each, such as 02"
    yield {**base, "start": "STX"}, "two digits each, such as 02"
    yield {**base, "start": "00" * 9}, "8 bytes at most"
    yield {**base, "start": "41"}, r"start = '41': .* marks must be other bytes"
    yield {**base, "end": "30"}, r"end = '30': .* marks must be other bytes"
    yield {**base, "length": 0}, "greater than or equal to 1"
    yield {**base, "length": 256}, "less than or equal to 255"
    yield {**base, "length": 7}, "length = 7: 7 hex digits are no whole bytes"
    yield {**base, "length": None}, "length = None: give it or a checksum"
    yield {**base, "end": "", "length": None}, "end = '': give it or length"
    yield {**base, "length_at": 0}, "give length or length_at, not both"
    yield {**base, "length": None, "length_at": 0}, 'goes with encoding = "binary"'
    yield {**base, "length_adds": 1}, "it goes with length_at"
    yield {**binary, "length": None}, "give it or length_at"
    yield {**binary, "end": ""}, "checksum = 'none': give end or a checksum"
    yield {**base, "number": "4"}, "the first and the last place"
    yield {**base, "number": "2-1"}, "the first and the last place"
    yield {**base, "number": "1-3"}, "number = '1-3': its last place lies behind the body"
    yield {**base, **XOR, "number": "0-2"}, "or in the checksum"
    yield {**BY_LENGTH_BYTE, "number": "2-60"}, "number = '2-60': names 59 bytes; 40 bits take 5"
    yield {**BY_LENGTH_BYTE, "number": "250-254"}, "or in the checksum"
    yield {**base, "checksum": "crc"}, "crc16-modbus"
    yield {**base, "checksum_after_end": True}, "name one, or leave out"
    yield {**base, "checksum_over": ["text"]}, "name one, or leave out"
    yield {**base, **XOR, "checksum_over": ["end", "body"]}, "name body or text"
    yield {**base, **XOR, "checksum_over": ["end"]}, "name body or text"
    yield {**base, **XOR, "checksum_over": ["body", "text"]}, "name body or text"
    yield {**base, **XOR, "checksum_over": ["start", "body"]}, "that the frame doesn't have"
    yield {**base, **XOR, "end": "", "checksum_after_end": True}, "without an end"
    yield {**base, **XOR, "encoding": "decimal"}, "over text only"
    yield {**base, "bits": 0}, "greater than or equal to 1"
    yield {**base, "bits": 257}, "less than or equal to 256"
    yield {**base, "keys": "3031"}, "twelve different bytes"
    yield {**base, "keys": "30" * 12}, "twelve different bytes"
    yield {**base, "start": "23", "keys": TestKeypad.ASCII}, "can't be a key"
    yield {**base, "stop": "03"}, "not permitted"


@pytest.mark.parametrize(("given", "remedy"), list(flawed()), ids=[remedy[:40] for _, remedy in flawed()])
def test_wrong_description_names_the_remedy(given: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        settings(**given)
