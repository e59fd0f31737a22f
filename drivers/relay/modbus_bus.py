"""A Modbus RTU line that several units share: one port, one request at a time, commands before polls.

pymodbus makes and checks the frames (an answer from another unit is skipped); this adds what a door needs: no
broadcast, no command that is silently repeated, and the port stays open while any unit uses it.
"""

import asyncio
import logging
import struct
import termios
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.transport.serialtransport import SerialTransport

from drivers.links import heed_cancellation
from drivers.relay.modbus_framer import AnswerFramer
from gateway.errors import CommandFailed, LinkError, RemoteProtocolError

_REFUSALS = {1: "function not supported", 2: "no such address", 3: "value not accepted", 4: "device failure"}
_BUSY = (5, 6)
"""It works at something long, and is to be asked again later (Modbus application protocol 1.1b3, section 7)."""

BUSY_PAUSE_S = 0.1
"""Without it three questions in a row would be over in less than 0.1 s. The line's other units are asked meanwhile."""

WRITE_COIL = 0x05

# pymodbus logs every unanswered request as an error; the driver says a loss once.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class RawCoilWrite(ModbusPDU):
    """Function 05 with any value, and its echo: pymodbus's own knows on and off only."""

    function_code = WRITE_COIL
    rtu_frame_size = 8
    value: int = 0

    def encode(self) -> bytes:
        """Address and value."""
        return struct.pack(">HH", self.address, self.value)

    def decode(self, data: bytes) -> None:
        """Address and value."""
        self.address, self.value = struct.unpack(">HH", data[:4])


class _AfterSilence(RemoteProtocolError):
    """No answer, right after another unit gave none."""


Ask = Callable[[AsyncModbusSerialClient], Awaitable[ModbusPDU]]


class ModbusBus:
    """One serial port for the units on it. Each opens it and closes it for itself; the last one closes the port."""

    def __init__(self, port: str, baud: int) -> None:
        self.port, self.baud = port, baud
        self._client: AsyncModbusSerialClient | None = None
        self._users: set[object] = set()
        self._turns = _Turns()
        self._silent: int | None = None
        """The unit that did not answer the last question."""

    async def open(self, user: object) -> None:
        """Open the port unless another unit has; asks nothing yet. Raises LinkError."""
        await self._turns.take(first=False)
        try:
            if self._client is None or not self._client.connected:
                self._drop()
                self._client = await self._connect()
            self._users.add(user)
        finally:
            self._turns.give()

    def close(self, user: object) -> None:
        """This unit uses the port no more; writes nothing."""
        self._users.discard(user)
        if not self._users:
            self._drop()

    async def ask(self, request: Ask, function: int, timeout_s: float, *, first: bool = False) -> ModbusPDU:
        """A unit's answer to one request; `first`, a command, goes before those that wait and are not.

        A unit that answers too late speaks while the next one is asked, and spoils that: it would take the others of
        its line offline. So what goes unanswered right after another unit's silence is asked once more. Not a command:
        whoever gave it repeats it, while it is valid.

        Raises LinkError (the port is gone), RemoteProtocolError (no answer, a wrong one, or busy: after a pause, so
        that it can be asked again at once), CommandFailed (refused).
        """
        await self._turns.take(first=first)
        # It keeps its turn to its end also when the asker is cancelled: the next question would meet its answer on the
        # wire, which is then taken for the next one's, or thrown away together with it.
        asked = asyncio.ensure_future(self._insist(request, timeout_s, once=first))
        asked.add_done_callback(self._end_turn)
        answer = await asyncio.shield(asked)
        if answer.isError():
            code = answer.exception_code
            if code in _BUSY:
                await asyncio.sleep(BUSY_PAUSE_S)
                raise RemoteProtocolError("the board says that it is busy")
            raise CommandFailed(f"the board refused: {_REFUSALS.get(code, f'exception {code}')}")
        if answer.function_code != function:
            raise RemoteProtocolError("the answer belongs to another question")
        return answer

    async def _connect(self) -> AsyncModbusSerialClient:
        client = AsyncModbusSerialClient(self.port, baudrate=self.baud, retries=0, reconnect_delay=0, name=self.port)
        client.ctx.framer = AnswerFramer(client.ctx.framer.decoder)
        client.register(RawCoilWrite)
        try:
            opened = await client.connect()
            heed_cancellation()
        except ValueError as error:
            raise LinkError(f"{self.port}: {error}") from None
        except asyncio.CancelledError:
            client.close()  # it may be open by now
            raise
        if not opened:
            client.close()
            raise LinkError(f"{self.port}: can't be opened")
        return client

    async def _insist(self, request: Ask, timeout_s: float, *, once: bool) -> ModbusPDU:
        try:
            return await self._answer(request, timeout_s)
        except _AfterSilence:
            if once:
                raise
        await self._turns.let_first_pass()
        return await self._answer(request, timeout_s)

    async def _answer(self, request: Ask, timeout_s: float) -> ModbusPDU:
        client = self._client
        if client is None or not client.connected:
            raise LinkError(f"{self.port}: gone")
        client.ctx.comm_params.timeout_connect = timeout_s
        self._forget_unread(client)
        try:
            answer = await request(client)
        except ModbusException as error:
            if not client.connected:
                raise LinkError(f"{self.port}: gone") from None
            before, self._silent = self._silent, client.ctx.request_dev_id
            kind = RemoteProtocolError if before in (None, self._silent) else _AfterSilence
            raise kind(_first_line(error)) from None
        finally:
            heed_cancellation()
        self._silent = None
        return answer

    def _end_turn(self, asked: "asyncio.Future[ModbusPDU]") -> None:
        self._turns.give()
        if not asked.cancelled():
            asked.exception()  # it is the asker's; one that was cancelled hears of it no more

    def _forget_unread(self, client: AsyncModbusSerialClient) -> None:
        """An answer that came after its time would be taken for this question's: RTU frames have no number.

        What pymodbus has read it drops itself; this is what waits unread at the port.
        """
        transport = client.ctx.transport
        if isinstance(transport, SerialTransport) and transport.sync_serial is not None:
            try:
                transport.sync_serial.reset_input_buffer()
            except (OSError, termios.error):
                raise LinkError(f"{self.port}: gone") from None

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


class _Turns:
    """A lock with two rows of waiting: who is `first` goes before who isn't. In turn within each."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]] = (deque(), deque())

    async def take(self, *, first: bool) -> None:
        """Wait for the turn; each `take` is followed by one `give`."""
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        row = self._waiting[0 if first else 1]
        row.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            elif turn in row:
                row.remove(turn)
            raise

    async def let_first_pass(self) -> None:
        """Who has the turn gives it to those who are `first` and wait, and has it again before all others."""
        again: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[0].append(again)
        self.give()
        await again

    def give(self) -> None:
        """The turn is over: the next one has it."""
        for row in self._waiting:
            while row:
                turn = row.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._taken = False


def shared_bus(lines: MutableMapping[str, Any], port: str, baud: int) -> ModbusBus:
    """The bus of that port, made at its first unit. Raises ValueError: another speed, or another family's port."""
    bus = lines.setdefault(port, ModbusBus(port, baud))
    if not isinstance(bus, ModbusBus) or bus.baud != baud:
        raise ValueError(f"{port} is used at another speed or by another family already")
    return bus


def _first_line(error: Exception) -> str:
    return "no answer in time" if "No response" in str(error) else str(error).splitlines()[0][:120]
