"""What every event is: see `gateway.domain.events`."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """The class name is the event's type in the journal, `version` its schema version."""

    version: ClassVar[int] = 1
