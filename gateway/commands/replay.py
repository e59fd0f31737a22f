"""`gatehouse replay`: recorded decisions, decided again by the list in force or by another one.

The input of each decision is in its event (`gateway.domain.access_record`); only the list comes from elsewhere.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.commands.data_folder import DataFolder
from gateway.commands.decide import open_document, read_list
from gateway.commands.recalled_list import ListById, RecalledList
from gateway.commands.times import parse_time
from gateway.console.messages import Catalogue
from gateway.domain.access import decide
from gateway.domain.access_record import recall
from gateway.domain.access_request import Decision, DenialReason, Shown
from gateway.domain.events import AccessDenied, AccessGranted
from gateway.domain.listed import PassKey
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.ports import JournalReader, RecordedEvent
from gateway.errors import ConfigError
from gateway.store.records import event_from_record

_TYPES = ("AccessGranted", "AccessDenied")
_PAGE = 1000

Answered = AccessGranted | AccessDenied


@dataclass(slots=True)
class Tally:
    """How many decisions came out how. `faulty`: by the very list that decided them, and yet otherwise."""

    alike: int = 0
    different: int = 0
    faulty: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    """By what is wanted: they were decided, and would have had to bring something more."""
    gave_up: int = 0
    """What was waited for never came: nothing was decided."""
    too_old: int = 0
    """Version 1 kept too little."""
    without_list: int = 0
    """There was no list, so nobody knows who it was."""
    erased: int = 0
    """What they said is erased."""
    unreadable: int = 0

    def words(self, version: int, language: str, file: str = "") -> list[str]:
        """What a replay by the list of that version, read from `file`, came to, for people."""
        catalogue = Catalogue()
        text = catalogue.text
        decided = self.alike + self.different + self.faulty + self.asked.total()
        of = f" ({file})" if file else ""
        lines = [text(language, "replay.decided", count=decided, version=version, file=of, alike=self.alike)]
        counts = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("alike", "asked")}
        asked = [(catalogue.word(language, "want", want), count) for want, count in sorted(self.asked.items())]
        lines += [text(language, "replay.asked", count=count, want=want) for want, count in asked]
        return lines + [text(language, f"replay.{name}", count=count) for name, count in counts.items() if count]


class Replay:
    """Decides a journal's decisions again by `access_list`.

    `pass_keys`: those of another list than the gateway has; None for its own, whose passes hold as they did.
    """

    def __init__(self, access_list: ListById, pass_keys: Mapping[str, PassKey] | None = None) -> None:
        self.tally = Tally()
        self._list, self._pass_keys = access_list, pass_keys

    def differences(
        self, journal: JournalReader, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[dict[str, Any]]:
        """One line for each decision of `since <= t < until` that comes out otherwise, in the journal's order."""
        head = journal.head()
        row_id, last = 0, 0 if head is None else head.row_id
        while row_id < last and (rows := journal.after(row_id, _PAGE)):
            row_id = rows[-1].row_id
            for row in rows:
                late = until is not None and row.wall >= until
                if row.type in _TYPES and not late and (since is None or row.wall >= since):
                    yield from self._compared(row)

    def _compared(self, row: RecordedEvent) -> Iterator[dict[str, Any]]:
        event = self._event(row)
        if event is None:
            return
        decision = self._again(event, row)
        if decision is None:
            return
        was, would_be = _was(event), _outcome(decision)
        if was == would_be:
            self.tally.alike += 1
            return
        if self._pass_keys is None and event.list_version == self._list.version:
            self.tally.faulty += 1
        elif decision.wants is not None:
            self.tally.asked[decision.wants.value] += 1
        else:
            self.tally.different += 1
        yield {
            "event_id": row.event_id,
            "row": row.row_id,
            "time": row.wall.isoformat().replace("+00:00", "Z"),
            "access_point": event.access_point,
            "list_version": event.list_version,
            "was": was,
            "would_be": would_be,
            "trace": [asdict(step) for step in decision.trace],
        }

    def _event(self, row: RecordedEvent) -> Answered | None:
        if row.erased:
            self.tally.erased += 1
            return None
        if row.version == 1:
            self.tally.too_old += 1
            return None
        try:
            event = event_from_record(row.type, row.version, row.body)
        except (LookupError, msgspec.ValidationError):
            self.tally.unreadable += 1
            return None
        assert isinstance(event, AccessGranted | AccessDenied)
        if event.circumstances.get("gave_up"):
            self.tally.gave_up += 1
            return None
        if _is_nobody(event):
            self.tally.without_list += 1
            return None
        return event

    def _again(self, event: Answered, row: RecordedEvent) -> Decision | None:
        moment = Moment(row.wall, row.monotonic_us / 1e6, row.boot_id, ClockQuality(row.clock_quality))
        try:
            return decide_again(event, moment, self._list, self._pass_keys)
        except (KeyError, TypeError, ValueError):
            self.tally.unreadable += 1
            return None


