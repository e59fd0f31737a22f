"""Facts about lists down: signed, by the least that has to come, refused by name, never back, held where many lose."""

import asyncio
import json
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.domain.list_update import GuardBounds, ListGuard
from gateway.domain.signals import ListCurrent, ListReady, ListRefused, OfficeRevoked, RevokedCredential
from gateway.doors_socket import LINE_BYTES_MAX
from gateway.signal_codec import signal_to_dict
from gateway.store.list_folder import current_list
from sync import downlink, wire
from sync import list_wire as lw
from sync.revocations import REVOKED_AT_ONCE
from tests.sync.between import Between, between
from tests.sync.keys import Keys
from tests.sync.site import SITE, Gateway, Office, a_list, until

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
CAREFUL = GuardBounds(removed_percent=0, removed_least=1, granted_percent=100, granted_least=1_000)
PEOPLE = [{"id": f"p-{n}", "levels": [{"level": "residents"}]} for n in range(1, 41)]
CARDS = [{"id": f"c-{n}", "cardholder": f"p-{n}", "format": "EM4100", "number": n} for n in range(1, 41)]


@dataclass
class Signed:
    """A signing office, a line on which somebody sits, and a gateway that has version 1 in force."""

    office: Office
    line: Between
    gate: Gateway
    keys: Keys

    async def change(self, number: int = 900) -> int:
        """One card more at the office; the version."""
        card = {"id": f"new-{number}", "cardholder": "p-1", "format": "EM4100", "number": number}
        return int((await self.office.admin("POST", "credentials", card))["version"])

    async def in_force(self, version: int, timeout_s: float = 40.0) -> None:
        await until(lambda: self.gate.lists.version_in_force() == version, timeout_s, f"version {version} is in force")

    async def refused(self, words: str) -> ListRefused:
        """The gateway has told a refusal of these words."""
        await until(lambda: any(words in fault for told in self._told() for fault in told.faults), what=words)
        return next(told for told in self._told() if words in told.faults[0])

    def _told(self) -> list[ListRefused]:
        return self.gate.doors.heard(ListRefused)


@asynccontextmanager
async def signed_site(folder: Path, bounds: GuardBounds | None = None) -> AsyncIterator[Signed]:
    keys = Keys(folder / "keys")
    async with (
        Office(folder / "office", "--keys", str(keys.folder)) as office,
        between(office.url) as line,
        Gateway(folder / "gate", line.url, root=keys.root, bounds=bounds) as gate,
    ):
        site = Signed(office, line, gate, keys)
        await office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS))
        await site.in_force(1)
        yield site


async def test_one_card_comes_as_one_card_and_a_reload_of_the_whole_list_is_not_asked_for(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        site.line.asked.clear()
        version = await site.change()
        await site.in_force(version, 1.0)
        assert [path for path in site.line.asked if path.startswith("list/2")] == ["list/2/changes"]
        assert site.gate.doors.heard(ListReady)[-1].credentials == 41


@pytest.mark.alone
async def test_a_change_is_in_force_in_a_quarter_of_a_second(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        took = []
        for number in range(5):
            version = await site.change(900 + number)
            begun = time.monotonic()
            await site.in_force(version)
            took.append(time.monotonic() - begun)
        assert min(took) < 0.25


async def test_the_doors_hear_that_their_list_is_the_newest_and_not_while_another_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "WAIT_S", 0.1)
    monkeypatch.setattr(downlink, "CURRENT_EVERY_S", 0.2)
    async with signed_site(tmp_path, CAREFUL) as site:
        doors = site.gate.doors
        await until(lambda: len(doors.heard(ListCurrent)) > 1, what="it is told, and again")
        assert set(doors.heard(ListCurrent)) == {ListCurrent(1)}
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[:10]))
        await until(lambda: any(ready.guards for ready in doors.heard(ListReady)), what="a list waits")
        polls = site.line.asked.count("list/manifest")
        await until(lambda: site.line.asked.count("list/manifest") > polls + 1)
        known = len(doors.heard(ListCurrent))
        polls = site.line.asked.count("list/manifest")
        await until(lambda: site.line.asked.count("list/manifest") > polls + 4, what="nothing newer, again and again")
        assert len(doors.heard(ListCurrent)) == known


