"""Settings of the relay and input boards on serial lines."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from drivers.links import BAUD_RATES
from drivers.registry import DriverSettings
from drivers.relay.modbus_profiles import PROFILES, pulse_units
from drivers.relay.supervised import MEASURED_MAX, LoopState, SupervisedInput


class BoardSettings(DriverSettings):
    """A relay board on a serial port. Its class says what its kind can do."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600
    outputs: int = Field(default=8, ge=0, le=64)
    outputs_poll_s: float = Field(default=2.0, ge=0.5, le=10.0)
    """How often its outputs are read again, so how long a door that fire holds open may stay locked after a board that
    restarted unnoticed. A question takes some 25 ms at 9600 baud: at this default about one per cent of the line."""
    timeout_s: float = Field(default=0.3, ge=0.05, le=3.0)
    """How long the board may take to answer."""

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; most boards leave the factory at 9600")
        return baud

    @property
    def input_count(self) -> int:
        """How many inputs are asked."""
        return 0

    @property
    def input_poll_s(self) -> float:
        """How often they are asked."""
        return self.outputs_poll_s

    @property
    def supervised_inputs(self) -> Mapping[int, SupervisedInput]:
        """Those with end-of-line resistors, by number."""
        return {}

    def times_pulse(self, energise: bool, duration_s: float) -> bool:
        """Does the board itself end such a pulse, so that it re-locks a door whose gateway died?"""
        return False

    @property
    def only_pulse_s(self) -> float | None:
        """The one pulse that the board can time, where there is one alone."""
        return None

    def pulse_fault(self, duration_s: float) -> str | None:
        """Why a pulse of this length can't be asked for."""
        return None


class InputBoardSettings(BoardSettings):
    """A board that has inputs too."""

    measured_max: ClassVar[int] = MEASURED_MAX
    """The most that it can measure of a supervised input's loop."""

    inputs: int = Field(default=8, ge=0, le=64)
    poll_s: float = Field(default=0.05, ge=0.02, le=2.0)
    supervised: dict[Annotated[str, Field(pattern=r"^(0|[1-9]\d?)$")], SupervisedInput] = Field(default={})

    @model_validator(mode="after")
    def _has_them(self) -> Self:
        for number, loop in self.supervised.items():
            if int(number) >= self.inputs:
                raise ValueError(f"supervised names input {number}; inputs are counted from 0 to {self.inputs - 1}")
            beyond = next((state for state in LoopState if getattr(loop, state.value)[1] > self.measured_max), None)
            if beyond is not None:
                said = f"supervised: {beyond.value} of input {number} lies beyond what this board measures"
                raise ValueError(f"{said}, 0 to {self.measured_max}")
        return self

    @property
    def input_count(self) -> int:
        """How many inputs are asked."""
        return self.inputs

    @property
    def input_poll_s(self) -> float:
        """How often they are asked."""
        return self.poll_s

    @property
    def supervised_inputs(self) -> Mapping[int, SupervisedInput]:
        """Those with end-of-line resistors, by number."""
        return {int(number): each for number, each in self.supervised.items()}


class ModbusSettings(InputBoardSettings):
    """A relay and input board on a serial line that other units may share."""

    port_address: ClassVar[str] = "unit"

    unit: int = 1
    """The board's address. 0 is broadcast, which no door may ever be."""
    profile: Literal["waveshare", "lc", "coils-from-1"] = "waveshare"
    flash: bool = True
    """Whether the board times a pulse by itself; a profile that knows no such command never does."""

    @field_validator("unit")
    @classmethod
    def _one_board(cls, unit: int) -> int:
        if not 1 <= unit <= 255:
            raise ValueError("use the board's address, 1 to 255 (0 is broadcast: every board would obey)")
        return unit

    def times_pulse(self, energise: bool, duration_s: float) -> bool:
        """Does the board itself end such a pulse?"""
        return self.flash and PROFILES[self.profile].flash is not None

    def pulse_fault(self, duration_s: float) -> str | None:
        """Why a pulse of this length can't be asked for."""
        try:
            pulse_units(duration_s)
        except ValueError as error:
            return str(error)
        return None


class LcusSettings(BoardSettings):
    """LCUS-1 to LCUS-8: USB relays of LC Technology and kin."""

    outputs: int = Field(default=1, ge=1, le=8)
    answers: bool = False
    """It answers `FF` with the state of its relays."""


class Hw667Settings(BoardSettings):
    """HW-667: one USB relay that can time one second, and says nothing."""

    outputs: int = Field(default=1, ge=1, le=1)

    @property
    def only_pulse_s(self) -> float | None:
        """One second of being on."""
        return 1.0

    def times_pulse(self, energise: bool, duration_s: float) -> bool:
        """It times one second of being on, and nothing else."""
        return energise and abs(duration_s - 1.0) <= 0.05


class NumatoSettings(InputBoardSettings):
    """Numato Lab's USB relay modules: a text protocol with echo and prompt."""

    measured_max: ClassVar[int] = 1023
    """Its converter has 10 bits."""

    baud: int = 19200
    outputs: int = Field(default=8, ge=0, le=32)
    inputs: int = Field(default=0, ge=0, le=32)
    poll_s: float = Field(default=0.1, ge=0.02, le=2.0)
    readall: bool = True
    """It knows `relay readall`; without that its relays are asked one by one."""
    gpio_readall: bool = False
    """It knows `gpio readall`, as the GPIO modules do; without that its inputs are asked one by one."""
