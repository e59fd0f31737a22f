"""Scanning a line for Modbus units: a board of raw bytes, pymodbus's own server, noise, and nobody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.relay import modbus_scan
from drivers.relay.modbus_scan import Heard, judge, question, scan
from gateway.errors import LinkError
from tests.drivers.pymodbus_board import PymodbusBoard
from tests.drivers.raw_board import RawBoard


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[RawBoard]:
    made = RawBoard(tmp_path / "port")
    yield made
    made.close()


def test_question_is_the_published_frame() -> None:
    assert question(1) == bytes.fromhex("01 01 00 00 00 08 3D CC")


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_for_an_answer_of_another_unit(data: bytes) -> None:
    heard = judge(1, data)
    assert heard is Heard.NOTHING if not data else heard in (Heard.ANSWER, Heard.GARBAGE)
    if heard is Heard.ANSWER:
        assert data[0] == 1


async def test_board_is_found_and_nothing_is_written_to_it(board: RawBoard) -> None:
    told: list[int] = []
    (unit,) = await scan(str(board.port.path), (9600,), range(1, 4), told.append)
    assert (unit.baud, unit.unit, unit.heard, unit.errors, unit.hint) == (9600, 1, Heard.ANSWER, 0, "")
    assert board.writes() == []
    assert told == [9600]


async def test_pymodbus_server_is_found(tmp_path: Path) -> None:
    server = PymodbusBoard(tmp_path)
    await server.start()
    try:
        found = await scan(str(server.path), (9600,), [1])
    finally:
        await server.stop()
    assert [(unit.unit, unit.heard) for unit in found] == [(1, Heard.ANSWER)]


async def test_unit_that_refuses_is_there(board: RawBoard) -> None:
    board.spoil_next = ["refuse"]
    (unit,) = await scan(str(board.port.path), (9600,), [1])
    assert unit.heard is Heard.ANSWER


async def test_lost_answers_are_counted_with_what_to_look_at(board: RawBoard) -> None:
    board.spoil_next = ["", "crc", "", "silent", "crc"]
    (unit,) = await scan(str(board.port.path), (9600,), [1])
    assert (unit.asked, unit.errors) == (10, 3)
    assert "3 of 10" in unit.hint


async def test_garbage_alone_hints_at_its_causes(board: RawBoard) -> None:
    board.spoil_next = ["crc"] * (modbus_scan.AGAIN + 1)
    (unit,) = await scan(str(board.port.path), (9600,), [1])
    assert unit.heard is Heard.GARBAGE
    assert "swapped" in unit.hint


async def test_unit_that_answers_late_is_found_at_its_own_address(board: RawBoard) -> None:
    board.delay_s = 1.5 * modbus_scan.ANSWER_S
    (unit,) = await scan(str(board.port.path), (9600,), range(1, 4))
    assert (unit.unit, unit.heard) == (1, Heard.ANSWER)
    assert "late" in unit.hint


async def test_silent_line_has_nobody(board: RawBoard) -> None:
    board.mute = True
    assert await scan(str(board.port.path), (9600, 19200), [1, 2]) == []


async def test_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="no such port"):
        await scan(str(tmp_path / "gone"), (9600,), [1])
