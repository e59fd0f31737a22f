"""What Home Assistant is told of a site (pure): its entities, their states, and what happened.

MQTT discovery as home-assistant.io documents it (MQTT: discovery; binary_sensor, sensor, event). Nothing here has a
command topic: a door is looked at from there, never opened.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.domain.alarm import AlarmKind
from gateway.domain.ports import RecordedEvent

ONLINE, OFFLINE = "online", "offline"
HAPPENED = (
    "AccessGranted",
    "AccessDenied",
    "AccessTaken",
    "AccessNotTaken",
    "ExitPressed",
    "OpenedByGuard",
    "DoorOpened",
    "DoorClosed",
    "DoorForcedOpen",
    "DoorHeldOpen",
    "LockdownStarted",
    "LockdownReleased",
    "FireDetected",
    "FireCleared",
    "AlarmRaised",
    "AlarmResolved",
)
"""The events that are told as they happen."""

CONTACT_EVENTS = {"DoorOpened": "ON", "DoorClosed": "OFF"}
LOCK_EVENTS = {"LockReleased": "ON", "LockNotReleased": "OFF", "LockSecured": "OFF", "LockFoundReleased": "OFF"}
ALARM_EVENTS = ("AlarmRaised", "AlarmResolved")

WORDS = {
    "en": {
        "alarm": "Alarm",
        "open_alarms": "Open alarms",
        "happened": "Last event",
        "lock": ": lock",
        "door": ": door",
    },
    "zh-CN": {
        "alarm": "报警",
        "open_alarms": "未处理报警",
        "happened": "最近事件",
        "lock": "：门锁",
        "door": "：门状态",
    },
}

_MOST_OPEN = 10_000
"""Alarms of a night in which nobody looks."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; a retained one without a payload takes an entity back."""

    topic: str
    payload: str
    retain: bool = True


@dataclass(frozen=True, slots=True)
class SiteEntities:
    """A site as it is announced. `doors` are their names, `contacts` the doors that have one.

    `people`: the opaque ids of cardholders go along with what happened.
    """

    site: str
    name: str
    prefix: str
    software: str
    doors: Mapping[str, str]
    contacts: frozenset[str]
    people: bool = False
    language: str = "en"

    @property
    def availability(self) -> str:
        """Where the gateway's last will says whether it is there."""
        return self._topic("availability")

    def announcements(self) -> list[Message]:
        """The retained configuration of every entity."""
        words = WORDS[self.language]
        found = [
            self._entity("binary_sensor", "alarm", words["alarm"], device_class="problem"),
            self._entity("sensor", "open_alarms", words["open_alarms"], state_class="measurement"),
            self._entity("event", "happened", words["happened"], event_types=list(HAPPENED)),
        ]
        for door, name in self.doors.items():
            found.append(self._entity("binary_sensor", f"{door}_lock", f"{name}{words['lock']}", device_class="lock"))
            if door in self.contacts:
                found.append(
                    self._entity("binary_sensor", f"{door}_contact", f"{name}{words['door']}", device_class="door")
                )
        return found

    def state(self, entity: str, payload: str, *, retain: bool = True) -> Message:
        """An entity's state."""
        return Message(self._topic(entity), payload, retain)

    def happened(self, event: RecordedEvent) -> Message | None:
        """An event as it is told; None for what is not told, and always for duress."""
        body = event.body
        if event.type not in HAPPENED or body.get("kind") == AlarmKind.DURESS:
            return None
        at = event.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told: dict[str, Any] = {"event_type": event.type, "at": at}
        told |= {key: body[key] for key in ("door", "access_point", "kind", "priority") if body.get(key) is not None}
        if self.people:
            people = [subject.partition(":")[2] for subject in event.subjects if subject.startswith("cardholder:")]
            told |= {"cardholder": people[0]} if people else {}
        return self.state("happened", json.dumps(told), retain=False)

    def _entity(self, component: str, entity: str, name: str, **more: Any) -> Message:
        config: dict[str, Any] = {
            "name": name,
            "unique_id": f"gatehouse_{self.site}_{entity}",
            "state_topic": self._topic(entity),
            "availability_topic": self.availability,
            "device": {
                "identifiers": [f"gatehouse_{self.site}"],
                "name": self.name,
                "manufacturer": "Gatehouse",
                "sw_version": self.software,
            },
        }
        topic = f"{self.prefix}/{component}/gatehouse_{self.site}/{entity}/config"
        return Message(topic, json.dumps(config | more, ensure_ascii=False))

    def _topic(self, entity: str) -> str:
        return f"gatehouse-state/{self.site}/{entity}"


@dataclass(slots=True)
class States:
    """What is so now, event by event. Duress shows nowhere."""

    entities: SiteEntities
    values: dict[str, str] = field(default_factory=dict)
    _open: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._count()

    def apply(self, event: RecordedEvent) -> list[Message]:
        """Take an event in; what has changed by it."""
        before = dict(self.values)
        door = event.body.get("door")
        if door in self.entities.doors:
            if event.type in LOCK_EVENTS:
                self.values[f"{door}_lock"] = LOCK_EVENTS[event.type]
            if event.type in CONTACT_EVENTS and door in self.entities.contacts:
                self.values[f"{door}_contact"] = CONTACT_EVENTS[event.type]
        if event.type in ALARM_EVENTS:
            self._alarm(event)
        return self.messages(entity for entity in self.values if before.get(entity) != self.values[entity])

    def messages(self, entities: Iterable[str] | None = None) -> list[Message]:
        """The states of these entities, or of all that are known."""
        chosen = self.values if entities is None else entities
        return [self.entities.state(entity, self.values[entity]) for entity in chosen]

    def _alarm(self, event: RecordedEvent) -> None:
        alarm = str(event.body.get("alarm"))
        if event.type == "AlarmResolved":
            self._open.pop(alarm, None)
        elif event.body.get("kind") != AlarmKind.DURESS and len(self._open) < _MOST_OPEN:
            self._open[alarm] = int(event.body.get("priority", 4))
        self._count()

    def _count(self) -> None:
        self.values["open_alarms"] = str(len(self._open))
        self.values["alarm"] = "ON" if any(priority <= 2 for priority in self._open.values()) else "OFF"
