"""Framers of serial readers: whole, byte by byte, corrupted, truncated, endless, and by property."""

import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contracts import Framer
from drivers.rfid import rdm6300
from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand import s4a, wie232
from gateway.domain.credential import Identifier

TASMOTA_SAMPLE = bytes.fromhex("02 31 34 30 30 38 45 43 37 39 33 43 45 03")
ID12LA_SAMPLE = b"\x020C000621A58E\r\n\x03"
BYTE_S = 10 / 9600

Make = Callable[[], Framer]
SAMPLES: list[tuple[str, Make, bytes, Identifier]] = [
    ("rdm6300", rdm6300.make_framer, TASMOTA_SAMPLE, Identifier("EM4100", None, 0x008EC793)),
    ("seeed", rdm6300.make_framer, b"\x0262E3086CED08\x03", Identifier("EM4100", None, 0xE3086CED)),
    ("id12la", rdm6300.make_framer, ID12LA_SAMPLE, Identifier("EM4100", None, 0x000621A5)),
    ("s4a", s4a.make_framer, b"0008065495\r\n", Identifier("H10301", 123, 4567)),
    ("s4a-34", partial(s4a.make_framer, "H10306", "UID34"), b"4268821999\r\n", Identifier("H10306", 65137, 3567)),
    ("wie232", wie232.make_framer, b"7B11D7\r", Identifier("H10301", 123, 4567)),
]
each_sample = pytest.mark.parametrize(
    ("make", "frame", "identifier"), [sample[1:] for sample in SAMPLES], ids=[sample[0] for sample in SAMPLES]
)


def identifiers(values: list[object]) -> list[Identifier]:
    return [value.readings[0].identifier for value in values if isinstance(value, Card)]


def feed_bytes(framer: Framer, data: bytes, start_s: float = 0.0) -> list[object]:
    """Each byte alone, at the wire's pace."""
    values: list[object] = []
    for number, byte in enumerate(data):
        values += framer.feed(bytes([byte]), start_s + number * BYTE_S)
    return values


def expire(framer: Framer) -> list[object]:
    """Let the framer's deadline come."""
    due = framer.deadline()
    return [] if due is None else framer.feed(b"", due)


@each_sample
def test_whole_frame_is_a_card(make: Make, frame: bytes, identifier: Identifier) -> None:
    framer = make()
    values = framer.feed(frame, 0.0)
    assert identifiers(values) == [identifier]
    assert len(values) == 1
    assert framer.deadline() is None


@each_sample
def test_frame_byte_by_byte_is_the_same_card(make: Make, frame: bytes, identifier: Identifier) -> None:
    values = feed_bytes(make(), frame)
    assert identifiers(values) == [identifier]
    assert len(values) == 1


@each_sample
def test_two_frames_in_one_chunk_are_two_cards(make: Make, frame: bytes, identifier: Identifier) -> None:
    assert identifiers(make().feed(frame * 2, 0.0)) == [identifier, identifier]


@each_sample
def test_truncated_frame_dies_at_its_deadline_and_the_next_is_read(
    make: Make, frame: bytes, identifier: Identifier
) -> None:
    for length in range(2, len(frame)):
        framer = make()
        assert framer.feed(frame[:length], 0.0) == []
        due = framer.deadline()
        assert due is not None
        assert due <= 0.5
        assert [type(value) for value in framer.feed(b"", due)] == [Rejected]
        assert framer.deadline() is None
        assert identifiers(framer.feed(frame, due + 1.0)) == [identifier]


@each_sample
def test_only_silence_ends_a_half_frame(make: Make, frame: bytes, identifier: Identifier) -> None:
    """Late data may have waited in the kernel while the process stood still."""
    framer = make()
    framer.feed(frame[:5], 0.0)
    assert identifiers(framer.feed(frame[5:], 1.0)) == [identifier]
    framer.feed(frame[:5], 2.0)
    assert [type(value) for value in framer.feed(b"", 3.0)] == [Rejected]
    assert identifiers(framer.feed(frame, 3.0)) == [identifier]


def test_every_corrupted_byte_of_an_rdm6300_frame_is_noticed() -> None:
    for place in range(1, 13):
        for value in range(256):
            if value == TASMOTA_SAMPLE[place] or bytes([value]).upper() == bytes([TASMOTA_SAMPLE[place]]):
                continue
            broken = bytes([*TASMOTA_SAMPLE[:place], value, *TASMOTA_SAMPLE[place + 1 :]])
            framer = rdm6300.make_framer()
            values = framer.feed(broken, 0.0)
            assert identifiers(values) == []
            assert identifiers(framer.feed(TASMOTA_SAMPLE, 0.05)) == [Identifier("EM4100", None, 0x008EC793)]


def test_version_byte_is_an_attribute_and_no_part_of_the_identifier() -> None:
    card = rdm6300.make_framer().feed(TASMOTA_SAMPLE, 0.0)[0]
    assert isinstance(card, Card)
    assert card.readings[0].version_byte == 0x14
    assert card.readings[0].identifier.facility_code is None


def test_datasheet_misprint_of_the_id12la_checksum_is_rejected() -> None:
    assert rdm6300.make_framer().feed(b"\x020C000621A56E\r\n\x03", 0.0) == [Rejected("wrong checksum")]


