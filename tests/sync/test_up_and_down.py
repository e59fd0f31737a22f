"""A gateway and a real office process: events up, lists down, through kills and restored copies."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.events import AlarmRaised, Event, LockdownStarted, PersonErased
from gateway.domain.ports import EpochParent, Feed, JournalHead
from gateway.domain.signals import LinkChanged, LinkState, ListReady
from gateway.errors import AuthenticationFailed, OfficeRejected
from gateway.store.gone import Gone
from sync import wire
from sync.history import Diverged, committed
from sync.office_client import After
from sync.uplink import make_batch
from tests.sync.site import Gateway, Office, a_client, a_list, say_hello, until


async def test_every_event_arrives_once_in_order_and_sound(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await gate.record(1200)
        await office.has(1200)
        assert await office.event_ids() == gate.event_ids()
        summary = await office.summary()
        assert (summary["gaps"], summary["unsound"], summary["duplicates_ignored"]) == (0, 0, 0)
        await until(lambda: gate.doors.status.get("queue") == 0)
        assert gate.doors.status["office"] == "online"
        assert [signal.state for signal in gate.doors.heard(LinkChanged)] == [LinkState.ONLINE]


async def test_the_offices_cursor_is_reported_so_that_the_doors_may_let_events_age(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await gate.record(30)
        await office.has(30)
        head = gate.reader.head()
        assert head is not None
        reported = ("office_epoch", "office_through")
        await until(lambda: tuple(gate.doors.status.get(name) for name in reported) == (head.epoch, head.seq))


async def test_an_event_that_names_very_many_holds_up_nobody_behind_it(tmp_path: Path) -> None:
    cards = tuple(f"c-{n}" for n in range(500))
    by = {"reason": "moved out", "actor": "lin", "post": "gate", "request_id": "r-1"}
    doors = tuple(f"d-{n}" for n in range(500))
    large: list[Event] = [
        PersonErased(cardholder="p-1", credentials=cards, **by),
        LockdownStarted(group=None, doors=doors, **by),
    ]
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        assert await gate.journal.append(large, gate.clock.now()).wait(10)
        await gate.record(1)
        await office.has(3)
        assert (await office.summary())["unsound"] == 0


async def test_a_text_that_is_damaged_on_the_disk_holds_up_nothing_and_the_office_finds_it(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await gate.stop()
        await gate.record(9)
        with closing(sqlite3.connect(gate.data / "journal.db", timeout=10)) as journal, journal:
            damaged = "CAST(replace(CAST(body AS BLOB), x'642d', x'64ff') AS TEXT)"
            journal.execute(f"UPDATE event SET body = {damaged} WHERE seq = 4")
        gate.start()
        await office.has(9)
        assert await office.event_ids() == gate.event_ids()
        summary = await office.summary()
        assert (summary["unsound"], summary["gaps"]) == (1, 0)
        assert gate.reader.verify().broken_row == 4


async def test_a_wake_up_that_was_lost_costs_seconds_and_no_event(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await until(lambda: gate.doors.status.get("queue") == 0)
        await gate.record(3, wake=False)
        await office.has(3)


async def test_an_office_killed_again_and_again_misses_nothing_and_counts_once(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        for _ in range(3):
            await gate.record(400)
            await asyncio.sleep(0.02)  # somewhere within the drain, never at the same place
            await office.kill()
            await gate.record(50)
            await office.start()
        await office.has(1350, 40)
        assert await office.event_ids() == gate.event_ids()
        assert (await office.summary())["gaps"] == 0


async def test_the_link_is_told_once_each_way_and_the_queue_grows_while_the_office_is_away(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await until(lambda: gate.doors.status.get("office") == "online")
        await office.kill()
        await gate.record(7)
        await until(lambda: gate.doors.status.get("office") == "offline" and gate.doors.status.get("queue") == 7)
        await until(lambda: float(gate.doors.status["oldest_age_s"]) >= 1.0)
        assert gate.doors.status["last_error"]
        await office.start()
        await until(lambda: gate.doors.status.get("office") == "online", 40)
        told = [signal.state for signal in gate.doors.heard(LinkChanged)]
        assert told == [LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE]


async def test_an_office_restored_from_an_older_copy_gets_again_what_it_lost(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await gate.record(20)
        await office.has(20)
        await office.kill()
        shutil.copytree(tmp_path / "office", tmp_path / "copy")
        await office.start()
        await gate.record(30)
        await office.has(50, 30)
        await office.kill()
        shutil.rmtree(tmp_path / "office")
        shutil.copytree(tmp_path / "copy", tmp_path / "office")
        await office.start()
        await office.has(50, 40)
        assert await office.event_ids() == gate.event_ids()


async def test_a_gateway_that_starts_again_sends_nothing_twice(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await gate.record(40)
        await office.has(40)
        await gate.stop()
        await gate.record(2)
        gate.start()
        await office.has(42)
        assert (await office.summary())["duplicates_ignored"] == 0


async def test_batches_sent_twice_count_once_and_stale_or_distant_ones_are_refused(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(10)
        rows = gate.reader.after(0, 10)
        client = a_client(office.url)
        stale, welcome = await say_hello(client), await say_hello(client)
        assert isinstance(stale, wire.Welcome)
        assert isinstance(welcome, wire.Welcome)
        epoch, session = rows[0].epoch, welcome.session
        refused = await client.send(make_batch(stale.session, rows))
        assert isinstance(refused, wire.Refusal)
        assert refused.code == "stale_session"
        assert await client.send(make_batch(session, rows[:4])) == wire.Receipt(epoch, 4)
        assert await client.send(make_batch(session, rows[1:6])) == wire.Receipt(epoch, 6)
        assert await client.send(make_batch(session, rows[:4])) == wire.Receipt(epoch, 6)
        distant = await client.send(make_batch(session, rows[8:]))
        assert isinstance(distant, wire.Refusal)
        assert (distant.code, distant.through) == ("past_cursor", 6)
        summary = await office.summary()
        assert (summary["events"], summary["duplicates_ignored"]) == (6, 7)
        await client.close()
        gate.journal.close()


async def _restored(tmp_path: Path, office: Office, after: int, more: int) -> Gateway:
    """A gateway put back to an image of `after` events, whose office has `more` than that."""
    gate = Gateway(tmp_path / "gate", office.url)
    await gate.record(after)
    async with gate:
        await office.has(after)
    shutil.copytree(tmp_path / "gate", tmp_path / "image")
    async with Gateway(tmp_path / "gate", office.url) as again:
        await again.record(more)
        await office.has(after + more)
    return Gateway(tmp_path / "image", office.url)


async def test_a_gateway_put_back_to_an_image_goes_on_in_a_new_epoch_and_both_histories_are_kept(
    tmp_path: Path,
) -> None:
    async with Office(tmp_path / "office") as office:
        gate = await _restored(tmp_path, office, 5, 4)
        await gate.record(2)
        ids = gate.event_ids()
        async with gate:
            await office.has(9 + 2 + 1, 40)  # and the record of the fork
            await gate.record(3)
            await office.has(15)
            rows = gate.reader.after(0, 100)
            assert [row.event_id for row in rows][:7] == ids
            assert [row.row_id for row in rows] == list(range(1, 12))
            assert rows[7].type == "HistoryForked"
            assert (rows[7].body["parent"], rows[7].body["parent_seq"], rows[7].body["moved"]) == (rows[0].epoch, 5, 2)
            assert [row.seq for row in rows[5:]] == [1, 2, 3, 4, 5, 6]
            assert rows[5].previous_hash == rows[4].hash
            assert gate.reader.verify().fault == ""
            summary = await office.summary()
            assert (summary["gaps"], summary["unsound"]) == (0, 0)
            assert {alarm["kind"] for alarm in summary["alarms"]} == {"history_forked"}
            parents = {epoch["through"]: epoch["parent"] for epoch in summary["epochs"]}
            assert parents == {9: None, 6: {"epoch": rows[0].epoch, "seq": 5}}
            stream = await office.admin("GET", f"epochs/{rows[-1].epoch}/events")
            assert [event["event_id"] for event in stream["events"]] == [row.event_id for row in rows[5:]]


async def test_an_image_that_recorded_nothing_new_forks_too_when_the_office_is_ahead(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, await _restored(tmp_path, office, 3, 4) as gate:
        await office.has(8, 40)
        assert [row.type for row in gate.reader.after(3, 10)] == ["HistoryForked"]
        assert gate.reader.verify().fault == ""


async def test_two_boxes_with_one_identity_go_on_side_by_side(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        second = await _restored(tmp_path, office, 4, 1)
        async with Gateway(tmp_path / "gate", office.url) as first, second:
            for round_ in range(1, 6):
                await first.record(2)
                await second.record(2)
                await office.has(5 + 1 + 4 * round_, 60)
            assert len({row.epoch for row in first.reader.after(0, 100)}) == 1
            assert len({row.epoch for row in second.reader.after(0, 100)}) == 2
            # Neither ends the other's session: after the fork nobody has to say hello again.
            assert first.doors.status["queue"] == 0 or await office.summary()


@pytest.mark.parametrize("seq", [0, 3])
async def test_a_chain_that_hangs_on_nothing_known_is_refused(tmp_path: Path, seq: int) -> None:
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(8)
        client = a_client(office.url)
        welcome = await say_hello(client)
        assert isinstance(welcome, wire.Welcome)
        rows = [replace(row, previous_hash="f" * 64) if row.seq == seq + 1 else row for row in gate.reader.after(0, 8)]
        if seq:
            await client.send(make_batch(welcome.session, rows[:seq]))
        refused = await client.send(make_batch(welcome.session, rows[seq:]))
        assert isinstance(refused, wire.Refusal)
        assert refused.code == "diverged"
        await client.close()
        gate.journal.close()


async def test_a_wrong_token_is_told_and_not_tried_blindly(tmp_path: Path) -> None:
    async with (
        Office(tmp_path / "office") as office,
        Gateway(tmp_path / "gate", office.url, "x" * 32) as gate,
    ):
        await until(lambda: "token" in str(gate.doors.status.get("last_error")))
        assert gate.doors.status["office"] == "offline"
        assert gate.doors.status["refusal"] == "unauthorized"
        client = a_client(office.url, "y" * 32)
        with pytest.raises(AuthenticationFailed):
            await client.manifest(After(), 0)
        await client.close()


async def test_a_change_at_the_office_is_in_force_within_a_second(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await office.admin("PUT", "list", a_list())
        await until(lambda: gate.lists.version_in_force() == 1)
        changed = await office.admin("POST", "credentials", {"id": "c-3", "cardholder": "p-1", "key": "0" * 32})
        await until(lambda: gate.lists.version_in_force() == changed["version"], 1.0)
        assert gate.doors.heard(ListReady)[-1].credentials == 3
        await office.admin("DELETE", "cardholders/p-1")
        await until(lambda: gate.lists.version_in_force() == 3, 1.0)
        assert gate.doors.heard(ListReady)[-1].credentials == 1


async def test_a_list_is_told_again_to_doors_that_start_again(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        gate.doors.takes_lists = False
        await office.admin("PUT", "list", a_list())
        await until(lambda: len(gate.doors.heard(ListReady)) == 1)
        gate.doors.takes_lists = True
        gate.doors.put(Feed(connected=False))
        gate.doors.say_list(0)
        await until(lambda: gate.lists.version_in_force() == 1, 3.0)


async def test_an_office_put_back_numbers_its_next_list_above_what_the_gateway_has_shown(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        for _ in range(3):
            version = (await office.admin("PUT", "list", a_list()))["version"]
        await until(lambda: gate.lists.version_in_force() == version)
        await office.kill()
        for file in (tmp_path / "office").glob("office.db*"):
            file.unlink()
        await office.start()
        seen = "list_version_at_gateway"
        async with asyncio.timeout(40):
            while (await office.summary())[seen] != version:
                await asyncio.sleep(0.05)
        assert (await office.admin("PUT", "list", a_list()))["version"] == version + 1
        await until(lambda: gate.lists.version_in_force() == version + 1)


class _TwoEpochs:
    """A journal of two lineages: rows 1 to 3, then 4 and 5."""

    def gone(self) -> list[Any]:
        return []

    ends = (JournalHead(3, "a" * 32, 3, "a" * 64), JournalHead(5, "b" * 32, 2, "b" * 64))

    def place(self, epoch: str, seq: int) -> JournalHead | None:
        first = 0 if epoch == "a" * 32 else 3
        return JournalHead(first + seq, epoch, seq, epoch[0] * 64)


@pytest.mark.parametrize(
    ("first", "second", "row_id"), [(0, 0, None), (2, 0, 2), (3, 0, 3), (3, 1, 4), (3, 2, 5), (1, 2, 1)]
)
def test_sending_goes_on_in_the_oldest_epoch_that_the_office_lacks(first: int, second: int, row_id: int | None) -> None:
    cursors = {
        epoch * 32: wire.Cursor(epoch * 32, through, epoch * 64)
        for epoch, through in (("a", first), ("b", second))
        if through
    }
    reached = committed(_TwoEpochs(), _TwoEpochs.ends, {}, cursors)
    assert (None if reached is None else reached.row_id) == row_id


def test_an_epoch_that_was_left_is_complete_where_the_office_has_more_of_it() -> None:
    """Another box went on in it; one that was not left and is behind was put back."""
    first, second = _TwoEpochs.ends
    left = {second.epoch: EpochParent(second.epoch, first.epoch, 3, first.hash)}
    cursor = {first.epoch: wire.Cursor(first.epoch, 9, "9" * 64, first.hash)}
    assert committed(_TwoEpochs(), _TwoEpochs.ends, left, cursor) == first
    with pytest.raises(Diverged) as found:
        committed(_TwoEpochs(), _TwoEpochs.ends, {}, cursor)
    assert (found.value.epoch, found.value.most) == (first.epoch, 3)
    other = {first.epoch: wire.Cursor(first.epoch, 9, "9" * 64, "8" * 64)}
    with pytest.raises(Diverged) as found:
        committed(_TwoEpochs(), _TwoEpochs.ends, left, other)
    assert found.value.most == 2


async def test_what_was_removed_before_the_office_had_it_is_told_and_passed_over(tmp_path: Path) -> None:
    """Rows 1 to 3 and 6 to 7 are gone; the office was put back to where it had 2."""
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(9)
        rows = gate.reader.after(0, 20)
        client = a_client(office.url)
        welcome = await say_hello(client)
        assert isinstance(welcome, wire.Welcome)
        await client.send(make_batch(welcome.session, rows[:2]))
        await client.close()
        with sqlite3.connect(gate.data / "journal.db") as journal:
            for first, last in ((1, 3), (6, 7)):
                run = (rows[0].epoch, first, last, rows[first - 1].previous_hash, rows[last - 1].hash, last)
                journal.execute("DELETE FROM event WHERE seq BETWEEN ? AND ?", (first, last))
                journal.execute("INSERT INTO gone VALUES (?, ?, ?, ?, ?, ?)", run)
        async with gate:
            await office.has(6)
            await until(lambda: gate.doors.status.get("queue") == 0)
            assert await office.event_ids() == [rows[n].event_id for n in (0, 1, 3, 4, 7, 8)]
            summary = await office.summary()
            assert (summary["gaps"], summary["told_gone"]) == (0, 3)
            assert [epoch["through"] for epoch in summary["epochs"]] == [9]
            assert [(alarm["kind"], alarm["count"]) for alarm in summary["alarms"]] == [("events_pruned", 2)]


async def test_nothing_that_is_there_is_told_as_gone(tmp_path: Path) -> None:
    """A journal whose record of what was removed goes too far: the office must not go on behind what it never got."""
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(4)
        rows = gate.reader.after(0, 20)
        with sqlite3.connect(gate.data / "journal.db") as journal:
            journal.execute("DELETE FROM event WHERE seq = 1")
            run = (rows[0].epoch, 1, 3, rows[0].previous_hash, rows[2].hash, 3)
            journal.execute("INSERT INTO gone VALUES (?, ?, ?, ?, ?, ?)", run)
        async with gate:
            await until(lambda: "was not removed" in str(gate.doors.status.get("last_error")))
            assert (await office.summary())["told_gone"] == 0


async def test_a_gap_moves_the_cursor_only_where_it_fits(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(9)
        rows = gate.reader.after(0, 20)
        client = a_client(office.url)
        welcome = await say_hello(client)
        assert isinstance(welcome, wire.Welcome)
        session, epoch = welcome.session, rows[0].epoch
        await client.send(make_batch(session, rows[:3]))

        async def told(first: int, last: int, before: str | None) -> str | int:
            answer = await client.tell_gap(wire.Gap(session, epoch, first, last, rows[last - 1].hash, before))
            return answer.code if isinstance(answer, wire.Refusal) else answer.through

        assert await told(5, 6, None) == "past_cursor"
        assert await told(4, 6, "f" * 64) == "diverged"
        assert await told(6, 5, None) == "gap_in_batch"
        assert await told(1, 2, None) == 3
        assert await told(4, 6, rows[2].hash) == 6
        assert await told(4, 6, rows[2].hash) == 6
        assert await client.send(make_batch(session, rows[6:])) == wire.Receipt(epoch, 9)
        await client.close()
        gate.journal.close()


async def test_an_alarm_goes_ahead_of_the_history_before_it_and_counts_once(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        gate = Gateway(tmp_path / "gate", office.url)
        await gate.record(1200)
        raised = AlarmRaised(alarm="a-1", kind="duress", priority=1, source="north", door=None, camera=None)
        assert await gate.journal.append([raised], gate.clock.now()).wait(5)
        await gate.record(3)
        async with gate:
            await office.has(1204, 30)
            await until(lambda: gate.doors.status.get("queue") == 0)
            arrived = await office.event_ids()
            alarm = gate.reader.search(types=["AlarmRaised"])[0].event_id
            assert arrived.index(alarm) == 0
            assert sorted(arrived) == sorted(gate.event_ids())
            summary = await office.summary()
            assert (summary["gaps"], summary["unsound"], summary["duplicates_ignored"]) == (0, 0, 1)
            stream = await office.admin("GET", f"epochs/{gate.reader.after(0, 1)[0].epoch}/events?after=1000")
            assert [event["event_id"] for event in stream["events"]] == gate.event_ids()[1000:]


class _Removed:
    """A journal of seven events, of which some in the middle or at the start were removed."""

    def __init__(self, first: int, last: int) -> None:
        self.run = Gone("a" * 32, first, last, "0" * 64, "1" * 64, last)
        self.end = JournalHead(7, "a" * 32, 7, "7" * 64)

    def place(self, epoch: str, seq: int) -> JournalHead | None:
        return None if self.run.first_seq <= seq < self.run.last_seq else JournalHead(seq, epoch, seq, f"{seq}" * 64)

    def gone(self) -> list[Gone]:
        return [self.run]


def test_a_cursor_among_removed_events_is_trusted_only_where_the_office_had_them() -> None:
    cursor = {"a" * 32: wire.Cursor("a" * 32, 4, "4" * 64, None)}
    aged, crowded = _Removed(1, 5), _Removed(3, 5)
    assert committed(aged, [aged.end], {}, cursor) == JournalHead(5, "a" * 32, 4, "4" * 64)
    with pytest.raises(Diverged) as found:
        committed(crowded, [crowded.end], {}, cursor)
    assert found.value.most == 2


class _Lost(_Removed):
    """Nobody has told that they were removed."""

    def gone(self) -> list[Gone]:
        return []


def test_a_cursor_at_an_event_that_nobody_removed_and_is_not_there_is_not_gone_by() -> None:
    lost = _Lost(3, 5)
    with pytest.raises(OfficeRejected, match="is not in this journal, and was not removed"):
        committed(lost, [lost.end], {}, {"a" * 32: wire.Cursor("a" * 32, 4, "4" * 64, None)})
