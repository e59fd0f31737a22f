"""The simulated board against published frames, and against pymodbus's client over the pseudo-terminal."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import ModbusSerialClient

from simulators.modbus_board import ModbusBoard, with_crc
from tests.simulators.site.conftest import SiteUnderTest, north_board, until

# Waveshare's and the clones' published frames; the checksums were recomputed.
ON = bytes.fromhex("01 05 00 00 FF 00 8C 3A")
OFF = bytes.fromhex("01 05 00 00 00 00 CD CA")
FLASH_ON_700_MS = bytes.fromhex("01 05 02 00 00 07 8D B0")
ALL_ON = bytes.fromhex("01 05 00 FF FF 00 BC 0A")
READ_COILS = bytes.fromhex("01 01 00 00 00 08 3D CC")


def test_published_on_and_off_are_echoed_and_move_the_coil() -> None:
    board = ModbusBoard()
    assert board.answer(ON, 0.0) == ON
    assert board.coils == [True, False, False, False]
    assert board.answer(OFF, 1.0) == OFF
    assert board.coils == [False] * 4


def test_published_flash_on_ends_by_itself_after_700_ms() -> None:
    board = ModbusBoard()
    assert board.answer(FLASH_ON_700_MS, 10.0) == FLASH_ON_700_MS
    assert board.deadline() == pytest.approx(10.7)
    board.advance(10.69)
    assert board.coils == [True, False, False, False]
    board.advance(10.7)
    assert board.coils == [False] * 4
    assert board.deadline() is None


def test_flash_off_switches_off_and_on_again() -> None:
    board = ModbusBoard(coils=[True] * 4)
    board.answer(with_crc(bytes.fromhex("01 05 04 01 00 05")), 0.0)
    assert board.coils == [True, False, True, True]
    board.advance(0.5)
    assert board.coils == [True] * 4


def test_plain_write_ends_a_flash() -> None:
    board = ModbusBoard()
    board.answer(FLASH_ON_700_MS, 0.0)
    board.answer(ON, 0.1)
    board.advance(5.0)
    assert board.coils[0]


def test_published_all_on_and_read_coils() -> None:
    board = ModbusBoard()
    assert board.answer(ALL_ON, 0.0) == ALL_ON
    assert board.answer(READ_COILS, 0.0) == with_crc(bytes.fromhex("01 01 01 0F"))


def test_write_of_many_coils_moves_exactly_those() -> None:
    board = ModbusBoard()
    reply = board.answer(with_crc(bytes.fromhex("01 0F 00 01 00 02 01 03")), 0.0)
    assert reply == with_crc(bytes.fromhex("01 0F 00 01 00 02"))
    assert board.coils == [False, True, True, False]


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        ("01 03 00 00 00 01", "01 83 01"),
        ("01 05 00 04 FF 00", "01 85 02"),
        ("01 05 00 00 12 34", "01 85 03"),
        ("01 01 00 00 00 09", "01 81 02"),
        ("01 02 00 00 00 00", "01 82 03"),
        ("01 0F 00 03 00 02 01 03", "01 8F 02"),
        ("01 0F 00 00 00 02 02 03 00", "01 8F 03"),
    ],
)
def test_impossible_request_gets_its_exception(request_hex: str, reply_hex: str) -> None:
    board = ModbusBoard()
    assert board.answer(with_crc(bytes.fromhex(request_hex)), 0.0) == with_crc(bytes.fromhex(reply_hex))
    assert board.coils == [False] * 4


def test_bad_checksum_and_another_unit_are_met_with_silence() -> None:
    board = ModbusBoard()
    assert board.answer(ON[:-1] + b"\x00", 0.0) is None
    assert board.answer(with_crc(b"\x02" + ON[1:-2]), 0.0) is None
    assert (board.coils[0], board.bad_frames, board.frames) == (False, 1, 0)


def test_broadcast_is_done_without_a_word() -> None:
    board = ModbusBoard()
    assert board.answer(with_crc(b"\x00" + ON[1:-2]), 0.0) is None
    assert board.coils[0]


@given(st.binary(max_size=300))
def test_rubbish_never_moves_a_coil(data: bytes) -> None:
    board = ModbusBoard()
    if data[-2:] != with_crc(data[:-2])[-2:]:
        assert board.answer(data, 0.0) is None
        assert board.coils == [False] * 4


Call = Callable[..., Any]


class Master:
    """pymodbus's client, off the loop that the board lives on."""

    def __init__(self, port: str) -> None:
        self._client = ModbusSerialClient(port, baudrate=9600, timeout=2, retries=0)
        assert self._client.connect()

    async def ask(self, name: str, *arguments: Any, **named: Any) -> Any:
        call = partial(getattr(self._client, name), *arguments, device_id=1, **named)
        return await asyncio.to_thread(call)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]


async def test_pymodbus_reads_and_writes_the_board_over_its_line(site: SiteUnderTest) -> None:
    master = Master(str(site.tty("board")))
    try:
        site.hardware.set_button("fire", True)
        inputs = await master.ask("read_discrete_inputs", 0, count=8)
        assert inputs.bits == [False] * 4 + [True] + [False] * 3
        written = await master.ask("write_coil", 1, True)
        assert not written.isError()
        assert site.hardware.doors["yard"].lock.released()
        coils = await master.ask("read_coils", 0, count=4)
        assert coils.bits[:4] == [False, True, False, False]
        await master.ask("write_coils", 0, [True, False, True])
        assert north_board(site).board.coils[:4] == [True, False, True, False]
        refused = await master.ask("write_coil", 8, True)
        assert refused.exception_code == 2
    finally:
        master.close()
    assert site.hardware.is_polled()


async def test_flash_over_the_line_releases_the_lock_and_secures_it_again(site: SiteUnderTest) -> None:
    door = site.hardware.doors["north"]
    master = Master(str(site.tty("board")))
    try:
        # pymodbus knows no flash: its raw socket carries the published frame for 200 ms.
        frame = with_crc(bytes.fromhex("01 05 02 00 00 02"))
        await asyncio.to_thread(master._client.send, frame)
        await until(lambda: door.counts.releases_by_coil == 1, "the release")
        assert await asyncio.to_thread(master._client.recv, 8) == frame
        await until(lambda: not door.lock.released(), "the lock")
    finally:
        master.close()


async def test_board_answers_again_after_rubbish_on_its_line(site: SiteUnderTest) -> None:
    board = north_board(site).board
    master = Master(str(site.tty("board")))
    try:
        await asyncio.to_thread(master._client.send, b"\xff\x00\x55" * 200)
        await until(lambda: board.bad_frames > 0, "the bad frame")
        assert not (await master.ask("read_coils", 0, count=4)).isError()
    finally:
        master.close()


async def test_board_understands_nothing_at_another_speed(site: SiteUnderTest) -> None:
    on_line, heard = north_board(site), bytearray()
    take = on_line.line.receive
    assert take is not None

    def overhear(data: bytes) -> None:
        take(data)
        heard.extend(data)

    on_line.line.receive = overhear
    with serial.Serial(str(site.tty("board")), 19200) as port:
        port.write(ON)
        await until(lambda: len(heard) == len(ON), "the frame")
    assert not on_line.coils[0]
    with serial.Serial(str(site.tty("board")), 9600, timeout=5) as port:
        port.write(ON)
        assert await asyncio.to_thread(port.read, len(ON)) == ON
    assert (on_line.board.frames, on_line.board.bad_frames) == (1, 0)