@each_sample
@pytest.mark.parametrize("rubbish", [b"\xff", b"7", b"\x00\x55\xaa"], ids=["ff", "digits", "mixed"])
def test_endless_rubbish_is_bounded_and_a_card_follows_it(
    make: Make, frame: bytes, identifier: Identifier, rubbish: bytes
) -> None:
    framer = make()
    framer.feed(rubbish * 1000, 0.0)
    tracemalloc.start()
    rejected = sum(len(framer.feed(rubbish * 1000, number / 1000)) for number in range(200))
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000
    assert rejected <= 200_000 * len(rubbish) // 10
    expire(framer)
    assert identifiers(framer.feed(frame, 10.0)) == [identifier]


@each_sample
@given(st.binary(max_size=200), st.data())
def test_any_bytes_in_any_chunks_give_the_same_values(
    make: Make, frame: bytes, identifier: Identifier, noise: bytes, data: st.DataObject
) -> None:
    stream = noise + frame + noise
    whole = make().feed(stream, 0.0)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    framer = make()
    pieces = [framer.feed(stream[a:b], 0.0) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [value for piece in pieces for value in piece] == whole


@each_sample
@given(st.binary(max_size=100))
def test_after_any_bytes_and_silence_a_card_is_read(
    make: Make, frame: bytes, identifier: Identifier, noise: bytes
) -> None:
    framer = make()
    framer.feed(noise, 0.0)
    expire(framer)
    assert identifiers(framer.feed(frame, 5.0))[-1:] == [identifier]


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 255))
def test_every_em4100_number_is_read(number: int, version: int) -> None:
    tag = bytes([version]) + number.to_bytes(4, "big")
    checksum = 0
    for byte in tag:
        checksum ^= byte
    frame = b"\x02%s%02X\x03" % (tag.hex().upper().encode(), checksum)
    assert identifiers(rdm6300.make_framer().feed(frame, 0.0)) == [Identifier("EM4100", None, number)]


class TestKeypad:
    @pytest.mark.parametrize("key", "0123456789")
    def test_lone_digit_followed_by_silence_is_a_key(self, key: str) -> None:
        framer = s4a.make_framer()
        assert framer.feed(key.encode(), 1.0) == []
        due = framer.deadline()
        assert due is not None
        assert 1.020 <= due <= 1.080
        assert framer.feed(b"", due - 0.001) == []
        assert framer.feed(b"", due) == [Key(key)]
        assert framer.deadline() is None

    @pytest.mark.parametrize("key", "*#")
    def test_star_and_hash_are_keys_at_once(self, key: str) -> None:
        assert s4a.make_framer().feed(key.encode(), 0.0) == [Key(key)]

    def test_digits_typed_by_a_person_are_keys_and_the_next_card_is_whole(self) -> None:
        framer = s4a.make_framer()
        values: list[object] = []
        for number, key in enumerate("1234#"):
            values += framer.feed(key.encode(), number * 0.15) + expire(framer)
        assert values == [Key(key) for key in "1234#"]
        assert identifiers(feed_bytes(framer, b"0008065495\r\n", 1.0)) == [Identifier("H10301", 123, 4567)]

    def test_first_digit_of_a_card_is_never_a_key(self) -> None:
        values = feed_bytes(s4a.make_framer(), b"0008065495\r\n")
        assert not [value for value in values if isinstance(value, Key)]

    def test_key_glued_to_a_card_is_rejected_rather_than_guessed(self) -> None:
        framer = s4a.make_framer()
        values = framer.feed(b"50008065495\r\n", 0.0)
        assert [type(value) for value in values] == [Rejected]
        assert identifiers(framer.feed(b"0008065495\r\n", 0.0)) == [Identifier("H10301", 123, 4567)]

    def test_hex_letter_alone_is_no_key(self) -> None:
        framer = wie232.make_framer()
        framer.feed(b"B", 0.0)
        assert [type(value) for value in expire(framer)] == [Rejected]


class TestNumbers:
    def test_number_beyond_the_format_is_rejected(self) -> None:
        assert s4a.make_framer().feed(b"0016777216\r\n", 0.0) == [Rejected("a number beyond H10301")]

    def test_configured_format_decides_what_a_number_means(self) -> None:
        values = s4a.make_framer("H10306").feed(b"4268821999\r\n", 0.0)
        assert identifiers(values) == [Identifier("H10306", 65137, 3567)]

    def test_a_number_is_read_in_each_configured_format_that_can_hold_it(self) -> None:
        framer = s4a.make_framer("H10306", "H10301")
        (short,) = framer.feed(b"0008065495\r\n", 0.0)
        (long,) = framer.feed(b"4268821999\r\n", 1.0)
        assert isinstance(short, Card)
        assert isinstance(long, Card)
        assert [each.identifier for each in short.readings] == [
            Identifier("H10306", 123, 4567),
            Identifier("H10301", 123, 4567),
        ]
        assert [each.identifier.format for each in long.readings] == ["H10306"]

    def test_ten_nines_do_not_fit_h10306(self) -> None:
        assert [type(value) for value in s4a.make_framer("H10306").feed(b"9999999999\r\n", 0.0)] == [Rejected]
