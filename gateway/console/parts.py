"""What the console is built from: everything it needs from outside comes in here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from gateway.clock import Clock
from gateway.console.users import UserStore
from gateway.domain.ports import DoorsPort, JournalHead, RecordedEvent

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNames:
    """The site's things by id, with their names for people. `camera_doors`: the doors that a camera sees."""

    id: str
    zone: str
    name: Names = field(default_factory=dict)
    doors: Mapping[str, Names] = field(default_factory=dict)
    cameras: Mapping[str, Names] = field(default_factory=dict)
    inputs: Mapping[str, Names] = field(default_factory=dict)
    devices: Mapping[str, Names] = field(default_factory=dict)
    camera_doors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def named(self, thing: str, language: str, kind: str = "") -> str:
        """The name of a door, camera, input or device; its id where it has none.

        A door and a camera may share an id: `kind` (`door`, `camera`, `input`, `device`) says which is meant.
        """
        kinds = {"door": self.doors, "camera": self.cameras, "input": self.inputs, "device": self.devices}
        for names in (kinds.get(kind, {}), *kinds.values()):
            if thing in names:
                return names[thing].get(language) or thing
        return thing


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """The console's parts. `card_label` gives the office's label of a credential id, "" when it has none.

    `doors` may be shared with nothing else; `journal` is used from one thread. `data_dir` holds `evidence/`.
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
