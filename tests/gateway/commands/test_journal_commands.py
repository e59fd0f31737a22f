"""`gatehouse journal`: the chain verified, exports that prove themselves, and a person exported and erased."""

import asyncio
import json
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from config.loader import load_config
from config.wiring import to_site
from gateway.cli import main
from gateway.clock import SystemClock
from gateway.domain.commands import ForkJournal
from gateway.domain.controller import Controller
from gateway.domain.listed import AccessList
from gateway.domain.register import Fact, LastUse, Register, Uses, Whereabouts
from gateway.doors_socket import DoorsSocket
from gateway.paths import Paths
from gateway.site_loop import SiteLoop
from gateway.status import StatusHub
from gateway.store.journal import SqliteJournal
from gateway.store.journal_export import SUFFIX, read_manifest
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.remembered import read_remembered
from tests.gateway.commands.lists import a_compound
from tests.gateway.commands.recorded_day import RecordedDay
from tests.gateway.store.kept import DAY, NOON, SEEN, HandClock, Kept, at_once, door
from tests.waiting import wait_until_async

Said = pytest.CaptureFixture[str]


@pytest.fixture
def data(recorded_day: RecordedDay, tmp_path: Path) -> Path:
    """A copy of the day that may be changed."""
    shutil.copytree(recorded_day.data, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def moved_out(tmp_path: Path) -> Path:
    """The day, after the office has taken p-4 and p-6 off the list."""
    day = RecordedDay(tmp_path / "data")
    day.walk(4, "north")
    day.walk(6, "north")
    day.walk(1, "north")
    document = a_compound(version=8)
    for part, key in (("cardholders", "id"), ("credentials", "cardholder")):
        document[part] = [each for each in document[part] if each[key] not in ("p-4", "p-6")]
    day.put_in_force(document)
    day.journal.close()
    return day.data


def _reader(data: Path) -> SqliteJournalReader:
    return SqliteJournalReader(data / "journal.db")


def _change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_journal_verifies_in_its_folder_as_a_copy_and_read_only(data: Path, tmp_path: Path, capsys: Said) -> None:
    shutil.copyfile(data / "journal.db", tmp_path / "copy.db")
    for path in (data, data / "journal.db", tmp_path / "copy.db"):
        assert main(["journal", "verify", str(path)]) == 0
        assert "events hold" in capsys.readouterr().err


def test_a_changed_row_is_named_and_the_exit_code_is_1(data: Path, capsys: Said) -> None:
    _change(data / "journal.db", "UPDATE event SET actor = 'operator:x@y' WHERE row_id = 5")
    assert main(["journal", "verify", str(data)]) == 1
    said = capsys.readouterr().err
    assert "row 5: its content is not the one committed to" in said
    assert "before it 4 events hold" in said


@pytest.mark.parametrize("name", ["nothing", "text"])
def test_what_is_neither_journal_nor_export_is_wrong_input(tmp_path: Path, name: str, capsys: Said) -> None:
    (tmp_path / "text").write_text("{}\n")
    assert main(["journal", "verify", str(tmp_path / name)]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("there", "instead"),
    [(b"{", b'{"more":' + b"[" * 5000), (b'"format":', b'"format":"\xff",'), (b'"type":', b'"type":"\xff",')],
)
def test_an_export_that_nobody_can_read_is_told_so(
    data: Path, tmp_path: Path, there: bytes, instead: bytes, capsys: Said
) -> None:
    out, manifest = tmp_path / "events.jsonl", tmp_path / f"events.jsonl{SUFFIX}"
    assert main(["journal", "export", "--data", str(data), "--out", str(out)]) == 0
    whole = out.read_bytes()
    out.write_bytes(whole.replace(there, instead, 1))
    assert main(["journal", "verify", str(out)]) == (whole != out.read_bytes())
    whole = manifest.read_bytes()
    manifest.write_bytes(whole.replace(there, instead, 1))
    if whole != manifest.read_bytes():
        assert main(["journal", "verify", str(out)]) == 2
        assert "is no manifest of an export" in capsys.readouterr().err


def test_an_export_proves_itself_and_who_signed_it(data: Path, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "events.jsonl"
    assert main(["journal", "export", "--data", str(data), "--out", str(out)]) == 0
    said = capsys.readouterr().err
    fingerprint = said.split("signed by ")[1].split()[0]
    assert (data / "secrets" / "device-key").stat().st_mode & 0o777 == 0o600
    head = _reader(data).head()
    assert head is not None
    lines = out.read_text().splitlines()
    assert len(lines) == head.seq
    assert json.loads(lines[-1])["hash"] == head.hash
    assert main(["journal", "verify", str(out), "--signer", fingerprint]) == 0
    key = json.loads(out.with_name("events.jsonl.manifest.json").read_text())["signature"]["public_key"]
    assert main(["journal", "verify", str(out), "--signer", key.upper()]) == 0, "as the office's summary shows it"
    for other in ("0" * 32, "0" * 64):
        assert main(["journal", "verify", str(out), "--signer", other]) == 1
    capsys.readouterr()
    assert main(["journal", "verify", str(out), "--signer", key[:-1]]) == 2
    assert "64 hex digits" in capsys.readouterr().err
    assert main(["journal", "export", "--data", str(data), "--out", str(out)]) == 2, "it would be overwritten"


@pytest.mark.parametrize("words", [["export"], ["person", "export", "p-1"]])
def test_an_export_is_its_owners_alone_from_the_first_byte(
    data: Path, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    made: list[tuple[str, int]] = []
    opened = os.open

    def watched(path: Path, flags: int, mode: int = 0o777) -> int:
        handle = opened(path, flags, mode)
        if flags & os.O_CREAT and Path(path).parent == tmp_path:
            made.append((Path(path).name, os.fstat(handle).st_mode & 0o777))
        return handle

    monkeypatch.setattr(os, "open", watched)
    before = os.umask(0)
    try:
        assert main(["journal", *words, "--data", str(data), "--out", str(tmp_path / "out.jsonl")]) == 0
    finally:
        os.umask(before)
    kept = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("out.jsonl*")}
    assert kept == {"out.jsonl": 0o600, f"out.jsonl{SUFFIX}": 0o600}
    assert [mode for _, mode in made] == [0o600, 0o600], made
    capsys.readouterr()


@pytest.mark.parametrize("change", ["drop a line", "swap two", "change one", "cut the end", "add one", "not JSON"])
@pytest.mark.parametrize("options", [[], ["--unsigned"]])
def test_an_export_that_was_changed_is_found_out(
    data: Path, tmp_path: Path, capsys: Said, change: str, options: list[str]
) -> None:
    out = tmp_path / "events.jsonl"
    assert main(["journal", "export", "--data", str(data), "--out", str(out), *options]) == 0
    lines = out.read_bytes().splitlines(keepends=True)
    if change == "drop a line":
        del lines[3]
    elif change == "swap two":
        lines[3], lines[4] = lines[4], lines[3]
    elif change == "change one":
        lines[3] = lines[3].replace(b'"type":"', b'"type":"X', 1)
    elif change == "cut the end":
        del lines[-1]
    elif change == "add one":
        lines.append(lines[-1])
    else:
        lines[3] = b"{\n"
    out.write_bytes(b"".join(lines))
    assert main(["journal", "verify", str(out)]) == 1
    capsys.readouterr()


def test_a_manifest_that_was_changed_is_found_out(data: Path, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "events.jsonl"
    assert main(["journal", "export", "--data", str(data), "--out", str(out)]) == 0
    beside = tmp_path / f"events.jsonl{SUFFIX}"
    beside.write_text(beside.read_text().replace('"site": "demo"', '"site": "elsewhere"'))
    assert main(["journal", "verify", str(out)]) == 1
    assert "signature does not hold" in capsys.readouterr().err


def test_a_part_by_time_is_one_piece_of_the_chain(data: Path, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "part.jsonl"
    rows = _reader(data).after(0, 5000)
    since, until = rows[10].wall, rows[30].wall
    times = ["--since", since.isoformat(), "--until", until.isoformat()]
    assert main(["journal", "export", "--data", str(data), "--out", str(out), *times]) == 0
    assert main(["journal", "verify", str(out)]) == 0
    wanted = [row.event_id for row in rows if since <= row.wall < until]
    assert [json.loads(line)["event_id"] for line in out.read_text().splitlines()] == wanted
    manifest = read_manifest(tmp_path / f"part.jsonl{SUFFIX}").manifest
    assert (manifest.whole, manifest.count) == (True, len(wanted))
    capsys.readouterr()


async def test_an_export_of_a_journal_with_gone_rows_proves_itself(tmp_path: Path, capsys: Said) -> None:
    kept = Kept(tmp_path, at_once(keep_bytes=300_000), HandClock())
    for n in range(200):
        await kept.append(door(n), SEEN)
    await wait_until_async(kept.reader.gone, what="some rows are gone")
    kept.close()
    (tmp_path / "data").mkdir()
    shutil.move(kept.path, tmp_path / "data" / "journal.db")
    out = tmp_path / "events.jsonl"
    assert main(["journal", "export", "--data", str(tmp_path / "data"), "--out", str(out), "--unsigned"]) == 0
    assert main(["journal", "verify", str(out)]) == 0
    assert "are gone, as recorded" in capsys.readouterr().err
    manifest = tmp_path / f"events.jsonl{SUFFIX}"
    manifest.write_text(manifest.read_text().replace('"gone": [', '"gone": [], "was": [', 1))
    assert main(["journal", "verify", str(out)]) == 1, "rows are missing without a word"
    capsys.readouterr()


def test_a_persons_export_holds_what_names_them_and_what_is_remembered(
    data: Path, tmp_path: Path, capsys: Said
) -> None:
    out = tmp_path / "theirs.jsonl"
    assert main(["journal", "person", "export", "p-1", "--data", str(data), "--out", str(out)]) == 0
    assert main(["journal", "verify", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    rows = [row for row in _reader(data).after(0, 5000) if "cardholder:p-1" in row.subjects]
    assert rows
    assert {row.event_id for row in rows} <= {line["event_id"] for line in lines}
    named = ("cardholder:p-1", "credential:c-1", "credential:c-secure")
    assert all(any(name in line["subjects"] for name in named) for line in lines)
    manifest = read_manifest(tmp_path / f"theirs.jsonl{SUFFIX}").manifest
    assert not manifest.whole
    assert {"kind": "whereabouts", "key": "p-1"} in [
        {"kind": fact["kind"], "key": fact["key"]} for fact in manifest.remembered
    ]
    capsys.readouterr()


def test_somebody_who_moved_out_is_erased_with_the_gateway_stopped(moved_out: Path, capsys: Said) -> None:
    before = _reader(moved_out)
    assert [fact.key for fact in before.facts("whereabouts")] == ["p-1", "p-4"]
    words = ["journal", "person", "erase", "p-4", "--data", str(moved_out), "--by", "Lin", "--reason", "asked for it"]
    assert main(words) == 0
    after = _reader(moved_out)
    assert [row.type for row in after.search(subject="cardholder:p-4")] == ["PersonErased"]
    assert [fact.key for fact in after.facts("whereabouts")] == ["p-1"]
    assert not [fact for fact in after.facts() if fact.key == "c-4"]
    (told,) = after.search(types=["PersonErased"])
    assert told.actor == "operator:Lin@command line"
    assert told.body["credentials"] == ["c-4"]
    verdict = after.verify()
    assert verdict.broken_row is None
    assert verdict.erased > 0
    words_said = capsys.readouterr().err
    assert "p-4: erased" in words_said
    (before_this,) = (moved_out / "lists").glob("list-7-*.ghl")
    assert f"{before_this}: still holds their id" in words_said
    assert str(moved_out / "lists" / "list-8") not in words_said


def test_why_and_replay_say_that_it_is_erased(moved_out: Path, capsys: Said) -> None:
    (granted,) = [row for row in _reader(moved_out).search(types=["AccessGranted"]) if row.body["cardholder"] == "p-4"]
    words = ["journal", "person", "erase", "p-4", "--data", str(moved_out), "--by", "Lin", "--reason", "asked"]
    assert main(words) == 0
    capsys.readouterr()
    assert main(["why", str(granted.row_id), "--data", str(moved_out)]) == 0
    assert "Erased" in capsys.readouterr().out
    assert main(["why", str(granted.row_id), "--data", str(moved_out), "--language", "zh-CN"]) == 0
    assert "已抹除" in capsys.readouterr().out
    assert main(["replay", "--data", str(moved_out)]) == 0
    assert "1 decision erased" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["p-1", "--by", "Lin", "--reason", "x"], "still names this person"),
        (["p-4", "--by", " ", "--reason", "x"], "--by"),
        (["p-4", "--by", "Lin", "--reason", " "], "--reason"),
        (["p-4", "--by", "Lin", "--reason", "x" * 300], "--reason"),
    ],
)
def test_an_erasure_that_may_not_be_changes_nothing(
    moved_out: Path, capsys: Said, words: list[str], fault: str
) -> None:
    before = _reader(moved_out).head()
    assert main(["journal", "person", "erase", *words, "--data", str(moved_out)]) == 2
    assert fault in capsys.readouterr().err
    assert _reader(moved_out).head() == before


def test_older_copies_are_named(moved_out: Path, capsys: Said) -> None:
    shutil.copyfile(moved_out / "journal.db", moved_out / "journal.db.before-3")
    words = ["journal", "person", "erase", "p-4", "--data", str(moved_out), "--by", "Lin", "--reason", "asked"]
    assert main(words) == 0
    assert "journal.db.before-3" in capsys.readouterr().err


async def test_a_journal_in_use_is_exported_whole(tmp_path: Path, capsys: Said) -> None:
    (tmp_path / "data").mkdir()
    kept = Kept(tmp_path / "data", at_once(), HandClock())
    facts = [Fact("uses", "c-1", Uses(1)), Fact("whereabouts", "p-1", Whereabouts("a", NOON, "north"))]
    facts.append(Fact("last_use", "c-1", LastUse("north", NOON, 1.0, "b")))
    kept.journal.append([door(0)], kept.clock.now(), {"s": 1}, facts)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            kept.journal.append([door(1)] * 20, kept.clock.now(), {"s": 1})
            stop.wait(0.002)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for n in range(3):
            out = tmp_path / f"events-{n}.jsonl"
            assert main(["journal", "export", "--data", str(tmp_path / "data"), "--out", str(out), "--unsigned"]) == 0
            assert main(["journal", "verify", str(out)]) == 0
            assert main(["journal", "verify", str(tmp_path / "data")]) == 0
    finally:
        stop.set()
        writing.join()
        kept.close()
    capsys.readouterr()


async def test_somebody_is_erased_through_the_doors_that_run(moved_out: Path, capsys: Said) -> None:
    clock = SystemClock()
    (moved_out / "run").mkdir(exist_ok=True)
    journal = SqliteJournal(moved_out / "journal.db", clock)
    remembered = read_remembered(moved_out / "journal.db")
    controller = Controller(to_site(load_config(moved_out / "site.toml")), None, Register(remembered.facts))
    hub = StatusHub(dict)
    loop = SiteLoop(controller, journal, clock, {}, _no_list, None, hub)
    paths = Paths(moved_out / "site.toml", moved_out)
    socket = DoorsSocket(paths.doors_socket, loop.inbox, hub, {}, lambda _: None)
    with paths.lock("doors"):
        tasks = [asyncio.create_task(running) for running in (loop.run(), socket.run())]
        words = ["journal", "person", "erase", "p-4", "--data", str(moved_out), "--by", "Lin", "--reason", "asked"]
        assert await asyncio.to_thread(main, words) == 0
        assert "p-4" not in controller.register.whereabouts
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    journal.close()
    after = _reader(moved_out)
    assert [row.type for row in after.search(subject="cardholder:p-4")] == ["PersonErased"]
    assert [fact.key for fact in after.facts("whereabouts")] == ["p-1"]
    assert after.verify().broken_row is None
    capsys.readouterr()


def _no_list(_path: str) -> AccessList:
    raise AssertionError("no list comes")


@pytest.mark.parametrize("since", [None, "the new epoch"])
async def test_an_export_over_a_fork_proves_itself(tmp_path: Path, capsys: Said, since: str | None) -> None:
    (tmp_path / "data").mkdir()
    kept = Kept(tmp_path / "data", at_once(), HandClock())
    await kept.append(*(door(n) for n in range(20)))
    place = kept.reader.after(11, 1)[0]
    point = ForkJournal("f-1", place.epoch, place.epoch, place.seq, place.hash)
    assert await asyncio.wrap_future(kept.journal.fork(point, kept.clock.now())) is not None
    kept.clock.wall += DAY
    await kept.append(*(door(n) for n in range(5)))
    kept.close()
    out = tmp_path / "events.jsonl"
    words = ["journal", "export", "--data", str(tmp_path / "data"), "--out", str(out), "--unsigned"]
    words += [] if since is None else ["--since", (NOON + DAY).isoformat()]
    assert main(words) == 0
    assert main(["journal", "verify", str(out)]) == 0
    assert len(out.read_text().splitlines()) == (26 if since is None else 5)
    manifest = read_manifest(tmp_path / f"events.jsonl{SUFFIX}").manifest
    assert len(manifest.epochs) == (2 if since is None else 1)
    capsys.readouterr()
