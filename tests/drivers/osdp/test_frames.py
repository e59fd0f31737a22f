"""OSDP's framing, whole, in pieces, among noise and damaged."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.osdp.frames import (
    ACK,
    BUSY,
    CAP,
    CHALLENGE,
    FRAME_BYTES_MAX,
    ID,
    NAK,
    PDCAP,
    PDID,
    POLL,
    Found,
    Frame,
    FrameFinder,
    Rubbish,
    answers,
    crc16,
    decode,
    encode,
    has_secure_channel,
    may_answer,
)

POLL_VECTOR = bytes.fromhex("FF 53 00 08 00 04 60 EB AA")
"""Captured by SIA: a poll of address 0, with its mark."""
SECURE_POLL = bytes.fromhex("53 05 0e 00 0d 02 15 60 31 0a ac 6c 64 e8")
SECURE_ACK = bytes.fromhex("53 85 0e 00 0d 02 16 40 c9 0b ad df ad 2e")
CHALLENGE_VECTOR = bytes.fromhex("53 05 13 00 0e 03 11 01 76 d7 64 c8 cc e9 32 55 c4 cd cf")
"""Captured from libosdp 3.2.9."""
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "osdp.json").read_text(encoding="utf-8")
)["frames"]
RAW = 0x50

addresses, sequences = st.integers(0, 0x7F), st.integers(0, 3)


def frame(data: bytes) -> Frame:
    found = decode(data.lstrip(b"\xff"))
    assert isinstance(found, Frame), found
    return found


def find(*pieces: bytes) -> list[Found]:
    finder = FrameFinder()
    return [found for piece in pieces for found in finder.feed(piece)]


def test_a_poll_is_the_captured_one() -> None:
    assert encode(0, 0, POLL) == POLL_VECTOR
    assert frame(POLL_VECTOR) == Frame(0, False, 0, POLL, b"", 0, POLL_VECTOR[1:])


@pytest.mark.parametrize("vector", VECTORS, ids=[each["frame"][:32] for each in VECTORS])
def test_captured_frames_say_what_they_say(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["frame"])
    found, security = frame(raw), int(vector["security"], 16)
    assert (found.address, found.is_reply, found.sequence) == (vector["address"], vector["reply"], vector["sequence"])
    assert (found.code, found.security, found.data) == (
        int(vector["code"], 16),
        security,
        bytes.fromhex(vector["data"]),
    )
    if not security:
        assert encode(found.address, found.sequence, found.code, found.data, reply=found.is_reply) == raw
    assert find(*(bytes((byte,)) for byte in raw)) == [found]


def test_the_crc_begins_at_1d0f_and_goes_low_byte_first() -> None:
    assert crc16(b"") == 0x1D0F
    assert crc16(POLL_VECTOR[1:-2]).to_bytes(2, "little") == b"\xeb\xaa"


def test_frames_of_a_session_say_so() -> None:
    asked, said = frame(SECURE_POLL), frame(SECURE_ACK)
    assert (asked.code, asked.security, asked.in_session) == (POLL, 0x15, True)
    assert (said.code, said.security, said.in_session, said.is_reply, said.address) == (ACK, 0x16, True, True, 5)
    assert not frame(CHALLENGE_VECTOR).in_session
    assert frame(CHALLENGE_VECTOR).code == CHALLENGE


def test_a_checksum_serves_where_a_reader_knows_no_crc() -> None:
    body = bytes.fromhex("53 85 07 00 00 40")
    whole = body + bytes((-sum(body) & 0xFF,))
    assert frame(whole).code == ACK
    assert decode(whole[:-1] + bytes((whole[-1] ^ 1,))) == Rubbish("wrong check characters")


@given(addresses, sequences, st.integers(0, 255), st.binary(max_size=64), st.booleans())
def test_what_is_encoded_is_decoded(address: int, sequence: int, code: int, data: bytes, reply: bool) -> None:
    found = frame(encode(address, sequence, code, data, reply=reply))
    assert (found.address, found.sequence, found.code, found.data, found.is_reply) == (
        address,
        sequence,
        code,
        data,
        reply,
    )


@pytest.mark.parametrize("one", [POLL_VECTOR, SECURE_ACK, CHALLENGE_VECTOR])
def test_a_frame_is_found_byte_by_byte(one: bytes) -> None:
    pieces = [bytes((byte,)) for byte in one]
    assert find(*pieces) == find(one) == [frame(one)]


@pytest.mark.parametrize("at", range(len(SECURE_ACK)))
def test_a_frame_with_a_wrong_byte_is_none(at: int) -> None:
    wrong = bytearray(SECURE_ACK)
    wrong[at] ^= 0x10
    found = find(bytes(wrong), bytes(FRAME_BYTES_MAX))
    assert found
    assert not any(isinstance(each, Frame) for each in found)


@pytest.mark.parametrize("length", range(len(SECURE_ACK)))
def test_a_cut_frame_waits_and_is_forgotten_when_told(length: int) -> None:
    finder = FrameFinder()
    assert finder.feed(SECURE_ACK[:length]) == []
    assert finder.clear() == length
    assert finder.feed(SECURE_ACK) == [frame(SECURE_ACK)]


def test_how_much_a_frame_under_way_lacks() -> None:
    finder = FrameFinder()
    assert finder.missing == 0
    finder.feed(SECURE_ACK[:3])
    assert finder.missing == 2
    finder.feed(SECURE_ACK[3:6])
    assert finder.missing == len(SECURE_ACK) - 6


def test_frames_are_found_among_noise_and_behind_a_false_start() -> None:
    found = find(b"\x00\x12" + b"\x53\x01" + SECURE_ACK + b"\x99" + POLL_VECTOR)
    assert [each for each in found if isinstance(each, Frame)] == [frame(SECURE_ACK), frame(POLL_VECTOR)]
    assert any(isinstance(each, Rubbish) for each in found)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_whatever_comes_nothing_but_frames_and_rubbish_is_found_and_little_is_held(pieces: list[bytes]) -> None:
    finder = FrameFinder()
    for piece in pieces:
        for found in finder.feed(piece):
            assert isinstance(found, (Frame, Rubbish))
        assert finder.missing <= FRAME_BYTES_MAX
    assert finder.clear() <= FRAME_BYTES_MAX


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_frame_between_any_bytes_that_begin_none_is_found(before: bytes, after: bytes) -> None:
    before, after = before.replace(b"\x53", b""), after.replace(b"\x53", b"")
    assert frame(SECURE_ACK) in find(before, SECURE_ACK, after)


@given(st.binary(max_size=60))
def test_decoding_any_bytes_raises_nothing(data: bytes) -> None:
    assert isinstance(decode(data), (Frame, Rubbish))
    has_secure_channel(data)


@pytest.mark.parametrize(
    ("address", "sequence", "size"), [(0x80, 0, 0), (-1, 0, 0), (0, 4, 0), (0, 0, FRAME_BYTES_MAX)]
)
def test_what_fits_no_frame_is_not_encoded(address: int, sequence: int, size: int) -> None:
    with pytest.raises(ValueError, match="OSDP"):
        encode(address, sequence, POLL, bytes(size))


def reply(code: int, data: bytes = b"", address: int = 5) -> Frame:
    return frame(encode(address, 0, code, data, reply=True))


def command(code: int) -> Frame:
    return frame(encode(5, 0, code))


def test_before_a_session_only_the_handshakes_own_answer_counts() -> None:
    assert may_answer(command(ID), reply(PDID))
    assert may_answer(command(CAP), reply(PDCAP))
    for code in (RAW, ACK, PDCAP, 0x53, 0x48):
        assert not may_answer(command(ID), reply(code))
    for code in (RAW, ACK):
        assert not may_answer(command(CAP), reply(code))
        assert not may_answer(frame(CHALLENGE_VECTOR), reply(code))
        assert not may_answer(command(POLL), reply(code))


def test_in_a_session_nothing_without_a_mac_counts_but_a_refusal() -> None:
    asked = frame(SECURE_POLL)
    assert may_answer(asked, frame(SECURE_ACK))
    for code in (RAW, ACK, 0x53, 0x48):
        assert not may_answer(asked, reply(code))
    assert may_answer(asked, reply(NAK, b"\x06"))
    assert may_answer(asked, reply(BUSY))


def test_another_readers_answer_and_an_echo_are_no_answer() -> None:
    assert not may_answer(command(ID), reply(PDID, address=6))
    assert not may_answer(command(ID), command(ID))


def test_an_answer_has_its_commands_number_unless_the_reader_lost_count_or_has_no_time() -> None:
    asked = frame(encode(5, 2, POLL))
    for sequence in range(4):
        assert answers(asked, frame(encode(5, sequence, ACK, reply=True))) is (sequence == 2)
        for code in (NAK, BUSY):
            assert answers(asked, frame(encode(5, sequence, code, reply=True))) is (sequence in (0, 2))
    assert not answers(asked, asked)
    assert not answers(asked, frame(encode(6, 2, ACK, reply=True)))


def test_a_reader_says_in_its_capabilities_whether_it_has_a_secure_channel() -> None:
    assert has_secure_channel(bytes.fromhex("080100 090101 0a0001"))
    assert not has_secure_channel(bytes.fromhex("080100 090000 0a0001"))
    assert not has_secure_channel(bytes.fromhex("080100"))
    assert not has_secure_channel(b"")