@pytest.mark.parametrize(
    ("torn", "asked"),
    [
        (("/changes",), ["list/2/changes", "list/2/digests"]),
        (("/changes", "/digests"), ["list/2/changes", "list/2/digests", "list/2"]),
        (("/changes", "/buckets/"), ["list/2/changes", "list/2/digests", "list/2"]),
    ],
)
async def test_what_is_torn_on_the_way_is_fetched_by_the_next_way(
    tmp_path: Path, torn: tuple[str, ...], asked: list[str]
) -> None:
    def tear(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if any(part in path for part in torn):
            body = _flip_digest(body) if "/digests" in path else body.replace(b"900", b"901")
        return status, body

    async with signed_site(tmp_path) as site:
        site.line.asked.clear()
        site.line.change = tear
        await site.in_force(await site.change())
        ways = [path for path in site.line.asked if path.startswith("list/2") and "/buckets/" not in path]
        assert ways == asked
        assert site.gate.doors.heard(ListRefused) == []


def _flip_digest(body: bytes) -> bytes:
    told = json.loads(body)
    told["buckets"] = ("1" if told["buckets"][0] == "0" else "0") + told["buckets"][1:]
    return json.dumps(told).encode()


async def test_where_every_way_is_torn_the_old_list_stays_and_it_is_told_once(tmp_path: Path) -> None:
    def tear(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        return status, body.replace(b'"number":900', b'"number":901') if "/list/2" in path else body

    async with signed_site(tmp_path) as site:
        old = current_list(site.gate.data / "lists")
        site.line.change = tear
        await site.change()
        await site.refused("its digests are not those of the manifest")
        tries = site.line.asked.count("list/2")
        await until(lambda: site.line.asked.count("list/2") > tries, 30, "it is tried again")
        assert current_list(site.gate.data / "lists") == old
        assert len(site.gate.doors.heard(ListRefused)) == 1
        await until(lambda: site.gate.doors.status["office"] == "offline", what="told with the next status")
        site.line.change = lambda _path, status, body: (status, body)
        await site.in_force(2, 40)


async def test_a_gateway_beyond_the_offices_memory_of_changes_gets_the_buckets_that_differ(tmp_path: Path) -> None:
    def forget(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        return (404, b'{"error":{"code":"too_old","text":"gone"}}') if "/changes" in path else (status, body)

    async with signed_site(tmp_path) as site:
        site.line.change = forget
        site.line.asked.clear()
        await site.in_force(await site.change())
        assert "list/2" not in site.line.asked
        assert any("list/2/buckets/" in path for path in site.line.asked)


def changing_manifests(change: Any) -> Any:
    """Every manifest goes through `change`."""

    def between_them(path: str, status: int, body: bytes) -> tuple[int, bytes]:
        if "/list/manifest" in path and status == 200:
            body = msgspec.json.encode(change(msgspec.json.decode(body, type=lw.Manifest)))
        return status, body

    return between_them


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unsigned", "is not signed"),
        ("wrongly signed", "its signature is wrong"),
        ("another version", "its signature is wrong"),
        ("another site's", "is 'other', this is 'demo'"),
        ("a stranger's", "signed by no key of key set 1"),
        ("of older keys", "is signed by key set 0"),
    ],
)
async def test_a_manifest_that_nobody_has_to_believe_is_refused_by_name_and_the_old_list_stays(
    tmp_path: Path, name: str, words: str
) -> None:
    stranger = Keys(tmp_path / "stranger")
    replaced = msgspec.structs.replace
    changes = {
        "unsigned": lambda m: replaced(m, signatures=()),
        "wrongly signed": lambda m: replaced(m, root="0" * 64),
        "another version": lambda m: replaced(m, version=m.version + 1),
        "another site's": lambda m: replaced(m, site="other"),
        "a stranger's": lambda m: replaced(m, signatures=(stranger.signature(m),)),
        "of older keys": lambda m: replaced(m, key_epoch=0),
    }
    async with signed_site(tmp_path) as site:
        old = current_list(site.gate.data / "lists")
        site.line.change = changing_manifests(changes[name])
        await site.change()
        await site.refused(words)
        assert current_list(site.gate.data / "lists") == old


async def test_a_manifest_that_was_recorded_and_is_played_again_is_refused(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        recorded = (await site.office.ask("GET", f"/v1/sites/{SITE}/list/manifest?after=0&wait=0")).content
        await site.in_force(await site.change())

        def replay(path: str, status: int, body: bytes) -> tuple[int, bytes]:
            return (200, recorded) if "/list/manifest" in path else (status, body)

        site.line.change = replay
        await site.change(901)
        await site.refused("list 0.1 is older than 0.2")


async def test_the_manifest_of_the_list_in_force_is_no_news(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        asked = (each for each in site.line.exchanges if "/list/manifest" in each.path)
        recorded = next(each.answer for each in asked if each.status == 200)
        site.line.change = lambda path, status, body: (200, recorded) if "/list/manifest" in path else (status, body)
        site.line.asked.clear()
        await site.change()
        await site.refused("list 1 was offered after 1")
        assert not any(path.startswith("list/1") for path in site.line.asked)


async def test_keys_that_are_changed_at_the_office_reach_the_gateway_before_any_list_does(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        stolen = lw.Manifest(SITE, 0, 99, 1, 4, "0" * 64, NOW, 1)
        stolen = msgspec.structs.replace(stolen, signatures=(site.keys.signature(stolen),))
        await site.office.kill()
        site.keys.rotate()
        await site.office.start()
        trust = site.gate.data / "lists" / "trust.json"
        await until(lambda: json.loads(trust.read_bytes())["keys"]["key_epoch"] == 2, 40, "the new keys are known")
        site.line.change = changing_manifests(lambda _: stolen)
        await site.change()
        await site.refused("is signed by key set 1, in use is 2")
        site.line.change = lambda _path, status, body: (status, body)
        await site.in_force(2, 40)


async def test_a_site_with_another_root_key_takes_the_lists_of_its_office_and_no_more_the_old_ones(
    tmp_path: Path,
) -> None:
    async with signed_site(tmp_path) as site:
        fresh = Keys(tmp_path / "fresh")
        await site.gate.stop()
        site.gate._root = bytes.fromhex(fresh.root)
        site.gate.start()
        await site.change()
        await site.refused("key set 1 isn't signed by the office's root key")
        await site.office.kill()
        shutil.copytree(fresh.folder, site.keys.folder, dirs_exist_ok=True)
        await site.office.start()
        await site.in_force(2)


async def test_an_office_put_back_brings_no_list_back_until_somebody_begins_a_generation(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        for number in range(3):
            version = await site.change(900 + number)
        await site.in_force(version)
        old = current_list(site.gate.data / "lists")
        await site.office.kill()
        for file in site.office.data.glob("office.db*"):
            file.unlink()
        site.line.held.add("/hello")  # the office learns nothing from the gateway
        site.line.held.add("/challenge")
        await site.office.start()
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[:-1]))
        await until(lambda: site.gate.doors.status.get("office") is not None)
        await asyncio.sleep(1.0)
        assert current_list(site.gate.data / "lists") == old
        begun = (await site.office.admin("POST", "list/generation"))["version"]
        assert begun < version
        await until(lambda: site.gate.lists.in_force() == (1, begun), 40, "the new generation is in force")


def use_up_the_numbers(office: Office, before: Path) -> None:
    """As a thief of the office's key can; `before` is its ledger as it was."""
    with closing(sqlite3.connect(office.data / "office.db")) as ledger, ledger:
        with closing(sqlite3.connect(before)) as copy:
            ledger.backup(copy)
        ledger.execute("UPDATE listing SET generation = 900, version = ?", (2**53 - 9,))


async def rotate_after_the_thief(site: Signed, before: Path) -> None:
    """The office starts again with the ledger of before, and with new keys."""
    await site.office.kill()
    for file in site.office.data.glob("office.db*"):
        file.unlink()
    shutil.copy(before, site.office.data / "office.db")
    site.keys.rotate()
    await site.office.start()


async def test_a_thief_who_used_up_the_numbers_has_them_taken_with_his_key(tmp_path: Path) -> None:
    async with signed_site(tmp_path, CAREFUL) as site:
        use_up_the_numbers(site.office, tmp_path / "older.db")
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[:10]))
        await until(lambda: site.gate.doors.heard(ListReady)[-1].generation == 900, 40, "the thief's list waits")
        assert site.gate.doors.heard(ListReady)[-1].guards
        await rotate_after_the_thief(site, tmp_path / "older.db")
        await until(
            lambda: ListCurrent(1) in site.gate.doors.heard(ListCurrent), 40, "what waits is the office's no more"
        )
        await site.in_force(await site.change(), 40)


@pytest.mark.parametrize("on_its_way", [False, True])
async def test_keys_that_revocations_bring_first_take_back_what_the_thief_has_shown_as_well(
    tmp_path: Path, on_its_way: bool
) -> None:
    """Whether his list waits for a second yes, or is on its way at just that time."""
    async with signed_site(tmp_path, CAREFUL) as site:
        use_up_the_numbers(site.office, tmp_path / "older.db")
        if on_its_way:
            site.line.held.add("/changes")
        await site.office.admin(
            "PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[: 40 if on_its_way else 10])
        )
        if on_its_way:
            await until(lambda: f"list/{2**53 - 8}/changes" in site.line.asked, what="the thief's list is on its way")
        else:
            await until(lambda: site.gate.doors.heard(ListReady)[-1].generation == 900, what="the thief's list waits")
        refused = site.gate.doors.heard(ListRefused)  # the numbers were changed under the office's hands
        site.line.change = lambda path, status, body: (503, b"") if "/manifest" in path else (status, body)
        await rotate_after_the_thief(site, tmp_path / "older.db")
        version = (await site.office.admin("POST", "revocations", {"credentials": ["c-7"]}))["version"]
        await until(lambda: site.gate.doors.heard(OfficeRevoked), what="revocations have brought the keys")
        site.line.held.clear()
        site.line.change = lambda _path, status, body: (status, body)
        await site.in_force(version, 60)
        assert site.gate.lists.in_force() == (0, version)
        assert site.gate.doors.heard(ListRefused) == refused


async def test_a_refused_list_is_not_fetched_again_and_another_of_its_number_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "WAIT_S", 0.1)
    monkeypatch.setattr(downlink, "REFUSED_ASKED_S", 0.3)

    def fits(format_: str, *_: object) -> str | None:
        return ".format: no reader here reads it" if format_ == "of-another-site" else None

    async with signed_site(tmp_path) as site:
        site.gate.lists._fits = fits
        ledger, copy = (sqlite3.connect(path) for path in (site.office.data / "office.db", tmp_path / "older.db"))
        with closing(ledger), closing(copy):
            ledger.backup(copy)
        site.line.asked.clear()
        odd = {"id": "odd", "cardholder": "p-1", "format": "of-another-site", "number": 7}
        assert (await site.office.admin("POST", "credentials", odd))["version"] == 2
        assert (await site.refused("no reader here reads it")).version == 2
        polls = site.line.asked.count("list/manifest")
        await until(lambda: site.line.asked.count("list/manifest") > polls + 12, what="it was asked for again")
        assert [path for path in site.line.asked if path.startswith("list/2")] == ["list/2/changes"]
        await site.office.kill()
        for file in site.office.data.glob("office.db*"):
            file.unlink()
        shutil.copy(tmp_path / "older.db", site.office.data / "office.db")
        await site.office.start()
        assert await site.change() == 2
        await site.in_force(2)


