"""`gatehouse journal person`: whom it knows, which credentials are theirs, and which files still name them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.cli import main
from gateway.domain import signals as sg
from gateway.store.access_list import open_list
from gateway.store.journal_export import SUFFIX, read_manifest
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, set_current
from tests.gateway.commands.lists import a_compound
from tests.gateway.commands.recorded_day import RecordedDay
from tests.gateway.domain.plant import GUARD
from tests.gateway.store.list_office import OfficeList

Said = pytest.CaptureFixture[str]
SPARE = {"id": "c-spare", "cardholder": "p-4", "format": "H10301", "facility_code": 17, "number": 44}
"""A second card of p-4, which nobody ever shows; a guard blocks it."""


@pytest.fixture
def day(tmp_path: Path) -> RecordedDay:
    document = a_compound()
    document["credentials"].append(SPARE)
    day = RecordedDay(tmp_path / "data", document)
    day.walk(4, "north")
    day.walk(1, "north")
    day.handle(sg.BlockRequested(day.request(), "credential:c-spare", True, "lost", GUARD))
    day.journal.close()
    return day


def takes_out(day: RecordedDay, *people: str) -> Path:
    """The office takes people off by changes alone; the file of changes."""
    lists = ListFolder(day.data / "lists", day.site_key)
    before = OfficeList(day.document)
    after = before.next(
        cardholders=[each for each in before.document["cardholders"] if each["id"] not in people],
        credentials=[each for each in before.document["credentials"] if each["cardholder"] not in people],
    )
    made = lists.prepare_whole(before.raw(), before.promised())
    _in_force(day, made)
    made = lists.prepare_changed(after.changes_from(before), after.promised())
    _in_force(day, made)
    return Path(made.path)


def _in_force(day: RecordedDay, made: Any) -> None:
    opened = open_list(made.path, day.site_key)
    file = CompiledFile(made.path, opened.version, opened.digest, opened.credentials, opened.generation)
    set_current(day.data / "lists", file)


def erase(day: RecordedDay, person: str) -> int:
    words = ["journal", "person", "erase", person, "--data", str(day.data), "--by", "Lin", "--reason", "asked"]
    return main(words)


def export(day: RecordedDay, person: str, out: Path) -> int:
    return main(["journal", "person", "export", person, "--data", str(day.data), "--out", str(out)])


def test_a_card_that_nobody_ever_showed_is_theirs_by_the_list(day: RecordedDay, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "theirs.jsonl"
    assert export(day, "p-4", out) == 0
    assert '"SubjectBlocked"' in out.read_text()
    kept = read_manifest(out.with_name(out.name + SUFFIX)).manifest.remembered
    assert "credential:c-spare" in [fact["key"] for fact in kept]
    changes = takes_out(day, "p-4")
    capsys.readouterr()
    assert erase(day, "p-4") == 0
    said = capsys.readouterr().err
    assert "credentials of theirs: 2" in said
    reader = SqliteJournalReader(day.data / "journal.db")
    assert not reader.facts("block")
    (told,) = reader.search(types=["PersonErased"])
    assert sorted(told.body["credentials"]) == ["c-4", "c-spare"]
    assert not [row for row in reader.search(types=["SubjectBlocked"]) if not row.erased]
    their_id = msgspec.msgpack.encode("p-4")
    assert their_id in changes.read_bytes()
    for path in (day.data / "lists").glob("list-*"):
        assert (their_id in path.read_bytes()) == (f"{path}: " in said), path.name


def test_a_card_that_was_passed_on_is_no_longer_theirs(day: RecordedDay, capsys: Said) -> None:
    document = a_compound(version=8)
    document["cardholders"] = [each for each in document["cardholders"] if each["id"] != "p-4"]
    document["credentials"] = [each for each in document["credentials"] if each["cardholder"] != "p-4"]
    document["credentials"].append(SPARE | {"cardholder": "p-1"})
    day.put_in_force(document)
    assert erase(day, "p-4") == 0
    assert "credentials of theirs: 1" in capsys.readouterr().err
    assert [fact.key for fact in SqliteJournalReader(day.data / "journal.db").facts("block")] == ["credential:c-spare"]


def test_without_the_site_key_the_events_alone_say_what_is_theirs(
    day: RecordedDay, tmp_path: Path, capsys: Said
) -> None:
    (day.data / "secrets" / "site-key").unlink()
    assert export(day, "p-4", tmp_path / "theirs.jsonl") == 0
    assert '"SubjectBlocked"' not in (tmp_path / "theirs.jsonl").read_text()
    assert "no secrets/site-key to open the lists with" in capsys.readouterr().err


def test_of_somebody_unknown_the_command_asks_whether_the_id_is_right(
    day: RecordedDay, tmp_path: Path, capsys: Said
) -> None:
    doubt = "is the id spelt right?"
    assert export(day, "p-14", tmp_path / "typo.jsonl") == 0
    said = capsys.readouterr().err
    assert "p-14: no event here names them, nothing is remembered of them, and no list" in said
    assert doubt in said
    assert export(day, "p-6", tmp_path / "quiet.jsonl") == 0
    assert doubt not in capsys.readouterr().err, "the list has them, though nothing happened to them"
    takes_out(day, "p-4")
    assert export(day, "p-4", tmp_path / "known.jsonl") == 0
    assert doubt not in capsys.readouterr().err
    for _ in range(2):
        assert erase(day, "p-4") == 0
        assert doubt not in capsys.readouterr().err
    assert erase(day, "p-14") == 0
    assert "p-14: no event here names them" in capsys.readouterr().err
