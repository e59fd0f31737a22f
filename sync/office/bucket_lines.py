"""The lines of each bucket of a list, as they are digested: a change reads those of the buckets that it touches."""

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

from sync import list_wire as lw

SCHEMA = """
CREATE TABLE IF NOT EXISTS bucket_lines (site TEXT, bucket INTEGER, lines BLOB NOT NULL, PRIMARY KEY (site, bucket));
"""

_DIGEST_BYTES = 32


class BucketLines:
    """All sites' lines. `entries` reads the (part, id, text) of a bucket of a site, for lines that aren't there yet."""

    def __init__(
        self, database: sqlite3.Connection, entries: Callable[[str, int], Iterable[tuple[str, str, bytes]]]
    ) -> None:
        self._db, self._entries = database, entries
        database.executescript(SCHEMA)

    def change(self, site: str, changed: Mapping[int, dict[bytes, bytes]], digests: bytearray) -> None:
        """Put lines, by bucket and by name, in the place of those before, and the buckets' digests into `digests`.

        An empty line is taken out. `digests` are those of before; the entries have been changed already.
        """
        rows = []
        for number, lines in changed.items():
            at = slice(number * _DIGEST_BYTES, (number + 1) * _DIGEST_BYTES)
            held = self._held(site, number, bytes(digests[at]))
            for name, line in lines.items():
                place = bisect_left(held, name)
                there = place < len(held) and held[place].startswith(name)
                held[place : place + there] = [line] if line else []
            kept = b"".join(held)
            digests[at] = lw.bucket_digest((kept,))
            rows.append((site, number, kept))
        self._db.executemany("INSERT OR REPLACE INTO bucket_lines VALUES (?, ?, ?)", rows)

    def _held(self, site: str, number: int, digest: bytes) -> list[bytes]:
        """A bucket's lines, rising; from its entries where what is kept isn't what was digested last.

        So it is in a ledger that an earlier release has written.
        """
        row = self._db.execute(
            "SELECT lines FROM bucket_lines WHERE site = ? AND bucket = ?", (site, number)
        ).fetchone()
        kept = b"" if row is None else row[0]
        if lw.bucket_digest((kept,)) != digest:
            return sorted(lw.entry_line(*entry) for entry in self._entries(site, number))
        return [kept[at : at + lw.LINE_BYTES] for at in range(0, len(kept), lw.LINE_BYTES)]
