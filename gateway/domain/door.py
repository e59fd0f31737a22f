"""One door: a table, and the machine that walks it.

The phase says what the door is doing; the mode (`door_mode`) says what it is meant to do. Fire is an overlay: when it
clears, what was before is back. Timers are monotonic seconds of one boot; after a reboot they count as expired.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.domain.door_mode import DoorMode, ModeLayers, ModeOverride
from gateway.domain.moment import Moment
from gateway.domain.site import Door

RELEASE_GRACE_S = 0.5
"""The board's pulse begins after our timer and its contact is polled: opening at the last moment forces no door."""
REX_STUCK_S = 60.0
"""Nobody presses an exit button for longer: it is stuck. Of its releases one in as long a time is told."""
PULSES_MAX = 50
"""More commands than one board takes while it says nothing of any (its queue holds 32)."""
AWAITED_MAX = 20
"""More than can show a card while one release lasts; beyond it the first is not waited for any longer."""


class DoorPhase(StrEnum):
    """What the door is doing."""

    SECURE = "secure"
    RELEASED = "released"
    """Released for somebody; not opened yet."""
    PASSING = "passing"
    """Open under a grant, an exit or a guard's release."""
    WARNING = "warning"
    """Open nearly too long."""
    HELD = "held"
    FORCED = "forced"
    FREE = "free"
    """Unlocked by its mode or by fire: opening and closing mean nothing."""


class Stimulus(StrEnum):
    """What moves a door."""

    GRANT = "grant"
    REX = "rex"
    CONTACT_OPENED = "contact_opened"
    CONTACT_CLOSED = "contact_closed"
    RELEASE_ENDED = "release_ended"
    NEVER_RELEASED = "never_released"
    """The board was away: no command of this release went out."""
    WARNING_DUE = "warning_due"
    HELD_DUE = "held_due"
    FREED = "freed"
    LOCKED_CLOSED = "locked_closed"
    LOCKED_OPEN = "locked_open"
    REOPENED = "reopened"
    """Opened again, closed in between, while its release still runs (a door that doesn't relock on closing)."""


class Action(StrEnum):
    """What a transition asks for, in order."""

    RELEASE = "release"
    HOLD_RELEASED = "hold_released"
    SECURE = "secure"
    SECURED_BY_BOARD = "secured_by_board"
    NOT_RELEASED = "not_released"
    START_OPEN_TIMERS = "start_open_timers"
    STOP_OPEN_TIMERS = "stop_open_timers"
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    FORCED = "forced"
    WARN = "warn"
    HELD = "held"
    NORMAL = "normal"


_P, _S, _A = DoorPhase, Stimulus, Action
_REOPEN = (_P.PASSING, (_A.NORMAL, _A.RELEASE, _A.START_OPEN_TIMERS))
_FREE = (_P.FREE, (_A.NORMAL, _A.STOP_OPEN_TIMERS, _A.HOLD_RELEASED))
_CLOSE = (_P.SECURE, (_A.NORMAL, _A.STOP_OPEN_TIMERS, _A.SECURE))

