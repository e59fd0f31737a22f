"""What a start goes on from: the newest state and all facts, as far as they can be read."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.register import Fact
from gateway.domain.snapshot import ControllerState
from gateway.errors import JournalUnavailable
from gateway.store.journal_reader import SqliteJournalReader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Remembered:
    """`state` is None where there is no checkpoint that this program can read."""

    state: ControllerState | None
    facts: list[Fact]


def read_remembered(journal: Path) -> Remembered:
    """Read both. Never raises for a journal that can't be read: doors that forget are better than doors that stay shut.

    A disk that is full to the last byte has no room for what SQLite needs beside a file; then it is read at rest.
    """
    for at_rest in (False, True):
        reader = SqliteJournalReader(journal, at_rest=at_rest)
        try:
            checkpoint, facts = reader.latest_checkpoint(), reader.facts()
        except JournalUnavailable as error:
            log.error("the journal's state and facts can't be read%s: %s", " at rest" if at_rest else "", error)
            continue
        finally:
            reader.close()
        return Remembered(None if checkpoint is None else _state(checkpoint[1]), facts)
    return Remembered(None, [])


def _state(checkpoint: dict[str, Any]) -> ControllerState | None:
    try:
        return msgspec.convert(checkpoint, ControllerState)
    except msgspec.ValidationError as error:
        log.error("the last checkpoint can't be read, starting from the wiring alone: %s", error)
        return None
