"""Facts as rows: each value as JSON, and strictly its kind's class again."""

import logging
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime

import msgspec

from gateway.domain.register import FACT_KINDS, Fact, FactValue

log = logging.getLogger(__name__)

FactRow = tuple[bytes, bytes, bytes]
"""Kind, key and value as they lie in the file."""


def fact_text(value: FactValue) -> str:
    """The value's fields as JSON, times in RFC 3339."""
    return msgspec.json.encode(value).decode()


def fact_from_row(kind: str, key: str, value: bytes | str) -> Fact:
    """The fact of a row. Raises ValueError for a kind that this program doesn't know and for a damaged value."""
    cls = FACT_KINDS.get(kind)
    if cls is None:
        raise ValueError("no such kind")
    decoded = msgspec.json.decode(value, type=cls)
    for field in fields(decoded):
        found = getattr(decoded, field.name)
        if isinstance(found, datetime) and found.tzinfo is None:
            raise ValueError(f"{field.name} has no offset")
    return Fact(kind, key, decoded)


def facts_from_rows(rows: Iterable[FactRow], told: set[tuple[bytes, bytes]]) -> list[Fact]:
    """The facts that can be read. Each other is told by kind and key, once; `told` remembers which were."""
    found: list[Fact] = []
    for kind, key, value in rows:
        try:
            found.append(fact_from_row(kind.decode(), key.decode(), value))
        except ValueError as error:
            if (kind, key) not in told:
                told.add((kind, key))
                names = (kind.decode(errors="replace"), key.decode(errors="replace"))
                log.error("fact %s of %s can't be read and counts as forgotten: %s", *names, error)
    return found
