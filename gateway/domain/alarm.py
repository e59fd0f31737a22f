"""Alarms: what a guard must see, from raised to resolved.

Two bits (active, acknowledged) and an end. One open alarm for each (kind, source): the same cause again is a
repeat. P1 and P2 end by a guard's outcome; P3 and P4 end by themselves once they are normal and acknowledged.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.domain.events import (
    AlarmAcknowledged,
    AlarmNormal,
    AlarmRaised,
    AlarmRepeated,
    AlarmResolved,
    Event,
)
from gateway.domain.moment import Moment
from gateway.domain.signals import Operator


class AlarmKind(StrEnum):
    """What can be wrong."""

    FIRE = "fire"
    PANIC = "panic"
    DURESS = "duress"
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    RISK = "risk"
    ANTIPASSBACK = "antipassback"
    DOOR_FORCED = "door_forced"
    DOOR_HELD = "door_held"
    LOCK_FOUND_RELEASED = "lock_found_released"
    INTRUSION = "intrusion"
    TAMPER = "tamper"
    FIRE_INPUT_FAULT = "fire_input_fault"
    INPUT_FAULT = "input_fault"
    CONTACT_FAULT = "contact_fault"
    REX_FAULT = "rex_fault"
    BATTERY_LOW = "battery_low"
    READER_TAMPER = "reader_tamper"
    WRONG_ATTEMPTS = "wrong_attempts"
    COMMAND_FAILED = "command_failed"
    NO_VALID_LIST = "no_valid_list"
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    EVENTS_LOST = "events_lost"
    HISTORY_FORKED = "history_forked"
    """Restored from an old image, or a second box has this one's identity."""
    DEVICE_LOST = "device_lost"
    PROCESS_LOST = "process_lost"
    OFFICE_LOST = "office_lost"
    LIST_REJECTED = "list_rejected"
    LIST_WAITING = "list_waiting"
    """The office's list would change much: it waits for a second yes."""
    LIST_OLD = "list_old"
    """For a day the office has not said that the list in force is its newest."""
    LIST_OUTDATED = "list_outdated"
    """For three days."""
    REX_STUCK = "rex_stuck"
    MAINS_LOST = "mains_lost"
    LIFT_FAULT = "lift_fault"
    PUMP_FAULT = "pump_fault"
    READER_POWER = "reader_power"
    DEVICE_MISCONFIGURED = "device_misconfigured"
    INSECURE_LINK = "insecure_link"
    LISTS_UNSIGNED = "lists_unsigned"
    CLOCK_SUSPECT = "clock_suspect"
    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"
    SIGNALS_LOST = "signals_lost"
    RUBBISH = "rubbish"
    TOUR = "tour"
    """A point of a guard tour, or a whole tour, is overdue or was missed."""


PRIORITY: dict[AlarmKind, int] = {
    AlarmKind.FIRE: 1,
    AlarmKind.PANIC: 1,
    AlarmKind.DURESS: 1,
    AlarmKind.IMPOSSIBLE_TRAVEL: 2,
    AlarmKind.RISK: 2,
    AlarmKind.DOOR_FORCED: 2,
    AlarmKind.DOOR_HELD: 2,
    AlarmKind.LOCK_FOUND_RELEASED: 2,
    AlarmKind.INTRUSION: 2,
    AlarmKind.TAMPER: 2,
    AlarmKind.FIRE_INPUT_FAULT: 2,
    AlarmKind.INPUT_FAULT: 2,
    AlarmKind.CONTACT_FAULT: 2,
    AlarmKind.REX_FAULT: 2,
    AlarmKind.BATTERY_LOW: 2,
    AlarmKind.READER_TAMPER: 2,
    AlarmKind.WRONG_ATTEMPTS: 2,
    AlarmKind.COMMAND_FAILED: 2,
    AlarmKind.NO_VALID_LIST: 2,
    AlarmKind.JOURNAL_UNAVAILABLE: 2,
    AlarmKind.EVENTS_LOST: 2,
    AlarmKind.CLOCK_SUSPECT: 2,
    AlarmKind.HISTORY_FORKED: 2,
    AlarmKind.LIST_OUTDATED: 2,
    AlarmKind.DEVICE_LOST: 3,
    AlarmKind.PROCESS_LOST: 3,
    AlarmKind.OFFICE_LOST: 3,
    AlarmKind.LIST_REJECTED: 3,
    AlarmKind.LIST_WAITING: 3,
    AlarmKind.LIST_OLD: 3,
    AlarmKind.REX_STUCK: 3,
    AlarmKind.MAINS_LOST: 3,
    AlarmKind.LIFT_FAULT: 3,
    AlarmKind.PUMP_FAULT: 3,
    AlarmKind.READER_POWER: 3,
    AlarmKind.DEVICE_MISCONFIGURED: 3,
    AlarmKind.INSECURE_LINK: 3,
    AlarmKind.LISTS_UNSIGNED: 3,
    AlarmKind.CLOCK_UNSYNCHRONISED: 3,
    AlarmKind.SIGNALS_LOST: 3,
    AlarmKind.ANTIPASSBACK: 3,
    AlarmKind.TOUR: 3,
    AlarmKind.RUBBISH: 4,
}


