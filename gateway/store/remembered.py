"""What a start goes on from: the newest state and all facts, as far as they can be read."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.domain.alarm import AlarmKind
from gateway.domain.register import Fact
from gateway.domain.snapshot import ControllerState
from gateway.errors import JournalUnavailable
from gateway.store.journal_reader import SqliteJournalReader

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Remembered:
    """`state` is None where there is no checkpoint that this program can read."""

    state: ControllerState | None
    facts: list[Fact]


def read_remembered(journal: Path) -> Remembered:
    """Read both. An unreadable journal raises nothing: doors that forget are better than doors that stay shut."""
    state = read_as_it_lies(journal, newest_state, "state")
    return Remembered(state, read_as_it_lies(journal, SqliteJournalReader.facts, "facts") or [])


def newest_state(reader: SqliteJournalReader) -> ControllerState | None:
    """The newest state that this program can read. Raises JournalUnavailable when the file can't be read."""
    for row_id, checkpoint in reader.checkpoints():
        try:
            return msgspec.convert(checkpoint, ControllerState)
        except msgspec.ValidationError as error:
            log.error("the checkpoint after event %d can't be read: %s", row_id, error)
    return None


def untold_fork(journal: Path) -> str | None:
    """The epoch of a fork of which no alarm was recorded: the process died in between. None where there is none."""
    return read_as_it_lies(journal, _untold_fork, "last fork")


def _untold_fork(reader: SqliteJournalReader) -> str | None:
    forked = reader.search(types=["HistoryForked"], limit=1)
    raised = reader.search(types=["AlarmRaised", "AlarmRepeated"], text=AlarmKind.HISTORY_FORKED.value, limit=1)
    if not forked or (raised and raised[0].row_id > forked[0].row_id):
        return None
    return forked[0].epoch


def read_as_it_lies(journal: Path, ask: Callable[[SqliteJournalReader], _Found], what: str) -> _Found | None:
    """What `ask` finds, None where it can't be read; `what` names it in the log.

    A disk that is full to the last byte has no room for what SQLite needs beside a file; then it is read at rest.
    """
    for at_rest in (False, True):
        reader = SqliteJournalReader(journal, at_rest=at_rest)
        try:
            return ask(reader)
        except JournalUnavailable as error:
            log.error("the %s in %s can't be read%s: %s", what, journal.name, " at rest" if at_rest else "", error)
        finally:
            reader.close()
    return None
