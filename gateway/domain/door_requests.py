"""What a guard may ask of the doors' modes: an override, a lockdown, a life-safety release; and when it is refused.

A request names its reason, is used once and lives for seconds, so that a click never moves a door late. Whatever comes
of it is recorded with who asked, from where and why.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias, TypedDict

from gateway.domain.door_control import DoorControl
from gateway.domain.door_mode import ALL_DOORS, DoorMode, ModeLayers, ModeOverride, ModeRequest, mode_refusal
from gateway.domain.events import (
    DoorModeOverridden,
    Event,
    LockdownReleased,
    LockdownStarted,
    LockOpenReleased,
    LockOpenStarted,
    RequestRefused,
)
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.signals import (
    DoorModeRequested,
    LockdownReleaseRequested,
    LockdownRequested,
    LockOpenReleaseRequested,
    LockOpenRequested,
    Operator,
)

REQUEST_VALIDITY_MAX_S = 30.0
"""A guard's click that is older, or says it lives longer, is refused: it must never open a door late."""
USED_REQUESTS_KEPT = 200
"""More clicks than all guards together make in the 30 s that one may live."""
OVERRIDE_MAX = timedelta(hours=24)
"""An override is for the shift; what is to last is the office's list."""
REASON_CHARACTERS_MAX = 200

_GroupRequest: TypeAlias = LockdownRequested | LockdownReleaseRequested | LockOpenRequested | LockOpenReleaseRequested
DoorRequest: TypeAlias = DoorModeRequested | _GroupRequest


class Identified(Protocol):
    """A request that is carried out once."""

    @property
    def request_id(self) -> str: ...


class Asked(Identified, Protocol):
    """A guard's request that may move a door."""

    @property
    def reason(self) -> str: ...
    @property
    def expires_at(self) -> datetime: ...


def request_refusal(asked: Asked, used: Collection[str], moment: Moment) -> str | None:
    """Why a request may not move any door: it gives no reason, was used before, or is too old or lives too long."""
    if not asked.reason.strip():
        return "ReasonMissing"
    if asked.request_id in used:
        return "RequestUsed"
    left_s = (asked.expires_at - moment.wall).total_seconds()
    return None if 0 < left_s <= REQUEST_VALIDITY_MAX_S else "RequestExpired"