async def test_the_office_learns_by_the_hello_which_list_of_which_generation_is_in_force(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        begun = (await site.office.admin("POST", "list/generation"))["version"]
        await until(lambda: site.gate.lists.in_force() == (1, begun))
        await site.gate.stop()
        hellos = [path for path in site.line.asked if path == "hello"]
        site.gate.start()
        await until(lambda: site.line.asked.count("hello") > len(hellos))
        await until(lambda: site.gate.doors.status.get("queue") == 0)
        said = (await site.office.summary())["list_at_gateway"]
        assert (said["generation"], said["version"]) == (1, begun)


async def test_a_list_that_takes_passage_from_many_waits_and_a_second_signature_lets_it_through(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with signed_site(tmp_path, CAREFUL) as site:
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[:10]))
        await until(lambda: site.gate.doors.heard(ListReady)[-1].version == 2)
        assert "list 2 waits for a second yes (removed: 30): a supervisor's at the console" in caplog.text
        ready = site.gate.doors.heard(ListReady)[-1]
        assert [(each.guard, each.count) for each in ready.guards] == [(ListGuard.REMOVED, 30)]
        assert site.gate.lists.version_in_force() == 1
        unsigned = msgspec.convert(await site.office.admin("GET", "list/signing"), lw.Manifest)
        second = msgspec.to_builtins(site.keys.signature(unsigned, 2))
        await site.office.admin("POST", "list/signing", second)
        await site.in_force(2)
        assert site.gate.doors.heard(ListReady)[-1].guards == ()


