"""Motion in a zone -> an observation that starts once and always ends. Pure: one table, times are handed in."""

from dataclasses import dataclass
from enum import StrEnum

from analytics.settings import RuleSettings


class RuleState(StrEnum):
    """Where a zone is."""

    IDLE = "idle"
    RISING = "rising"
    """Something moves, not yet for long enough."""
    ACTIVE = "active"
    FADING = "fading"
    """Told as started; nothing moves just now."""
    SPENT = "spent"
    """It lasted too long and was ended; waits for quiet before it may start again."""
    SETTLING = "settling"
    """Spent, and nothing moves just now."""


class Stimulus(StrEnum):
    """What can happen to a zone."""

    MOTION = "motion"
    STILL = "still"
    SETTLED = "settled"
    """It has moved for `settle_s`."""
    QUIET = "quiet"
    """Nothing has moved for `quiet_s`."""
    TOO_LONG = "too_long"
    LOST = "lost"
    """The stream is gone: nobody knows what moves."""


class Outcome(StrEnum):
    """What is told."""

    NOTHING = "nothing"
    STARTED = "started"
    ENDED = "ended"
    TIMED_OUT = "timed_out"


_S, _M, _O = RuleState, Stimulus, Outcome

TABLE: dict[tuple[RuleState, Stimulus], tuple[RuleState, Outcome]] = {
    (_S.IDLE, _M.MOTION): (_S.RISING, _O.NOTHING),
    (_S.RISING, _M.STILL): (_S.IDLE, _O.NOTHING),
    (_S.RISING, _M.SETTLED): (_S.ACTIVE, _O.STARTED),
    (_S.RISING, _M.LOST): (_S.IDLE, _O.NOTHING),
    (_S.ACTIVE, _M.STILL): (_S.FADING, _O.NOTHING),
    (_S.ACTIVE, _M.TOO_LONG): (_S.SPENT, _O.TIMED_OUT),
    (_S.ACTIVE, _M.LOST): (_S.IDLE, _O.TIMED_OUT),
    (_S.FADING, _M.MOTION): (_S.ACTIVE, _O.NOTHING),
    (_S.FADING, _M.QUIET): (_S.IDLE, _O.ENDED),
    (_S.FADING, _M.TOO_LONG): (_S.SETTLING, _O.TIMED_OUT),
    (_S.FADING, _M.LOST): (_S.IDLE, _O.TIMED_OUT),
    (_S.SPENT, _M.STILL): (_S.SETTLING, _O.NOTHING),
    (_S.SPENT, _M.LOST): (_S.IDLE, _O.NOTHING),
    (_S.SETTLING, _M.MOTION): (_S.SPENT, _O.NOTHING),
    (_S.SETTLING, _M.QUIET): (_S.IDLE, _O.NOTHING),
    (_S.SETTLING, _M.LOST): (_S.IDLE, _O.NOTHING),
}
"""What isn't here changes nothing."""


@dataclass(frozen=True, slots=True)
class ZoneRule:
    """One zone's state; `since_s` is when the state was entered, `started_s` when the observation began (monotonic
    seconds)."""

    state: RuleState = RuleState.IDLE
    since_s: float = 0.0
    started_s: float | None = None

    @property
    def observing(self) -> bool:
        """Whether an observation is open."""
        return self.state in (RuleState.ACTIVE, RuleState.FADING)


def advance(rule: ZoneRule, moves: bool, now_s: float, settings: RuleSettings) -> tuple[ZoneRule, Outcome]:
    """One analysed frame: whether something moves in the zone."""
    rule, _ = _apply(rule, Stimulus.MOTION if moves else Stimulus.STILL, now_s)
    return check(rule, now_s, settings)


def check(rule: ZoneRule, now_s: float, settings: RuleSettings) -> tuple[ZoneRule, Outcome]:
    """Let time pass: deadlines that have come."""
    if rule.started_s is not None and now_s - rule.started_s >= settings.longest_s:
        return _apply(rule, Stimulus.TOO_LONG, now_s)
    passed = now_s - rule.since_s
    if rule.state is RuleState.RISING and passed >= settings.settle_s:
        return _apply(rule, Stimulus.SETTLED, now_s)
    if rule.state in (RuleState.FADING, RuleState.SETTLING) and passed >= settings.quiet_s:
        return _apply(rule, Stimulus.QUIET, now_s)
    return rule, Outcome.NOTHING


def lose(rule: ZoneRule, now_s: float) -> tuple[ZoneRule, Outcome]:
    """The stream was lost: what is open ends."""
    return _apply(rule, Stimulus.LOST, now_s)


def _apply(rule: ZoneRule, stimulus: Stimulus, now_s: float) -> tuple[ZoneRule, Outcome]:
    found = TABLE.get((rule.state, stimulus))
    if found is None:
        return rule, Outcome.NOTHING
    state, outcome = found
    started = now_s if outcome is Outcome.STARTED else rule.started_s
    if outcome in (Outcome.ENDED, Outcome.TIMED_OUT):
        started = None
    return ZoneRule(state, now_s, started), outcome