def use_up(asked: Identified, used: list[str]) -> None:
    """Remember an accepted request among the newest ones."""
    used.append(asked.request_id)
    del used[:-USED_REQUESTS_KEPT]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a request for a group of doors does: it puts its name into a layer, or takes it out."""

    name: str
    layer: Callable[[ModeLayers], list[str]]
    begins: bool
    because: str
    idle: str
    """The refusal when it would change nothing."""


_OVERRIDES = {
    DoorMode.LOCKED.value: ModeRequest.LOCK,
    DoorMode.UNLOCKED.value: ModeRequest.UNLOCK,
    DoorMode.BLOCKED.value: ModeRequest.BLOCK,
    None: ModeRequest.GIVE_BACK,
}


def _lockdowns(layers: ModeLayers) -> list[str]:
    return layers.lockdowns


def _lock_opens(layers: ModeLayers) -> list[str]:
    return layers.lock_opens


_KINDS: dict[type, _Kind] = {
    LockdownRequested: _Kind("lockdown", _lockdowns, True, "lockdown", "AlreadyLockedDown"),
    LockdownReleaseRequested: _Kind("lockdown_release", _lockdowns, False, "lockdown_released", "NotLockedDown"),
    LockOpenRequested: _Kind("lock_open", _lock_opens, True, "lock_open", "AlreadyLockedOpen"),
    LockOpenReleaseRequested: _Kind("lock_open_release", _lock_opens, False, "lock_open_released", "NotLockedOpen"),
}


class DoorRequests:
    """Carries guards' requests out by `doors`. `used` holds the ids of accepted requests and is kept up here."""

    def __init__(self, doors: DoorControl, used: list[str]) -> None:
        self.doors, self.used = doors, used

    def handle(self, signal: DoorRequest, moment: Moment) -> str | None:
        """Carry it out and record it; or record and return the code with which it is refused."""
        refusal = self._refusal(signal, moment)
        if refusal is not None:
            self._refuse(signal, refusal)
            return refusal
        use_up(signal, self.used)
        if isinstance(signal, DoorModeRequested):
            self._override(signal, moment)
        else:
            self._change_group(signal, _KINDS[type(signal)], moment)
        return None

    def _refusal(self, signal: DoorRequest, moment: Moment) -> str | None:
        if isinstance(signal, DoorModeRequested):
            if signal.door not in self.doors.machines:
                return "DoorUnknown"
            return request_refusal(signal, self.used, moment) or self._override_refusal(signal, moment)
        if signal.group is not None and signal.group not in self.doors.site.door_groups:
            return "GroupUnknown"
        return request_refusal(signal, self.used, moment) or self._group_refusal(signal)

    def _refuse(self, signal: DoorRequest, refusal: str) -> None:
        by: Operator = signal.operator
        if isinstance(signal, DoorModeRequested):
            request, subject = "door_mode", signal.door
        else:
            request, subject = _KINDS[type(signal)].name, signal.group or "all"
        self.doors.events.append(
            RequestRefused(
                request_id=signal.request_id,
                request=request,
                subject=subject,
                reason=refusal,
                actor=by.name,
                post=by.post,
            )
        )

    # One door's override

    def _override_refusal(self, signal: DoorModeRequested, moment: Moment) -> str | None:
        request = _OVERRIDES.get(signal.mode)
        if request is None:
            return "ModeUnknown"
        layers = self.doors.machines[signal.door].state.layers
        refusal = mode_refusal(layers.mode(moment.quality), request)
        if refusal is not None:
            return refusal
        if request is ModeRequest.GIVE_BACK:
            return "NotOverridden" if layers.override is None else None
        if request is ModeRequest.UNLOCK and moment.quality is ClockQuality.SUSPECT:
            return "ClockSuspect"
        return _until_refusal(signal.until, moment)

    def _override(self, signal: DoorModeRequested, moment: Moment) -> None:
        layers, by = self.doors.machines[signal.door].state.layers, signal.operator
        reason, until = signal.reason[:REASON_CHARACTERS_MAX], None
        layers.override = None
        if signal.mode is not None and signal.until is not None:
            until = signal.until
            ends_s = moment.monotonic_s + (until - moment.wall).total_seconds()
            layers.override = ModeOverride(DoorMode(signal.mode), until, reason, by.name, ends_s, moment.boot_id)
        self.doors.events.append(
            DoorModeOverridden(
                door=signal.door,
                mode=signal.mode,
                until=until,
                reason=reason,
                actor=by.name,
                post=by.post,
                request_id=signal.request_id,
            )
        )
        self.doors.follow_mode(signal.door, moment, "override")

    # A group's lockdown or life-safety release

    def _group_refusal(self, signal: _GroupRequest) -> str | None:
        kind = _KINDS[type(signal)]
        if isinstance(signal, LockdownReleaseRequested):
            second = signal.second
            if second is None or not second.name.strip() or second.name == signal.operator.name:
                return "SecondPersonMissing"
        return None if self._doors_changed(signal.group, kind) else kind.idle

    def _doors_changed(self, group: str | None, kind: _Kind) -> tuple[str, ...]:
        """The doors of which the request would add or end something.

        The release of all doors ends whatever holds them; that of a group only its own, also at a door that has left
        the group since.
        """
        held = {door: kind.layer(machine.state.layers) for door, machine in self.doors.machines.items()}
        if not kind.begins:
            return tuple(door for door, names in held.items() if names and (group is None or group in names))
        doors = held if group is None else self.doors.site.door_groups[group].doors
        return tuple(door for door in doors if (group or ALL_DOORS) not in held[door])

    def _change_group(self, signal: _GroupRequest, kind: _Kind, moment: Moment) -> None:
        doors = self._doors_changed(signal.group, kind)
        self.doors.events.append(_told(signal, doors))
        for door in doors:
            names = kind.layer(self.doors.machines[door].state.layers)
            if kind.begins:
                names.append(signal.group or ALL_DOORS)
            elif signal.group is None:
                names.clear()
            else:
                names.remove(signal.group)
            self.doors.follow_mode(door, moment, kind.because)


class _Told(TypedDict):
    group: str | None
    doors: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


def _told(signal: _GroupRequest, doors: tuple[str, ...]) -> Event:
    told: _Told = {
        "group": signal.group,
        "doors": doors,
        "reason": signal.reason[:REASON_CHARACTERS_MAX],
        "actor": signal.operator.name,
        "post": signal.operator.post,
        "request_id": signal.request_id,
    }
    match signal:
        case LockdownRequested():
            return LockdownStarted(**told)
        case LockdownReleaseRequested():
            return LockdownReleased(**told, second="" if signal.second is None else signal.second.name)
        case LockOpenRequested():
            return LockOpenStarted(**told)
        case LockOpenReleaseRequested():
            return LockOpenReleased(**told)


def _until_refusal(until: datetime | None, moment: Moment) -> str | None:
    if until is None:
        return "EndMissing"
    if until <= moment.wall:
        return "EndPassed"
    return "TooLong" if until > moment.wall + OVERRIDE_MAX else None