async def test_a_signature_of_another_manifest_is_refused_and_keeps_no_list_away(tmp_path: Path) -> None:
    """Somebody changes the list between what a person was shown and their yes."""
    async with signed_site(tmp_path) as site:
        shown = msgspec.convert(await site.office.admin("GET", "list/signing"), lw.Manifest)
        version = await site.change()
        late = msgspec.to_builtins(site.keys.signature(shown, 2))
        stranger = msgspec.to_builtins(Keys(tmp_path / "others").signature(shown, 2))
        for given, words in ((late, "was the list changed meanwhile"), (stranger, "is no key of key set 1")):
            answer = await site.office.ask("POST", f"/admin/v1/sites/{SITE}/list/signing", given)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "other_manifest")
            assert words in answer.json()["error"]["text"]
        await site.in_force(version)
        assert len((await site.office.admin("GET", "list/signing"))["signatures"]) == 1
        await site.in_force(await site.change(901))
        assert site.gate.doors.heard(ListRefused) == []


async def test_a_second_signature_counts_after_the_keys_were_rotated(tmp_path: Path) -> None:
    async with signed_site(tmp_path, CAREFUL) as site:
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[:10]))
        await until(lambda: site.gate.doors.heard(ListReady)[-1].version == 2, what="it waits for a second yes")
        await site.office.kill()
        site.keys.rotate()
        await site.office.start()
        shown = msgspec.convert(await site.office.admin("GET", "list/signing"), lw.Manifest)
        await site.office.admin("POST", "list/signing", msgspec.to_builtins(site.keys.signature(shown, 2)))
        await site.in_force(2)


