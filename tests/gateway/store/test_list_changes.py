"""Facts about lists that change entry by entry: the same list as compiled whole, or nothing at all."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.credential import CredentialState, Identifier
from gateway.domain.list_update import GuardBounds, ListChanges
from gateway.errors import ListInvalid, ListTorn
from gateway.store import list_digests as ld
from gateway.store import list_folder, list_state
from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.list_changes import read_changes
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, current_list, set_current
from gateway.store.list_merge import merged
from tests.gateway.store.list_office import OfficeList
from tests.gateway.store.sample_lists import sample_list
from tests.waiting import wait_until

KEY = b"k" * 32
OPEN = GuardBounds(100, 1_000_000, 100, 1_000_000, all_doors=False, unlocked=False)


class Site:
    """A gateway's folder of lists, whose lists go in force at once."""

    def __init__(self, folder: Path, office: OfficeList) -> None:
        self.folder, self.office = folder, office
        self.lists = ListFolder(folder, KEY, bounds=OPEN)
        self.take_whole(office)

    def take_whole(self, office: OfficeList) -> CompiledAccessList:
        made = self.lists.prepare_whole(office.raw(), office.promised())
        return self._in_force(office, made.path)

    def take(self, office: OfficeList, changes: ListChanges | None = None) -> CompiledAccessList:
        """By changes alone."""
        made = self.lists.prepare_changed(changes or office.changes_from(self.office), office.promised())
        return self._in_force(office, made.path)

    def _in_force(self, office: OfficeList, path: Path) -> CompiledAccessList:
        opened = open_list(path, KEY)
        made = CompiledFile(path, opened.version, opened.digest, opened.credentials, opened.generation)
        set_current(self.folder, made)
        self.office = office
        return opened


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "lists", OfficeList(sample_list(40)))


def told(opened: CompiledAccessList) -> dict[str, Any]:
    """Everything that a list says, in no order."""
    return {
        "credentials": sorted(map(str, opened.each_credential())),
        "cardholders": sorted(map(str, opened.each_cardholder())),
        "levels": sorted(map(str, opened.levels())),
        "points": sorted(map(str, opened.access_points())),
        "areas": sorted(map(str, opened.areas())),
        "counts": (opened.credentials, opened.cardholders),
        "about": (opened.site, opened.generation, opened.version, opened.issued_at, opened.zone.key),
    }


def whole(office: OfficeList, folder: Path) -> CompiledAccessList:
    return open_list(ListFolder(folder, KEY, bounds=OPEN).prepare_whole(office.raw(), office.promised()).path, KEY)


def a_card(number: int, holder: str = "p-1", **more: Any) -> dict[str, Any]:
    return {"id": f"new-{number}", "cardholder": holder, "format": "EM4100", "number": 900_000 + number, **more}


def test_a_card_that_is_put_opens_and_one_that_is_taken_out_does_not(site: Site, tmp_path: Path) -> None:
    gone = site.office.document["credentials"][0]
    opened = site.take(site.office.put("credentials", a_card(1)))
    key = opened.key(Identifier("EM4100", None, 900_001))
    found = opened.credential(key)
    assert found is not None
    assert found.id == "new-1"
    opened = site.take(site.office.take("credentials", gone["id"], "new-1"))
    assert opened.credential(key) is None
    assert opened.credential_by_id(gone["id"]) is None
    assert told(opened) == told(whole(site.office, tmp_path / "whole"))


def test_a_card_that_is_suspended_a_card_that_moves_and_a_household_that_leaves(site: Site, tmp_path: Path) -> None:
    first = site.office.document["credentials"][0]
    opened = site.take(site.office.put("credentials", first | {"state": "suspended"}))
    held = opened.credential_by_id(first["id"])
    assert held is not None
    assert held.state is CredentialState.SUSPENDED
    site.take(site.office.put("credentials", first | {"cardholder": "p-2"}))
    mine = [entry["id"] for entry in site.office.document["credentials"] if entry["cardholder"] == "p-2"]
    left = site.office.take("credentials", *mine)
    both = replace_version(left.take("cardholders", "p-2"), left)
    opened = site.take(both)
    assert opened.cardholder("p-2") is None
    assert told(opened) == told(whole(both, tmp_path / "whole"))


