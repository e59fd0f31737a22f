"""What a door is meant to do: one mode, made of layers that may be asked for at once.

`MODES` is the table of ONVIF DoorControl's requests. It departs from ONVIF in one thing: a life-safety release stands
above a lockdown, and what lies beneath a layer may still be changed by the layer's own request. From the lowest: the
schedule, a guard's override, lockdowns, life-safety releases; fire is laid over all of them by the door itself. When a
layer ends, what lies beneath it is back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.domain.moment import ClockQuality, Moment


class DoorMode(StrEnum):
    """ONVIF DoorControl's names."""

    UNKNOWN = "Unknown"
    LOCKED = "Locked"
    UNLOCKED = "Unlocked"
    ACCESSED = "Accessed"
    """Released for somebody; locked again by itself."""
    BLOCKED = "Blocked"
    """No credential opens; the way out does."""
    LOCKED_DOWN = "LockedDown"
    """Entry is refused until the lockdown is released."""
    LOCKED_OPEN = "LockedOpen"
    """A life-safety release: it stands released until that is taken back."""


FREE_MODES = frozenset({DoorMode.UNLOCKED, DoorMode.LOCKED_OPEN})
"""The lock stays released."""


class ModeRequest(StrEnum):
    """What may be asked of a door's mode (ONVIF: LockDoor, UnlockDoor, BlockDoor, LockDownDoor … AccessDoor)."""

    LOCK = "lock"
    UNLOCK = "unlock"
    BLOCK = "block"
    GIVE_BACK = "give_back"
    """A guard ends the override of before: the schedule counts again."""
    LOCK_DOWN = "lock_down"
    LOCK_DOWN_RELEASE = "lock_down_release"
    LOCK_OPEN = "lock_open"
    LOCK_OPEN_RELEASE = "lock_open_release"
    ACCESS = "access"
    """Somebody may pass. The exit button isn't asked of this table: it releases in every mode."""
    ACCESS_END = "access_end"


_M, _R = DoorMode, ModeRequest

MODES: dict[tuple[DoorMode, ModeRequest], DoorMode | None] = {
    (_M.LOCKED, _R.LOCK): _M.LOCKED,
    (_M.LOCKED, _R.UNLOCK): _M.UNLOCKED,
    (_M.LOCKED, _R.BLOCK): _M.BLOCKED,
    (_M.LOCKED, _R.GIVE_BACK): None,
    (_M.LOCKED, _R.LOCK_DOWN): _M.LOCKED_DOWN,
    (_M.LOCKED, _R.LOCK_OPEN): _M.LOCKED_OPEN,
    (_M.LOCKED, _R.ACCESS): _M.ACCESSED,
    (_M.UNLOCKED, _R.LOCK): _M.LOCKED,
    (_M.UNLOCKED, _R.UNLOCK): _M.UNLOCKED,
    (_M.UNLOCKED, _R.BLOCK): _M.BLOCKED,
    (_M.UNLOCKED, _R.GIVE_BACK): None,
    (_M.UNLOCKED, _R.LOCK_DOWN): _M.LOCKED_DOWN,
    (_M.UNLOCKED, _R.LOCK_OPEN): _M.LOCKED_OPEN,
    (_M.UNLOCKED, _R.ACCESS): _M.UNLOCKED,
    (_M.ACCESSED, _R.LOCK): _M.ACCESSED,
    (_M.ACCESSED, _R.UNLOCK): _M.UNLOCKED,
    (_M.ACCESSED, _R.BLOCK): _M.BLOCKED,
    (_M.ACCESSED, _R.GIVE_BACK): None,
    (_M.ACCESSED, _R.LOCK_DOWN): _M.LOCKED_DOWN,
    (_M.ACCESSED, _R.LOCK_OPEN): _M.LOCKED_OPEN,
    (_M.ACCESSED, _R.ACCESS): _M.ACCESSED,
    (_M.ACCESSED, _R.ACCESS_END): _M.LOCKED,
    (_M.BLOCKED, _R.LOCK): _M.LOCKED,
    (_M.BLOCKED, _R.UNLOCK): _M.UNLOCKED,
    (_M.BLOCKED, _R.BLOCK): _M.BLOCKED,
    (_M.BLOCKED, _R.GIVE_BACK): None,
    (_M.BLOCKED, _R.LOCK_DOWN): _M.LOCKED_DOWN,
    (_M.BLOCKED, _R.LOCK_OPEN): _M.LOCKED_OPEN,
    (_M.LOCKED_DOWN, _R.LOCK_DOWN): _M.LOCKED_DOWN,
    (_M.LOCKED_DOWN, _R.LOCK_DOWN_RELEASE): None,
    (_M.LOCKED_DOWN, _R.LOCK_OPEN): _M.LOCKED_OPEN,
    (_M.LOCKED_OPEN, _R.LOCK_DOWN): _M.LOCKED_OPEN,
    (_M.LOCKED_OPEN, _R.LOCK_DOWN_RELEASE): _M.LOCKED_OPEN,
    (_M.LOCKED_OPEN, _R.LOCK_OPEN): _M.LOCKED_OPEN,
    (_M.LOCKED_OPEN, _R.LOCK_OPEN_RELEASE): None,
    (_M.LOCKED_OPEN, _R.ACCESS): _M.LOCKED_OPEN,
}
"""(mode, request) -> next mode; None: what lies beneath is back. A pair that isn't here is refused."""

