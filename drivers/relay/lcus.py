"""LCUS-1 to LCUS-8: USB relay boards of LC Technology and kin (CH340, 9600 8N1).

A command is A0, the relay from 1, 01 or 00, and the sum of the three mod 256; nothing answers it. Some answer FF with
the state of all relays: NOYITO's with a byte for each relay (00 or 01), LCUS-2 and LCUS-4 with a line for each
("CH1: ON"). None can time a pulse.
"""

import asyncio
import re

from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext
from drivers.relay.board import SerialBoard
from drivers.relay.board_line import InputQuestion
from drivers.relay.serial_talk import SerialTalk
from drivers.relay.settings import LcusSettings
from gateway.errors import RemoteProtocolError

QUERY = b"\xff"
REST_S = 0.01
"""A board that was just told something overhears what comes within some milliseconds."""

_LINE = re.compile(rb"CH(\d) ?: ?(ON|OFF) *")


def switch_frame(output: int, energise: bool) -> bytes:
    """The command for an output counted from 0."""
    body = (0xA0, output + 1, int(energise))
    return bytes((*body, sum(body) & 0xFF))


def read_state(data: bytes, outputs: int) -> tuple[bool, ...] | None:
    """The relays' state in either form; None while it isn't whole. Raises RemoteProtocolError."""
    if data[:1] in (b"\x00", b"\x01"):
        if any(byte > 1 for byte in data[:outputs]):
            raise RemoteProtocolError("the board answered with bytes other than 00 and 01")
        return tuple(bool(byte) for byte in data[:outputs]) if len(data) >= outputs else None
    *lines, rest = re.split(rb"[\r\n]+", data.lstrip(b"\r\n"))
    found = [_relay(line, number) for number, line in enumerate(lines[:outputs], 1)]
    if len(found) < outputs and rest[:2] != b"CH"[: len(rest)]:
        raise RemoteProtocolError("the board answered something else than its relays")
    return tuple(found) if len(found) == outputs else None


def _relay(line: bytes, number: int) -> bool:
    match = _LINE.fullmatch(line)
    if match is None or int(match[1]) != number:
        raise RemoteProtocolError("the board answered something else than its relays")
    return match[2] == b"ON"


class LcusLine:
    """Implements `drivers.relay.board_line.BoardLine`."""

    def __init__(self, talk: SerialTalk, settings: LcusSettings) -> None:
        self._talk, self._settings = talk, settings

    async def open(self) -> None:
        """Open the port. Raises LinkError."""
        await self._talk.open()

    async def close(self) -> None:
        """Close the port."""
        await self._talk.close()

    async def read_outputs(self) -> tuple[bool, ...] | None:
        """All relays, where the board answers. Raises LinkError, RemoteProtocolError."""
        if not self._settings.answers:
            self._talk.check()
            return None
        outputs = self._settings.outputs
        await self._talk.let_late_answer_pass(self._settings.timeout_s)
        return await self._talk.ask(QUERY, lambda data: read_state(data, outputs), self._settings.timeout_s)

    def input_questions(self) -> tuple[InputQuestion, ...]:
        """It has no inputs."""
        return ()

    async def switch(self, output: int, energise: bool) -> bool:
        """Send it; the board says nothing of it. Raises LinkError."""
        await self._talk.tell(switch_frame(output, energise))
        await asyncio.sleep(REST_S)
        return False

    async def pulse(self, output: int, energise: bool, duration_s: float) -> bool:
        """Never asked for: `times_pulse` is false."""
        raise NotImplementedError


def build(settings: LcusSettings, context: DriverContext) -> SerialBoard:
    """The board for one device of the site config."""
    line = LcusLine(SerialTalk(SerialLink(settings.port, settings.baud)), settings)
    return SerialBoard(context.device_id, line, settings, context.sink, context.clock)


DRIVER = Driver("lcus", "relay_board", LcusSettings, build, "USB relays LCUS-1 to LCUS-8 and kin")