def replace_version(office: OfficeList, like: OfficeList) -> OfficeList:
    """The same list under another's version."""
    office.document["version"] = like.document["version"]
    return office


def test_rules_that_change_renumber_levels_and_every_cardholder_keeps_theirs(site: Site, tmp_path: Path) -> None:
    site.take(site.office.put("cardholders", site.office.document["cardholders"][0] | {"special_care": True}))
    fresh = {"id": "a-new-level", "grants": [{"access_point": "north", "schedule": "always"}]}
    opened = site.take(site.office.next(levels=[fresh, *reversed(site.office.document["levels"])]))
    assert told(opened) == told(whole(site.office, tmp_path / "whole"))
    opened = site.take(site.office.put("credentials", a_card(1)))
    assert told(opened) == told(whole(site.office, tmp_path / "whole again"))


def test_a_list_in_force_survives_a_restart_and_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    site.take(site.office.put("credentials", a_card(1)))
    site.lists = ListFolder(site.folder, KEY, bounds=OPEN)
    assert site.lists.starts_from() == (0, site.office.document["version"])
    opened = site.take(site.office.put("credentials", a_card(2)))
    assert told(opened) == told(whole(site.office, tmp_path / "whole"))
    assert open_list(current_list(site.folder) or Path(), KEY).credential_by_id("new-1") is not None


def test_two_cards_may_be_exchanged_in_one_step(site: Site, tmp_path: Path) -> None:
    site.take(site.office.put("credentials", a_card(1), a_card(2)))
    one, two = a_card(1), a_card(2)
    one["number"], two["number"] = two["number"], one["number"]
    opened = site.take(site.office.put("credentials", one, two))
    found = opened.credential(opened.key(Identifier("EM4100", None, 900_002)))
    assert found is not None
    assert found.id == "new-1"
    assert told(opened) == told(whole(site.office, tmp_path / "whole"))


