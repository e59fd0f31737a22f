"""The office's list that waits, at the console's routes."""

from typing import Any

from gateway.console.users import Role
from gateway.domain.list_update import GuardedChange, ListGuard
from gateway.domain.signals import ListConfirmRequested
from gateway.domain.signals import ListReady as Ready
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork


def body(number: int, **more: Any) -> dict[str, Any]:
    return {"request_id": f"request-{number}", "reason": "agreed with the office", **more}


async def test_a_guard_says_yes_to_a_list_with_a_second_person_and_a_supervisor_alone(site: SiteAtWork) -> None:
    site.users.add("lin", Role.GUARD, PASSWORD)
    async with await site.signed_in("han", Role.GUARD) as client:
        alone = await client.post("/api/lists/2/confirm", json=body(1))
        assert (alone.status_code, alone.json()["error"]["code"]) == (403, "supervisor_or_second")
        own = await client.post("/api/lists/2/confirm", json=body(2, second={"user": "han", "password": PASSWORD}))
        assert own.json()["error"]["code"] == "second_is_first"
        second = {"user": "lin", "password": PASSWORD}
        none = await client.post("/api/lists/900/confirm", json=body(3, second=second))
        assert (none.status_code, none.json()["error"]["code"]) == (409, "ListNotWaiting")
        assert none.json()["error"]["text"]["zh-CN"] == "没有等待确认的该版名单"
        replaced = await client.post("/api/lists/2/confirm", json=body(5, second=second))
        assert replaced.json()["error"]["text"]["zh-CN"].startswith("已有更新的名单取代了该版")
    site.doors.controller.lists.held = Ready(2, "lists/2", "d", 2, 0, (GuardedChange(ListGuard.GRANTED, 9),))
    async with await site.signed_in() as client:
        assert (await client.post("/api/lists/2/confirm", json=body(4))).status_code == 200
    asked = [signal for signal in site.doors.signals if isinstance(signal, ListConfirmRequested)]
    assert [(each.operator.name, None if each.second is None else each.second.name) for each in asked] == [
        ("han", "lin"),
        ("han", "lin"),
        ("wei", None),
    ]


async def test_a_technician_says_yes_to_no_list(site: SiteAtWork) -> None:
    async with await site.signed_in("tech", Role.TECHNICIAN) as client:
        assert (await client.post("/api/lists/2/confirm", json=body(1))).status_code == 403
