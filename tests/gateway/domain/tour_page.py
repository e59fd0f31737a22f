"""Draws docs/tours.md from the table of a round: `python -m tests.gateway.domain.tour_page` writes it anew."""

from pathlib import Path

from gateway.domain.tour import ENDED, TABLE, Action, RoundPhase, Stimulus

PAGE = Path(__file__).parents[3] / "docs" / "tours.md"

_HEAD = """# What a round of a guard tour does

This page is drawn from the table in `gateway/domain/tour.py`; don't edit it, run
`python -m tests.gateway.domain.tour_page`. What a tour means is told in [the manual](access.md#guard-tours).

| phase | meaning |
|---|---|
"""
_MEANING = {
    RoundPhase.AWAITED: "it has started; nobody was at its first point yet",
    RoundPhase.LATE: "the same, and the time for that is over: an alarm",
    RoundPhase.UNDER_WAY: "somebody walks it",
    RoundPhase.OVERDUE: "the time for the next point is over: an alarm",
    RoundPhase.COMPLETED: "every point was visited",
    RoundPhase.INCOMPLETE: "no point is left, and not all were visited",
    RoundPhase.MISSED: "nobody came",
    RoundPhase.STOPPED: "a guard ended it",
}
_STIMULUS = {
    Stimulus.VISITED: "its guard was at a point that is left",
    Stimulus.LATEST_PASSED: "the latest time for what is awaited is over",
    Stimulus.GRACE_PASSED: "its grace is over, too",
    Stimulus.ALL_VISITED: "no point is left, and none was missed",
    Stimulus.REST_MISSED: "no point is left, and some were missed",
    Stimulus.STOPPED: "a guard at the console ends it",
    Stimulus.WITHDRAWN: "the site's config has the tour no more, or with other points",
}
_ACTION = {
    Action.COUNT_VISIT: "event TourPointVisited or TourPointOutOfOrder",
    Action.TELL_OVERDUE: "event TourPointOverdue, and the alarm",
    Action.MISS_POINT: "event TourPointMissed, and the alarm once more",
    Action.MISS_TOUR: "event TourMissed, and the alarm once more",
    Action.COMPLETE: "event TourCompleted",
    Action.LEAVE_INCOMPLETE: "event TourLeftIncomplete",
    Action.STOP: "event TourStopped",
}


def diagram() -> str:
    """The table as a Mermaid state diagram; stimuli that lead the same way share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (phase, stimulus), (following, _) in TABLE.items():
        arrows.setdefault((phase.value, following.value), []).append(stimulus.value)
    lines = [f"    {start} --> {end}: {', '.join(stimuli)}" for (start, end), stimuli in arrows.items()]
    ends = [f"    {phase.value} --> [*]" for phase in RoundPhase if phase in ENDED]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> awaited", *lines, *ends, "```"])


def page() -> str:
    """The whole of docs/tours.md."""
    rows = [f"| {phase} | {stimulus} | {then} | {action} |" for (phase, stimulus), (then, action) in TABLE.items()]
    return "\n".join(
        [
            _HEAD + _lines({phase.value: _MEANING[phase] for phase in RoundPhase}),
            "",
            diagram(),
            "",
            "A pair that is not listed doesn't happen. While a round is late or overdue, its alarm is active.",
            "",
            "| phase | stimulus | next phase | action |",
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
        ]
    )


def _lines(meaning: dict[str, str]) -> str:
    return "\n".join(f"| {name} | {text} |" for name, text in meaning.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
