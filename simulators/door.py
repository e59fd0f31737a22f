"""The physics of a door: leaf, lock, contact, exit button, and people who push. Pure: times are given, in seconds.

A leaf that is shut stays shut while its lock holds; only force breaks that. An open leaf swings to and latches by
itself, after it has stood open for a while, unless somebody holds it.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

SWING_S = 0.6
"""From shut to wide open, or back."""
STANDS_OPEN_S = 2.0
"""How long a walker keeps the leaf open before the closer takes it."""
REX_PRESS_S = 0.6
"""How long a finger stays on an exit button: several polls of any board."""
FULL_ANGLE_DEG = 80.0

Hold = float | None


class Phase(StrEnum):
    """What the leaf does."""

    SHUT = "shut"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


@dataclass(slots=True)
class Lock:
    """An electric lock behind a relay.

    A fail-safe lock holds only while it has power; a fail-secure one gives way only while it has power.
    With `cut_by_exit` the exit button and the fire contact cut the power in the wiring, whatever the relay does.
    """

    kind: Literal["fail_safe", "fail_secure"]
    wiring: Literal["NO", "NC"]
    cut_by_exit: bool = False
    coil: bool = False
    cut: bool = False

    def powered(self) -> bool:
        """Whether current flows through the lock."""
        return (self.coil == (self.wiring == "NO")) and not self.cut

    def released(self) -> bool:
        """Whether a push would open the door."""
        return self.powered() == (self.kind == "fail_secure")

    def released_by_coil(self) -> bool:
        """Whether the relay alone, without the wiring's cut, would release it."""
        return (self.coil == (self.wiring == "NO")) == (self.kind == "fail_secure")


@dataclass(slots=True)
class Counts:
    """What happened to the door since it was hung."""

    openings: int = 0
    forced: int = 0
    refused: int = 0
    """Pushes against a lock that held."""
    releases: int = 0
    releases_by_coil: int = 0
    rex: int = 0


@dataclass(slots=True)
class Door:
    """One door. Every method that takes `now_s` first lets time pass up to then."""

    id: str
    lock: Lock
    stands_open_s: float = STANDS_OPEN_S
    phase: Phase = Phase.SHUT
    since_s: float = 0.0
    held: bool = False
    rex_until_s: float | None = None
    fire: bool = False
    counts: Counts = field(default_factory=Counts)
    _close_at_s: float = 0.0

    @property
    def contact_open(self) -> bool:
        """What the contact at the frame sees: open as soon as the leaf has left it."""
        return self.phase is not Phase.SHUT

    @property
    def rex_pressed(self) -> bool:
        """Whether the exit button is down."""
        return self.rex_until_s is not None

    def angle_deg(self, now_s: float) -> float:
        """How far the leaf stands open, 0 to 80 degrees."""
        share = min(1.0, max(0.0, (now_s - self.since_s) / SWING_S))
        match self.phase:
            case Phase.SHUT:
                return 0.0
            case Phase.OPENING:
                return FULL_ANGLE_DEG * share
            case Phase.OPEN:
                return FULL_ANGLE_DEG
            case Phase.CLOSING:
                return FULL_ANGLE_DEG * (1 - share)

    def push(self, now_s: float, hold_s: Hold = None, *, held: bool = False) -> bool:
        """Push; True when the leaf moves. It is kept open for `hold_s`, or with `held` until `close`."""
        self.advance(now_s)
        if self.phase is Phase.SHUT and not self.lock.released():
            self.counts.refused += 1
            return False
        self._swing(now_s, hold_s, held)
        return True

    def force(self, now_s: float, hold_s: Hold = None) -> None:
        """Break it open, whatever the lock does."""
        self.advance(now_s)
        if self.phase is Phase.SHUT and not self.lock.released():
            self.counts.forced += 1
        self._swing(now_s, hold_s, False)

    def close(self, now_s: float) -> None:
        """Let go, and push the leaf to."""
        self.advance(now_s)
        self.held = False
        if self.phase in (Phase.OPENING, Phase.OPEN):
            self.phase, self.since_s = Phase.CLOSING, now_s

    def press_rex(self, now_s: float, press_s: float = REX_PRESS_S) -> None:
        """Press the exit button."""
        self.advance(now_s)
        self.counts.rex += 1
        self.rex_until_s = now_s + press_s
        self._wire()

    def set_fire(self, now_s: float, on: bool) -> None:
        """The fire contact of the building."""
        self.advance(now_s)
        self.fire = on
        self._wire()

    def set_coil(self, now_s: float, on: bool) -> None:
        """The relay that feeds the lock."""
        self.advance(now_s)
        if on == self.lock.coil:
            return
        was_by_coil = self.lock.released_by_coil()
        was = self.lock.released()
        self.lock.coil = on
        self.counts.releases_by_coil += self.lock.released_by_coil() and not was_by_coil
        self.counts.releases += self.lock.released() and not was

    def advance(self, now_s: float) -> None:
        """Let time pass up to `now_s`."""
        while (due := self.deadline()) is not None and due <= now_s:
            self._pass(due)

    def deadline(self) -> float | None:
        """When something next changes by itself."""
        times = [] if self.rex_until_s is None else [self.rex_until_s]
        if self.phase in (Phase.OPENING, Phase.CLOSING):
            times.append(self.since_s + SWING_S)
        elif self.phase is Phase.OPEN and not self.held:
            times.append(self._close_at_s)
        return min(times, default=None)

    def describe(self, now_s: float) -> dict[str, Any]:
        """The physical truth, for `status`."""
        lock = self.lock
        return {
            "leaf": self.phase.value,
            "angle_deg": round(self.angle_deg(now_s), 1),
            "contact_open": self.contact_open,
            "held": self.held,
            "lock": "released" if lock.released() else "secured",
            "lock_powered": lock.powered(),
            "released_by_coil": lock.released_by_coil(),
            "coil": lock.coil,
            "rex_pressed": self.rex_pressed,
            **asdict(self.counts),
        }

    def _pass(self, at_s: float) -> None:
        if self.rex_until_s is not None and self.rex_until_s <= at_s:
            self.rex_until_s = None
            self._wire()
        elif self.phase is Phase.OPENING:
            self.phase, self.since_s = Phase.OPEN, at_s
        elif self.phase is Phase.OPEN:
            self.phase, self.since_s = Phase.CLOSING, at_s
        elif self.phase is Phase.CLOSING:
            self.phase, self.since_s = Phase.SHUT, at_s

    def _swing(self, now_s: float, hold_s: Hold, held: bool) -> None:
        if self.phase is Phase.SHUT:
            self.counts.openings += 1
        if self.phase in (Phase.SHUT, Phase.CLOSING):
            self.phase, self.since_s = Phase.OPENING, now_s
        self.held = held
        self._close_at_s = now_s + SWING_S + (self.stands_open_s if hold_s is None else hold_s)

    def _wire(self) -> None:
        was = self.lock.released()
        self.lock.cut = self.lock.cut_by_exit and (self.rex_pressed or self.fire)
        self.counts.releases += self.lock.released() and not was