_REFUSALS = {_M.BLOCKED: "DoorBlocked", _M.LOCKED_DOWN: "DoorLockedDown", _M.LOCKED_OPEN: "DoorLockedOpen"}


def mode_refusal(mode: DoorMode, request: ModeRequest) -> str | None:
    """The code with which a door in this mode refuses the request; None if the table has a row for it."""
    return None if (mode, request) in MODES else _REFUSALS.get(mode, "Refused")


ALL_DOORS = ""
"""In place of a door group's name: the whole site."""


@dataclass(slots=True)
class ModeOverride:
    """A guard's setting with its reason and end.

    It ends when either clock says so: the wall, unless it is suspect, or the monotonic one of the boot `boot_id`.
    `ends_s` is None where this boot hasn't had a wall yet that could be trusted.
    """

    mode: DoorMode
    until: datetime
    reason: str
    actor: str
    ends_s: float | None
    boot_id: str

    def is_over(self, moment: Moment) -> bool:
        """Has it ended, be it while the gateway was off? Brings the monotonic end along into a new boot."""
        trusted = moment.quality is not ClockQuality.SUSPECT
        if self.boot_id != moment.boot_id:
            self.ends_s, self.boot_id = None, moment.boot_id
        if self.ends_s is None and trusted:
            self.ends_s = moment.monotonic_s + (self.until - moment.wall).total_seconds()
        if trusted and moment.wall >= self.until:
            return True
        return self.ends_s is not None and moment.monotonic_s >= self.ends_s


@dataclass(slots=True)
class ModeLayers:
    """What a door is asked to be at once. Plain values: a restart brings them back."""

    scheduled: DoorMode = DoorMode.LOCKED
    first_cards: dict[str, datetime] = field(default_factory=dict)
    """Access points at which the first card was shown, and until when that counts."""
    override: ModeOverride | None = None
    lockdowns: list[str] = field(default_factory=list)
    """The door groups that are locked down, or `ALL_DOORS`. Each has its own release."""
    lock_opens: list[str] = field(default_factory=list)
    """Likewise for life-safety releases."""

    def mode(self, quality: ClockQuality) -> DoorMode:
        """The highest layer's. While the clock is suspect nothing unlocks: an override that does waits for it."""
        if self.lock_opens:
            return DoorMode.LOCKED_OPEN
        if self.lockdowns:
            return DoorMode.LOCKED_DOWN
        override = self.override
        if override is None or (override.mode is DoorMode.UNLOCKED and quality is ClockQuality.SUSPECT):
            return self.scheduled
        return override.mode
