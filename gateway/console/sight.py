"""A duress at a door that the console's post can see: nothing on the page may tell whoever stands there.

A guard's page learns nothing of it at all. A supervisor's has the alarm in its list, without a sound or a popup, and
not in what runs by itself: the events and the counts.
"""

from gateway.console.projection import AlarmView, Projection
from gateway.console.users import Role
from gateway.domain.alarm import AlarmKind
from gateway.domain.ports import RecordedEvent


class Sight:
    """What the post's doors in sight make of alarms and events."""

    def __init__(self, sees: frozenset[str]) -> None:
        self._sees = sees

    def is_quiet(self, alarm: AlarmView) -> bool:
        """Must this alarm not come forward by itself?"""
        return alarm.kind == AlarmKind.DURESS and alarm.door in self._sees

    def may_know(self, alarm: AlarmView, role: Role) -> bool:
        """May somebody of this role find the alarm at this post?"""
        return role is Role.SUPERVISOR or not self.is_quiet(alarm)

    def hides(self, event: RecordedEvent, projection: Projection) -> bool:
        """Does this event tell of such a duress?"""
        body = event.body
        if not self._sees:
            return False
        if event.type == "DuressUsed" or (event.type == "AlarmRaised" and body.get("kind") == AlarmKind.DURESS):
            return body.get("door") in self._sees
        return projection.duress.get(str(body.get("alarm"))) in self._sees

    def listed(self, projection: Projection, role: Role) -> list[AlarmView]:
        """The alarms as `Projection.listed` has them; quiet ones after the other open ones."""
        found = [alarm for alarm in projection.listed() if self.may_know(alarm, role)]
        return sorted(found, key=lambda alarm: alarm.state == "resolved" or self.is_quiet(alarm))