def run_replay(
    folder: DataFolder,
    list_path: Path | None,
    since: str | None,
    until: str | None,
    *,
    only_changes: bool,
    language: str,
) -> int:
    """Print what differs, and for people what it came to. Exit code 1: the list in force disagrees with itself.

    Raises ConfigError.
    """
    access_list, replay = _own(folder) if list_path is None else _other(folder, list_path)
    for line in replay.differences(folder.journal, _time("--since", since), _time("--until", until)):
        if not only_changes or is_change(line):
            print(json.dumps(line, ensure_ascii=False))
    name = "" if list_path is None else list_path.name
    print("\n".join(replay.tally.words(access_list.version, language, name)), file=sys.stderr)
    return 1 if replay.tally.faulty else 0


def _own(folder: DataFolder) -> tuple[ListById, Replay]:
    access_list = folder.list_in_force()
    if access_list is None:
        raise ConfigError("--data", str(folder.path), "has no list in force yet: name one with --list LIST.json")
    return access_list, Replay(access_list)


def _other(folder: DataFolder, list_path: Path) -> tuple[ListById, Replay]:
    document = read_list(list_path)
    access_list = open_document(list_path, document, folder.site_key())
    return access_list, Replay(access_list, document.pass_keys)


def decide_again(
    event: Answered,
    moment: Moment,
    access_list: ListById | None,
    pass_keys: Mapping[str, PassKey] | None = None,
) -> Decision:
    """The decision that an event recorded, made anew. Raises KeyError or ValueError for a damaged event.

    `pass_keys`: a pass holds only if one of these still may give it.
    """
    request, circumstances = recall(event.access_point, event.credential, event.circumstances)
    if pass_keys is not None:
        request = replace(request, shown=tuple(_as_signed(shown, pass_keys) for shown in request.shown))
    return decide(request, moment, None if access_list is None else RecalledList(access_list), circumstances)


def _as_signed(shown: Shown, pass_keys: Mapping[str, PassKey]) -> Shown:
    told = shown.shown_pass
    key = None if told is None else pass_keys.get(told.key)
    if told is None or (
        key is not None and key.cardholder in (None, told.cardholder) and set(told.levels) <= set(key.levels)
    ):
        return shown
    return Shown(grade=shown.grade, forged_pass=True)


def is_change(line: dict[str, Any]) -> bool:
    """Would the door have done something else?"""
    return bool(line["was"]["decision"] != line["would_be"]["decision"])


def _time(option: str, text: str | None) -> datetime | None:
    return None if text is None else parse_time(option, text)


def _is_nobody(event: Answered) -> bool:
    """Was it decided without a list, and so without a look at who was there?"""
    listless = event.credential is None and event.list_version is None
    shown = event.circumstances.get("shown", ())
    return listless and not any(each.get("keys") or each.get("pass") or each.get("id") for each in shown)


def _was(event: Answered) -> dict[str, Any]:
    if isinstance(event, AccessGranted):
        return {"decision": "granted", "reason": None}
    return {"decision": "denied", "reason": event.reason}


def _outcome(decision: Decision) -> dict[str, Any]:
    """Who lacks something only is not denied: the reader would ask for it."""
    if decision.wants is not None:
        return {"decision": "asked", "reason": None, "wants": decision.wants.value}
    reason: DenialReason | None = decision.reason
    return {"decision": "granted" if decision.granted else "denied", "reason": None if reason is None else reason.value}
