"""Facts about what of a new list wants a second yes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.list_update import GuardBounds, GuardedChange, ListGuard
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, PreparedFile, set_current
from tests.gateway.store.list_office import OfficeList
from tests.gateway.store.sample_lists import OFFICE_KEY, public_text, sample_list

KEY = b"k" * 32
CARDS = 100
BOUNDS = GuardBounds(removed_percent=5, removed_least=3, granted_percent=10, granted_least=4)


RESIDENT = [{"level": "residents"}]
SOON = "2026-12-01T00:00:00Z"


@pytest.fixture(params=["changes", "whole"])
def way(request: pytest.FixtureRequest) -> str:
    """Guards ask the same of a list that came whole and of one that came as changes."""
    return str(request.param)


def the_list() -> OfficeList:
    """A hundred residents of the north gate; the yard is nobody's."""
    return OfficeList(sample_list(CARDS))


def guards_of(
    folder: Path, old: OfficeList, new: OfficeList, way: str, wired: frozenset[str] = frozenset()
) -> dict[ListGuard, int]:
    lists = ListFolder(folder, KEY, bounds=replace(BOUNDS, wired=wired))
    _take(folder, lists.prepare_whole(old.raw(), old.promised()))
    if way == "whole":
        made = lists.prepare_whole(new.raw(), new.promised())
    else:
        made = lists.prepare_changed(new.changes_from(old), new.promised())
    assert all(isinstance(each, GuardedChange) for each in made.guards)
    return {each.guard: each.count for each in made.guards}


def _take(folder: Path, made: PreparedFile) -> None:
    set_current(folder, CompiledFile(made.path, made.version, made.digest, made.credentials, made.generation))


def edited(old: OfficeList, count: int, **change: Any) -> OfficeList:
    """So many credentials with other values."""
    return old.put("credentials", *(item | change for item in old.document["credentials"][:count]))


@pytest.mark.parametrize(("count", "waits"), [(5, False), (6, True)])
@pytest.mark.parametrize("how", ["gone", "lost", "shortened"])
def test_more_than_five_per_cent_of_the_cards_do_not_go_unasked(
    tmp_path: Path, way: str, how: str, count: int, waits: bool
) -> None:
    old = the_list()
    changed = {
        "gone": old.take("credentials", *(f"c-{n}" for n in range(count))),
        "lost": edited(old, count, state="lost"),
        "shortened": edited(old, count, valid_until="2026-01-01T00:00:00Z"),
    }
    assert guards_of(tmp_path, old, changed[how], way) == ({ListGuard.REMOVED: count} if waits else {})


@pytest.mark.parametrize(("count", "waits"), [(10, False), (11, True)])
def test_more_than_ten_per_cent_new_cards_do_not_come_unasked(
    tmp_path: Path, way: str, count: int, waits: bool
) -> None:
    old = the_list()
    fresh = [{"id": f"new-{n}", "cardholder": "p-1", "format": "EM4100", "number": n} for n in range(count)]
    assert guards_of(tmp_path, old, old.put("credentials", *fresh), way) == (
        {ListGuard.GRANTED: count} if waits else {}
    )


def test_a_few_are_never_asked_about_in_a_small_list(tmp_path: Path, way: str) -> None:
    old = OfficeList(sample_list(6))
    assert guards_of(tmp_path, old, old.take("credentials", "c-0", "c-1", "c-2"), way) == {}
    assert guards_of(tmp_path / "4", old, old.take("credentials", "c-0", "c-1", "c-2", "c-3"), way) == {
        ListGuard.REMOVED: 4
    }


def test_an_id_that_is_given_another_card_counts_as_one_lost_and_one_gained(tmp_path: Path, way: str) -> None:
    old = the_list()
    fresh = [item | {"number": 5000 + n} for n, item in enumerate(old.document["credentials"][:20])]
    assert guards_of(tmp_path, old, old.put("credentials", *fresh), way) == {
        ListGuard.REMOVED: 20,
        ListGuard.GRANTED: 20,
    }