@pytest.mark.alone
async def test_what_is_revoked_is_told_at_once_while_a_large_list_is_on_its_way(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        site.line.held |= {"/changes", "/digests", "/list/2"}
        await site.change()
        await until(lambda: any(path.startswith("list/2") for path in site.line.asked), what="the list is on its way")
        begun = time.monotonic()
        version = (await site.office.admin("POST", "revocations", {"credentials": ["c-7"]}))["version"]
        await until(lambda: site.gate.doors.heard(OfficeRevoked), 1.0)
        assert time.monotonic() - begun < 1.0
        (told,) = site.gate.doors.heard(OfficeRevoked)
        assert [(each.credential, each.version) for each in told.revoked] == [("c-7", version)]


async def test_a_card_that_only_a_list_in_waiting_leaves_out_can_be_revoked(tmp_path: Path) -> None:
    async with signed_site(tmp_path, CAREFUL) as site:
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=CARDS[:10]))
        await until(lambda: any(ready.guards for ready in site.gate.doors.heard(ListReady)), what="a list waits")
        version = (await site.office.admin("POST", "revocations", {"credentials": ["c-20"]}))["version"]
        await until(lambda: site.gate.doors.heard(OfficeRevoked), what="it is revoked all the same")
        (told,) = site.gate.doors.heard(OfficeRevoked)
        assert [(each.credential, each.version) for each in told.revoked] == [("c-20", version)]
        unknown = await site.office.ask("POST", f"/admin/v1/sites/{SITE}/revocations", {"credentials": ["c-999"]})
        assert unknown.json()["error"]["code"] == "unknown_entry"


async def test_what_a_list_has_taken_up_before_is_revoked_all_the_same_for_the_list_that_may_stand_in(
    tmp_path: Path,
) -> None:
    async with signed_site(tmp_path) as site:
        untouched = site.line.change
        site.line.change = lambda path, status, body: (503, b"") if "revocations" in path else (status, body)
        version = (await site.office.admin("POST", "revocations", {"credentials": ["c-7"]}))["version"]
        await site.in_force(version)
        site.line.change = untouched
        await until(lambda: site.gate.doors.heard(OfficeRevoked), 40, "it is revoked")
        (told,) = site.gate.doors.heard(OfficeRevoked)
        assert [(each.credential, each.version) for each in told.revoked] == [("c-7", version)]


