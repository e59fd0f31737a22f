"""`gatehouse decide` and `gatehouse schema`: what would be decided, and the shapes of what goes in and out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from config.card_formats import format_table
from config.loader import load_config
from config.wiring import to_site
from drivers.wiegand.formats import BUILT_IN
from gateway.commands.decide_requests import Act, Asked, parse_line
from gateway.commands.decide_schemas import answer_schema, request_schema
from gateway.commands.event_catalogue import event_schema
from gateway.commands.what_if import WhatIf, WhatIfDay
from gateway.domain.access_request import MISSING, Decision
from gateway.errors import ConfigError, ListInvalid
from gateway.store.access_list import ListDocument, MemoryAccessList, list_schema, parse_list
from gateway.store.list_identifiers import Fits

FAULTS_TOLD = 20
"""Enough to see what is wrong with a file; the others are counted."""
LINE_CHARS = 64 * 1024
"""One request at most: hundreds of identifiers; a reader gives a handful."""
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "access-list": list_schema,
    "decide-request": request_schema,
    "decide-answer": answer_schema,
    "events": event_schema,
}


class ListFaulty(ConfigError):
    """LIST.json can't be used; `faults` holds one ConfigError for each place."""

    def __init__(self, path: Path, faults: tuple[str, ...]) -> None:
        self.faults = tuple(ConfigError("--list", str(path), fault) for fault in faults)
        super().__init__("--list", str(path), "; ".join(faults[:20]))


class RequestsFaulty(ConfigError):
    """Lines of REQUESTS.jsonl are no requests; `faults` holds one ConfigError for each, the first `FAULTS_TOLD`."""

    def __init__(self, requests: str, faults: list[ConfigError]) -> None:
        more = len(faults) - FAULTS_TOLD
        remedy = f"{more} more lines like these are no requests: nothing was decided"
        self.faults = (*faults[:FAULTS_TOLD], *([ConfigError("--requests", requests, remedy)] if more > 0 else []))
        first = faults[0]
        super().__init__(first.key, first.value, first.remedy, first.line)


def decide_lines(
    list_path: Path, requests: str, site_path: Path | None = None, *, stateful: bool = False
) -> Iterator[dict[str, Any]]:
    """An answer for each line of the file `requests` (`-`: standard input); empty lines are skipped.

    `site_path`: the site config that says what the access points accept. `stateful`: lines follow each other in time,
    and what one grants or a guard does counts for the next. Raises ConfigError for a list with faults, and for lines
    that are no requests: of a file before anything is answered, with every such line (`faults`), while from standard
    input, or a pipe, each line is answered when it comes and the first bad one ends it.
    """
    config = None if site_path is None else load_config(site_path)
    site = None if config is None else to_site(config)
    fits = BUILT_IN.fits_if_known if config is None else format_table(config).fits
    access_list = open_document(list_path, read_list(list_path, fits))
    what_if = (WhatIfDay if stateful else WhatIf)(access_list, site, access_list.standing_in())
    if requests != "-" and Path(requests).is_file():
        _judge(requests, stateful)
    with _opened(requests) as lines:
        for number, line in _numbered(lines, requests):
            yield _answer(*_parsed(line, number, stateful), number, what_if)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one of `SCHEMAS`."""
    return SCHEMAS[name]()


def read_list(path: Path, fits: Fits = BUILT_IN.fits_if_known) -> ListDocument:
    """LIST.json, sound and whole; `fits` knows the card formats. Raises ConfigError with all its `faults`."""
    with _named(path):
        return parse_list(path.read_bytes(), fits)


def open_document(path: Path, document: ListDocument, site_key: bytes | None = None) -> MemoryAccessList:
    """The list of a document that was read from `path`. Raises ConfigError."""
    with _named(path):
        return MemoryAccessList.from_document(document, site_key)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError("--list", str(path), f"can't be read: {error.strerror}") from error
    except ListInvalid as error:
        raise ListFaulty(path, error.faults) from error


def _judge(requests: str, stateful: bool) -> None:
    """Is every line of the file a request? Raises RequestsFaulty."""
    faults: list[ConfigError] = []
    with _opened(requests) as lines:
        try:
            for number, line in _numbered(lines, requests):
                try:
                    _parsed(line, number, stateful)
                except ConfigError as fault:
                    faults.append(fault)
        except ConfigError as fault:  # What can't be read ends the file.
            faults.append(fault)
    if faults:
        raise RequestsFaulty(requests, faults)


def _parsed(line: str, number: int, stateful: bool) -> tuple[Asked | Act, datetime]:
    if len(line) > LINE_CHARS:
        raise ConfigError("request", line[:80], f"is longer than {LINE_CHARS} characters", number)
    said, wall = parse_line(line, number)
    if not stateful and not isinstance(said, Asked):
        raise ConfigError("request", line.strip()[:120], "what a guard does counts with --stateful only", number)
    return said, wall


def _answer(said: Asked | Act, wall: datetime, number: int, what_if: WhatIf) -> dict[str, Any]:
    if isinstance(said, Asked):
        return _told(what_if.ask(said, wall, number))
    assert isinstance(what_if, WhatIfDay)
    refusal = what_if.act(said, wall, number)
    return {"done": True} if refusal is None else {"done": False, "refused": refusal[0], "subject": refusal[1]}


def _told(decision: Decision) -> dict[str, Any]:
    wants, people = decision.wants, decision.people
    reason = decision.reason if wants is None else MISSING[wants]
    told: dict[str, Any] = {
        "decision": "granted" if decision.granted else "denied",
        "reason": None if reason is None else reason.value,
        "trace": [{"check": s.check, "passed": s.passed, "subject": s.subject} for s in decision.trace],
        "list_version": decision.list_version,
    }
    if people:
        told["credential"] = people[0].id
    if decision.cardholder is not None:
        told["cardholder"] = decision.cardholder.id
    if len(people) > 1:
        told["accompanied"] = [person.id for person in people[1:]]
    if decision.floors:
        told["floors"] = list(decision.floors)
    if decision.tells_duress:
        told["duress"] = True
    if decision.soft_passback:
        told["reported"] = next(person.facts.area for person in people if person.id in decision.soft_passback)
    if wants is not None:
        told["wants"] = wants.value
    return told


@contextmanager
def _opened(requests: str) -> Iterator[TextIO]:
    if requests == "-":
        yield sys.stdin
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(requests).open(encoding="utf-8"))
        except OSError as error:
            raise ConfigError("--requests", requests, f"can't be read: {error.strerror}") from error
        yield file


def _numbered(lines: TextIO, requests: str) -> Iterator[tuple[int, str]]:
    number = 0
    while True:
        number += 1
        try:
            line = lines.readline(LINE_CHARS + 1)
        except (UnicodeDecodeError, OSError) as error:
            raise ConfigError("--requests", requests, f"can't be read as UTF-8 text: {error}", number) from error
        if not line:
            return
        if line.strip():
            yield number, line
        while len(line) > LINE_CHARS and not line.endswith("\n"):
            line = lines.readline(LINE_CHARS + 1)  # The rest of a line that is too long is no line of its own.