def test_a_level_that_loses_its_gate_takes_passage_from_all_who_hold_it(tmp_path: Path, way: str) -> None:
    old = the_list()
    assert guards_of(tmp_path, old, old.next(levels=[{"id": "residents", "grants": []}]), way) == {
        ListGuard.REMOVED: CARDS
    }


def test_a_schedule_that_never_covers_takes_passage_from_all_who_pass_by_it(tmp_path: Path, way: str) -> None:
    old = the_list()
    schedules = [{"id": "always", "periods": []}, old.document["schedules"][1]]
    assert ListGuard.REMOVED in guards_of(tmp_path, old, old.next(schedules=schedules), way)


def test_a_level_that_gains_every_door_is_told_both_ways(tmp_path: Path, way: str) -> None:
    old = the_list()
    grants = [{"access_point": point, "schedule": "always"} for point in ("north", "yard")]
    assert guards_of(tmp_path, old, old.next(levels=[{"id": "residents", "grants": grants}]), way) == {
        ListGuard.GRANTED: CARDS,
        ListGuard.ALL_DOORS: CARDS,
    }


def in_two_formats(cards: int) -> OfficeList:
    """As `the_list`, but each of the first so many residents has their card in the list once more."""
    cards_again = [{"id": f"w-{n}", "cardholder": f"p-{n}", "format": "EM4100", "number": n} for n in range(cards)]
    return the_list().put("credentials", *cards_again)


def with_levels(old: OfficeList, count: int, levels: list[dict[str, Any]]) -> OfficeList:
    """So many residents with other levels."""
    return old.put("cardholders", *(person | {"levels": levels} for person in old.document["cardholders"][:count]))


