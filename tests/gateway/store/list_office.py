"""An office's list for tests of the store: its entries, and what a manifest would promise of them.

Its digests are computed here from the words of docs/protocol.md, by nobody's code.
"""

import hashlib
import json
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from gateway.domain.list_update import ListChanges, PromisedList

RULES = ("zone", "special_days", "schedules", "areas", "access_points", "levels", "pass_keys")
ISSUED = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def _sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class OfficeList:
    """A LIST.json that is edited, and the changes between two of its versions."""

    def __init__(self, document: dict[str, Any], generation: int = 0) -> None:
        self.document, self.generation = deepcopy(document), generation
        self.document["issued_at"] = "2026-11-25T08:00:00Z"

    def next(self, **parts: Any) -> "OfficeList":
        """The next version with other parts."""
        document = self.document | parts
        return OfficeList(document | {"version": self.document["version"] + 1}, self.generation)

    def put(self, part: str, *items: dict[str, Any]) -> "OfficeList":
        """The next version with these entries."""
        entries = {entry["id"]: entry for entry in self.document[part]} | {item["id"]: item for item in items}
        return self.next(**{part: list(entries.values())})

    def take(self, part: str, *ids: str) -> "OfficeList":
        """The next version without these entries."""
        return self.next(**{part: [entry for entry in self.document[part] if entry["id"] not in ids]})

    def raw(self) -> bytes:
        """LIST.json."""
        return _text(self.document)

    def texts(self, part: str) -> dict[str, bytes]:
        """The entries of a part by id."""
        return {entry["id"]: _text(entry) for entry in self.document[part]}

    def rules(self) -> dict[str, bytes]:
        """The texts of what is neither cardholders nor credentials."""
        return {name: _text(self.document[name]) for name in RULES if name in self.document}

    def promised(self) -> PromisedList:
        """What its manifest says."""
        document = self.document
        count = len(document["cardholders"]) + len(document["credentials"])
        root = _sha(b"gatehouse/list-root/1" + _sha(self._rules_content()) + self.digests())
        return PromisedList(document["site"], self.generation, document["version"], ISSUED, count, root)

    def digests(self) -> bytes:
        """Of all buckets."""
        buckets: list[list[bytes]] = [[] for _ in range(1024)]
        for letter, part in ((b"h", "cardholders"), (b"c", "credentials")):
            for entry in self.document[part]:
                holder = entry["id"] if part == "cardholders" else entry["cardholder"]
                line = letter + _sha(entry["id"].encode())[:16] + _sha(_text(entry))
                buckets[bucket_of(holder)].append(line)
        return b"".join(_sha(b"gatehouse/list-bucket/1" + b"".join(sorted(lines))) for lines in buckets)

    def changes_from(self, old: "OfficeList") -> ListChanges:
        """What makes this list of the old one."""
        put, gone = [], []
        for part in ("cardholders", "credentials"):
            ours, theirs = self.texts(part), old.texts(part)
            put.append(tuple(text for id_, text in ours.items() if theirs.get(id_) != text))
            gone.append(tuple(theirs.keys() - ours.keys()))
        rules = None if self.rules() == old.rules() else self.rules()
        return ListChanges(rules, put[0], put[1], gone[0], gone[1])

    def there(self, buckets: Iterable[int]) -> ListChanges:
        """All that lies in some buckets, and the rules."""
        people = [_text(e) for e in self.document["cardholders"] if bucket_of(e["id"]) in buckets]
        cards = [_text(e) for e in self.document["credentials"] if bucket_of(e["cardholder"]) in buckets]
        return ListChanges(self.rules(), tuple(people), tuple(cards))

    def _rules_content(self) -> bytes:
        content, rules = b"gatehouse/list-rules/1", self.rules()
        for name in RULES:
            content += len(rules.get(name, b"")).to_bytes(4, "big") + rules.get(name, b"")
        return content


def bucket_of(cardholder: str) -> int:
    """The first 10 bits of SHA-256 over a cardholder's id."""
    return int.from_bytes(_sha(cardholder.encode())[:2], "big") // 64


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