FAULTY: dict[str, tuple[str, Any, str]] = {
    "a card without a holder": ("credentials", a_card(1, "nobody"), "no cardholder 'nobody'"),
    "a card that another has": ("credentials", a_card(2) | {"number": 900_000}, "'new-2' is the same card as 'new-0'"),
    "an unknown key": ("credentials", a_card(1, colour="blue"), "unknown key"),
    "a level that is none": ("cardholders", {"id": "p-9", "levels": [{"level": "gold"}]}, "no level 'gold'"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_change_with_a_fault_is_refused_as_the_whole_list_would_be(site: Site, name: str) -> None:
    part, item, fault = FAULTY[name]
    site.take(site.office.put("credentials", a_card(0)))
    before = current_list(site.folder)
    with pytest.raises(ListInvalid, match=fault) as caught:
        site.take(site.office.put(part, item))
    assert not isinstance(caught.value, ListTorn)
    assert current_list(site.folder) == before
    site.take(site.office.put("credentials", a_card(7)))


def test_what_leaves_something_behind_is_refused(site: Site) -> None:
    holder = site.office.document["credentials"][0]["cardholder"]
    with pytest.raises(ListInvalid, match="is taken out but holds"):
        site.take(site.office.take("cardholders", holder))
    with pytest.raises(ListInvalid, match="is taken out but 'p-"):
        site.take(site.office.next(levels=[]))


class _Deep(OfficeList):
    """Its pass keys are nested deeper than anybody reads."""

    def rules(self) -> dict[str, bytes]:
        return super().rules() | {"pass_keys": b"[" * 5000 + b"]" * 5000}


def test_rules_that_are_nested_too_deeply_are_refused(site: Site) -> None:
    deep = _Deep(site.office.next().document)
    with pytest.raises(ListInvalid):
        site.lists.prepare_changed(deep.changes_from(site.office), deep.promised())


def test_changes_that_come_to_another_list_than_promised_are_torn(site: Site) -> None:
    wanted = site.office.put("credentials", a_card(1))
    changes = wanted.changes_from(site.office)
    for wrong in (
        ListChanges(),
        replace(changes, credentials=()),
        replace(changes, credentials=(*changes.credentials, b'{"id":"x","cardholder":"p-1"}')),
        replace(changes, credentials=(changes.credentials[0].replace(b"900001", b"900002"),)),
        replace(changes, credentials=(changes.credentials[0] * 2,)),
        replace(changes, credentials=changes.credentials * 2),
        replace(changes, gone_cardholders=("p-1",)),
        replace(changes, rules={"zone": b'"Europe/Paris"'}),
        replace(changes, rules={"site": b'"other"'}),
        replace(changes, rules={**site.office.rules(), "issued_at": b'"2030-01-01T00:00:00Z"'}),
    ):
        with pytest.raises(ListTorn):
            site.lists.prepare_changed(wrong, wanted.promised())
    with pytest.raises(ListTorn, match="entries, the manifest says"):
        site.lists.prepare_changed(changes, replace(wanted.promised(), count=7))
    site.take(wanted)


def test_more_changes_than_lie_beside_a_list_want_the_whole_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_state, "CHANGES_MOST", 2)
    site.take(site.office.put("credentials", a_card(1), a_card(2)))
    with pytest.raises(ListTorn, match="the whole list is wanted"):
        site.take(site.office.put("credentials", a_card(3)))


def test_a_whole_list_that_is_not_the_promised_one_is_torn(site: Site, tmp_path: Path) -> None:
    wanted = site.office.put("credentials", a_card(1))
    lists = ListFolder(tmp_path / "other", KEY)
    for raw in (site.office.raw(), wanted.raw().replace(b"900001", b"900002")):
        with pytest.raises(ListInvalid):
            lists.prepare_whole(raw, wanted.promised())
    with pytest.raises(ListTorn):
        lists.prepare_whole(wanted.raw(), replace(wanted.promised(), root=b"\0" * 32))
    assert list((tmp_path / "other").glob("list-*")) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_list_or_change_with_a_flipped_or_missing_part_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Declared errors only, and the list in force stays what it was."""
    folder = tmp_path / data.draw(st.uuids().map(str))
    site = Site(folder, OfficeList(sample_list(5)))
    wanted = site.office.put("credentials", a_card(1))
    pieces = [wanted.raw(), wanted.changes_from(site.office).credentials[0]]
    which = data.draw(st.sampled_from([0, 1]))
    raw = bytearray(pieces[which])
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw[at] ^= data.draw(st.integers(1, 255))
    else:
        del raw[at : at + data.draw(st.integers(1, 50))]
    before = current_list(folder)
    try:
        if which == 0:
            made = site.lists.prepare_whole(bytes(raw), wanted.promised())
        else:
            made = site.lists.prepare_changed(ListChanges(None, (), (bytes(raw),)), wanted.promised())
    except ListInvalid:
        assert current_list(folder) == before
    else:  # white space between members says nothing, and nothing hangs on it
        assert told(open_list(made.path, KEY)) == told(whole(wanted, folder / "whole"))


def test_buckets_bring_a_gateway_to_the_list_from_wherever_it_was(site: Site, tmp_path: Path) -> None:
    elsewhere = site.office.put("credentials", a_card(5)).put("cardholders", {"id": "p-new"})
    here = site.take(site.office.put("credentials", a_card(1), a_card(2)))
    assert here.credential_by_id("new-1") is not None
    wanted = elsewhere.take("credentials", site.office.document["credentials"][3]["id"])
    wanted.generation = 3
    differing = site.lists.differing(wanted.digests())
    assert 0 < len(differing) < 10
    changes = site.lists.repair(frozenset(differing), wanted.there(differing))
    assert told(site.take(wanted, changes)) == told(whole(wanted, tmp_path / "whole"))
    assert site.lists.differing(wanted.digests()) == []


def test_many_changes_become_one_list_while_more_go_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_folder, "MERGED_AT", 3)
    for number in range(3):
        site.take(site.office.put("credentials", a_card(number)))
    wait_until(lambda: site.lists._merged is not None, 10, "the list and its changes are one")
    for number in range(3, 5):
        opened = site.take(site.office.put("credentials", a_card(number)))
        assert told(opened) == told(whole(site.office, tmp_path / f"whole {number}"))
    path = current_list(site.folder)
    assert path is not None
    assert len(read_changes(path)[0].credentials) == 2
    moved = site.take(site.office.next(levels=list(reversed(site.office.document["levels"]))))
    assert told(moved) == told(whole(site.office, tmp_path / "whole at last"))


def test_a_merge_that_ends_after_a_whole_list_has_come_is_let_go(site: Site, tmp_path: Path) -> None:
    site.take(site.office.put("credentials", a_card(1)))
    before = site.lists._state
    assert before is not None
    late = before, merged(before, site.folder)
    wanted = site.office.put("credentials", a_card(2))
    site._in_force(wanted, site.lists.prepare_whole(wanted.raw(), wanted.promised()).path)
    site.lists._merged = late
    opened = site.take(site.office.put("credentials", a_card(3)))
    assert told(opened) == told(whole(site.office, tmp_path / "whole"))


def test_only_lists_that_are_needed_stay_and_what_changes_refer_to_is_needed(site: Site) -> None:
    for number in range(12):
        site.take(site.office.put("credentials", a_card(number)))
    names = sorted(path.suffix for path in site.folder.glob("list-*"))
    assert names == [".ghc"] * 2 + [".ghl"], "that in force, the one before, and what both are about"


def test_what_was_prepared_or_merged_since_the_list_in_force_stays(site: Site) -> None:
    first = site.lists.prepare_changed(
        (one := site.office.put("credentials", a_card(1))).changes_from(site.office), one.promised()
    )
    two = one.put("credentials", a_card(2))
    second = site.lists.prepare_changed(two.changes_from(one), two.promised())
    site._in_force(one, first.path)
    assert second.path.exists()


def test_who_has_left_is_in_no_file_after_three_more_lists(site: Site) -> None:
    gone = site.office.document["cardholders"][0]["id"]
    theirs = [card["id"] for card in site.office.document["credentials"] if card["cardholder"] == gone]
    site.take(site.office.take("credentials", *theirs).take("cardholders", gone))
    assert any(open_list(path, KEY).cardholder(gone) for path in site.folder.glob("list-*"))
    wait_until(lambda: site.lists._merged is not None, 10, "the list and its changes are one")
    for number in range(3):
        site.take(site.office.put("credentials", a_card(number)))
    files = list(site.folder.glob("list-*"))
    assert not any(open_list(path, KEY).cardholder(gone) for path in files)
    assert not any(gone.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("damage", ["cut", "flip", "other key", "base gone", "base of another"])
def test_damaged_changes_are_refused_and_the_list_before_opens(site: Site, tmp_path: Path, damage: str) -> None:
    site.take(site.office.put("credentials", a_card(1)))
    path = current_list(site.folder)
    assert path is not None
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "flip":
        path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif damage.startswith("base"):
        (base,) = site.folder.glob("*.ghl")
        if damage == "base gone":
            base.unlink()
        else:
            other = OfficeList(sample_list(3))
            made = ListFolder(tmp_path / "x", KEY).prepare_whole(other.raw(), other.promised())
            base.write_bytes(made.path.read_bytes())
    with pytest.raises(ListInvalid):
        open_list(path, b"x" * 32 if damage == "other key" else KEY)


def test_no_digits_lie_in_the_files_and_their_lines_open_with_the_site_key_only(site: Site) -> None:
    site.take(site.office.put("credentials", a_card(1)))
    for path in site.folder.glob("list-*"):
        content = path.read_bytes()
        assert b"900001" not in content
        for text in site.office.texts("credentials").values():
            assert hashlib.sha256(text).digest() not in content
    assert ListFolder(site.folder, b"x" * 32).starts_from() is None


def test_this_sides_digests_are_those_of_the_protocols_page() -> None:
    golden = msgspec.json.decode((Path(__file__).parents[2] / "vectors" / "lists.json").read_bytes())
    (person,), (card,) = ([text.encode() for text in golden["list"][part]] for part in ("cardholders", "credentials"))
    lines = [ld.line(ld.CARDHOLDER, "p-1", person), ld.line(ld.CREDENTIAL, "c-1", card)]
    assert (ld.bucket_of("p-1"), [each.hex() for each in lines]) == (golden["bucket"], golden["lines"])
    digests = bytearray(ld.bucket_digest(()) * ld.BUCKETS)
    digests[golden["bucket"] * 32 : golden["bucket"] * 32 + 32] = ld.bucket_digest(lines)
    rules = ld.rules_digest({name: text.encode() for name, text in golden["list"]["rules"].items()})
    assert rules.hex() == golden["rules"]
    assert ld.root_of(rules, digests).hex() == golden["root"]
