"""What the journal says of doors, of who waits at them, and of devices that are lost. No I/O, no time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.ports import RecordedEvent

MODE_EVENTS = (
    "DoorModeChanged",
    "DoorModeOverridden",
    "DoorModeOverrideEnded",
    "LockdownStarted",
    "LockdownReleased",
    "LockOpenStarted",
    "LockOpenReleased",
)
LINK_EVENTS = ("DeviceLost", "DeviceReturned", "GatewayStarted")
ALL_DOORS = ""
"""In place of a door group's id."""
_MAX_DEVICES = 1_000
"""Lost at once: more than a site has."""

_CONTACT = {"DoorOpened": "open", "DoorForcedOpen": "open", "DoorClosed": "closed"}
_LAYERS = {"Lockdown": "lockdowns", "LockOpen": "lock_opens"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a guard set, with who and why. `until` is None for a lockdown and a life-safety release."""

    mode: str
    reason: str
    actor: str
    at: str
    until: str | None = None


@dataclass(slots=True)
class DoorView:
    """What the journal last said of a door. `lockdowns` and `lock_opens` by door group, or `ALL_DOORS`."""

    contact: str = "unknown"
    mode: str = ""
    override: Setting | None = None
    lockdowns: dict[str, Setting] = field(default_factory=dict)
    lock_opens: dict[str, Setting] = field(default_factory=dict)
    last_row: int = 0
    last_at: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that wants something more (`wants` is a `Want`)."""

    request: str
    access_point: str
    door: str | None
    wants: str
    credential: str
    cardholder: str | None
    at: str
    row: int


class DoorViews:
    """Feed it events in row order."""

    def __init__(self) -> None:
        self.doors: dict[str, DoorView] = {}
        self.waiting: dict[str, Waiting] = {}
        """By access point: a reader waits for one request at a time."""
        self.lost: dict[str, str] = {}
        """Devices that can't be reached, and since when."""
        self._takers: dict[str, Callable[[RecordedEvent], None]] = {
            "DoorModeChanged": self._mode_changed,
            "DoorModeOverridden": self._overridden,
            "DoorModeOverrideEnded": self._override_ended,
            "LockdownStarted": self._begun,
            "LockdownReleased": self._released,
            "LockOpenStarted": self._begun,
            "LockOpenReleased": self._released,
            "AccessRequested": self._requested,
            "AccessGranted": self._answered,
            "AccessDenied": self._answered,
            "AccessConfirmed": self._answered,
            "DeviceLost": self._lost,
            "DeviceReturned": self._returned,
            "GatewayStarted": self._started,
        }

    def apply(self, event: RecordedEvent) -> None:
        """Take one event in."""
        for name in doors_of(event):
            door = self.doors.setdefault(name, DoorView())
            door.contact = _CONTACT.get(event.type, door.contact)
            door.last_row, door.last_at = event.row_id, at_text(event)
        taker = self._takers.get(event.type)
        if taker is not None:
            taker(event)

    def _mode_changed(self, event: RecordedEvent) -> None:
        self.doors[event.body["door"]].mode = event.body["mode"]

    def _overridden(self, event: RecordedEvent) -> None:
        mode, until = event.body["mode"], event.body["until"]
        self.doors[event.body["door"]].override = None if mode is None else _setting(event, mode, until)

    def _override_ended(self, event: RecordedEvent) -> None:
        self.doors[event.body["door"]].override = None

    def _begun(self, event: RecordedEvent) -> None:
        kind = event.type.removesuffix("Started")
        setting = _setting(event, "LockedDown" if kind == "Lockdown" else "LockedOpen")
        for layer in self._layers(event, kind):
            layer[event.body["group"] or ALL_DOORS] = setting

    def _released(self, event: RecordedEvent) -> None:
        """The release of all doors ends whatever holds them; that of a group only its own."""
        group = event.body["group"]
        for layer in self._layers(event, event.type.removesuffix("Released")):
            if group is None:
                layer.clear()
            else:
                layer.pop(group, None)

    def _layers(self, event: RecordedEvent, kind: str) -> list[dict[str, Setting]]:
        return [getattr(self.doors[name], _LAYERS[kind]) for name in doors_of(event)]

    def _requested(self, event: RecordedEvent) -> None:
        body = event.body
        names = ("request", "access_point", "door", "wants", "credential", "cardholder")
        self.waiting[body["access_point"]] = Waiting(**{n: body[n] for n in names}, at=at_text(event), row=event.row_id)

    def _answered(self, event: RecordedEvent) -> None:
        request = event.body.get("request")
        for point in [name for name, waiting in self.waiting.items() if waiting.request == request]:
            del self.waiting[point]

    def _lost(self, event: RecordedEvent) -> None:
        if len(self.lost) < _MAX_DEVICES:
            self.lost[event.body["device"]] = at_text(event)

    def _returned(self, event: RecordedEvent) -> None:
        self.lost.pop(event.body["device"], None)

    def _started(self, event: RecordedEvent) -> None:
        """A gateway that starts without its state knows of no setting, and nobody waits at it."""
        if event.body["restored"]:
            return
        for door in self.doors.values():
            door.override = None
            door.lockdowns.clear()
            door.lock_opens.clear()
        self.waiting.clear()
        self.lost.clear()


def doors_of(event: RecordedEvent) -> Iterable[str]:
    """The doors that an event names."""
    door, doors = event.body.get("door"), event.body.get("doors")
    return [door] if isinstance(door, str) else [str(name) for name in doors or ()]


def at_text(event: RecordedEvent) -> str:
    """When it happened, as the page reads it."""
    return event.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _setting(event: RecordedEvent, mode: str, until: Any = None) -> Setting:
    body = event.body
    return Setting(mode, body["reason"], body["actor"], at_text(event), until)
