"""What the console is built from: everything it needs from outside comes in here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from gateway.clock import Clock
from gateway.console.users import UserStore
from gateway.domain.ports import DoorsPort, JournalHead, RecordedEvent
from gateway.domain.register import Fact
from gateway.domain.tour import Tour

Names = Mapping[str, str]
"""A thing's name by language tag: `zh-CN`, `en`."""

LANGUAGES = ("zh-CN", "en")


class ConsoleJournal(Protocol):
    """What the console asks of the journal: reading only. Called from one thread that belongs to the console."""

    def after(self, row_id: int, limit: int) -> list[RecordedEvent]:
        """The next events in row order."""
        ...

    def head(self) -> JournalHead | None:
        """The last event's place."""
        ...

    def search(
        self,
        *,
        types: Any = None,
        subject: str | None = None,
        text: str | None = None,
        before_row: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[RecordedEvent]:
        """Events that fit, newest first."""
        ...

    def event(self, event_id: str) -> RecordedEvent | None:
        """One event by its UUID."""
        ...

    def facts(self, kind: str | None = None) -> list[Fact]:
        """What is remembered beside the events, of one kind or of all; no value is None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNames:
    """The site's things by id, with their names for people; things that the site gave no name are missing.

    `camera_doors`: the doors that a camera sees. `point_doors`: the door that an access point leads through.
    `group_doors`: the doors of a door group. `tour_points`: a tour's points by reader, in its order. `lock_devices` and
    `contact_devices`: the boards that a door hangs on.
    """

    id: str
    zone: str
    name: Names = field(default_factory=dict)
    doors: Mapping[str, Names] = field(default_factory=dict)
    cameras: Mapping[str, Names] = field(default_factory=dict)
    inputs: Mapping[str, Names] = field(default_factory=dict)
    outputs: Mapping[str, Names] = field(default_factory=dict)
    devices: Mapping[str, Names] = field(default_factory=dict)
    access_points: Mapping[str, Names] = field(default_factory=dict)
    areas: Mapping[str, Names] = field(default_factory=dict)
    lifts: Mapping[str, Names] = field(default_factory=dict)
    door_groups: Mapping[str, Names] = field(default_factory=dict)
    tours: Mapping[str, Names] = field(default_factory=dict)
    tour_points: Mapping[str, Mapping[str, Names]] = field(default_factory=dict)
    camera_doors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    point_doors: Mapping[str, str | None] = field(default_factory=dict)
    group_doors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lock_devices: Mapping[str, str] = field(default_factory=dict)
    contact_devices: Mapping[str, str] = field(default_factory=dict)

    def named(self, thing: str, language: str, kind: str = "") -> str:
        """The name of a door, camera, input, device, access point, area, lift or door group; its id without one.

        Things of different kinds may share an id: `kind` (`door`, `camera`, `access_point` …) says which is meant.
        """
        kinds = {
            "door": self.doors,
            "camera": self.cameras,
            "input": self.inputs,
            "siren": self.outputs,
            "device": self.devices,
            "access_point": self.access_points,
            "area": self.areas,
            "lift": self.lifts,
            "door_group": self.door_groups,
            "tour": self.tours,
        }
        if kind == "access_point" and thing not in self.access_points and self.point_doors.get(thing):
            return self._point_by_door(thing, language)
        for names in (kinds[kind],) if kind in _OWN_IDS else (kinds.get(kind, {}), *kinds.values()):
            if thing in names:
                return names[thing].get(language) or thing
        return thing

    def camera_of(self, door: str | None) -> str | None:
        """The first camera that sees a door."""
        return next((camera for camera, doors in self.camera_doors.items() if door in doors), None)

    def tour_point(self, reader: str, language: str, tour: str | None = None) -> str:
        """A reader as a point of a tour; without one, of the first tour that has it."""
        points = self.tour_points.get(tour or "") or next((p for p in self.tour_points.values() if reader in p), {})
        return points.get(reader, {}).get(language) or self.named(reader, language, "device")

    def _point_by_door(self, point: str, language: str) -> str:
        """An access point without a name of its own goes by its door's; one of several also by its id."""
        door = self.point_doors[point] or ""
        name = self.named(door, language, "door")
        several = sum(1 for other in self.point_doors.values() if other == door) > 1
        return f"{name} ({point})" if several else name


_OWN_IDS = ("area", "door_group", "tour")
"""The office's areas and the site's door groups and tours have nothing to do with a door of the same id."""


def _unknown(_cardholder: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A credential of the list in force that has a label, and whose it is."""

    credential: str
    cardholder: str
    label: str


def _nobody(_text: str) -> Sequence[Labelled]:
    return ()


def _no_areas() -> Mapping[str, int | None]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """The console's parts. `card_label` gives the office's label of a credential id, "" when it has none.

    So do, of a cardholder, `holder_kind` (a `CardholderKind`) and `holder_label` (one of their cards'). `area_limits`
    says how many people each area takes, None for any number; `find_labels`
    whose label has some words in it. All may be called from several threads. `doors` may be
    shared with nothing else; `journal` is used from one thread. `data_dir` holds `evidence/`. `sees` are the doors in
    sight of the post: no duress there may show on the page. `tours` are the site's.
    """

    site: SiteNames
    journal: ConsoleJournal
    doors: DoorsPort
    data_dir: Path
    clock: Clock
    users: UserStore
    card_label: Callable[[str], str]
    cameras_socket: Path
    post: str
    holder_kind: Callable[[str], str] = _unknown
    holder_label: Callable[[str], str] = _unknown
    area_limits: Callable[[], Mapping[str, int | None]] = _no_areas
    find_labels: Callable[[str], Sequence[Labelled]] = _nobody
    sees: frozenset[str] = frozenset()
    tours: Mapping[str, Tour] = field(default_factory=dict)
