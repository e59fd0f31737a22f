"""The credentials that gateways refuse before a list says so, of all sites; the newest are signed anew when told."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from sync import list_wire as lw
from sync.office.lists import is_active
from sync.office.signing import Signer

SCHEMA = """
CREATE TABLE IF NOT EXISTS revocation (
    site TEXT, credential TEXT, generation INTEGER NOT NULL, version INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (site, credential)) WITHOUT ROWID;
"""


class Revocations:
    """Its callers hold a transaction around whatever changes something."""

    def __init__(self, database: sqlite3.Connection, signer: Signer) -> None:
        self._db, self._signer = database, signer
        database.executescript(SCHEMA)

    def newest(self, site: str, sequence: int, now: datetime) -> lw.Revocations:
        """As many as a gateway takes, signed; `sequence` is that of the last one."""
        rows = self._db.execute(
            "SELECT credential, generation, version FROM revocation WHERE site = ?"
            " ORDER BY sequence DESC, credential LIMIT ?",
            (site, lw.REVOKED),
        ).fetchall()
        revoked = tuple(lw.Revoked(*row) for row in rows)
        unsigned = lw.Revocations(site, sequence, now, revoked, self._signer.key_epoch)
        return msgspec.structs.replace(unsigned, signatures=self._signer.signatures(unsigned))

    def put(self, site: str, credentials: Sequence[str], generation: int, version: int, sequence: int) -> None:
        """Revoke these, which the list of this coordinate is the first to do."""
        rows = [(site, id_, generation, version, sequence) for id_ in credentials]
        self._db.executemany("INSERT OR REPLACE INTO revocation VALUES (?, ?, ?, ?, ?)", rows)

    def given_back(self, site: str, document: dict[str, Any]) -> list[str]:
        """Those that are not active here, and would be in this list."""
        active = {item["id"] for item in document.get("credentials", ()) if is_active(item)}
        rows = self._db.execute(
            "SELECT credential, raw FROM revocation LEFT JOIN entry ON entry.site = revocation.site"
            " AND entry.part = 'credentials' AND entry.id = revocation.credential"
            " WHERE revocation.site = ? ORDER BY credential",
            (site,),
        )
        return [id_ for id_, raw in rows if id_ in active and not (raw and is_active(msgspec.json.decode(raw)))]
