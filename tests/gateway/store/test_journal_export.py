"""An export of a journal that changes meanwhile: each event once, and the file proves itself."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from gateway.store.gone import REMOVABLE, Removable, remove_rows
from gateway.store.journal_export import Manifest, Selection, Wanted, export_events, verify_export
from gateway.store.verification import Verdict, Verifiable
from tests.gateway.store.kept import Interrupted
from tests.gateway.store.test_fork import Forking


def _export(journal: Verifiable, path: Path, wanted: Wanted | None = None) -> tuple[Manifest, Verdict]:
    with path.open("xb") as file:
        return export_events(journal, Selection({}, wanted=wanted), file, "small", "2026-11-23T12:00:00+00:00")


def _is_of_a_door(type_: str, _subjects: tuple[str, ...], _body: str) -> bool:
    return type_ == "DoorOpened"


@pytest.mark.parametrize("wanted", [None, _is_of_a_door])
@pytest.mark.parametrize("calls", range(1, 10))
async def test_a_journal_that_forks_while_it_is_exported_is_exported_as_it_is_then(
    tmp_path: Path, calls: int, wanted: Wanted | None
) -> None:
    kept, out = Forking(tmp_path), tmp_path / "events.jsonl"
    await kept.record(10)
    journal = Interrupted(kept.reader, calls, kept.forking(4))
    manifest, verdict = await asyncio.to_thread(_export, journal, out, wanted)
    assert (verdict.fault, verdict.rows) == ("", 11)
    assert verify_export(out, manifest).fault == ""
    there = [row for row in kept.rows() if wanted is None or row.type == "DoorOpened"]
    exported = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["event_id"], line["hash"]) for line in exported] == [(row.event_id, row.hash) for row in there]
    kept.close()


def _remove(path: Path, *seqs: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    for seq in seqs:
        row = connection.execute(f"SELECT {REMOVABLE} FROM event WHERE seq = ?", (seq,)).fetchone()
        remove_rows(connection, [Removable(*row)])
    connection.execute("COMMIT")
    connection.close()


@pytest.mark.parametrize("calls", range(1, 10))
async def test_rows_that_go_while_the_journal_is_exported_leave_a_file_that_proves_itself(
    tmp_path: Path, calls: int
) -> None:
    kept, out = Forking(tmp_path), tmp_path / "events.jsonl"
    await kept.record(10)
    _remove(kept.path, 5, 6)
    manifest, verdict = _export(Interrupted(kept.reader, calls, lambda: _remove(kept.path, 4, 7)), out)
    assert verdict.fault == ""
    proof = verify_export(out, manifest)
    assert (proof.fault, proof.rows, proof.rows + proof.gone) == ("", verdict.rows, 10)
    kept.close()
