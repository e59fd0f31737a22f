"""One Modbus RTU unit as questions, each checked against its answer (Modbus application protocol 1.1b3).

An answer must match its question in function, address and value.
"""

from pymodbus.pdu import ModbusPDU

from drivers.relay.board_line import InputQuestion, InputValue
from drivers.relay.modbus_bus import WRITE_COIL, Ask, ModbusBus, RawCoilWrite
from drivers.relay.modbus_profiles import OFF, PROFILES, Flash, flash_coil, flash_registers
from drivers.relay.settings import ModbusSettings
from gateway.errors import CommandFailed, RemoteProtocolError

_READ_COILS, _READ_INPUTS, _READ_REGISTERS, _WRITE_REGISTERS = 0x01, 0x02, 0x04, 0x10


class ModbusLine:
    """Implements `drivers.relay.board_line.BoardLine` for one unit of a bus."""

    def __init__(self, bus: ModbusBus, settings: ModbusSettings) -> None:
        self._bus, self._settings, self._profile = bus, settings, PROFILES[settings.profile]
        self._unit, self._timeout_s = settings.unit, settings.timeout_s
        self._analogue = sorted(settings.supervised_inputs)
        self._digital = [number for number in range(settings.inputs) if number not in settings.supervised_inputs]

    async def open(self) -> None:
        """Open the port; asks nothing yet. Raises LinkError."""
        await self._bus.open(self)

    async def close(self) -> None:
        """Close the port, where no other unit uses it; writes nothing."""
        self._bus.close(self)

    async def read_outputs(self) -> tuple[bool, ...]:
        """Coils, by function 01; a module without any is asked for its inputs. Raises as `ModbusBus.ask`."""
        first, count = self._profile.first_coil, self._settings.outputs
        if not count:
            for ask in self.input_questions()[:1]:
                await ask()
            return ()
        answer = await self._bus.ask(
            lambda client: client.read_coils(first, count=count, device_id=self._unit), _READ_COILS, self._timeout_s
        )
        return _bits(answer, count)

    def input_questions(self) -> list[InputQuestion]:
        """Discrete inputs by function 02; supervised ones as input registers by function 04."""
        questions: list[InputQuestion] = [self._read_digital] if self._digital else []
        return [*questions, self._read_analogue] if self._analogue else questions

    async def _read_digital(self) -> dict[int, InputValue]:
        count = self._digital[-1] + 1
        answer = await self._ask_input(
            lambda client: client.read_discrete_inputs(0, count=count, device_id=self._unit), _READ_INPUTS
        )
        bits = _bits(answer, count)
        return {number: bits[number] for number in self._digital}

    async def _read_analogue(self) -> dict[int, InputValue]:
        count = self._analogue[-1] + 1
        answer = await self._ask_input(
            lambda client: client.read_input_registers(0, count=count, device_id=self._unit), _READ_REGISTERS
        )
        if len(answer.registers) != count:
            raise RemoteProtocolError(f"the board answered {len(answer.registers)} registers of {count}")
        return {number: answer.registers[number] for number in self._analogue}

    async def _ask_input(self, request: Ask, function: int) -> ModbusPDU:
        try:
            return await self._bus.ask(request, function, self._timeout_s)
        except CommandFailed as error:
            raise CommandFailed(f"{error}; if this board has no such inputs, set inputs = 0") from None

    async def switch(self, output: int, energise: bool) -> bool:
        """Function 05; True when the board has echoed it. Raises as above."""
        await self._write_coil(self._profile.first_coil + output, self._profile.on if energise else OFF)
        return True

    async def pulse(self, output: int, energise: bool, duration_s: float) -> bool:
        """A pulse that the board times, as its profile wants it. True when it has confirmed it. Raises as above."""
        try:
            if self._profile.flash is Flash.COIL:
                await self._write_coil(*flash_coil(output, energise, duration_s))
            else:
                await self._write_registers(*flash_registers(output, energise, duration_s))
        except CommandFailed as error:
            raise CommandFailed(f"{error}; if this board can't time a pulse, set flash = false") from None
        return True

    async def _write_coil(self, address: int, value: int) -> None:
        request = RawCoilWrite(dev_id=self._unit, address=address)
        request.value = value
        echo = await self._bus.ask(
            lambda client: client.execute(False, request), WRITE_COIL, self._timeout_s, first=True
        )
        if not isinstance(echo, RawCoilWrite) or (echo.address, echo.value) != (address, value):
            raise RemoteProtocolError("the board echoed another command")

    async def _write_registers(self, address: int, values: list[int]) -> None:
        answer = await self._bus.ask(
            lambda client: client.write_registers(address, values, device_id=self._unit),
            _WRITE_REGISTERS,
            self._timeout_s,
            first=True,
        )
        if (answer.address, answer.count) != (address, len(values)):
            raise RemoteProtocolError("the board confirmed another command")


def _bits(answer: ModbusPDU, count: int) -> tuple[bool, ...]:
    bits = tuple(bool(bit) for bit in answer.bits[:count])
    if len(bits) != count:
        raise RemoteProtocolError(f"the board answered {len(bits)} bits of {count}")
    return bits
