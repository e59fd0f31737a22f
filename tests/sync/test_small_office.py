"""The gateway and an office that somebody else wrote from docs/protocol.md, obedient and not."""

import shutil
from pathlib import Path

import pytest

from sync import wire
from tests.sync.site import SITE, TOKEN, Gateway, a_client, a_list, say_hello, until
from tests.sync.small_office import SmallOffice


def _streams(office: SmallOffice) -> list[str | None]:
    return [event_id for stream in office.streams.values() for _, event_id in stream]


async def test_another_office_gets_every_event_in_order_and_finds_it_sound(tmp_path: Path) -> None:
    office = SmallOffice(SITE, TOKEN)
    async with office.listening() as url, Gateway(tmp_path, url) as gate:
        await gate.record(1100)
        await until(lambda: len(_streams(office)) == 1100)
        assert _streams(office) == gate.event_ids()
        assert (office.unsound, office.refused) == (0, 0)
        await until(lambda: gate.doors.status.get("office") == "online")
        assert {code for _, code in office.strangers} <= {"stale_nonce"}, "every call is signed as the document says"
        assert len(office.strangers) <= 4, "each of its tasks may have called before it knew a nonce"


async def test_another_office_takes_no_hello_by_a_challenge_from_before_that_of_one_that_it_took() -> None:
    async with SmallOffice(SITE, TOKEN).listening() as url:
        client = a_client(url)
        late = (await client.challenge()).challenge
        assert isinstance(await say_hello(client), wire.Welcome)
        refusal = await client.hello(wire.Hello(1, "test", "boot", client.device_key, late, (), 0))
        assert isinstance(refusal, wire.Refusal)
        assert refusal.code == "challenge"
        await client.close()


@pytest.mark.parametrize("seed", range(2))
async def test_an_office_of_which_a_third_of_all_calls_goes_wrong_misses_nothing(tmp_path: Path, seed: int) -> None:
    office = SmallOffice(SITE, TOKEN, faulty=0.3, seed=seed)
    async with office.listening() as url, Gateway(tmp_path, url) as gate:
        for round_ in range(1, 9):
            await gate.record(20)
            await until(lambda: len(_streams(office)) >= 20 * round_, 60)  # noqa: B023 (waited for here)
        assert _streams(office) == gate.event_ids()
        assert office.unsound == 0


async def test_another_office_keeps_both_histories_of_a_gateway_that_was_put_back(tmp_path: Path) -> None:
    office = SmallOffice(SITE, TOKEN)
    async with office.listening() as url:
        gate = Gateway(tmp_path / "gate", url)
        await gate.record(5)
        async with gate:
            await until(lambda: len(office.events) == 5)
        shutil.copytree(tmp_path / "gate", tmp_path / "image")
        async with Gateway(tmp_path / "gate", url) as again:
            await again.record(4)
            await until(lambda: len(office.events) == 9)
        async with Gateway(tmp_path / "image", url) as restored:
            await restored.record(2)
            await until(lambda: len(office.events) == 12, 40)
            assert [len(stream) for stream in office.streams.values()] == [9, 3]
            assert office.unsound == 0


async def test_an_office_that_has_no_nonces_is_called_without(tmp_path: Path) -> None:
    office = SmallOffice(SITE, TOKEN)
    office.nonce = ""
    office.lists.put(a_list())
    root = office.lists.root.public_key().public_bytes_raw().hex()
    async with office.listening() as url, Gateway(tmp_path, url, root=root) as gate:
        await gate.record(3)
        await until(lambda: len(office.events) == 3)
        await until(lambda: gate.lists.version_in_force() == 1)
        assert office.strangers == []


@pytest.mark.parametrize(("fickle", "nonce"), [(True, "0" * 32), (False, "no nonce at all"), (False, "0" * 5000)])
async def test_an_office_whose_nonces_are_of_no_use_is_told_and_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fickle: bool, nonce: str
) -> None:
    office = SmallOffice(SITE, TOKEN)
    office.lists.put(a_list())
    root = office.lists.root.public_key().public_bytes_raw().hex()
    async with office.listening() as url, Gateway(tmp_path, url, root=root) as gate:
        await gate.record(3)
        await until(lambda: len(office.events) == 3 and gate.lists.version_in_force() == 1)
        office.fickle, office.nonce = fickle, nonce
        office.lists.put(a_list(zone="Asia/Urumqi"))
        await until(lambda: "newest nonce: mend the office" in caplog.text)
        assert gate.lists.version_in_force() == 1
        office.fickle, office.nonce = False, "5" * 32
        await until(lambda: gate.lists.version_in_force() == 2)
