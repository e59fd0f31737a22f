"""The office's ledger on a disk that fails."""

import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync import list_wire as lw
from sync.office.ledger import Ledger
from sync.office.listing import Listings, read_document
from sync.office.signing import load_signer
from tests.sync.keys import Keys
from tests.sync.site import SITE, a_list


class _FailsOnce(sqlite3.Connection):
    fails = False

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.fails:
            self.fails = False
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


def test_a_commit_that_failed_leaves_nothing_behind_and_the_next_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, factory=_FailsOnce, **options))
    ledger = Ledger(tmp_path / "office.db")
    ledger._db.fails = True  # type: ignore[attr-defined]
    with pytest.raises(sqlite3.OperationalError):
        ledger.add_site("a")
    ledger.add_site("b")
    assert (ledger.knows("a"), ledger.knows("b")) == (False, True)
    ledger.close()


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    """`synchronous=FULL`: in WAL mode anything less lets a power cut take back what was answered."""
    ledger = Ledger(tmp_path / "office.db")
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)
    ledger.close()


def _countersign(signature: lw.Signature, lists: Listings, _seen: int) -> lw.Manifest:
    return lists.countersign(SITE, signature)


def test_who_countersigns_again_has_signed_once(tmp_path: Path) -> None:
    """A manifest of more than eight signatures is none to a gateway."""
    keys = Keys(tmp_path / "keys")
    ledger = Ledger(tmp_path / "office.db", load_signer(keys.folder))
    ledger.change_list(SITE, lambda lists, seen: lists.put(SITE, a_list(), seen))
    for _ in range(9):
        shown = ledger.lists.manifest(SITE, (-1, -1))
        assert shown is not None
        signature = keys.signature(shown, 2)
        signed = ledger.change_list(SITE, partial(_countersign, signature))
    assert [each.key for each in signed.signatures] == list(keys.set.keys)
    assert signed.signatures[1] == signature
    ledger.close()


def test_an_office_that_was_put_back_revokes_above_what_its_gateways_have_seen(tmp_path: Path) -> None:
    def revoked(path: Path, times: int) -> int:
        ledger = Ledger(path)
        for _ in range(times):
            ledger.change_list(SITE, lambda lists, seen: lists.revoke(SITE, ["c-1"], "lost", seen))
        found = ledger.lists.revocations(SITE, 0)
        ledger.close()
        return 0 if found is None else found.sequence

    ledger = Ledger(tmp_path / "office.db")
    ledger.change_list(SITE, lambda lists, seen: lists.put(SITE, a_list(), seen, keep=False))
    ledger.close()
    shutil.copy(tmp_path / "office.db", tmp_path / "older.db")
    before = revoked(tmp_path / "office.db", 3)
    assert revoked(tmp_path / "older.db", 1) > before


def test_a_ledger_that_held_lists_whole_is_taken_up_once_with_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "office.db"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as earlier, earlier:
        earlier.execute(
            "CREATE TABLE list (site TEXT, version INTEGER, changed_at TEXT NOT NULL, sha256 TEXT NOT NULL,"
            " raw BLOB NOT NULL, PRIMARY KEY (site, version))"
        )
        earlier.execute("INSERT INTO site (site, list_seen) VALUES ('demo', 7)")
        for version in (6, 7):
            raw = msgspec.json.encode(a_list(version, zone="UTC" if version == 6 else "Asia/Urumqi"))
            earlier.execute("INSERT INTO list VALUES ('demo', ?, '', '', ?)", (version, raw))
    for _ in range(2):
        ledger = Ledger(path)
        assert ledger.list_version("demo") == 8, "above whatever a gateway has shown"
        ledger.close()
    kept = read_document(path, "demo", 8)
    assert kept is not None
    assert msgspec.json.decode(kept)["zone"] == "Asia/Urumqi"
