"""The parts of docs/doors.md that tell of modes and of power: drawn from the table of modes and from what a lock is."""

from drivers.outputs import PULSE_DRIFT, PULSE_GRACE_S
from drivers.relay.settings import ModbusSettings
from gateway.domain.door_mode import FREE_MODES, MODES, DoorMode, ModeRequest, mode_refusal
from gateway.domain.lock_watch import HOLD_RETRY_S
from gateway.domain.site import Lock, LockKind, Terminal, Wiring

_MODE = {
    DoorMode.UNKNOWN: "ONVIF's word for a door of which nothing is known; the gateway sets no door to it",
    DoorMode.LOCKED: "locked; who may pass releases it for a moment",
    DoorMode.UNLOCKED: "the lock stays released: by the schedule, the first card, a guard's override, or fire",
    DoorMode.ACCESSED: "locked, and released for somebody just now; never told as a change",
    DoorMode.BLOCKED: "no card and no guard's click opens it",
    DoorMode.LOCKED_DOWN: "entry is refused until two people release the lockdown",
    DoorMode.LOCKED_OPEN: "a life-safety release: the lock stays released until a guard takes it back",
}
_REQUEST = {
    ModeRequest.LOCK: "a guard's override `Locked`",
    ModeRequest.UNLOCK: "a guard's override `Unlocked`",
    ModeRequest.BLOCK: "a guard's override `Blocked`",
    ModeRequest.GIVE_BACK: "a guard ends the override before its time",
    ModeRequest.LOCK_DOWN: "a guard locks a group of doors down, or all",
    ModeRequest.LOCK_DOWN_RELEASE: "two people release that lockdown",
    ModeRequest.LOCK_OPEN: "a guard's life-safety release of a group of doors, or of all",
    ModeRequest.LOCK_OPEN_RELEASE: "a guard takes it back",
    ModeRequest.ACCESS: "a card is granted, or a guard opens once",
    ModeRequest.ACCESS_END: "that release is over",
}
BENEATH = "what was before"

_MODES_HEAD = """## Modes

The table is `MODES` in `gateway/domain/door_mode.py`, with ONVIF DoorControl's names. It departs from ONVIF where a
lockdown and a life-safety release meet: both may be in force, and the life-safety release shows. The lock stays
released in {free}, and in no other mode.
"""
_REFUSED = """A pair that is not listed is refused; so is a release of what isn't there (NotLockedDown, NotLockedOpen,
NotOverridden), and every request without a reason, for an unknown door or group, used before, or too late.
"""
_LAYERS = """### Layers

What may be asked of a door at once lies in layers. The highest shows, and when it ends, what lies beneath it is back.

| layer, from the lowest | says | begins | ends |
|---|---|---|---|
| schedule | Locked, Unlocked | an access point's setting is `unlocked` now; or it is `first_card`, and a card was \
granted | with the setting; a first card also at local midnight |
| override | Locked, Unlocked, Blocked | a guard, with a reason and an end at most 24 h ahead | at its end, or a guard \
gives it back |
| lockdown | LockedDown | a guard, for a door group or all | its release by two different people |
| life-safety release | LockedOpen | a guard, for a door group or all | a guard takes it back |
| fire | Unlocked | the fire input, at doors with `fire_release` | a person clears it |

- A request is judged by the mode without fire: a lockdown that is asked for in a fire is there after it.
- Beneath a higher layer the lower ones go on: schedules change, overrides run out.
- The lockdown of a group and that of all doors are two: each has its own release, and a door stays locked down until
  none names it. The release of all doors ends every lockdown. Life-safety releases likewise.
- A lockdown, or any end of Unlocked and LockedOpen, secures a free door at once. A release for somebody that runs
  already ends in its own time, after seconds.
- A barrier is never held. Where a door would stand released, by Unlocked, LockedOpen or fire, it is pulsed open once,
  and again only until its board has taken the pulse. It may be closed by its own controller then; each grant, guard's
  opening and exit button pulses it again.
- The exit button (REX) asks no mode. Where a door is Blocked or LockedDown it releases the lock, and the mode that is
  shown stays, so that nobody gets in by a card while somebody leaves.
- An override ends by the wall clock or by the seconds that have passed, whichever comes first: a clock that is put
  back prolongs none.
- While the clock is suspect nothing unlocks: schedules and first cards don't, an override `Unlocked` waits for the
  clock, and a new one is refused (ClockSuspect). Locked, Blocked, lockdowns and life-safety releases hold. Without a
  valid list no setting unlocks.
- Each change of what is shown is the event DoorModeChanged with its reason; Accessed is not told.
"""

_POWER_HEAD = """## Power loss and return, per lock

What follows is tested in `test_power_return.py`, `test_devices.py` and `test_fire.py` of `tests/gateway/domain/`, and
in `tests/drivers/test_restarting_board.py`. The lock's own supply is not the gateway's: exit button and fire contact
must cut it in the wiring, and then a fail-safe lock opens whatever is written here. The last three columns are about a
lock that keeps its supply.

| lock | relay while locked | the lock loses its supply | the board restarts, door locked | the same, door free \
| the gateway dies in a pulse |
|---|---|---|---|---|---|
"""

