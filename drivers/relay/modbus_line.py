"""One Modbus RTU board as four questions, each checked against its answer (Modbus application protocol 1.1b3).

pymodbus makes and checks the frames; this shell adds what a door needs: no broadcast, no silent retries, and an answer
that must match its question in function, address and value.
"""

import logging
import struct
from collections.abc import Awaitable

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.links import heed_cancellation
from gateway.errors import CommandFailed, LinkError, RemoteProtocolError

FLASH_ON, FLASH_OFF = 0x0200, 0x0400
"""Waveshare: added to a coil's address in function 05; the value is the time in units of 100 ms."""
FLASH_UNIT_S = 0.1
FLASH_MOST = 0x7FFF
ON, OFF = 0xFF00, 0x0000

_READ_COILS, _READ_INPUTS, _WRITE_COIL = 0x01, 0x02, 0x05

_REFUSALS = {1: "function not supported", 2: "no such address", 3: "value not accepted", 4: "device failure", 6: "busy"}

# pymodbus logs every unanswered request as an error; the driver says a loss once.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class RawCoilWrite(ModbusPDU):
    """Function 05 with any value, and its echo: pymodbus's own knows on and off only."""

    function_code = _WRITE_COIL
    rtu_frame_size = 8
    value: int = 0

    def encode(self) -> bytes:
        """Address and value."""
        return struct.pack(">HH", self.address, self.value)

    def decode(self, data: bytes) -> None:
        """Address and value."""
        self.address, self.value = struct.unpack(">HH", data[:4])


class ModbusLine:
    """A board behind a serial port; one request at a time."""

    def __init__(self, port: str, baud: int, unit: int, timeout_s: float) -> None:
        self._port, self._baud, self._unit, self._timeout_s = port, baud, unit, timeout_s
        self._client: AsyncModbusSerialClient | None = None

    async def open(self) -> None:
        """Open the port; asks nothing yet. Raises LinkError."""
        self.close()
        client = AsyncModbusSerialClient(
            self._port, baudrate=self._baud, timeout=self._timeout_s, retries=0, reconnect_delay=0, name=self._port
        )
        client.register(RawCoilWrite)
        try:
            opened = await client.connect()
            heed_cancellation()
        except ValueError as error:
            raise LinkError(f"{self._port}: {error}") from None
        if not opened:
            client.close()
            raise LinkError(f"{self._port}: can't be opened")
        self._client = client

    def close(self) -> None:
        """Close the port; writes nothing."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def read_inputs(self, count: int) -> tuple[bool, ...]:
        """Discrete inputs from 0. Raises LinkError, RemoteProtocolError, CommandFailed."""
        client = self._open_client()
        return _bits(
            await self._ask(client.read_discrete_inputs(0, count=count, device_id=self._unit), _READ_INPUTS), count
        )

    async def read_coils(self, count: int) -> tuple[bool, ...]:
        """Coils from 0. Raises LinkError, RemoteProtocolError, CommandFailed."""
        client = self._open_client()
        return _bits(await self._ask(client.read_coils(0, count=count, device_id=self._unit), _READ_COILS), count)

    async def write_coil(self, address: int, value: int) -> None:
        """Function 05; returns when the board has echoed both. Raises LinkError, RemoteProtocolError, CommandFailed."""
        client = self._open_client()
        request = RawCoilWrite(dev_id=self._unit, address=address)
        request.value = value
        echo = await self._ask(client.execute(False, request), _WRITE_COIL)
        if not isinstance(echo, RawCoilWrite) or (echo.address, echo.value) != (address, value):
            raise RemoteProtocolError("the board echoed another command")

    def _open_client(self) -> AsyncModbusSerialClient:
        if self._client is None or not self._client.connected:
            raise LinkError(f"{self._port}: gone")
        return self._client

    async def _ask(self, request: Awaitable[ModbusPDU], function: int) -> ModbusPDU:
        """The board's answer to one request."""
        try:
            answer = await request
        except ModbusException as error:
            if self._client is None or not self._client.connected:
                raise LinkError(f"{self._port}: gone") from None
            raise RemoteProtocolError(_first_line(error)) from None
        finally:
            heed_cancellation()
        if answer.isError():
            code = answer.exception_code
            raise CommandFailed(f"the board refused: {_REFUSALS.get(code, f'exception {code}')}")
        if answer.function_code != function:
            raise RemoteProtocolError("the answer belongs to another question")
        return answer


def flash_value(duration_s: float) -> int:
    """A pulse's length in the board's units of 100 ms, rounded, at least one. Raises ValueError beyond 3276.7 s."""
    units = max(1, round(duration_s / FLASH_UNIT_S))
    if units > FLASH_MOST:
        raise ValueError(f"the board times pulses up to {FLASH_MOST * FLASH_UNIT_S:.1f} s")
    return units


def _bits(answer: ModbusPDU, count: int) -> tuple[bool, ...]:
    bits = tuple(bool(bit) for bit in answer.bits[:count])
    if len(bits) != count:
        raise RemoteProtocolError(f"the board answered {len(bits)} bits of {count}")
    return bits


def _first_line(error: Exception) -> str:
    return "no answer in time" if "No response" in str(error) else str(error).splitlines()[0][:120]
