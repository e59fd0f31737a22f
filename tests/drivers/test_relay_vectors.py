"""The relay boards' published bytes: what the drivers send for a command, and what they make of an answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.relay import hw667
from drivers.relay.lcus import read_state, switch_frame
from drivers.relay.modbus_bus import ModbusBus
from drivers.relay.modbus_line import ModbusLine
from drivers.relay.numato import channel_name, read_mask, read_reply
from drivers.relay.settings import ModbusSettings
from gateway.errors import RemoteProtocolError
from simulators.modbus_board import with_crc
from tests.drivers.scripted_board import ScriptedBoard

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "relays.json").read_text(encoding="utf-8"))


async def do(line: ModbusLine, row: dict[str, Any]) -> object:
    if row["do"] in ("on", "off"):
        return await line.switch(row["output"], row["do"] == "on")
    if row["do"] in ("pulse_on", "pulse_off"):
        return await line.pulse(row["output"], row["do"] == "pulse_on", row["seconds"])
    if row["do"] == "read_outputs":
        return await line.read_outputs()
    (ask,) = line.input_questions()
    return tuple((await ask()).values())


@pytest.mark.parametrize("row", VECTORS["modbus"], ids=lambda row: f"{row['profile']} {row['request']}")
async def test_modbus_board_is_told_and_read_in_its_makers_bytes(row: dict[str, Any], tmp_path: Path) -> None:
    request, reply = bytes.fromhex(row["request"]), bytes.fromhex(row["reply"])
    board = ScriptedBoard(tmp_path / "board", {request: reply})
    count = row.get("count", 8)
    settings = ModbusSettings(
        port=str(board.port.path), unit=row["unit"], profile=row["profile"], outputs=count, inputs=count, timeout_s=1.0
    )
    line = ModbusLine(ModbusBus(settings.port, 9600), settings)
    await line.open()
    try:
        answer = await do(line, row)
    finally:
        await line.close()
        board.close()
    assert board.heard == [request]
    bits = tuple(bool(row.get("bits", 0) >> number & 1) for number in range(count))
    assert answer == (bits if row["do"].startswith("read") else True)


SPOILT = [
    ("cut short", lambda reply: reply[:-1]),
    ("its middle lost", lambda reply: reply[:2] + reply[3:]),
    ("a bit wrong", lambda reply: reply[:2] + bytes([reply[2] ^ 0x10]) + reply[3:]),
    ("the checksum wrong", lambda reply: reply[:-1] + bytes([reply[-1] ^ 1])),
    ("of another unit", lambda reply: with_crc(bytes([reply[0] ^ 2]) + reply[1:-2])),
    ("to another function", lambda reply: with_crc(bytes([reply[0], reply[1] ^ 3]) + reply[2:-2])),
    ("empty", lambda reply: b""),
    ("noise", lambda reply: bytes(range(200, 256)) * 4),
]


@pytest.mark.parametrize(("_how", "spoil"), SPOILT, ids=[how for how, _ in SPOILT])
@pytest.mark.parametrize("do_what", ["on", "pulse_on", "read_outputs", "read_inputs"])
async def test_modbus_answer_that_is_spoilt_is_no_answer(
    _how: str, spoil: Callable[[bytes], bytes], do_what: str, tmp_path: Path
) -> None:
    row = next(row for row in VECTORS["modbus"] if row["profile"] == "lc" and row["do"] == do_what)
    request, reply = bytes.fromhex(row["request"]), bytes.fromhex(row["reply"])
    board = ScriptedBoard(tmp_path / "board", {request: spoil(reply)})
    settings = ModbusSettings(port=str(board.port.path), unit=255, profile="lc", timeout_s=0.05)
    line = ModbusLine(ModbusBus(settings.port, 9600), settings)
    await line.open()
    try:
        with pytest.raises(RemoteProtocolError):
            await do(line, row)
    finally:
        await line.close()
        board.close()


@pytest.mark.parametrize("row", VECTORS["lcus_commands"], ids=lambda row: row["frame"])
def test_lcus_command_is_as_published(row: dict[str, Any]) -> None:
    assert switch_frame(row["output"], row["on"]) == bytes.fromhex(row["frame"])


@pytest.mark.parametrize("row", VECTORS["lcus_answers"])
def test_lcus_answer_is_read_whole_and_not_before(row: dict[str, Any]) -> None:
    data = row["text"].encode() if "text" in row else bytes.fromhex(row["data"])
    expected = tuple(number in row["on"] for number in range(row["outputs"]))
    assert read_state(data, row["outputs"]) == expected
    whole = data.rstrip(b"\r\n") + data[-2:-1] if "text" in row else data
    for length in range(len(whole)):
        assert read_state(whole[:length], row["outputs"]) is None


@pytest.mark.parametrize("row", VECTORS["numato_replies"], ids=lambda row: row["command"])
def test_numato_reply_is_read_at_its_prompt_and_not_before(row: dict[str, Any]) -> None:
    data = row["data"].encode()
    assert read_reply(data, row["command"]) == row["answer"]
    for length in range(len(data)):
        assert read_reply(data[:length], row["command"]) is None


def test_numato_counts_relays_above_nine_in_capitals() -> None:
    assert [channel_name(number) for number in (0, 9, 10, 15, 31)] == ["0", "9", "A", "F", "V"]
    assert [number for number, on in enumerate(read_mask("02A1", 16)) if on] == [0, 5, 7, 9]


def test_hw_667_has_a_byte_for_each_deed() -> None:
    assert (hw667.ON, hw667.OFF, hw667.ON_FOR_ONE_SECOND) == (b"\xaa", b"\xbb", b"\xcc")