EACH_TIME_ANEW = (
    AlarmKind.DURESS,
    AlarmKind.IMPOSSIBLE_TRAVEL,
    AlarmKind.RISK,
    AlarmKind.WRONG_ATTEMPTS,
    AlarmKind.TOUR,
)
"""What happened once more is something else: another time, another point or round of a tour. It must be seen anew."""
STANDING = (
    AlarmKind.INSECURE_LINK,
    AlarmKind.LISTS_UNSIGNED,
    AlarmKind.LIST_WAITING,
    AlarmKind.LIST_OLD,
    AlarmKind.LIST_OUTDATED,
    AlarmKind.JOURNAL_UNAVAILABLE,
    AlarmKind.CLOCK_SUSPECT,
    AlarmKind.CLOCK_UNSYNCHRONISED,
)
"""What these say stays true until it is mended: no guard's outcome ends them before."""


class AlarmOutcome(StrEnum):
    """How a guard ends an alarm; `RETURNED_TO_NORMAL` is the gateway's own."""

    REAL = "real"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    TECHNICAL = "technical"
    OTHER = "other"
    RETURNED_TO_NORMAL = "returned_to_normal"


EVIDENCE_KEPT = 20
"""Files of one alarm that are known by name; more than one recording of a repeated cause brings."""
REPEAT_TOLD_AFTER_S = 10.0
"""A chattering cause is counted at once and journalled at most this often, so that it can't fill the disk.

One that goes away and comes back within this time is told at once the first time; then it is held back until the
time is over, and told if it is still there.
"""


@dataclass(slots=True)
class OpenAlarm:
    """An alarm that has not ended."""

    alarm: str
    kind: str
    priority: int
    source: str
    active: bool = True
    acknowledged: bool = False
    count: int = 1
    told_s: float = 0.0
    returned: bool = False
    """It was told at once that it is back; not so again before its time."""
    held_back: bool = False
    """Active, while the last that was told is that it is normal."""

    evidence: list[str] = field(default_factory=list)
    """The newest files that belong to it, by path."""

    def told_lately(self, moment: Moment) -> bool:
        """Was it told that it is active, too little a time ago to tell it again?"""
        return self.told_s <= moment.monotonic_s < self.told_s + REPEAT_TOLD_AFTER_S


