"""A duress at a door in sight of the post shows nowhere that whoever stands there could see (safety rule 8)."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import websockets

from gateway.console.users import Role
from gateway.domain.alarm import AlarmKind
from gateway.domain.events import DoorOpened, DuressUsed, EvidenceStored
from tests.gateway.console.site_at_work import SiteAtWork, until

DURESS_EVENTS = ("DuressUsed", "AlarmRaised", "EvidenceStored", "AlarmAcknowledged")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteAtWork]:
    site = SiteAtWork(tmp_path)
    site.sees = frozenset({"north"})
    await site.start()
    yield site
    await site.close()


async def duress(site: SiteAtWork, door: str) -> str:
    """Somebody opens under duress; the alarm, with its picture and somebody who has seen it."""
    who = {"credential": "c-0001", "cardholder": "p-0001"}
    await site.doors.record(DuressUsed(access_point=door, door=door, **who))
    alarm = await site.doors.alarm(AlarmKind.DURESS, door, door=door)
    now = datetime.now(UTC)
    picture = EvidenceStored(
        observation=alarm,
        camera="yard",
        alarm=alarm,
        kind="snapshot",
        path=f"evidence/{door}.jpg",
        sha256="0" * 64,
        size_bytes=1,
        started_at=now,
        ended_at=now,
    )
    await site.doors.record(picture)
    return alarm


async def heard(site: SiteAtWork, name: str, role: Role, last: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Everything that the live feed says from the journal's start to row `last`: the events, and the alarms by id."""
    client = await site.signed_in(name, role)
    headers = {"Cookie": f"{site.cookie}={client.cookies[site.cookie]}", "Origin": site.url}
    await client.aclose()
    events: list[dict[str, Any]] = []
    alarms: dict[str, Any] = {}
    cursor = 0
    url = f"ws://127.0.0.1:{site.port}/ws/live?after=0"
    async with asyncio.timeout(10), websockets.connect(url, additional_headers=headers) as socket:
        while cursor < last:
            message = json.loads(await socket.recv())
            if message["type"] in ("hello", "events"):
                alarms |= {alarm["id"]: alarm for alarm in message["alarms"]}
            if message["type"] == "events":
                assert message["after"] == cursor
                cursor = message["cursor"]
                events += message["events"]
            if message["type"] == "status":
                assert "alarms_open" not in message["status"]
    return events, alarms


def names(told: str, alarm: str) -> bool:
    """Is the alarm's id in it? The same letters within an event's id are none."""
    return re.search(rf"\b{alarm}\b", told) is not None


async def test_a_guard_in_sight_is_told_nothing_of_it(site: SiteAtWork) -> None:
    hidden, told = await duress(site, "north"), await duress(site, "yard")
    last = await site.doors.record(DoorOpened(door="north"))
    events, alarms = await heard(site, "lin", Role.GUARD, last)
    assert set(alarms) == {told}
    assert not names(json.dumps(events), hidden)
    assert sum(event["type"] == "DuressUsed" for event in events) == 1
    async with await site.signed_in("lin", Role.GUARD) as client:
        listed = (await client.get("/api/alarms")).json()
        assert [alarm["id"] for alarm in listed["alarms"]] == [told]
        assert listed["counts"]["1"] == 1
        found = (await client.get("/api/events", params={"types": ",".join(DURESS_EVENTS)})).json()["events"]
        assert len(found) == 3
        assert not names(json.dumps(found), hidden)
        assert (await client.get(f"/api/alarms/{hidden}")).status_code == 404
        ack = await client.post(f"/api/alarms/{hidden}/acknowledge", json={"request_id": "ack-00000001"})
        assert ack.status_code == 404
        for event in site.doors.reader.search(subject=f"alarm:{hidden}"):
            assert (await client.get(f"/api/events/{event.event_id}")).status_code == 404
            assert (await client.get(f"/api/evidence/{event.event_id}")).status_code == 404
        used = site.doors.reader.search(types=("DuressUsed",), subject="door:north")[0]
        asked = {"request_id": "block-0001", "of": "credential", "reason": "drill"}
        assert (await client.post(f"/api/events/{used.event_id}/block", json=asked)).status_code == 404


async def test_a_supervisor_finds_it_in_the_list_and_it_comes_forward_nowhere(site: SiteAtWork) -> None:
    hidden, told = await duress(site, "north"), await duress(site, "yard")
    last = await site.doors.record(DoorOpened(door="north"))
    events, alarms = await heard(site, "wei", Role.SUPERVISOR, last)
    assert {name: alarm["quiet"] for name, alarm in alarms.items()} == {hidden: True, told: False}
    assert not names(json.dumps(events), hidden)
    async with await site.signed_in("wei", Role.SUPERVISOR) as client:
        listed = (await client.get("/api/alarms")).json()
        assert [alarm["id"] for alarm in listed["alarms"]] == [told, hidden]
        assert listed["counts"]["1"] == 1
        assert len((await client.get(f"/api/alarms/{hidden}")).json()["events"]) == 2
        ack = await client.post(f"/api/alarms/{hidden}/acknowledge", json={"request_id": "ack-00000001"})
        assert ack.status_code == 200
        assert not names((await client.get("/api/events")).text, hidden)
        assert "signalled duress" in (await client.get("/api/events.csv")).text


async def test_what_is_hidden_leaves_no_hole_in_a_guards_feed(site: SiteAtWork) -> None:
    client = await site.signed_in("lin", Role.GUARD)
    headers = {"Cookie": f"{site.cookie}={client.cookies[site.cookie]}", "Origin": site.url}
    await client.aclose()
    row = await site.doors.record(DoorOpened(door="yard"))
    url = f"ws://127.0.0.1:{site.port}/ws/live"
    cursor = 0
    told: list[str] = []
    async with asyncio.timeout(10), websockets.connect(url, additional_headers=headers) as socket:

        async def follow(last: int) -> None:
            nonlocal cursor
            while cursor < last:
                message = json.loads(await socket.recv())
                if message["type"] == "events":
                    assert message["after"] == cursor
                    cursor = message["cursor"]
                    told.extend(event["type"] for event in message["events"])

        await follow(row)
        told.clear()
        await duress(site, "north")
        await follow(await site.doors.record(DoorOpened(door="yard")))
    assert told == ["DoorOpened"]


async def test_a_post_in_sight_of_no_door_is_told_as_of_any_alarm(tmp_path: Path) -> None:
    site = SiteAtWork(tmp_path)
    await site.start()
    alarm = await duress(site, "north")
    async with await site.signed_in("lin", Role.GUARD) as client:

        async def listed() -> bool:
            found = (await client.get("/api/alarms")).json()
            return [each["id"] for each in found["alarms"]] == [alarm] and found["counts"]["1"] == 1

        await until(listed)
        assert "发出胁迫信号" in (await client.get("/api/events?types=DuressUsed")).text
    await site.close()
