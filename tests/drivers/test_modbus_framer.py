"""Modbus answers among other bytes: whole, byte by byte, after another's, corrupted, truncated, and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU

from drivers.relay.modbus_framer import AnswerFramer
from tests.drivers.raw_board import crc16


def with_crc(text: str) -> bytes:
    body = bytes.fromhex(text)
    return body + crc16(body)


ANSWERS = [
    with_crc("01 01 01 05"),
    with_crc("01 02 02 ff 03"),
    with_crc("01 04 04 02 58 03 ff"),
    with_crc("01 05 00 00 ff 00"),
    with_crc("01 10 00 03 00 02"),
    with_crc("01 85 02"),
]
each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=[answer.hex() for answer in ANSWERS])
LATE = with_crc("03 02 03 ff 00 81")
FRAMER = AnswerFramer(DecodePDU(is_server=False))


def unit_and_function(data: bytes) -> tuple[int, int] | None:
    """Of the answer that unit 1 is found to give in it."""
    _, found = FRAMER.handleFrame(data, 1, 0)
    return None if found is None else (found.dev_id, found.function_code)


@each_answer
def test_answer_is_found_at_its_last_byte_and_not_before(answer: bytes) -> None:
    assert [unit_and_function(answer[:count]) for count in range(len(answer))] == [None] * len(answer)
    assert unit_and_function(answer) == (1, answer[1])


@each_answer
def test_answer_is_found_behind_any_piece_of_anothers(answer: bytes) -> None:
    pieces = [LATE[first:last] for first in range(len(LATE)) for last in range(first, len(LATE) + 1)]
    assert {unit_and_function(piece + answer) for piece in pieces} == {(1, answer[1])}


@each_answer
def test_answer_with_one_wrong_bit_is_none(answer: bytes) -> None:
    spoilt = [int.from_bytes(answer, "big") ^ 1 << bit for bit in range(8 * len(answer))]
    assert {unit_and_function(value.to_bytes(len(answer), "big")) for value in spoilt} == {None}


def test_another_units_answer_is_used_up_alone() -> None:
    assert FRAMER.decode(LATE + ANSWERS[0]) == (len(LATE), 3, 0, LATE[1:-2])


@given(st.binary(max_size=264))
def test_anything_is_a_whole_frame_or_none(data: bytes) -> None:
    used, unit, _, frame = FRAMER.decode(data)
    body = bytes([unit]) + frame
    assert used == 0 if not frame else data[:used].endswith(body + crc16(body))
