"""`gatehouse decide` and `gatehouse schema`: what would be decided, and the shapes of what goes in and out."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from config.card_formats import format_table
from config.loader import load_config
from config.wiring import to_site
from drivers.wiegand.formats import BUILT_IN
from gateway.commands.decide_requests import Asked, parse_line
from gateway.commands.decide_schemas import answer_schema, request_schema
from gateway.commands.what_if import WhatIf, WhatIfDay
from gateway.domain.access_request import MISSING, Decision
from gateway.errors import ConfigError, ListInvalid
from gateway.store.access_list import ListDocument, MemoryAccessList, list_schema, parse_list
from gateway.store.list_identifiers import Fits

LINE_CHARS = 64 * 1024
"""One request at most: hundreds of identifiers; a reader gives a handful."""


class ListFaulty(ConfigError):
    """LIST.json can't be used; `faults` holds one ConfigError for each place."""

    def __init__(self, path: Path, faults: tuple[str, ...]) -> None:
        self.faults = tuple(ConfigError("--list", str(path), fault) for fault in faults)
        super().__init__("--list", str(path), "; ".join(faults[:20]))


def decide_lines(
    list_path: Path, requests: str, site_path: Path | None = None, *, stateful: bool = False
) -> Iterator[dict[str, Any]]:
    """An answer for each line of the file `requests` (`-`: standard input); empty lines are skipped.

    `site_path`: the site config that says what the access points accept. `stateful`: lines follow each other in time,
    and what one grants or a guard does counts for the next. Raises ConfigError with the line's number for a line that
    is no request, and for a list with faults.
    """
    config = None if site_path is None else load_config(site_path)
    site = None if config is None else to_site(config)
    fits = BUILT_IN.fits_if_known if config is None else format_table(config).fits
    access_list = open_document(list_path, read_list(list_path, fits))
    what_if = (WhatIfDay if stateful else WhatIf)(access_list, site, access_list.standing_in())
    with _opened(requests) as lines:
        for number, line in _numbered(lines, requests):
            yield _answer(line, number, what_if)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `access-list`, `decide-request` or `decide-answer`."""
    return {"access-list": list_schema, "decide-request": request_schema, "decide-answer": answer_schema}[name]()


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


def _answer(line: str, number: int, what_if: WhatIf) -> dict[str, Any]:
    said, wall = parse_line(line, number)
    if isinstance(said, Asked):
        return _told(what_if.ask(said, wall, number))
    if not isinstance(what_if, WhatIfDay):
        raise ConfigError("request", line.strip()[:120], "what a guard does counts with --stateful only", number)
    what_if.act(said, wall, number)
    return {"done": True}


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
    if decision.granted and decision.duress:
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
        if len(line) > LINE_CHARS:
            raise ConfigError("request", line[:80], f"is longer than {LINE_CHARS} characters", number)
        if line.strip():
            yield number, line
