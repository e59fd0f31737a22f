"""What the office keeps of the events that come up, what it counts, and what it refuses: asked of the ledger itself."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync import wire
from sync.device_key import DeviceKey
from sync.office.ledger import Ledger
from tests.sync.site import SITE, a_list

OWN, THIEF = DeviceKey(b"d" * 32), DeviceKey(b"t" * 32)
EPOCH, NEXT_EPOCH = "a" * 32, "b" * 32
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
Sent = wire.Batch | wire.Gap | wire.Copies


@dataclass
class Box:
    """A gateway that speaks to the ledger as the routes do."""

    ledger: Ledger

    def hello(self, *ends: wire.EpochEnd, list_version: int = 0) -> wire.Welcome:
        challenge = self.ledger.challenge(SITE).challenge
        said = wire.Hello(1, "test", "boot", OWN.public, challenge, ends, list_version)
        body = msgspec.json.encode(said)
        signature = OWN.sign(wire.signed_bytes(SITE, "hello", challenge, body))
        welcome = self.ledger.welcome(SITE, said, body, signature)
        assert isinstance(welcome, wire.Welcome)
        return welcome

    def send(self, sent: Sent, key: DeviceKey = OWN) -> Any:
        """The receipt, or the code of the refusal."""
        body = msgspec.json.encode(sent)
        calls: dict[type, tuple[str, Any]] = {
            wire.Batch: ("events", self.ledger.accept),
            wire.Gap: ("gap", self.ledger.accept_gap),
            wire.Copies: ("copies", self.ledger.accept_copies),
        }
        call, keep = calls[type(sent)]
        answer = keep(SITE, sent, body, key.sign(wire.signed_bytes(SITE, call, sent.session, body)))
        return answer.code if isinstance(answer, wire.Refusal) else answer

    def through(self) -> int:
        """The office's cursor."""
        return sum(epoch["through"] for epoch in self.ledger.summary(SITE)["epochs"])


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    ledger = Ledger(tmp_path / "office.db")
    ledger.add_site(SITE)
    yield Box(ledger)
    ledger.close()


def history(count: int, door: str = "north", epoch: str = EPOCH, after: str = wire.FIRST_PREVIOUS_HASH) -> Any:
    """So many events of a chain that goes on from `after`."""
    found: list[wire.WireEvent] = []
    for seq in range(1, count + 1):
        event = wire.WireEvent(
            event_id=f"01939f3c-7d00-7abc-8def-{hashlib.sha256(f'{door} {epoch} {seq}'.encode()).hexdigest()[:12]}",
            seq=seq,
            type="DoorOpened",
            version=1,
            wall=NOW,
            clock_quality="synchronised",
            boot_id="boot",
            monotonic_us=seq,
            actor="gateway",
            device=None,
            subjects=(f"door:{door}",),
            body={"door": door},
            salt="00" * 16,
            commitment="",
            previous_hash=after,
            hash="",
            layout=2,
        )
        event = _with(event, commitment=hashlib.sha256(wire.committed_bytes(event)).hexdigest())
        event = _with(event, hash=hashlib.sha256(wire.canonical_bytes(epoch, event)).hexdigest())
        found.append(event)
        after = event.hash
    return tuple(found)


def _with(event: wire.WireEvent, **changes: Any) -> wire.WireEvent:
    return msgspec.structs.replace(event, **changes)


def test_another_event_under_a_known_number_is_another_history(box: Box) -> None:
    session = box.hello().session
    ours, theirs = history(3), history(4, "south")
    assert box.send(wire.Batch(session, EPOCH, ours)).through == 3
    assert box.send(wire.Batch(session, EPOCH, theirs)) == "diverged"
    assert box.send(wire.Batch(session, EPOCH, (_with(ours[1], hash="f" * 64),))) == "diverged"
    assert (box.through(), box.ledger.summary(SITE)["events"]) == (3, 3)


