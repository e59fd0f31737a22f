"""The office's ledger on a disk that fails."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sync.office.ledger import Ledger


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
