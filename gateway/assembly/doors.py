"""Wires the doors process: drivers, controller, journal, socket."""

import asyncio
import gc
import logging
from dataclasses import dataclass, replace
from typing import Any

from config.loader import SiteConfig, load_config
from config.wiring import to_site
from drivers.contracts import Indicator, RelayBoard
from gateway import version
from gateway.assembly.devices import SiteDevices
from gateway.clock import SystemClock
from gateway.domain.controller import Controller
from gateway.domain.door_control import DoorControl
from gateway.domain.list_update import ListGuard
from gateway.domain.listed import AccessList
from gateway.domain.ports import SignalSink
from gateway.domain.register import Register
from gateway.domain.signals import (
    ConsoleWatched,
    GatewayStarting,
    HistoryForked,
    JournalChanged,
    LinkChanged,
    LinkState,
    ListReady,
    Signal,
)
from gateway.doors_socket import DoorsSocket
from gateway.paths import Paths
from gateway.site_loop import SiteLoop
from gateway.status import StatusHub
from gateway.store.access_list import CompiledAccessList
from gateway.store.journal import SqliteJournal
from gateway.store.list_in_force import ListInForce
from gateway.store.remembered import read_remembered, untold_fork
from gateway.store.retention import EVERYTHING_IS_THERE, RetentionRules
from gateway.store.site_key import load_site_key

log = logging.getLogger(__name__)

SILENCE_LOOKED_AT_S = 1.0
OFFICE = "office"
"""The sync process logs its line to it, with each cause."""


async def run_doors(paths: Paths) -> None:
    """Run the doors process until cancelled. Raises ConfigError."""
    config = load_config(paths.config)
    paths.prepare()
    with paths.lock("doors"):
        await _run(config, paths)


async def _run(config: SiteConfig, paths: Paths) -> None:
    process = _DoorsProcess(config, paths)
    # The start's objects live for ever: kept out of the collector's way, a full collection stays under a millisecond.
    gc.collect()
    gc.freeze()
    try:
        await process.run()
    finally:
        process.journal.close()


@dataclass(slots=True)
class _Sink:
    """The drivers' way in; also remembers each link's state for the status."""

    process: "_DoorsProcess"

    def put(self, signal: Signal) -> bool:
        if isinstance(signal, LinkChanged):
            self.process.note_link(signal)
        return self.process.loop.inbox.put(signal)