TABLE: dict[tuple[DoorPhase, Stimulus], tuple[DoorPhase, tuple[Action, ...]]] = {
    (_P.SECURE, _S.GRANT): (_P.RELEASED, (_A.RELEASE,)),
    (_P.SECURE, _S.REX): (_P.RELEASED, (_A.RELEASE,)),
    (_P.SECURE, _S.CONTACT_OPENED): (_P.FORCED, (_A.FORCED,)),
    (_P.SECURE, _S.REOPENED): (_P.PASSING, (_A.START_OPEN_TIMERS,)),
    (_P.SECURE, _S.RELEASE_ENDED): (_P.SECURE, (_A.SECURED_BY_BOARD,)),
    (_P.SECURE, _S.FREED): _FREE,
    (_P.RELEASED, _S.GRANT): (_P.RELEASED, (_A.RELEASE,)),
    (_P.RELEASED, _S.REX): (_P.RELEASED, (_A.RELEASE,)),
    (_P.RELEASED, _S.CONTACT_OPENED): (_P.PASSING, (_A.TAKEN, _A.START_OPEN_TIMERS)),
    (_P.RELEASED, _S.RELEASE_ENDED): (_P.SECURE, (_A.SECURED_BY_BOARD, _A.NOT_TAKEN)),
    (_P.RELEASED, _S.NEVER_RELEASED): (_P.SECURE, (_A.NOT_RELEASED,)),
    (_P.RELEASED, _S.FREED): _FREE,
    (_P.PASSING, _S.GRANT): _REOPEN,
    (_P.PASSING, _S.REX): _REOPEN,
    (_P.PASSING, _S.CONTACT_CLOSED): _CLOSE,
    (_P.PASSING, _S.RELEASE_ENDED): (_P.PASSING, (_A.SECURED_BY_BOARD,)),
    (_P.PASSING, _S.WARNING_DUE): (_P.WARNING, (_A.WARN,)),
    (_P.PASSING, _S.FREED): _FREE,
    (_P.WARNING, _S.GRANT): _REOPEN,
    (_P.WARNING, _S.REX): _REOPEN,
    (_P.WARNING, _S.CONTACT_CLOSED): _CLOSE,
    (_P.WARNING, _S.RELEASE_ENDED): (_P.WARNING, (_A.SECURED_BY_BOARD,)),
    (_P.WARNING, _S.HELD_DUE): (_P.HELD, (_A.HELD,)),
    (_P.WARNING, _S.FREED): _FREE,
    (_P.HELD, _S.GRANT): _REOPEN,
    (_P.HELD, _S.REX): _REOPEN,
    (_P.HELD, _S.CONTACT_CLOSED): _CLOSE,
    (_P.HELD, _S.RELEASE_ENDED): (_P.HELD, (_A.SECURED_BY_BOARD,)),
    (_P.HELD, _S.FREED): _FREE,
    (_P.FORCED, _S.GRANT): (_P.FORCED, (_A.RELEASE,)),
    (_P.FORCED, _S.REX): (_P.FORCED, (_A.RELEASE,)),
    (_P.FORCED, _S.CONTACT_CLOSED): _CLOSE,
    (_P.FORCED, _S.RELEASE_ENDED): (_P.FORCED, (_A.SECURED_BY_BOARD,)),
    (_P.FORCED, _S.FREED): _FREE,
    (_P.FREE, _S.REX): (_P.FREE, (_A.HOLD_RELEASED,)),
    (_P.FREE, _S.LOCKED_CLOSED): (_P.SECURE, (_A.SECURE,)),
    (_P.FREE, _S.LOCKED_OPEN): (_P.PASSING, (_A.SECURE, _A.START_OPEN_TIMERS)),
}
"""(phase, stimulus) -> (next phase, actions). What isn't here changes nothing."""


@dataclass(slots=True)
class Awaited:
    """Somebody whom the lock was released for and who has not opened the door yet; until `ends_s` and its grace."""

    because: str
    credential: str | None
    cardholder: str | None
    ends_s: float
    unsent_command: str = ""
    """The command of theirs that never went out: another's release ends too early for them, and they may go along."""


@dataclass(slots=True)
class DoorState:
    """Everything about a door that a restart must bring back. `*_s` are monotonic seconds of the boot `boot_id`."""

    phase: DoorPhase = DoorPhase.SECURE
    mode: DoorMode = DoorMode.LOCKED
    """What it is meant to do, as it was told last: the highest of `layers`; `Unlocked` while `fire` overlays them."""
    layers: ModeLayers = field(default_factory=ModeLayers)
    fire: bool = False
    open: bool | None = None
    lock_released: bool = False
    release_ends_s: float | None = None
    warning_at_s: float | None = None
    held_at_s: float | None = None
    boot_id: str = ""
    because: str = ""
    awaited: list[Awaited] = field(default_factory=list)
    """Empty but while released; in the order of their releases."""
    extended: bool = False
    command_id: str = ""
    pulse_ends_s: dict[str, float] = field(default_factory=dict)
    """This release's commands that went out or may have, oldest first, and when the pulse of each ends."""
    untold_command: str = ""
    """The newest release for a stuck exit button that the journal was not told of."""
    contact_fault: str = ""
    """What is wrong with its contact's supervised loop, an `InputFault`; `open` is then what was known last."""
    rex_fault: str = ""
    rex_pressed: bool = False
    rex_since_s: float | None = None
    stuck_told_s: float | None = None
    """When a stuck exit button's release was last told; None: it isn't stuck."""
    retry_at_s: float | None = None
    """When to say a lasting release or relock again that failed."""
    pulse_owed: bool = False
    """A barrier's mode or fire opens it, and its board has not taken the pulse yet."""


