"""Draws docs/doors.md from the door's two tables: `python -m tests.gateway.domain.diagrams` writes it anew."""

from pathlib import Path

from gateway.domain.door import RELEASE_GRACE_S, TABLE, Action, DoorPhase, Stimulus
from tests.gateway.domain.mode_pages import mode_section, power_section

PAGE = Path(__file__).parents[3] / "docs" / "doors.md"

_HEAD = """# What a door does

This page is drawn from the tables in `gateway/domain/door.py` and `gateway/domain/door_mode.py`; don't edit it, run
`python -m tests.gateway.domain.diagrams`.

A door's *mode* says what it is meant to do; its *phase* says what it is doing. A mode that keeps the lock released, or
fire, makes the door free; the other modes say whether anybody may be let in. The exit button works in all of them,
while the gateway and the lock's board run: [what holds and what opens without them](#power-loss-and-return-per-lock).

"""
_PHASES = """## Phases

| phase | meaning |
|---|---|
"""
_MEANING = {
    DoorPhase.SECURE: "closed and locked, as far as anybody said",
    DoorPhase.RELEASED: "released for somebody, not opened yet",
    DoorPhase.PASSING: "open under a grant, an exit or a guard's release",
    DoorPhase.WARNING: "open nearly too long: the warning before the alarm",
    DoorPhase.HELD: "open too long: an alarm",
    DoorPhase.FORCED: "opened with no release: an alarm",
    DoorPhase.FREE: "unlocked by its mode or by fire: opening and closing mean nothing",
}
_STIMULUS = {
    Stimulus.GRANT: "a card, a PIN or a guard's release was granted",
    Stimulus.REX: "the exit button was pressed, or is still pressed when its release is over or the lock was secured",
    Stimulus.CONTACT_OPENED: "the door contact says open",
    Stimulus.CONTACT_CLOSED: "the door contact says closed",
    Stimulus.REOPENED: "it opens again while its release still runs (a door that does not relock on closing)",
    Stimulus.RELEASE_ENDED: f"the release time and {RELEASE_GRACE_S} s of grace are over, the exit button not pressed",
    Stimulus.WARNING_DUE: "the open time less the pre-alarm time is over",
    Stimulus.HELD_DUE: "the open time is over",
    Stimulus.NEVER_RELEASED: "the board was away: no command of the release was sent",
    Stimulus.FREED: "its mode or a fire unlocks it",
    Stimulus.LOCKED_CLOSED: "neither mode nor fire keeps it unlocked any more, it is closed or has no contact",
    Stimulus.LOCKED_OPEN: "neither mode nor fire keeps it unlocked any more, it stands open",
}
_ACTION = {
    Action.RELEASE: "pulse the lock for the release time; a longer release that runs is not cut short",
    Action.HOLD_RELEASED: "release the lock until told otherwise; sent again until the board confirms it",
    Action.SECURE: "secure the lock now (after a pulse only where the door relocks on closing); sent again likewise",
    Action.SECURED_BY_BOARD: "the pulse has ended by itself: record it",
    Action.NOT_RELEASED: "no command went out: record that the door stayed locked",
    Action.START_OPEN_TIMERS: "start the open time",
    Action.STOP_OPEN_TIMERS: "stop the open time",
    Action.TAKEN: "event AccessTaken for everybody whose release runs",
    Action.NOT_TAKEN: "event AccessNotTaken for everybody who is left, where there is a contact to know it by; "
    "LockNotReleased instead for whom no command went out",
    Action.FORCED: "event DoorForcedOpen and its alarm",
    Action.WARN: "event DoorHeldWarning",
    Action.HELD: "event DoorHeldOpen and its alarm",
    Action.NORMAL: "the door's alarms are normal again",
}


def diagram() -> str:
    """The table as a Mermaid state diagram; stimuli that lead the same way share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (phase, stimulus), (following, _) in TABLE.items():
        arrows.setdefault((phase.value, following.value), []).append(stimulus.value)
    lines = [f"    {start} --> {end}: {', '.join(stimuli)}" for (start, end), stimuli in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> secure", *lines, "```"])


def page() -> str:
    """The whole of docs/doors.md."""
    rows = [
        f"| {phase} | {stimulus} | {following} | {', '.join(actions)} |"
        for (phase, stimulus), (following, actions) in TABLE.items()
    ]
    return "\n".join(
        [
            _HEAD + mode_section(),
            _PHASES + _lines({phase.value: _MEANING[phase] for phase in DoorPhase}),
            "",
            diagram(),
            "",
            "A pair that is not listed changes nothing.",
            "",
            "| phase | stimulus | next phase | actions, in order |",
            "|---|---|---|---|",
            *rows,
            "",
            "| stimulus | when |",
            "|---|---|",
            _lines({stimulus.value: _STIMULUS[stimulus] for stimulus in Stimulus}),
            "",
            "| action | what it does |",
            "|---|---|",
            _lines({action.value: _ACTION[action] for action in Action}),
            "",
            power_section(),
        ]
    )


def _lines(meaning: dict[str, str]) -> str:
    return "\n".join(f"| {name} | {text} |" for name, text in meaning.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
