"""The framer of EM-18 readers, whose frames have neither begin nor end: only silence and line ends tell a tag."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contracts import Framer
from drivers.rfid.em18 import make_framer
from drivers.serial_reader import Card, Rejected
from gateway.domain.credential import Identifier

FRAME, TAG = b"4500C5D1E9B8", Identifier("EM4100", None, 0x00C5D1E9)
STX_FRAME = b"\x024500C5D1E9B8\x03"


def identifiers(values: list[object]) -> list[Identifier]:
    return [value.readings[0].identifier for value in values if isinstance(value, Card)]


def expire(framer: Framer) -> list[object]:
    """Let the framer's deadline come."""
    due = framer.deadline()
    return [] if due is None else framer.feed(b"", due)


@pytest.mark.parametrize("lost", range(12))
@pytest.mark.parametrize("times", [1, 2, 20])
def test_lost_digit_never_makes_another_tag_of_the_frames_that_follow(lost: int, times: int) -> None:
    """Twelve digits of a repeated frame have a right checksum wherever one begins to read."""
    framer = make_framer()
    values = framer.feed(FRAME[:lost] + FRAME[lost + 1 :] + FRAME * times, 0.0) + expire(framer)
    assert [type(value) for value in values] == [Rejected]
    assert identifiers(framer.feed(FRAME, 9.0) + expire(framer)) == [TAG]


def test_frame_is_whole_after_a_gap_that_no_wire_makes() -> None:
    framer = make_framer()
    assert framer.feed(FRAME, 1.0) == []
    assert framer.deadline() == 1.06
    assert framer.feed(b"", 1.05) == []
    assert identifiers(framer.feed(b"", 1.06)) == [TAG]
    assert framer.deadline() is None


def test_noise_before_a_frame_costs_that_frame_and_no_more() -> None:
    framer = make_framer()
    assert framer.feed(b"\xfe" + FRAME, 0.0) == [Rejected("not a hex digit")]
    assert framer.feed(b"", 0.4) == []
    assert framer.feed(b"", 0.5) == []
    assert identifiers(framer.feed(FRAME, 0.5) + expire(framer)) == [TAG]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_line_end_of_some_boards_makes_a_frame_whole_at_once(end: bytes) -> None:
    framer = make_framer()
    assert identifiers(framer.feed((FRAME + end) * 3, 0.0)) == [TAG] * 3
    assert framer.deadline() is None
    assert framer.feed(FRAME[1:] + end, 0.0) == [Rejected("half a frame")]
    assert framer.deadline() is None


def test_frames_in_a_row_are_one_read() -> None:
    framer = make_framer()
    assert framer.feed(FRAME * 50, 0.0) == []
    assert identifiers(expire(framer)) == [TAG]


def test_two_tags_in_a_row_are_no_read() -> None:
    framer = make_framer()
    assert framer.feed(FRAME + b"307E4DE5C224", 0.0) == [Rejected("frames that differ")]


def test_wrong_checksum_says_so() -> None:
    assert make_framer().feed(b"4500C5D1E9B9\r", 0.0) == [Rejected("wrong checksum")]


def test_stx_and_etx_are_not_spoken_here() -> None:
    framer = make_framer()
    assert identifiers(framer.feed(STX_FRAME, 0.0) + expire(framer)) == []


def test_frame_byte_by_byte_is_the_same_card() -> None:
    framer = make_framer()
    for number, byte in enumerate(FRAME):
        assert framer.feed(bytes([byte]), number * 0.00104) == []
    assert identifiers(expire(framer)) == [TAG]


@pytest.mark.parametrize("length", range(1, 12))
def test_truncated_frame_dies_after_half_a_second_and_the_next_is_read(length: int) -> None:
    framer = make_framer()
    assert framer.feed(FRAME[:length], 1.0) == []
    assert framer.deadline() == 1.5
    assert framer.feed(b"", 1.5) == [Rejected("half a frame")]
    assert identifiers(framer.feed(FRAME, 2.0) + expire(framer)) == [TAG]


def test_only_silence_ends_a_half_frame() -> None:
    """Late data may have waited in the kernel while the process stood still."""
    framer = make_framer()
    framer.feed(FRAME[:5], 0.0)
    assert identifiers(framer.feed(FRAME[5:], 60.0) + expire(framer)) == [TAG]


def test_every_corrupted_digit_is_noticed() -> None:
    for place in range(12):
        for value in range(256):
            broken = bytes([*FRAME[:place], value, *FRAME[place + 1 :]])
            framer = make_framer()
            if broken.upper() != FRAME:
                assert identifiers(framer.feed(broken, 0.0) + expire(framer)) == [], broken


@pytest.mark.parametrize("rubbish", [b"\xff", b"7", b"\x00\x55\xaa", b"7\r"])
def test_endless_rubbish_is_bounded_and_a_card_follows_it(rubbish: bytes) -> None:
    framer = make_framer()
    framer.feed(rubbish * 1000, 0.0)
    tracemalloc.start()
    told = sum(len(framer.feed(rubbish * 1000, number / 1000)) for number in range(20))
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000
    assert told <= 20_000
    expire(framer)
    assert identifiers(framer.feed(FRAME, 10.0) + expire(framer)) == [TAG]


@given(st.binary(max_size=200) | st.text("0123456789ABCDEF\r\n", max_size=200).map(str.encode), st.data())
def test_any_bytes_in_any_chunks_give_the_same_values(stream: bytes, data: st.DataObject) -> None:
    whole = make_framer()
    values = whole.feed(stream, 0.0) + expire(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    framer = make_framer()
    pieces = [framer.feed(stream[a:b], 0.0) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [value for piece in pieces for value in piece] + expire(framer) == values
    assert {type(value) for value in values} <= {Card, Rejected}


@given(st.binary(max_size=100))
def test_after_any_bytes_and_silence_a_card_is_read(noise: bytes) -> None:
    framer = make_framer()
    framer.feed(noise, 0.0)
    expire(framer)
    assert identifiers(framer.feed(FRAME, 5.0) + expire(framer)) == [TAG]