class _DoorsProcess:
    def __init__(self, config: SiteConfig, paths: Paths) -> None:
        self.config, self.paths = config, paths
        self.links: dict[str, LinkState] = {}
        self._watched: bool | None = None
        """Whether a console page is live, as last told to the controller."""
        self.clock = SystemClock()
        self.site_key = load_site_key(paths.secrets)
        self.hub = StatusHub(self._describe)
        self._asyncio_loop = asyncio.get_running_loop()
        self.journal = SqliteJournal(
            paths.journal,
            self.clock,
            on_change=self._journal_changed,
            on_commit=self._committed,
            rules=RetentionRules(config.journal.keep_days, config.journal.keep_mb << 20),
        )
        if config.office is None:
            self.journal.note_office_cursor(*EVERYTHING_IS_THERE)
        if self.journal.last_wall is not None:
            self.clock.raise_floor(self.journal.last_wall)
        self.lists = ListInForce(paths.data, paths.lists, self.site_key)
        access_list = self.lists.first()
        if access_list is not None:
            self.clock.raise_floor(access_list.issued_at)
        remembered = read_remembered(paths.journal)
        self.restored = remembered.state is not None
        self.untold_fork = untold_fork(paths.journal)
        self.sink: SignalSink = _Sink(self)
        self.parts = SiteDevices(config, paths.data, self.sink, self.clock)
        self.brokers, self.devices = self.parts.brokers, self.parts.devices
        boards: dict[str, RelayBoard] = {
            key: device for key, device in self.devices.items() if isinstance(device, RelayBoard)
        }
        indicators: dict[str, Indicator] = {
            key: device for key, device in self.devices.items() if isinstance(device, Indicator)
        }
        site = replace(to_site(config), indicators=frozenset(indicators))
        self.controller = Controller(site, remembered.state, Register(remembered.facts))
        self.loop = SiteLoop(
            self.controller, self.journal, self.clock, boards, self._open_list, access_list, self.hub, indicators
        )

    async def run(self) -> None:
        links = {"sync": frozenset({OFFICE}), "cameras": frozenset(self.config.cameras)}
        socket = DoorsSocket(self.paths.doors_socket, self.loop.inbox, self.hub, links, self.note_link)
        self.loop.inbox.put(GatewayStarting(version.VERSION, self.restored))
        if self.untold_fork is not None:
            self.loop.inbox.put(HistoryForked(self.untold_fork))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.loop.run(), name="site loop")
            tasks.create_task(socket.run(), name="socket")
            tasks.create_task(self.hub.run(), name="status")
            tasks.create_task(self._watch_silence(), name="silence")
            for name, running in self.parts.runs():
                tasks.create_task(running, name=name)
            log.info("site %s runs: %d doors", self.config.site.id, len(self.config.doors))

    def note_link(self, signal: LinkChanged) -> None:
        """Keep a link's state for the status; a loss and a return are logged once each."""
        before, self.links[signal.device] = self.links.get(signal.device), signal.state
        if signal.state is before or signal.device == OFFICE:
            return
        if signal.state is LinkState.OFFLINE:
            log.warning("%s is away: %s", signal.device, signal.detail or "it says nothing")
        elif before is LinkState.OFFLINE:
            log.info("%s is back", signal.device)

    def _open_list(self, relative: str) -> AccessList:
        return self.lists.take(relative, self.loop.access_list)

    def _journal_changed(self, available: bool, detail: str, lost: int) -> None:
        """Called on the journal's own thread."""
        self._asyncio_loop.call_soon_threadsafe(self._put, JournalChanged(available, detail, lost))

    def _put(self, signal: Signal) -> None:
        self.loop.inbox.put(signal)

    def _committed(self, row_id: int) -> None:
        self._asyncio_loop.call_soon_threadsafe(self.hub.committed, row_id)

    async def _watch_silence(self) -> None:
        while True:
            for signal in self.hub.silences(self.clock.now().monotonic_s):
                self.loop.inbox.put(signal)
            watched = bool(self.hub.reported("console", "pages"))
            if watched is not self._watched and self.loop.inbox.put(ConsoleWatched(watched)):
                self._watched = watched
            epoch, through = self.hub.reported("sync", "office_epoch"), self.hub.reported("sync", "office_through")
            if isinstance(epoch, str) and isinstance(through, int):
                self.journal.note_office_cursor(epoch, through)
            await asyncio.sleep(SILENCE_LOOKED_AT_S)

    def _describe(self) -> dict[str, Any]:
        controller, access_list = self.controller, self.loop.access_list
        current = controller.state.list_current
        devices: dict[str, Any] = {
            key: {"state": self.links.get(key, "unknown"), "counters": device.counters()}
            for key, device in self.devices.items()
        }
        devices |= {
            broker.device_id: {"state": "online" if broker.connected else "offline", "counters": broker.counters()}
            for broker in self.brokers.values()
        }
        for key in self.config.cameras:
            told = self.hub.reported("cameras", f"{key}.state")
            devices[key] = {"state": told or self.links.get(key, "unknown"), "counters": {}}
        return {
            "doors": {key: describe_door(controller.doors, key) for key in controller.doors.machines},
            "devices": devices,
            "list": None
            if access_list is None
            else {
                "version": access_list.version,
                "generation": access_list.generation,
                "issued_at": access_list.issued_at.isoformat(),
                "fallback": access_list.fallback,
                "current_at": None if current is None else current.wall.isoformat(),
                "credentials": access_list.credentials if isinstance(access_list, CompiledAccessList) else None,
            },
            "list_held": _list_held(controller.lists.held),
            "journal": {"available": self.journal.available, "head_row": self.hub.head_row},
            "clock": {"quality": self.clock.now().quality.value},
            "fire": {
                "latched": controller.state.fire_latched,
                "active": any(self.config.inputs[i].purpose == "fire" for i in controller.state.active_inputs),
            },
            "sirens": controller.sirens.working(),
            "sirens_unconfirmed": controller.sirens.unconfirmed(),
            "watched": bool(self._watched),
            "alarms_open": len(controller.alarms.open),
            "inbox": {"depth": self.loop.inbox.depth, "dropped": self.loop.inbox.dropped_total},
        }


def _list_held(held: ListReady | None) -> dict[str, int] | None:
    """The list that waits for a second yes, and why."""
    if held is None:
        return None
    counts = {each.guard: each.count for each in held.guards}
    return {"version": held.version, **{guard.value: counts.get(guard, 0) for guard in ListGuard}}


def describe_door(doors: DoorControl, door: str) -> dict[str, Any]:
    """How a door stands just now, for the status (docs/signals.md)."""
    machine = doors.machines[door]
    state = machine.state
    contact = "none" if machine.door.contact is None else "unknown"
    if state.contact_fault:
        contact = "fault"
    elif state.open is not None:
        contact = "open" if state.open else "closed"
    override = state.layers.override
    return {
        "mode": doors.mode_of(door).value,
        "phase": state.phase.value,
        "contact": contact,
        "lock": "released" if state.lock_released else "secured",
        "fire": state.fire,
        "lockdown": bool(state.layers.lockdowns),
        "lock_open": bool(state.layers.lock_opens),
        "override": None
        if override is None
        else {
            "mode": override.mode.value,
            "until": override.until.isoformat(),
            "reason": override.reason,
            "actor": override.actor,
        },
    }
