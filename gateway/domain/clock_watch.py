"""The clock, looked at in every turn: jumps are recorded, and a clock that nobody keeps is an alarm."""

from datetime import timedelta

from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.events import ClockOffset, Event
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.snapshot import ControllerState, DueAlarm

JUMP_S = 2.0
"""Between two looks, a minute apart at most, a clock is slewed by some hundredths of a second; more is a jump."""
SOURCE = "clock"


class ClockWatch:
    """Compares each moment with the one before.

    How far the clock has jumped over a start it doesn't know; that it was suspect it does.
    """

    def __init__(self, alarms: AlarmBook, state: ControllerState, unsynchronised_alarm_s: float) -> None:
        self._alarms, self._state, self._patience_s = alarms, state, unsynchronised_alarm_s
        self._last: Moment | None = None

    def look(self, moment: Moment) -> list[Event]:
        """What the new moment tells: a jump, or that the time is no longer suspect. Call it with every turn's."""
        last, self._last = self._last, moment
        trusted_again = self._note_suspicion(moment)
        if last is None or last.boot_id != moment.boot_id:
            expected, was = moment.wall, ClockQuality.SUSPECT
        else:
            expected, was = last.wall + timedelta(seconds=moment.monotonic_s - last.monotonic_s), last.quality
        offset_s = (moment.wall - expected).total_seconds()
        if abs(offset_s) <= JUMP_S and not trusted_again:
            return []
        return [
            ClockOffset(
                wall_before=expected,
                wall_after=moment.wall,
                offset_s=round(offset_s, 6),
                boot=moment.boot_id,
                was=was.value,
            )
        ]

    def _note_suspicion(self, moment: Moment) -> bool:
        """Keep in which boot the clock is suspect; True when in this one it no longer is."""
        before = self._state.clock_suspect_in
        self._state.clock_suspect_in = moment.boot_id if moment.quality is ClockQuality.SUSPECT else None
        return before == moment.boot_id and self._state.clock_suspect_in is None

    def judge(self, moment: Moment) -> list[Event]:
        """Raise and end the clock's alarms. Called once a minute."""
        suspect = moment.quality is ClockQuality.SUSPECT
        events = self._settle(AlarmKind.CLOCK_SUSPECT, suspect, moment)
        if moment.quality is ClockQuality.SYNCHRONISED:
            self._state.clock_due = None
        elif self._state.clock_due is None:
            self._state.clock_due = DueAlarm(moment.monotonic_s + self._patience_s, moment.boot_id)
        due = self._state.clock_due
        return events + self._settle(
            AlarmKind.CLOCK_UNSYNCHRONISED, not suspect and due is not None and due.is_over(moment), moment
        )

    def _settle(self, kind: AlarmKind, present: bool, moment: Moment) -> list[Event]:
        if not present:
            return self._alarms.normal(kind, SOURCE)
        return [] if self._alarms.is_active(kind, SOURCE) else self._alarms.raise_alarm(kind, SOURCE, moment)