def test_numbers_that_do_not_rise_by_one_are_a_gap_and_nothing_of_it_is_kept(box: Box) -> None:
    session = box.hello().session
    first, second, third = history(3)
    for events in ((first, third), (second, first), (first, first)):
        assert box.send(wire.Batch(session, EPOCH, events)) == "gap_in_batch"
    assert (box.through(), box.ledger.summary(SITE)["events"]) == (0, 0)


def test_an_event_that_was_tampered_with_is_kept_and_counted_as_unsound(box: Box) -> None:
    session = box.hello().session
    first, second, third = history(3)
    tampered = (first, _with(second, body={"door": "south"}), _with(third, type="DoorClosed"))
    assert box.send(wire.Batch(session, EPOCH, tampered)).through == 3
    assert [event["sound"] for event in box.ledger.events(SITE, 0, 10)] == [True, False, False]
    assert box.ledger.summary(SITE)["unsound"] == 2


def test_a_gap_that_names_another_hash_than_the_office_has_is_another_history(box: Box) -> None:
    session = box.hello().session
    events = history(3)
    box.send(wire.Batch(session, EPOCH, events))
    assert box.send(wire.Gap(session, EPOCH, 1, 2, "f" * 64, None)) == "diverged"
    assert box.send(wire.Gap(session, EPOCH, 1, 2, events[1].hash, None)).through == 3


def test_alarms_ahead_of_their_turn_move_no_cursor_and_come_again_in_it(box: Box) -> None:
    session = box.hello().session
    events = history(5)
    box.send(wire.Batch(session, EPOCH, events[:2]))
    assert box.send(wire.Copies(session, EPOCH, events[4:])).kept == 1
    (cursor,) = box.hello(wire.EpochEnd(EPOCH, 5, events[4].hash)).cursors
    assert (cursor.through, cursor.hash, cursor.known) == (2, events[1].hash, None)
    session = box.hello().session
    assert box.send(wire.Batch(session, EPOCH, events[2:])).through == 5
    assert box.ledger.summary(SITE)["events"] == 5


@pytest.mark.parametrize("kind", ["events", "gap", "copies"])
def test_no_call_of_another_session_or_key_moves_anything(box: Box, kind: str) -> None:
    stale, session = box.hello().session, box.hello().session
    events = history(2)

    def call(of: str) -> Sent:
        if kind == "gap":
            return wire.Gap(of, EPOCH, 1, 2, events[1].hash, None)
        return wire.Batch(of, EPOCH, events) if kind == "events" else wire.Copies(of, EPOCH, events)

    assert box.send(call(stale)) == "stale_session"
    assert box.send(call(session), THIEF) == "bad_signature"
    assert (box.through(), box.ledger.summary(SITE)["events"]) == (0, 0)


def test_what_an_epoch_goes_on_from_is_told_once_and_stays(box: Box) -> None:
    parents = [wire.Parent(EPOCH, 7, digit * 64) for digit in "56"]
    events = {parent: history(2, epoch=NEXT_EPOCH, after=parent.hash) for parent in parents}
    for parent in (*parents, parents[0]):
        session = box.hello(wire.EpochEnd(NEXT_EPOCH, 2, events[parent][-1].hash, parent)).session
    (alarm,) = box.ledger.summary(SITE)["alarms"]
    assert (alarm["kind"], alarm["count"]) == ("history_forked", 1)
    assert box.send(wire.Batch(session, NEXT_EPOCH, events[parents[1]])) == "diverged"
    assert box.send(wire.Batch(session, NEXT_EPOCH, events[parents[0]])).through == 2


def test_a_list_is_numbered_above_all_that_a_gateway_has_ever_shown(box: Box) -> None:
    for shown in (9, 3):  # it was put back
        box.hello(list_version=shown)
    assert box.ledger.change_list(SITE, lambda lists, seen: lists.put(SITE, a_list(), seen)) == 10
