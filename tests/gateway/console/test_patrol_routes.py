"""Guard tours at the console's routes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.console.users import Role
from gateway.domain import events as ev
from gateway.domain.signals import TourStartRequested, TourStopRequested
from gateway.domain.tour import TourStart
from tests.gateway.console.doors_at_work import SITE, WATCHMAN
from tests.gateway.console.site_at_work import SiteAtWork, until


async def rounds_of(client: Any, count: int = 1) -> Any:
    """The rounds, once there are so many."""

    async def found() -> Any:
        rounds = (await client.get("/api/tours")).json()["rounds"]
        return rounds if len(rounds) == count else None

    return await until(found)


async def test_a_guard_starts_a_tour_sees_how_it_stands_and_ends_it(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        (tour,) = (await client.get("/api/tours")).json()["tours"]
        assert (tour["name"]["en"], tour["in_order"], tour["next_at"]) == ("Night patrol", True, None)
        assert [point["zh-CN"] for point in tour["points"]] == ["北门", "泵房", "车库门"]
        assert (await client.post("/api/tours/night/start", json={"request_id": "request-01"})).status_code == 200
        again = await client.post("/api/tours/night/start", json={"request_id": "request-02"})
        assert again.json()["error"]["code"] == "TourUnderWay"
        (awaited,) = await rounds_of(client)
        assert (awaited["state"], awaited["because"], awaited["actor"]) == ("awaited", "guard", "lin")
        assert [point["state"] for point in awaited["points"]] == ["pending"] * 3
        await site.doors.show(WATCHMAN, "north-reader")
        await site.doors.show(WATCHMAN, "garage-reader")

        async def visited() -> Any:
            (each,) = (await client.get("/api/tours")).json()["rounds"]
            return each if each["points"][2]["at"] else None

        under_way = await until(visited)
        assert [point["state"] for point in under_way["points"]] == ["on_time", "pending", "out_of_order"]
        assert (under_way["state"], under_way["card"]["en"]) == ("under_way", "保安卡 0003")
        assert "p-0003" not in str(under_way)
        path = f"/api/rounds/{under_way['round']}/stop"
        assert (await client.post(path, json={"request_id": "request-03", "reason": " "})).status_code == 422
        stop = {"request_id": "request-04", "reason": "called_away"}
        assert (await client.post(path, json=stop)).status_code == 200
        assert (await client.post(path, json=stop)).status_code == 200, "the same request is the same answer"
        late = await client.post(path, json={**stop, "request_id": "request-05"})
        assert late.json()["error"]["code"] == "RoundOver"

        async def stopped() -> Any:
            (each,) = (await client.get("/api/tours")).json()["rounds"]
            return each if each["state"] == "stopped" else None

        assert [point["state"] for point in (await until(stopped))["points"]][1] == "not_visited"
    sent = [signal for signal in site.doors.signals if isinstance(signal, TourStartRequested | TourStopRequested)]
    assert [signal.operator.name for signal in sent] == ["lin"] * 4


async def test_a_tour_that_there_is_not_is_refused(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        unknown = await client.post("/api/tours/day/start", json={"request_id": "request-01"})
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (409, "TourUnknown")
        body = {"request_id": "request-02"}
        assert (await client.post(f"/api/tours/{'x' * 81}/start", json=body)).status_code == 404
        assert (await client.post(f"/api/rounds/{'x' * 81}/stop", json={**body, "reason": "x"})).status_code == 404


async def test_rounds_of_a_day_ago_are_shown_while_they_are_open(site: SiteAtWork) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=30)
    started = ev.TourStarted(round="t-1", tour="night", because="card", due_at=None)
    await site.doors.at(long_ago, started, replace(started, round="t-2"))
    await site.doors.record(replace(started, round="t-3", because="schedule", due_at=long_ago))
    async with await site.signed_in("lin", Role.GUARD) as client:
        assert [each["round"] for each in await rounds_of(client, 3)] == ["t-3", "t-2", "t-1"]
        await site.doors.record(
            ev.TourMissed(round="t-3", tour="night", due_at=long_ago),
            ev.TourMissed(round="t-1", tour="night", due_at=None),
        )
        assert [(each["round"], each["state"]) for each in await rounds_of(client, 2)] == [
            ("t-2", "awaited"),
            ("t-3", "missed"),
        ]


async def test_the_next_start_is_told(site: SiteAtWork) -> None:
    await site.stop()
    site.tours = {"night": replace(SITE.tours["night"], starts=(TourStart(frozenset(range(7)), 0),))}
    await site.start()
    async with await site.signed_in("lin", Role.GUARD) as client:
        (tour,) = (await client.get("/api/tours")).json()["tours"]
    soon = datetime.fromisoformat(tour["next_at"]) - datetime.now(UTC)
    assert timedelta() < soon <= timedelta(days=1)


async def test_a_round_of_a_tour_that_the_site_has_no_more_is_still_told(site: SiteAtWork) -> None:
    who = {"credential": "c-0003", "cardholder": "p-0003"}
    await site.doors.record(
        ev.TourStarted(round="t-9", tour="old", because="card", due_at=None),
        ev.TourPointVisited(round="t-9", tour="old", reader="north-reader", timing="early", **who),
        ev.TourLeftIncomplete(
            round="t-9", tour="old", because="tour_changed", cardholder="p-0003", visited=1, missed=1
        ),
    )
    async with await site.signed_in("lin", Role.GUARD) as client:
        (each,) = await rounds_of(client)
    assert (each["name"]["en"], each["state"]) == ("old", "incomplete")
    assert [(point["name"]["en"], point["state"]) for point in each["points"]] == [("North gate", "early")]


async def test_a_technician_is_told_of_no_patrol(site: SiteAtWork) -> None:
    async with await site.signed_in("tao", Role.TECHNICIAN) as client:
        assert (await client.get("/api/tours")).status_code == 403
        assert (await client.post("/api/tours/night/start", json={"request_id": "request-01"})).status_code == 403