@pytest.mark.parametrize("few", [0, 1000], ids=["one pass", "by buckets"])
def test_who_loses_or_gains_levels_counts_by_each_active_credential_of_theirs(
    tmp_path: Path, way: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.list_holdings.FEW", few)
    old = in_two_formats(4)
    assert guards_of(tmp_path / "2", old, with_levels(old, 2, []), way) == {}
    assert guards_of(tmp_path / "4", old, with_levels(old, 4, []), way) == {ListGuard.REMOVED: 8}
    lost = old.put("credentials", *(item | {"state": "lost"} for item in old.document["credentials"][-2:]))
    assert guards_of(tmp_path / "lost", lost, with_levels(lost, 4, []), way) == {ListGuard.REMOVED: 6}
    gained = guards_of(tmp_path / "back", with_levels(old, 8, []), with_levels(old.next(), 8, RESIDENT), way)
    assert gained == {ListGuard.GRANTED: 12}


def test_a_credential_that_loses_passage_in_several_ways_at_once_counts_once(tmp_path: Path, way: str) -> None:
    old = in_two_formats(3)
    gone = with_levels(old, 3, []).take("credentials", "c-0", "c-1")
    new = gone.put("credentials", *(item | {"valid_until": SOON} for item in gone.document["credentials"][-3:]))
    assert guards_of(tmp_path, old, new, way) == {ListGuard.REMOVED: 6}


def test_who_loses_levels_and_has_no_active_credential_counts_as_one(tmp_path: Path, way: str) -> None:
    """A phone's passes are good by their holder's levels."""
    bare = the_list().take("credentials", *(f"c-{n}" for n in range(7)))
    assert guards_of(tmp_path, bare, with_levels(bare, 7, []), way) == {ListGuard.REMOVED: 7}


def test_one_person_who_could_pass_everywhere_waits(tmp_path: Path, way: str) -> None:
    yard = {"id": "yard", "grants": [{"access_point": "yard", "schedule": "always"}]}
    old = the_list()
    old.document["levels"].append(yard)
    master = old.document["cardholders"][0] | {"levels": [{"level": "residents"}, {"level": "yard"}]}
    assert guards_of(tmp_path, old, old.put("cardholders", master), way) == {ListGuard.ALL_DOORS: 1}
    had = old.put("cardholders", master)
    assert guards_of(tmp_path / "had", had, had.put("cardholders", master | {"special_care": True}), way) == {}


def test_who_passes_all_that_is_left_when_a_door_is_taken_out_waits(tmp_path: Path, way: str) -> None:
    old = the_list()
    old.document["access_points"].append({"id": "back"})
    old.document["levels"].append({"id": "yard", "grants": [{"access_point": "yard", "schedule": "always"}]})
    old.document["cardholders"][0]["levels"] = [{"level": "residents"}, {"level": "yard"}]
    new = old.next(access_points=old.document["access_points"][:2])
    assert guards_of(tmp_path, old, new, way) == {ListGuard.ALL_DOORS: 1}


def somebody_everywhere() -> OfficeList:
    """The first resident may pass the yard as well: they pass everywhere."""
    old = the_list()
    old.document["levels"].append({"id": "yard", "grants": [{"access_point": "yard", "schedule": "always"}]})
    master = old.document["cardholders"][0] | {"levels": [{"level": "residents"}, {"level": "yard"}]}
    return old.put("cardholders", master)


@pytest.mark.parametrize("wired", [frozenset(), frozenset({"north", "yard"})])
def test_a_door_that_nobody_may_pass_hides_nobody_who_may_pass_all_the_others(
    tmp_path: Path, way: str, wired: frozenset[str]
) -> None:
    old = the_list()
    ghost = old.next(access_points=[*old.document["access_points"], {"id": "ghost"}])
    both = [{"access_point": point, "schedule": "always"} for point in ("north", "yard")]
    master = ghost.document["cardholders"][0] | {"levels": [{"level": "master"}]}
    levels = [*ghost.document["levels"], {"id": "master", "grants": both}]
    new = ghost.next(levels=levels).put("cardholders", master)
    told = {ListGuard.ALL_DOORS: 1}
    assert guards_of(tmp_path / "at once", old, new, "whole", wired) == told
    assert guards_of(tmp_path / "later", ghost, new, "whole", wired) == (told if wired else {})


@pytest.mark.parametrize("change", [{}, {"number": 9000}])
def test_another_card_for_somebody_who_passes_everywhere_waits(
    tmp_path: Path, way: str, change: dict[str, Any]
) -> None:
    old = somebody_everywhere()
    theirs = old.document["credentials"][0]
    assert theirs["cardholder"] == old.document["cardholders"][0]["id"]
    new = old.put("credentials", theirs | (change or {"id": "c-new", "number": 9001}))
    assert guards_of(tmp_path, old, new, way) == {ListGuard.ALL_DOORS: 1}
    others = old.put("credentials", old.document["credentials"][1] | {"number": 9002})
    assert guards_of(tmp_path / "others", old, others, way) == {}
    assert guards_of(tmp_path / "label", old, old.put("credentials", theirs | {"label": "new"}), way) == {}


def test_a_key_whose_passes_open_every_door_waits_whoever_it_is_bound_to(tmp_path: Path, way: str) -> None:
    old = somebody_everywhere()
    key = {"id": "visits", "public_key": public_text(OFFICE_KEY), "cardholder": "p-1", "levels": ["residents", "yard"]}
    first = old.document["cardholders"][0]["id"]
    assert first != "p-1"
    assert guards_of(tmp_path / "1", old, old.next(pass_keys=[key]), way) == {ListGuard.ALL_DOORS: 1}
    theirs = key | {"cardholder": first, "levels": []}
    assert guards_of(tmp_path / "2", old, old.next(pass_keys=[theirs]), way) == {ListGuard.ALL_DOORS: 1}
    assert guards_of(tmp_path / "3", old, old.next(pass_keys=[key | {"levels": ["yard"]}]), way) == {}


def test_another_time_zone_unlocks_at_other_hours_and_waits(tmp_path: Path, way: str) -> None:
    old = the_list()
    assert guards_of(tmp_path, old, old.next(zone="America/New_York"), way) == {ListGuard.UNLOCKED: 1}
    always = old.next(access_points=[{"id": "north"}, {"id": "yard", "unlock_schedule": "always"}])
    assert guards_of(tmp_path / "always", always, always.next(zone="America/New_York"), way) == {}


def test_another_time_zone_moves_the_hours_of_all_who_pass_by_a_schedule(tmp_path: Path, way: str) -> None:
    old = the_list()
    night = [{"id": "residents", "grants": [{"access_point": "north", "schedule": "night"}]}]
    old = old.next(levels=night, access_points=[{"id": "north"}, {"id": "yard"}])
    moved = guards_of(tmp_path, old, old.next(zone="America/New_York"), way)
    assert moved == {ListGuard.REMOVED: CARDS, ListGuard.GRANTED: CARDS}


def test_a_list_beside_a_damaged_one_is_measured_by_the_one_before_it(tmp_path: Path) -> None:
    old = the_list()
    lists = ListFolder(tmp_path, KEY, bounds=BOUNDS)
    _take(tmp_path, lists.prepare_whole(old.raw(), old.promised()))
    newer = old.put("cardholders", {"id": "p-new"})
    made = lists.prepare_whole(newer.raw(), newer.promised())
    _take(tmp_path, made)
    made.path.write_bytes(made.path.read_bytes()[:-100])
    half = newer.take("credentials", *(f"c-{n}" for n in range(50)))
    fresh = ListFolder(tmp_path, KEY, bounds=BOUNDS).prepare_whole(half.raw(), half.promised())
    assert [each.guard for each in fresh.guards] == [ListGuard.REMOVED]


@pytest.mark.parametrize(
    "point",
    [
        {"id": "north", "unlock_schedule": "always"},
        {"id": "north", "settings": [{"schedule": "night", "authentication": "unlocked"}]},
        {"id": "north", "settings": [{"schedule": "night", "authentication": "first_card"}]},
    ],
)
def test_a_door_that_is_to_stand_unlocked_waits(tmp_path: Path, way: str, point: dict[str, Any]) -> None:
    old = the_list()
    new = old.next(access_points=[point, old.document["access_points"][1]])
    assert guards_of(tmp_path, old, new, way) == {ListGuard.UNLOCKED: 1}
    locked = new.next(access_points=[{"id": "north"}, old.document["access_points"][1]])
    assert guards_of(tmp_path / "back", new, locked, way) == {}


def test_longer_hours_of_an_unlock_schedule_wait(tmp_path: Path, way: str) -> None:
    old = the_list()
    longer = {"id": "night", "periods": [{"days": ["fri", "sat"], "start": "22:00", "end": "06:00"}]}
    new = old.next(schedules=[old.document["schedules"][0], longer])
    assert guards_of(tmp_path, old, new, way) == {ListGuard.UNLOCKED: 1}


def test_a_key_that_signs_anybodys_passes_waits(tmp_path: Path, way: str) -> None:
    old = the_list()
    key = {"id": "visits", "public_key": public_text(OFFICE_KEY), "levels": ["residents"]}
    assert guards_of(tmp_path, old, old.next(pass_keys=[key]), way) == {ListGuard.GRANTED: 1}
    bound = old.next(pass_keys=[key | {"cardholder": "p-1"}])
    assert guards_of(tmp_path / "bound", old, bound, way) == {}


def test_a_list_that_waits_hides_nothing_from_the_one_after_it(tmp_path: Path) -> None:
    """Guards compare with what is in force, not with what was prepared and waits."""
    old = the_list()
    lists = ListFolder(tmp_path, KEY, bounds=BOUNDS)
    _take(tmp_path, lists.prepare_whole(old.raw(), old.promised()))
    halves = old.take("credentials", *(f"c-{n}" for n in range(50)))
    assert lists.prepare_changed(halves.changes_from(old), halves.promised()).guards
    later = halves.put("cardholders", {"id": "p-new"})
    assert [each.count for each in lists.prepare_changed(later.changes_from(halves), later.promised()).guards] == [50]


def test_the_first_list_is_asked_about_by_nobody(tmp_path: Path) -> None:
    office = the_list()
    assert ListFolder(tmp_path, KEY, bounds=BOUNDS).prepare_whole(office.raw(), office.promised()).guards == ()
