"""An RS-485 line with OSDP readers on it: one device that owns the port and speaks to one reader at a time."""

import asyncio
from collections.abc import Sequence

from drivers.contracts import ByteLink
from drivers.links import PORT_MOST_S, Backoff, SerialLink
from drivers.osdp.frames import Frame
from drivers.osdp.line import OsdpLine
from drivers.osdp.settings import BUS_OFFLINE, BusSettings
from drivers.osdp.station import State, Station, stations_of
from drivers.registry import Driver, DriverContext
from drivers.serial_reader import STEADY_AFTER_S, RejectedTally
from gateway.clock import Clock
from gateway.domain.ports import SignalSink
from gateway.domain.signals import LinkChanged, LinkState
from gateway.errors import LinkError

IDLE_S = 0.5
"""How long to listen where there is no reader."""


class OsdpBus:
    """Implements `drivers.contracts.Device` for the line; the readers on it are devices of their own."""

    def __init__(
        self,
        device_id: str,
        link: ByteLink,
        settings: BusSettings,
        sink: SignalSink,
        clock: Clock,
        stations: Sequence[Station],
    ) -> None:
        self._device_id, self._settings = device_id, settings
        self._sink, self._clock, self._stations = sink, clock, stations
        self._tally = RejectedTally(device_id, sink)
        self._line = OsdpLine(
            link, settings.baud, clock, lambda reason: self._tally.add(reason, self._now_s()), self._late
        )
        self._asked: Station | None = None
        """Whose answer the line waits for."""
        self._state: LinkState | None = None
        self._hurries = False
        """Was the last turn a handshake's?"""
        self._counts = {"connects": 0}

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start; `strays` are whole frames that nobody had asked for."""
        return {**self._counts, "strays": self._line.strays, "rejected": self._tally.total}

    async def run(self) -> None:
        """Serve the line until cancelled; a lost port is opened again with bounded back-off."""
        backoff = Backoff(most_s=PORT_MOST_S)
        try:
            while True:
                started_s = self._now_s()
                try:
                    await self._session()
                except LinkError as error:
                    await self._let_go()
                    self._say(LinkState.OFFLINE, str(error))
                if self._now_s() - started_s >= STEADY_AFTER_S:
                    backoff.reset()
                await self._pause(backoff.next_s())
        finally:
            await self._let_go()

    async def _session(self) -> None:
        """From opening the port to losing it. Raises LinkError."""
        self._asked = None
        await self._line.open()
        self._counts["connects"] += 1
        self._say(LinkState.ONLINE)
        for station in self._stations:
            station.probe_s = self._settings.probe_s
        while True:
            now_s = self._now_s()
            self._tally.tell(now_s)
            due_s = min((station.due_s for station in self._stations), default=now_s + IDLE_S)
            if due_s > now_s:
                await self._line.overhear(min(IDLE_S, due_s - now_s))
                continue
            await self._serve(self._next(now_s))

    def _next(self, now_s: float) -> Station:
        """Who waits longest; but every second turn is a handshake's, whose steps would each wait for all the others."""
        due = sorted((each for each in self._stations if each.due_s <= now_s), key=lambda each: each.due_s)
        connecting = [each for each in due if each.state is State.CONNECTING]
        self._hurries = bool(connecting) and not self._hurries
        return connecting[0] if self._hurries else due[0]

    async def _serve(self, station: Station) -> None:
        frame = station.next_frame(self._now_s())
        if frame:
            self._asked = station
            answer = await self._line.ask(frame, station.accepts, station.patience_s, insists=station.insists)
            self._asked = None
            station.answered(answer, self._now_s())

    def _late(self, reply: Frame) -> bool:
        """An answer that its reader is no longer waited for with; is it still one?"""
        station = next((each for each in self._stations if each is not self._asked and each.accepts(reply)), None)
        if station is not None:
            station.answered_late(reply, self._now_s())
        return station is not None

    async def _pause(self, seconds: float) -> None:
        """Wait before the port is opened again; what can't be told the readers meanwhile expires in time."""
        until_s = self._now_s() + seconds
        while (now_s := self._now_s()) < until_s:
            for station in self._stations:
                station.expire(now_s)
            await asyncio.sleep(min(0.1, until_s - now_s))

    async def _let_go(self) -> None:
        await self._line.close()
        for station in self._stations:
            station.drop()

    def _say(self, state: LinkState, detail: str = "") -> None:
        if state is self._state:
            return
        self._state = state
        self._sink.put(LinkChanged(self._device_id, state, detail))
        if state is LinkState.OFFLINE:
            for station in self._stations:
                station.cut_off(f"{BUS_OFFLINE}: {self._device_id}: {detail}")

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


def build(settings: BusSettings, context: DriverContext) -> OsdpBus:
    """The line for one device of the site config."""
    link = SerialLink(settings.port, settings.baud)
    stations = stations_of(context.lines, context.device_id)
    return OsdpBus(context.device_id, link, settings, context.sink, context.clock, stations)


DRIVER = Driver("osdp-bus", "bus", BusSettings, build, "RS-485 line with OSDP readers")