class AlarmBook:
    """The open alarms. Each method returns the events of what changed."""

    def __init__(self, alarms: dict[str, OpenAlarm] | None = None, next_number: int = 1) -> None:
        self.open = alarms or {}
        self.next_number = next_number

    def raise_alarm(
        self, kind: AlarmKind, source: str, moment: Moment, *, door: str | None = None, camera: str | None = None
    ) -> list[Event]:
        """Raise it, or count a repeat of the open one."""
        found = self._find(kind, source)
        if found is not None:
            return self._repeat(found, moment)
        alarm = f"a-{self.next_number}"
        self.next_number += 1
        priority = PRIORITY[kind]
        self.open[alarm] = OpenAlarm(alarm, kind.value, priority, source, told_s=moment.monotonic_s)
        return [AlarmRaised(alarm=alarm, kind=kind.value, priority=priority, source=source, door=door, camera=camera)]

    def normal(self, kind: AlarmKind, source: str) -> list[Event]:
        """The cause is gone."""
        found = self._find(kind, source)
        if found is None or not found.active:
            return []
        found.active = False
        if found.held_back:
            found.held_back = False
            return []
        return [AlarmNormal(alarm=found.alarm), *self._end_by_itself(found)]

    def acknowledge(self, alarm: str, operator: Operator) -> tuple[str | None, list[Event]]:
        """(refusal code or None, events)."""
        found = self.open.get(alarm)
        if found is None:
            return "AlarmNotOpen", []
        if found.acknowledged:
            return "AlreadyAcknowledged", []
        # What is acknowledged is what was told: first that it is back.
        back = [self._tell_repeat(found)] if found.held_back else []
        found.acknowledged = True
        if found.kind in EACH_TIME_ANEW:
            found.told_s = -REPEAT_TOLD_AFTER_S  # Whoever has seen it hasn't seen the next one: that is told at once.
        told = AlarmAcknowledged(alarm=alarm, actor=operator.name, post=operator.post)
        return None, [*back, told, *self._end_by_itself(found)]

    def resolve(self, alarm: str, outcome: str, note: str, operator: Operator) -> tuple[str | None, list[Event]]:
        """(refusal code or None, events). A fire alarm ends only after the release was cleared."""
        found = self.open.get(alarm)
        if found is None:
            return "AlarmNotOpen", []
        if outcome not in (*AlarmOutcome,) or outcome == AlarmOutcome.RETURNED_TO_NORMAL:
            return "OutcomeUnknown", []
        if found.kind == AlarmKind.FIRE and found.active:
            return "FireNotCleared", []
        if found.kind in STANDING and found.active:
            return "StillActive", []
        del self.open[alarm]
        return None, [AlarmResolved(alarm=alarm, outcome=outcome, note=note, actor=operator.name, post=operator.post)]

    def settle(self, moment: Moment) -> list[Event]:
        """Tell what was held back and is still there."""
        due = [found for found in self.open.values() if found.held_back and not found.told_lately(moment)]
        for found in due:
            found.told_s, found.returned = moment.monotonic_s, False
        return [self._tell_repeat(found) for found in due]

    def deadline_s(self) -> float | None:
        """When to settle next, monotonic seconds."""
        return min((a.told_s + REPEAT_TOLD_AFTER_S for a in self.open.values() if a.held_back), default=None)

    def keep_evidence(self, alarm: str, path: str) -> bool:
        """Tie a file to an alarm; False when it is tied to it already."""
        found = self.open.get(alarm)
        if found is None:
            return True
        if path in found.evidence:
            return False
        found.evidence = [*found.evidence, path][-EVIDENCE_KEPT:]
        return True

    def is_active(self, kind: AlarmKind, source: str) -> bool:
        """Is it open, and its cause there?"""
        found = self._find(kind, source)
        return found is not None and found.active

    def find(self, kind: AlarmKind, source: str) -> str | None:
        """The open alarm's id."""
        found = self._find(kind, source)
        return None if found is None else found.alarm

    def was_raised(self, alarm: str) -> bool:
        """Is it the id of an alarm that was raised at some time, ended or not?"""
        number = alarm.removeprefix("a-")
        return alarm == f"a-{number}" and number.isascii() and number.isdigit() and 0 < int(number) < self.next_number

    def _find(self, kind: AlarmKind, source: str) -> OpenAlarm | None:
        return next((a for a in self.open.values() if a.kind == kind.value and a.source == source), None)

    def _repeat(self, found: OpenAlarm, moment: Moment) -> list[Event]:
        found.count += 1
        was_active, found.active = found.active, True
        found.held_back = found.held_back or not was_active
        lately = found.told_lately(moment)
        if lately and (was_active or found.returned):
            return []
        found.told_s, found.returned = moment.monotonic_s, lately
        return [self._tell_repeat(found)]

    @staticmethod
    def _tell_repeat(found: OpenAlarm) -> AlarmRepeated:
        # What was seen and went away is back: somebody must see it again.
        found.acknowledged = found.acknowledged and not found.held_back and found.kind not in EACH_TIME_ANEW
        found.held_back = False
        return AlarmRepeated(alarm=found.alarm, count=found.count)

    def _end_by_itself(self, found: OpenAlarm) -> list[Event]:
        if found.active or not found.acknowledged or found.priority <= 2:
            return []
        del self.open[found.alarm]
        outcome = AlarmOutcome.RETURNED_TO_NORMAL.value
        return [AlarmResolved(alarm=found.alarm, outcome=outcome, note="", actor="gateway", post="")]