async def test_the_newest_revocation_is_told_before_all_others_that_the_office_keeps(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        cards = [{"id": f"c-{n}", "cardholder": "p-1", "format": "EM4100", "number": n} for n in range(1, 1002)]
        await site.office.admin("PUT", "list", a_list(cardholders=PEOPLE, credentials=cards))
        before = [f"c-{n}" for n in range(2, 1002)]
        await site.in_force((await site.office.admin("POST", "revocations", {"credentials": before}))["version"])
        await until(lambda: len(_revoked(site)) >= 1_000, what="a thousand are revoked")
        site.gate.doors.signals.clear()
        await site.office.admin("POST", "revocations", {"credentials": ["c-1"]})
        await until(lambda: len(_revoked(site)) >= 1_000, what="all are told again")
        assert _revoked(site)[0] == "c-1"
        assert len(set(_revoked(site))) == 1_000


def _revoked(site: Signed) -> list[str]:
    return [each.credential for told in site.gate.doors.heard(OfficeRevoked) for each in told.revoked]


def test_what_is_told_at_once_is_a_line_that_the_doors_take_whatever_the_office_names() -> None:
    longest = RevokedCredential("\x01" * 200, 2**53, 2**53)
    told = OfficeRevoked(2**53, (longest,) * REVOKED_AT_ONCE)
    line = msgspec.json.encode({"id": 2**53, "signal": signal_to_dict(told)}) + b"\n"
    assert len(line) <= LINE_BYTES_MAX


async def test_a_card_that_is_taken_out_at_the_office_is_revoked_as_well(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        site.line.held.add("/list/manifest")
        await site.office.admin("DELETE", "cardholders/p-3")
        await until(lambda: site.gate.doors.heard(OfficeRevoked))
        assert site.gate.doors.heard(OfficeRevoked)[0].revoked[0].credential == "c-3"


async def test_forged_and_mass_revocations_are_refused(tmp_path: Path) -> None:
    async with signed_site(tmp_path, CAREFUL) as site:
        site.line.held.add("/list/manifest")
        await site.office.admin("POST", "revocations", {"credentials": ["c-1", "c-2"]})
        assert (await site.refused("2 revocations that no list has want a second signature")).version is None
        assert site.gate.doors.heard(OfficeRevoked) == []

    async with signed_site(tmp_path / "forged") as site:
        site.line.change = lambda path, status, body: (
            status,
            body.replace(b"c-1", b"c-2") if "revocations" in path else body,
        )
        await site.office.admin("POST", "revocations", {"credentials": ["c-1"]})
        await site.refused("its signature is wrong")
        assert site.gate.doors.heard(OfficeRevoked) == []


async def test_one_signature_does_not_revoke_many_one_after_the_other(tmp_path: Path) -> None:
    async with signed_site(tmp_path, CAREFUL) as site:
        site.line.held.add("/list/manifest")

        def one_only(path: str, status: int, body: bytes) -> tuple[int, bytes]:
            if "revocations" not in path or status != 200:
                return status, body
            told = msgspec.json.decode(body, type=lw.Revocations)
            newest = max(told.revoked, key=lambda each: each.version)
            one = msgspec.structs.replace(told, revoked=(newest,))
            return 200, msgspec.json.encode(msgspec.structs.replace(one, signatures=(site.keys.signature(one),)))

        site.line.change = one_only
        await site.office.admin("POST", "revocations", {"credentials": ["c-1"]})
        await until(lambda: site.gate.doors.heard(OfficeRevoked), what="the first is revoked")
        await site.office.admin("POST", "revocations", {"credentials": ["c-2"]})
        await site.refused("2 revocations that no list has want a second signature")
        assert len(site.gate.doors.heard(OfficeRevoked)) == 1


async def test_what_is_revoked_by_new_keys_is_heard_though_no_list_comes(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        site.line.held.add("/list/manifest")
        await site.office.kill()
        site.keys.rotate()
        await site.office.start()
        await site.office.admin("POST", "revocations", {"credentials": ["c-1"]})
        await until(lambda: site.gate.doors.heard(OfficeRevoked), 40, "it is revoked")


async def test_an_office_that_signs_nothing_is_refused_by_a_site_that_wants_signatures(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    async with (
        Office(tmp_path / "office") as office,
        Gateway(tmp_path / "gate", office.url, root=keys.root) as gate,
    ):
        await office.admin("PUT", "list", a_list())
        await until(lambda: gate.doors.heard(ListRefused))
        assert gate.doors.heard(ListRefused)[0].faults == ("$: is not signed",)
        assert gate.lists.version_in_force() == 0


async def test_another_offices_root_is_no_root_here(tmp_path: Path) -> None:
    ours, theirs = Keys(tmp_path / "ours"), Keys(tmp_path / "theirs")
    async with (
        Office(tmp_path / "office", "--keys", str(theirs.folder)) as office,
        Gateway(tmp_path / "gate", office.url, root=ours.root) as gate,
    ):
        await office.admin("PUT", "list", a_list())
        await until(lambda: gate.doors.heard(ListRefused))
        assert "isn't signed by the office's root key" in gate.doors.heard(ListRefused)[0].faults[0]