class DoorMachine:
    """Walks the table; timers live here, what the actions mean is the controller's."""

    def __init__(self, door: Door, state: DoorState | None = None) -> None:
        self.door = door
        self.state = state or DoorState()
        # What was wired when the state was kept may be wired no more.
        if door.rex is None:
            self.state.rex_pressed, self.state.rex_since_s, self.state.stuck_told_s = False, None, None
            self.state.rex_fault = ""
        if door.barrier and self.state.phase is DoorPhase.FREE:
            self.state.phase, self.state.lock_released = DoorPhase.SECURE, False
        if door.contact is None:
            self.state.open, self.state.contact_fault = None, ""

    @property
    def mode(self) -> DoorMode:
        """The mode that is shown: Accessed while a locked door is released for somebody.

        A door that is blocked or locked down shows that also while the exit button releases it: entry stays refused.
        """
        accessed = self.state.mode is DoorMode.LOCKED and self.state.lock_released
        return DoorMode.ACCESSED if accessed else self.state.mode

    @property
    def sees_passage(self) -> bool:
        """Can it know that somebody opened it? Not without a contact, and not while that is at fault."""
        return self.door.contact is not None and not self.state.contact_fault

    def override_ended(self, moment: Moment) -> ModeOverride | None:
        """A guard's setting whose end has come; said once."""
        override = self.state.layers.override
        if override is None or not override.is_over(moment):
            return None
        self.state.layers.override = None
        return override

    def stimulate(self, stimulus: Stimulus, moment: Moment) -> tuple[Action, ...]:
        """Move on; the actions to carry out, in order (none when the table has no such row)."""
        row = TABLE.get((self.state.phase, stimulus))
        if row is None:
            return ()
        self.state.phase, actions = row
        for action in actions:
            self._keep_time(action, moment)
        return actions

    def due(self, moment: Moment) -> list[Stimulus]:
        """The timers that have run out, in the order in which they did; each is said once."""
        state, found = self.state, []
        for name, stimulus in _TIMERS:
            at_s = self._timer_s(name)
            if at_s is not None and (state.boot_id != moment.boot_id or at_s <= moment.monotonic_s):
                setattr(state, name, None)
                found.append((at_s, stimulus))
        return [stimulus for _, stimulus in sorted(found, key=lambda pair: pair[0])]

    def retry_due(self, moment: Moment) -> bool:
        """Is it time to say a failed command again? Said once."""
        at_s = self.state.retry_at_s
        if at_s is None or (self.state.boot_id == moment.boot_id and at_s > moment.monotonic_s):
            return False
        self.state.retry_at_s = None
        return True

    def press(self, pressed: bool, moment: Moment) -> None:
        """The exit button is pressed, or is not (any more)."""
        self.state.rex_pressed = pressed
        self.state.rex_since_s = moment.monotonic_s if pressed else None
        self.state.stuck_told_s = None

    def stuck_due(self, moment: Moment) -> bool:
        """Has the exit button been pressed for too long? Said once."""
        state = self.state
        if state.stuck_told_s is not None or state.rex_since_s is None:
            return False
        if moment.monotonic_s < state.rex_since_s + REX_STUCK_S:
            return False
        state.stuck_told_s = moment.monotonic_s
        return True

    def tells_release(self, moment: Moment) -> bool:
        """Is a release worth a word? One for a stuck exit button is once in a while."""
        state = self.state
        if state.because != "rex" or state.stuck_told_s is None:
            return True
        if moment.monotonic_s < state.stuck_told_s + REX_STUCK_S:
            return False
        state.stuck_told_s = moment.monotonic_s
        return True

    def await_passage(self, awaited: Awaited) -> list[Awaited]:
        """Wait for somebody; the same one again is waited for longer. Those whom there is no more room for."""
        who = (awaited.because, awaited.credential)
        kept = [a for a in self.state.awaited if (a.because, a.credential) != who]
        self.state.awaited = [*kept, awaited][-AWAITED_MAX:]
        return kept[: len(kept) + 1 - len(self.state.awaited)]

    def given_up(self, moment: Moment) -> list[Awaited]:
        """Those whose own release is over, though another's goes on; each is said once."""
        over = [a for a in self.state.awaited if a.ends_s + RELEASE_GRACE_S <= moment.monotonic_s]
        self.state.awaited = [a for a in self.state.awaited if a not in over]
        return over

    def note_pulse(self, command_id: str) -> None:
        """A command for this release: it counts until it is known that it never went out."""
        ends_s = self.state.release_ends_s or 0.0
        noted = [*self.state.pulse_ends_s.items(), (command_id, ends_s)]
        self.state.pulse_ends_s = dict(noted[-PULSES_MAX:])

    def forget_pulse(self, command_id: str) -> bool:
        """A command never went out; True if it was one of this release's."""
        return self.state.pulse_ends_s.pop(command_id, None) is not None

    def last_pulse(self) -> str:
        """Of the commands that went out or may have, the one whose pulse ends last."""
        ends_s = self.state.pulse_ends_s
        return max(reversed(ends_s), key=ends_s.__getitem__, default=self.state.command_id)

    def end_with_pulses(self, unsent_command: str) -> bool:
        """End the release with its last pulse; False when no command of it went out, so that it never was one."""
        state = self.state
        if not state.pulse_ends_s:
            return False
        ends_s = max(state.pulse_ends_s.values())
        if state.release_ends_s is not None and ends_s < state.release_ends_s:
            state.release_ends_s = ends_s
            state.awaited = [
                replace(a, ends_s=ends_s, unsent_command=unsent_command) if a.ends_s > ends_s else a
                for a in state.awaited
            ]
        return True

    def deadline_s(self) -> float | None:
        """The next timer, monotonic seconds."""
        state = self.state
        times = [state.retry_at_s, *(self._timer_s(name) for name, _ in _TIMERS)]
        times += [a.ends_s + RELEASE_GRACE_S for a in state.awaited]
        if state.rex_since_s is not None and state.stuck_told_s is None:
            times.append(state.rex_since_s + REX_STUCK_S)
        if state.layers.override is not None:
            times.append(state.layers.override.ends_s)
        return min((t for t in times if t is not None), default=None)

    @property
    def release_seconds(self) -> float:
        """How long a release lasts for whom it is given now."""
        return self.door.extended_release_time_s if self.state.extended else self.door.release_time_s

    def release_left_s(self, moment: Moment) -> float:
        """How long the lock must still stay released, to the millisecond."""
        ends_s = self.state.release_ends_s
        return 0.0 if ends_s is None else round(ends_s - moment.monotonic_s, 3)

    @property
    def under_way(self) -> bool:
        """Somebody's release or passage is under way: who comes now must not shorten it."""
        return self.state.phase in _UNDER_WAY

    def _timer_s(self, name: str) -> float | None:
        """When a timer is due. A release ends a moment after the board's pulse, unless the exit button renews it."""
        at_s: float | None = getattr(self.state, name)
        if at_s is not None and name == "release_ends_s" and not self.state.rex_pressed:
            return at_s + RELEASE_GRACE_S
        return at_s

    def _keep_time(self, action: Action, moment: Moment) -> None:
        state = self.state
        state.boot_id = moment.boot_id
        if action is Action.RELEASE:
            if not state.lock_released:
                state.pulse_ends_s = {}
            # A shorter release that comes in between cuts nobody's longer one short.
            state.release_ends_s = max(state.release_ends_s or 0.0, moment.monotonic_s + self.release_seconds)
            state.lock_released = True
        elif action is Action.HOLD_RELEASED:
            state.release_ends_s, state.lock_released = None, True
        elif action is Action.NOT_RELEASED:
            state.release_ends_s, state.lock_released = None, False
        elif action is Action.START_OPEN_TIMERS:
            open_s = self.door.extended_open_time_s if state.extended else self.door.open_time_s
            state.held_at_s = moment.monotonic_s + open_s
            state.warning_at_s = max(moment.monotonic_s, state.held_at_s - self.door.pre_alarm_time_s)
        elif action is Action.STOP_OPEN_TIMERS:
            state.held_at_s = state.warning_at_s = None


_UNDER_WAY = (DoorPhase.RELEASED, DoorPhase.PASSING, DoorPhase.WARNING, DoorPhase.HELD)
_TIMERS = (
    ("release_ends_s", Stimulus.RELEASE_ENDED),
    ("warning_at_s", Stimulus.WARNING_DUE),
    ("held_at_s", Stimulus.HELD_DUE),
)
