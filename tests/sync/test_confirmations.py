"""Somebody waits for a yes, and the office gives it: a real controller, a real journal, a real office, real HTTP."""

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import events as ev
from gateway.domain.controller import Turn
from gateway.domain.listed import Authentication
from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import AccessConfirmRequested, DoorModeRequested, Operator, Signal
from gateway.errors import LinkError
from sync import wire
from sync.office_client import OfficeClient
from tests.gateway.domain.compound import Compound, compound_list
from tests.gateway.domain.plant import GUARD
from tests.sync.site import ADMIN_TOKEN, SITE, Doors, Gateway, Office, until


class Gate(Gateway):
    """A gateway whose doors decide: a yes opens north for a card shown there."""

    def __init__(self, data: Path, url: str) -> None:
        super().__init__(data, url)
        self.rig = Compound(compound_list(wants={"north-in": Authentication.CONFIRM}))
        self.doors: DecidingDoors = DecidingDoors(data / "lists", self)

    async def take(self, turn: Turn) -> Turn:
        """Journal a turn as the doors process does, and wake who follows."""
        if turn.events:
            assert await self.journal.append(turn.events, self.clock.now()).wait(10)
            head = self.reader.head()
            assert head is not None
            self.doors.put(Feed(connected=True, row_id=head.row_id))
        return turn

    async def show(self, number: int = 1) -> str:
        """A card at north, which waits; the identity of the event that says so."""
        await self.take(self.rig.show(number))
        return next(event.event_id for event in reversed(self.reader.after(0, 1000)) if event.type == "AccessRequested")

    def recorded(self, *kinds: str) -> list[dict[str, Any]]:
        return [{"type": e.type, **e.body} for e in self.reader.after(0, 1000) if e.type in kinds]

    async def decided(self, kind: str, timeout_s: float = 5.0) -> dict[str, Any]:
        await until(lambda: self.recorded(kind), timeout_s, kind)
        return self.recorded(kind)[-1]


class DecidingDoors(Doors):
    """Answers go to the controller; `busy` times the inbox is full."""

    def __init__(self, lists: Path, gate: Gate) -> None:
        super().__init__(lists)
        self.gate, self.busy = gate, 0

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        if not isinstance(signal, AccessConfirmRequested):
            return await super().send(signal, timeout_s)
        self.signals.append(signal)
        if self.away:
            raise LinkError("away")
        if self.busy:
            self.busy -= 1
            return Reply(accepted=False, reason="InboxFull")
        return (await self.gate.take(self.gate.rig.handle(signal))).reply


def given(event_id: str, answer_id: str = "answer-1", *, allow: bool = True, good_for_s: float = 30) -> dict[str, Any]:
    expires_at = datetime.now(UTC) + timedelta(seconds=good_for_s)
    by = "Lin at the desk"
    return {
        "answer_id": answer_id,
        "event_id": event_id,
        "allow": allow,
        "by": by,
        "expires_at": expires_at.isoformat(),
    }


async def waiting(office: Office) -> list[dict[str, Any]]:
    return list((await office.admin("GET", "waiting"))["waiting"])


async def until_waiting(office: Office, event_id: str, timeout_s: float = 15.0) -> dict[str, Any]:
    async with asyncio.timeout(timeout_s):
        while not (found := [each for each in await waiting(office) if each["event_id"] == event_id]):
            await asyncio.sleep(0.01)
    return found[0]


async def until_outcome(office: Office, answer: dict[str, Any], outcome: str) -> None:
    async with asyncio.timeout(15):
        while (await office.admin("POST", "answers", answer))["outcome"] != outcome:
            await asyncio.sleep(0.02)


async def refused(office: Office, answer: dict[str, Any]) -> tuple[int, str]:
    said = await office.ask("POST", f"/admin/v1/sites/{SITE}/answers", answer)
    return said.status_code, said.json()["error"]["code"]


async def online(gate: Gate) -> None:
    await until(lambda: gate.doors.status.get("office") == "online" and gate.doors.status.get("queue") == 0)