_POWER_TAIL = """
A fail-safe lock belongs on NC, a fail-secure one on NO: then the relay is at rest while the door is locked, and a board
that restarts, or loses its power, opens nothing. The other two work, but a restart of the board releases the lock until
the gateway puts it right; a Tasmota relay, which times energised outputs only, refuses their pulses.

A pulse is timed by the board, so it ends without the gateway. Where a board can't ([which](drivers/relays.md) can) the
driver times it: then the relay stays as it is if the gateway dies, and is put right at its return.

**When a board is back** it is asked for its outputs before it is told anything. One that can't say has each of its
locks told what it should do.

- A lock that is found released, and nothing recorded says why, is secured, with LockFoundReleased and an alarm.
- A lock whose release still runs is left alone, and secured in so many words at the release's end.
- A door that is to be free (schedule, override, life-safety release, fire) is released again, until the board confirms.
- A pulse that was missed is not sent again: nobody may stand there any more.

A Modbus board counts as gone after three questions in a row without an answer, about a second. One that restarts
faster is known by its relays: with or without inputs, it is asked for its outputs every {outputs_poll_s:g} s
(`outputs_poll_s`), and one that is not as it was told or last read is put right in the same way. A pulse under way is
none: its output counts only from {grace_s:g} s, and {drift:.0%} of its time, after its end. So a door that fire holds
open is locked for no longer than `outputs_poll_s` and two questions; {retry_s:g} s if the board restarts just while it
is told. A Tasmota relay says each change of an output by itself, and `Online` when it has restarted; it counts as gone
when its last will says so.

**When the gateway is back** it goes on where its journal ends.

- Timers of a door count as expired after a reboot: its release is over, and a door that stands open is held open.
- An override that ended meanwhile has ended (DoorModeOverrideEnded); another goes on to its own end. One that unlocks
  waits for a clock that can be trusted.
- A lockdown stays, a life-safety release stays, fire stays latched.
- A first card counts on, but never past the midnight of its day.
- Whether schedules unlock is asked anew, of the list that is in force and of the clock.
- An exit button is believed pressed only when it is read so.

Who swipes, types or scans while the doors process is being started again, some seconds after a crash, is not let in
late: what came meanwhile is dropped on purpose, as nobody may stand there any more. It stands in no record; one swipes
again. (What a reader on MQTT says in the 2 s after is recorded, as ReadDropped.) The loss of the doors
process can be recorded only once it is back, so ProcessLost has the time of the return; its detail says when the
process ended, and so how long the doors were down. After a hang that is when it was killed, some 10 s after the last
that was heard of it.
"""


def mode_diagram() -> str:
    """The table of modes as a Mermaid state diagram; requests that lead the same way share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (mode, request), following in MODES.items():
        end = "beneath" if following is None else following.value
        arrows.setdefault((mode.value, end), []).append(request.value)
    lines = [f"    {start} --> {end}: {', '.join(requests)}" for (start, end), requests in arrows.items()]
    beneath = f'    state "{BENEATH}" as beneath'
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> Locked", beneath, *lines, "```"])


def mode_section() -> str:
    """Modes, requests, every row of the table, and the layers."""
    free = " and ".join(mode.value for mode in DoorMode if mode in FREE_MODES)
    rows = [
        f"| {mode} | {request} | {BENEATH if following is None else following} |"
        for (mode, request), following in MODES.items()
    ]
    refused = [
        f"| {mode} | {', '.join(kept)} | {mode_refusal(mode, kept[0])} |"
        for mode in (DoorMode.BLOCKED, DoorMode.LOCKED_DOWN, DoorMode.LOCKED_OPEN)
        if (kept := [r for r in _ASKED_OF_ONE_DOOR if (mode, r) not in MODES])
    ]
    return "\n".join(
        [
            _MODES_HEAD.format(free=free),
            "| mode | meaning |",
            "|---|---|",
            *(f"| {mode} | {_MODE[mode]} |" for mode in DoorMode),
            "",
            "| request | who asks |",
            "|---|---|",
            *(f"| {request} | {_REQUEST[request]} |" for request in ModeRequest),
            "",
            mode_diagram(),
            "",
            _REFUSED,
            "| mode | request | mode after it |",
            "|---|---|---|",
            *rows,
            "",
            "| mode | refuses | with |",
            "|---|---|---|",
            *refused,
            "",
            _LAYERS,
        ]
    )


_ASKED_OF_ONE_DOOR = (
    ModeRequest.LOCK,
    ModeRequest.UNLOCK,
    ModeRequest.BLOCK,
    ModeRequest.GIVE_BACK,
    ModeRequest.ACCESS,
)


def power_section() -> str:
    """What each lock does without power, and what is restored."""
    rows = [_lock_row(kind, wiring) for kind in LockKind for wiring in Wiring]
    tail = _POWER_TAIL.format(
        outputs_poll_s=ModbusSettings.model_fields["outputs_poll_s"].default,
        grace_s=PULSE_GRACE_S,
        drift=PULSE_DRIFT,
        retry_s=HOLD_RETRY_S,
    )
    return _POWER_HEAD + "\n".join(rows) + "\n" + tail


def _lock_row(kind: LockKind, wiring: Wiring) -> str:
    released_on = Lock(Terminal("board", 0), kind, wiring).release_energised
    return " | ".join(
        [
            f"| {kind}, {wiring}",
            "off" if released_on else "on",
            "unlocks" if kind is LockKind.FAIL_SAFE else "stays locked",
            "stays locked" if released_on else "unlocks; secured when the board is back",
            "locks; released when the board is back" if released_on else "stays unlocked",
            "locks at the pulse's end |",
        ]
    )
