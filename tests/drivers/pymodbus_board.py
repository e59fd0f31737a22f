"""pymodbus's own server as a board, behind two pseudo-terminals: neither this driver's code nor a simulator's."""

from pathlib import Path

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.drivers.ptys import PtyBridge, PtyPort


class PymodbusBoard:
    """Unit 1 with 8 coils, all off at its start, and 8 inputs of which every other is on. It knows no pulses.

    `measured` are its input registers.
    """

    def __init__(self, folder: Path, measured: tuple[int, ...] = (0,)) -> None:
        self._measured = measured
        self._near, self._far = PtyPort(folder / "near"), PtyPort(folder / "far")
        self._bridge = PtyBridge(self._near, self._far)
        self._server: ModbusSerialServer | None = None

    @property
    def path(self) -> Path:
        """The driver's end of the line."""
        return self._near.path

    async def start(self) -> None:
        device = SimDevice(
            1,
            (
                [SimData(0, values=[False] * 8, datatype=DataType.BITS)],
                [SimData(0, values=[True, False] * 4, datatype=DataType.BITS)],
                [SimData(0, values=0, datatype=DataType.REGISTERS)],
                [SimData(0, values=list(self._measured), datatype=DataType.REGISTERS)],
            ),
        )
        self._server = ModbusSerialServer(device, port=str(self._far.path), baudrate=9600)
        await self._server.serve_forever(background=True)

    async def restart(self) -> None:
        """Lose the power for a moment; the line stays up."""
        await self._power_off()
        await self.start()

    async def stop(self) -> None:
        await self._power_off()
        self._bridge.close()
        self._near.close()
        self._far.close()

    async def _power_off(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None