@pytest.mark.alone
async def test_a_yes_from_the_office_opens_within_a_second_of_its_post(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        await online(gate)
        shown = time.monotonic()
        event_id = await gate.show()
        asked = await until_waiting(office, event_id)
        learnt_s = time.monotonic() - shown
        answer = given(event_id)
        posted = time.monotonic()
        await office.admin("POST", "answers", answer)
        granted = await gate.decided("AccessGranted")
        opened_s = time.monotonic() - posted
        assert (learnt_s < 1.0, opened_s < 1.0) == (True, True), (learnt_s, opened_s)
        assert (granted["credential"], granted["door"]) == ("c-1", "north")
        assert gate.doors.heard(AccessConfirmRequested)[0].operator == Operator("Lin at the desk", "office")
        told = gate.recorded("AccessConfirmed")
        assert [(e["allowed"], e["actor"], e["post"], e["request_id"]) for e in told] == [
            (True, "Lin at the desk", "office", "answer-1")
        ]
        await until_outcome(office, answer, "taken")
        assert await waiting(office) == []
        assert set(asked) == {"event_id", "asked_at", "access_point", "door", "credential", "cardholder", "answer"}
        assert asked["answer"] is None
        assert (asked["access_point"], asked["credential"], asked["cardholder"]) == ("north-in", "c-1", "p-1")


@pytest.mark.alone
async def test_an_answer_opens_within_a_second_also_long_after_the_last_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.wire.CONFIRM_MAX_S", 0.5)
    monkeypatch.setattr("sync.wire.WAIT_S", 0.2)
    called = [time.monotonic()]
    ask = OfficeClient.answers

    async def noted(self: OfficeClient, after: int, wait_s: float) -> Any:
        called.append(time.monotonic())
        return await ask(self, after, wait_s)

    monkeypatch.setattr(OfficeClient, "answers", noted)
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        await online(gate)
        # Longer than a call and its pause: it has stopped.
        await until(lambda: time.monotonic() - called[-1] > 0.8, what="nobody waits, so nobody asks")
        event_id = await gate.show()
        await until_waiting(office, event_id)
        posted = time.monotonic()
        await office.admin("POST", "answers", given(event_id))
        await gate.decided("AccessGranted")
        assert time.monotonic() - posted < 1.0
        await until(lambda: time.monotonic() - called[-1] > 0.8, what="it is over, so nobody asks")


async def test_a_no_from_the_office_denies_with_its_reason(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        await office.admin("POST", "answers", given(event_id, allow=False))
        assert (await gate.decided("AccessDenied"))["reason"] == "ConfirmationRefused"
        assert gate.recorded("AccessGranted") == []


async def test_an_answer_that_is_delivered_again_does_nothing_twice(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        answer = given(event_id)
        await office.admin("POST", "answers", answer)
        await office.admin("POST", "answers", answer)
        await gate.decided("AccessGranted")
        signal = gate.doors.heard(AccessConfirmRequested)[0]
        count = len(gate.event_ids())
        assert (await gate.doors.send(signal)).reason == "RequestUsed"
        gate.rig = gate.rig.restarted()
        assert (await gate.doors.send(signal)).reason == "RequestUsed"
        assert len(gate.event_ids()) == count
        await until_outcome(office, answer, "taken")
        await gate.stop()
        gate.start()
        await gate.show(2)
        assert len(gate.recorded("AccessConfirmed")) == 1


async def test_a_sync_process_that_starts_while_somebody_waits_brings_the_answer(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        await gate.stop()
        await office.admin("POST", "answers", given(event_id))
        assert (await until_waiting(office, event_id))["answer"] == {
            "answer_id": "answer-1",
            "allow": True,
            "by": "Lin at the desk",
        }
        gate.start()
        await gate.decided("AccessGranted")


async def test_an_office_killed_after_the_answer_still_gives_it_and_once(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        await gate.stop()
        await office.admin("POST", "answers", given(event_id))
        await office.kill()
        gate.start()
        await until(lambda: gate.doors.status.get("office") == "offline")
        await office.start()
        await gate.decided("AccessGranted", 40)
        assert len(gate.doors.heard(AccessConfirmRequested)) == 1


@pytest.mark.parametrize("idle", [False, True])
async def test_an_office_that_was_put_back_and_numbers_its_answers_anew_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle: bool
) -> None:
    monkeypatch.setattr(wire, "CONFIRM_MAX_S", 1.0 if idle else 300.0)
    monkeypatch.setattr(wire, "WAIT_S", 0.2 if idle else 25.0)
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        await online(gate)
        ledger, copy = (sqlite3.connect(path) for path in (office.data / "office.db", tmp_path / "older.db"))
        with closing(ledger), closing(copy):
            ledger.backup(copy)
        event_id = await gate.show()
        await until_waiting(office, event_id)
        await office.admin("POST", "answers", given(event_id))
        await gate.decided("AccessGranted")
        before = asyncio.get_running_loop().time()
        await until(lambda: not idle or asyncio.get_running_loop().time() > before + 2.0, what="nobody waits any more")
        await office.kill()
        for file in office.data.glob("office.db*"):
            file.unlink()
        shutil.copy(tmp_path / "older.db", office.data / "office.db")
        await office.start()
        event_id = await gate.show(2)
        await until_waiting(office, event_id, 40)
        await office.admin("POST", "answers", given(event_id, "answer-2"))
        await until(lambda: len(gate.recorded("AccessGranted")) == 2, 30, "the second answer is heard")


async def test_doors_that_are_away_or_full_get_the_answer_when_they_can_take_it(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        gate.doors.away, gate.doors.busy = True, 2
        await office.admin("POST", "answers", given(event_id))
        await until(lambda: len(gate.doors.heard(AccessConfirmRequested)) >= 2)
        gate.doors.away = False
        await gate.decided("AccessGranted")
        assert len(gate.recorded("AccessConfirmed")) == 1


async def test_an_answer_is_not_told_after_its_expiry(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        gate.doors.away = True
        answer = given(event_id, good_for_s=1.0)
        await office.admin("POST", "answers", answer)
        await until(lambda: gate.doors.heard(AccessConfirmRequested))
        await until_outcome(office, answer, "expired")
        told = len(gate.doors.heard(AccessConfirmRequested))
        gate.doors.away = False
        second = given(event_id, "answer-2", allow=False)
        await office.admin("POST", "answers", second)  # the first is over, so another may be given
        assert (await gate.decided("AccessDenied"))["reason"] == "ConfirmationRefused"
        assert [s.request_id for s in gate.doors.heard(AccessConfirmRequested)[told:]] == ["answer-2"]


async def test_with_the_link_down_the_request_times_out_and_a_late_answer_is_refused(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        await gate.stop()  # the line is cut
        answer = given(event_id)
        await office.admin("POST", "answers", answer)
        await gate.take(gate.rig.after(31))
        assert gate.recorded("AccessDenied")[-1]["reason"] == "ConfirmationMissing"
        gate.start()
        late = await gate.decided("RequestRefused")
        assert (late["reason"], late["actor"], late["post"]) == ("RequestGone", "Lin at the desk", "office")
        assert gate.recorded("AccessGranted", "AccessConfirmed") == []
        await until_outcome(office, answer, "RequestGone")
        assert await waiting(office) == []
        assert await refused(office, given(event_id, "answer-2")) == (404, "nobody_waits")


@pytest.mark.parametrize("mode", ["LockedDown", "DoorBlocked"])
async def test_the_offices_yes_opens_no_door_that_is_locked_down_or_blocked(tmp_path: Path, mode: str) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        end = gate.rig.wall + timedelta(hours=1)
        soon = gate.rig.wall + timedelta(seconds=5)
        blocked = DoorModeRequested("r-block", "north", "Blocked", "repair", GUARD, soon, end)
        await gate.take(gate.rig.lock_down() if mode == "LockedDown" else gate.rig.handle(blocked))
        answer = given(event_id)
        await office.admin("POST", "answers", answer)
        assert (await gate.decided("AccessDenied"))["reason"] == mode
        assert gate.recorded("AccessGranted", "AccessTaken") == []
        await until_outcome(office, answer, "taken")


async def test_an_answer_for_an_event_of_another_journal_moves_nothing(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office:
        async with Gate(tmp_path / "old", office.url) as old:
            event_id = await old.show()
            await until_waiting(office, event_id)
        async with Gate(tmp_path / "new", office.url) as gate:
            own = await gate.show(2)  # the same name of a request, r-1, in another journal
            await until_waiting(office, own)
            await office.admin("POST", "answers", given(event_id))
            await office.admin("POST", "answers", given(own, "answer-2", allow=False))
            await gate.decided("AccessDenied")
            assert [s.request_id for s in gate.doors.heard(AccessConfirmRequested)] == ["answer-2"]


async def test_an_answer_for_an_event_that_asks_for_nothing_moves_nothing(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        await gate.record(1)
        other = gate.reader.after(0, 1000)[-1].event_id
        own = await gate.show()
        await until_waiting(office, own)
        with closing(sqlite3.connect(office.data / "office.db")) as ledger, ledger:
            ledger.execute(
                "INSERT INTO answer (site, answer_id, event_id, allow, by, expires_s) VALUES (?, ?, ?, 1, 'Lin', ?)",
                (SITE, "answer-1", other, time.time() + 60),
            )
        await office.admin("POST", "answers", given(own, "answer-2", allow=False))
        await gate.decided("AccessDenied")
        assert [s.request_id for s in gate.doors.heard(AccessConfirmRequested)] == ["answer-2"]


async def test_what_is_no_answer_is_refused_with_its_code(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        nobody = "01939f3c-7d00-7abc-8def-0123456789ab"
        assert await refused(office, given(nobody)) == (404, "nobody_waits")
        assert await refused(office, given(event_id, good_for_s=-1)) == (409, "expired")
        assert await refused(office, given(event_id, good_for_s=600)) == (400, "too_long")
        for wrong in (
            {"by": " "},
            {"by": "Lin\n"},
            {"by": "L\u202ein"},
            {"by": "x" * 65},
            {"answer_id": "short"},
            {"answer_id": "answer-1\n"},
            {"event_id": "r-1"},
            {"allow": "yes"},
            {"expires_at": "2026-11-23T08:00:00"},
        ):
            assert await refused(office, given(event_id) | wrong) == (400, "invalid"), wrong
        assert [(w["answer"]) for w in await waiting(office)] == [None]
        await gate.stop()
        answer = given(event_id)
        await office.admin("POST", "answers", answer)
        assert await refused(office, answer | {"allow": False}) == (409, "answer_used")
        assert await refused(office, given(event_id, "answer-2")) == (409, "answered")
        for method, path in (("GET", "waiting"), ("POST", "answers")):
            said = await office.ask(method, f"/admin/v1/sites/elsewhere/{path}", answer if method == "POST" else None)
            assert (said.status_code, said.json()["error"]["code"]) == (404, "unknown_site")
            said = await office.ask(method, f"/admin/v1/sites/{SITE}/{path}", None, ADMIN_TOKEN + "x")
            assert said.status_code == 401


async def test_a_gateway_that_lost_its_state_has_nobody_waiting_at_the_office(tmp_path: Path) -> None:
    async with Office(tmp_path / "office") as office, Gate(tmp_path / "gate", office.url) as gate:
        event_id = await gate.show()
        await until_waiting(office, event_id)
        await gate.take(Turn((ev.GatewayStarted(software="0", restored=False, list_version=1),), (), Reply(True)))
        await office.has(len(gate.event_ids()))
        assert await waiting(office) == []
        assert await refused(office, given(event_id)) == (404, "nobody_waits")
