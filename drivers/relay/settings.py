"""Settings of `driver = "modbus-rtu"`."""

from pydantic import Field, field_validator

from drivers.links import BAUD_RATES
from drivers.registry import DriverSettings


class ModbusSettings(DriverSettings):
    """A relay and input board on a serial line."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600
    unit: int = 1
    """The board's address. 0 is broadcast, which no door may ever be."""
    inputs: int = Field(default=8, ge=0, le=64)
    outputs: int = Field(default=8, ge=1, le=64)
    poll_s: float = Field(default=0.05, ge=0.02, le=2.0)
    outputs_poll_s: float = Field(default=2.0, ge=0.5, le=10.0)
    """How often its outputs are read again, so how long a door that fire holds open may stay locked after a board that
    restarted unnoticed. A question takes some 25 ms at 9600 baud: at this default about one per cent of the line."""
    timeout_s: float = Field(default=0.3, ge=0.05, le=3.0)
    """How long the board may take to answer."""
    flash: bool = True
    """Whether the board times a pulse by itself (coil addresses 0x0200 and 0x0400, as Waveshare's and kin do)."""

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; most boards leave the factory at 9600")
        return baud

    @field_validator("unit")
    @classmethod
    def _one_board(cls, unit: int) -> int:
        if not 1 <= unit <= 255:
            raise ValueError("use the board's address, 1 to 255 (0 is broadcast: every board would obey)")
        return unit
