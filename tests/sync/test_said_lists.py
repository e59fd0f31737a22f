"""A gateway whose list is newer than the office's: it takes nothing from there, and the office says so."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sync import wire
from tests.sync.site import KEY, SITE, Office, a_client, a_list


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Office(tmp_path) as running:
        await running.admin("PUT", "list", a_list())
        yield running


async def test_a_list_that_its_gateway_is_ahead_of_is_told_until_a_generation_is_begun_above_it(
    office: Office,
) -> None:
    await _says(office, 2, 51)
    alarm = await _alarm(office)
    assert alarm["priority"] == 2
    assert set(alarm["text"]) == {"zh-CN", "en"}
    assert "the gateway has list 51 of generation 2, the office's newest is 1 of generation 0: " in alarm["detail"]
    put = await office.admin("PUT", "list", a_list())
    assert put["version"] == 52
    assert put["hint"].startswith("the gateway has list 51 of generation 2, the office's newest is 52 of generation 0")
    assert "POST list/generation" in put["hint"]
    for change in (("POST", "cardholders", {"id": "p-9"}), ("DELETE", "cardholders/p-9"), _REVOKE):
        assert "the gateway has list 51 of generation 2" in (await office.admin(*change))["hint"]
    assert await office.admin("POST", "list/generation") == {"version": 56}
    news = await office.ask("GET", f"/v1/sites/{SITE}/list/manifest?generation=2&after=51&wait=0")
    assert (news.json()["generation"], news.json()["version"]) == (3, 56)
    assert await office.admin("PUT", "list?give_back=true", a_list(56)) == {"version": 57}


async def test_a_site_that_came_from_an_office_with_more_lists_is_told_at_its_hello(office: Office) -> None:
    await _says(office, 0, 29)
    await _says(office, 0, 29)
    assert (await _alarm(office))["count"] == 1
    assert await office.admin("PUT", "list", a_list()) == {"version": 30}


async def test_a_gateway_that_has_the_offices_list_or_an_older_one_is_no_alarm(office: Office) -> None:
    for version in (0, 1):
        await _says(office, 0, version)
    assert (await office.summary())["alarms"] == []


async def test_no_box_leads_the_office_to_generations_where_the_next_one_could_not_follow(office: Office) -> None:
    await _says(office, 2**53 - 1, 1)
    begun = await office.admin("POST", "list/generation")
    assert "is it this site's box?" in begun["hint"]
    assert (await office.summary())["list_generation"] == 1


async def test_no_box_leads_the_office_to_versions_that_no_wire_has(office: Office) -> None:
    await _says(office, 0, 2**53 - 1)
    put = await office.admin("PUT", "list", a_list())
    assert put["version"] == 2
    assert "begins a generation" in put["hint"]
    assert await office.admin("POST", "list/generation") == {"version": 3}


_REVOKE = ("POST", "revocations", {"credentials": ["c-1"]})


async def _says(office: Office, generation: int, version: int) -> None:
    client = a_client(office.url)
    challenge = (await client.challenge()).challenge
    hello = wire.Hello(1, "test", "boot", KEY.public, challenge, (), version, generation)
    assert isinstance(await client.hello(hello), wire.Welcome)
    await client.close()


async def _alarm(office: Office) -> Any:
    (alarm,) = (await office.summary())["alarms"]
    assert alarm["kind"] == "list_behind"
    return alarm
