"""Canonical bytes: the specification's golden vector, and journal and office agreeing without sharing code."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.domain.events import AccessDenied
from gateway.store.journal_reader import recorded_hash
from sync import wire
from sync.uplink import make_batch, wire_event
from tests.sync.site import Gateway

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def _vector() -> tuple[str, wire.WireEvent, str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:json|text) golden\n(.*?)```", text, re.DOTALL)
    raw = msgspec.json.decode(blocks[0])
    epoch = raw.pop("epoch")
    return epoch, msgspec.convert(raw, wire.WireEvent), blocks[1]


def test_the_documents_golden_vector_holds() -> None:
    epoch, event, printed = _vector()
    envelope = bytes.fromhex(re.sub(r"\s", "", printed))
    assert wire.canonical_bytes(epoch, event) == envelope
    assert hashlib.sha256(envelope).hexdigest() == event.hash
    assert wire.is_sound(epoch, event)
    body = b'{"because":"grant","cardholder":"p-7","credential":"c-7","door":"north"}'
    told = [b"cardholder:p-7", b"3", b"cardholder:p-7", b"credential:c-7", b"door:north", body]
    covered = b"".join(len(field).to_bytes(4, "big") + field for field in told)
    assert hashlib.sha256(bytes.fromhex(event.salt) + covered).hexdigest() == event.commitment


def test_an_erased_event_is_sound_and_names_nobody() -> None:
    epoch, event, _ = _vector()
    erased = msgspec.structs.replace(event, salt="", body={}, actor="", subjects=())
    assert wire.is_sound(epoch, erased)
    assert not wire.is_sound(epoch, msgspec.structs.replace(erased, type="AccessDenied"))
    for left in ({"body": {"door": "north"}}, {"actor": "gateway"}, {"subjects": ("door:north",)}):
        assert not wire.is_sound(epoch, msgspec.structs.replace(erased, **left)), "part of it can't be believed"


def test_events_of_the_first_layout_are_read_for_ever() -> None:
    vectors = msgspec.json.decode((Path(__file__).parents[1] / "vectors" / "events.json").read_bytes())
    checked = set()
    for vector in vectors:
        told = dict(vector["envelope"])
        epoch, wall = told.pop("epoch"), datetime.fromtimestamp(0, UTC) + timedelta(microseconds=told.pop("wall_us"))
        sealed = {name: vector[name] for name in ("salt", "commitment", "previous_hash", "hash")}
        layout = vector.get("layout", 1)
        body = msgspec.json.decode(vector["body"])
        fields = {**told, **sealed, "wall": wall, "body": body, "layout": layout}
        assert wire.is_sound(epoch, msgspec.convert(fields, wire.WireEvent)), told["event_id"]
        checked.add(layout)
    assert checked == {1, 2}


def test_a_whole_number_that_an_earlier_release_recorded_with_its_point_is_sound() -> None:
    epoch, event, _ = _vector()
    for body in (
        b'{"seconds":5.0}',
        b'{"seconds":5}',
        b'{"b":1.5e-7,"a":1e16}',
        b'{"\xee\x80\x80":1,"\xf0\x9f\x98\x80":2}',
    ):
        plain = msgspec.structs.replace(event, body=msgspec.json.decode(body))
        digest = hashlib.sha256(wire.committed_bytes(plain)).hexdigest()
        sealed = msgspec.structs.replace(plain, commitment=digest)
        whole = msgspec.structs.replace(sealed, hash=hashlib.sha256(wire.canonical_bytes(epoch, sealed)).hexdigest())
        assert wire.committed_bytes(whole).endswith(body)
        arrived = msgspec.json.decode(msgspec.json.encode(whole), type=wire.WireEvent)
        assert wire.is_sound(epoch, arrived)
        turned = msgspec.structs.replace(arrived, body=dict(reversed(arrived.body.items())))
        assert wire.is_sound(epoch, turned) == (sorted(arrived.body) == list(arrived.body)), "put in order again"


async def test_the_journals_hashes_are_the_wires(tmp_path: Path) -> None:
    gate = Gateway(tmp_path, "http://127.0.0.1:9")
    event = AccessDenied(
        access_point="北门",
        door="north",
        reader="r",
        reason="CredentialNotFound",
        credential=None,
        cardholder="p-1",
        list_version=None,
        trace=(),
    )
    assert await gate.journal.append([event], gate.clock.now()).wait(5)
    row = gate.reader.after(0, 1)[0]
    sent = msgspec.json.decode(msgspec.json.encode(wire_event(row)), type=wire.WireEvent)
    assert wire.is_sound(row.epoch, sent)
    assert recorded_hash(row) == sent.hash
    assert not wire.is_sound(row.epoch, msgspec.structs.replace(sent, body={"door": "south"}))
    assert not wire.is_sound(row.epoch, msgspec.structs.replace(sent, wall=datetime(2026, 1, 1, tzinfo=UTC)))
    gate.journal.close()


async def test_a_batch_keeps_to_its_bounds_and_to_one_epoch(tmp_path: Path) -> None:
    gate = Gateway(tmp_path, "http://127.0.0.1:9")
    await gate.record(600)
    rows = gate.reader.after(0, 5000)
    full = make_batch("s", rows).events
    assert [event.seq for event in full] == list(range(1, len(full) + 1))
    assert len(msgspec.json.encode(full)) <= wire.BATCH_BYTES
    assert len(make_batch("s", [replace(row, subjects=(), salt="") for row in rows]).events) <= wire.BATCH_ROWS
    fat = [replace(row, body={"text": "x" * 100_000}) for row in rows[:5]]
    assert len(make_batch("s", fat).events) == 2
    huge = replace(rows[0], body={"text": "x" * 300_000})
    assert len(make_batch("s", [huge, rows[1]]).events) == 1
    other = replace(rows[2], epoch="f" * 32, seq=1)
    assert len(make_batch("s", [rows[0], rows[1], other]).events) == 2
    assert len(make_batch("s", [rows[0], rows[1], replace(other, seq=3)]).events) == 2, "where what was before is gone"
    gate.journal.close()
