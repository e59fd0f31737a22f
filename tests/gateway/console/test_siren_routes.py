"""Sirens at the console's routes: a guard tests one and silences them."""

from typing import Any

from gateway.console.users import Role
from gateway.domain.signals import SirenSilenceRequested, SirenTestRequested
from tests.gateway.console.site_at_work import SiteAtWork, until


async def test_a_guard_tests_a_siren_and_silences_all(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        named = (await client.get("/api/site")).json()["sirens"]
        assert named == {"siren": {"zh-CN": "警号", "en": "The siren"}}
        assert (await client.post("/api/sirens/siren/test", json={"request_id": "request-1"})).status_code == 200
        assert (await client.post("/api/sirens/silence", json={"request_id": "request-2"})).status_code == 200

        async def told() -> Any:
            events = (await client.get("/api/events")).json()["events"]
            texts = [event["text"]["en"] for event in events if event["type"].startswith("Siren")]
            return texts if len(texts) == 2 else None

        assert sorted(await until(told)) == ["lin silenced the sirens", "lin tested The siren"]
    asked = [s for s in site.doors.signals if isinstance(s, (SirenTestRequested, SirenSilenceRequested))]
    assert [each.operator.name for each in asked] == ["lin", "lin"]


async def test_siren_that_is_none_and_a_technician_are_refused(site: SiteAtWork) -> None:
    async with await site.signed_in("lin", Role.GUARD) as client:
        missing = await client.post("/api/sirens/bell/test", json={"request_id": "request-1"})
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "siren_not_found")
    async with await site.signed_in("tech", Role.TECHNICIAN) as client:
        assert (await client.post("/api/sirens/silence", json={"request_id": "request-2"})).status_code == 403
