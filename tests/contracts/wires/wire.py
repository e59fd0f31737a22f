"""A driver's device beyond its wire: one that works, and can be cut and mended."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from drivers.mqtt.broker import BrokerConnection
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.signals import LinkChanged, LinkState
from tests.drivers.recording import Recorder

ID = "device-under-test"
PASS = "GHP1.eyJrZXkiOiJrLTEifQ.c2lnbmVk"

Kind = Literal["reader", "scanner", "board", "bus"]


@dataclass(frozen=True, slots=True)
class Fault:
    """How a line misbehaves: both ways, and for as long as it is there."""

    name: str
    byte_s: float = 0.0
    """Each byte comes by itself, so long after the one before."""
    late_s: float = 0.0
    """Everything comes so much later."""
    spoils: Literal["", "loses", "adds", "falls silent", "hangs up"] = ""
    """What happens at each of the bytes that it meets."""


class Wire(ABC):
    """A driver's device, beyond its wire."""

    spoilt_every = 211
    """One byte of so many meets the fault of a faulty line: of ten frames or so one."""

    def __init__(self, driver: str, **settings: Any) -> None:
        self.driver, self.settings = driver, settings
        self.sink = Recorder()
        self.brokers: dict[str, BrokerConnection] = {}
        self.companions: list[Any] = []
        """Devices that must run beside it, such as the bus that it is on."""

    def build(self) -> Any:
        found = find_driver(self.driver)
        assert found is not None
        context = DriverContext(ID, self.sink, SystemClock(), self.brokers, str)
        return found.build(found.settings.model_validate(self.settings), context)

    def states(self) -> list[LinkState]:
        return [changed.state for changed in self.sink.of(LinkChanged) if changed.device == ID]

    async def said(self, *states: LinkState) -> None:
        await self.sink.until(lambda: self.states() == list(states))

    @property
    def serial_port(self) -> Path:
        """Where its line begins."""
        return Path(self.settings["port"])

    def go_through(self, port: Path) -> None:
        """Its driver takes another port."""
        self.settings["port"] = str(port)

    @abstractmethod
    async def cut(self) -> None: ...

    @abstractmethod
    async def mend(self) -> None: ...

    async def show_card(self) -> None:
        raise NotImplementedError

    def orders(self) -> int:
        raise NotImplementedError

    async def switch_by_hand(self, on: bool) -> None:
        raise NotImplementedError

    def is_on(self) -> bool:
        """Whether output 0 is energised, as the device itself knows."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wire is made: a folder of its own, and real programs by name (skipped or failed where missing)."""

    folder: Path
    program: Callable[[str], str]
    monkeypatch: pytest.MonkeyPatch
    fault: Fault | None = None
    """How what is between the gateway and its broker misbehaves."""


@dataclass(frozen=True, slots=True)
class WireCase:
    """One row of the suite: what the driver is, and how its wire is made."""

    driver: str
    kind: Kind
    lay: Callable[[Place], AbstractAsyncContextManager[Wire]]
    has_inputs: bool = False
    blind: bool = False
    """A board that can't say how its outputs stand."""
    holds: bool = True
    """A board that can hold an output; one that can't only pulses, and its log confirms that."""
