"""Whether LIST.json is, byte for byte, what a manifest promised, whatever it means: asked where it makes no sense.

A list that its office made wrong waits for a better one; one that was torn on the way is asked for again.
"""

from datetime import datetime
from typing import Any

import msgspec

from gateway.domain.list_update import PromisedList
from gateway.store.list_digests import (
    CARDHOLDER,
    CREDENTIAL,
    RULES,
    BucketLines,
    bucket_of,
    line,
    root_of,
    rules_digest,
)
from gateway.store.list_faults import LONG_PARTS

_HEAD = frozenset(("schema", "site", "version", "issued_at"))


class _Head(msgspec.Struct):
    schema: int
    site: str
    version: int
    issued_at: datetime


class _Entry(msgspec.Struct):
    id: str
    cardholder: Any = ""


def is_as_promised(raw: bytes, promised: PromisedList) -> bool:
    """Do its entries and rules come to the manifest's root, and is there nothing beside them but the head?"""
    try:
        head = msgspec.json.decode(raw, type=_Head)
        texts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        parts = {part: msgspec.json.decode(texts.pop(part, b"[]"), type=list[msgspec.Raw]) for part in LONG_PARTS}
        lines = BucketLines()
        for part, entries in parts.items():
            for text in entries:
                entry = msgspec.json.decode(text, type=_Entry)
                if part == "cardholders":
                    lines.add(bucket_of(entry.id), line(CARDHOLDER, entry.id, bytes(text)))
                else:
                    lines.add(bucket_of(str(entry.cardholder)), line(CREDENTIAL, entry.id, bytes(text)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if (head.site, head.version, head.issued_at) != (promised.site, promised.version, promised.issued_at):
        return False
    if not texts.keys() <= {*RULES, *_HEAD}:
        return False
    rules = rules_digest({name: bytes(text) for name, text in texts.items()})
    return root_of(rules, lines.digests()) == promised.root
