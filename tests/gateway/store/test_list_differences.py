"""What two lists hold differently: nobody who opens otherwise is overlooked, and who is alike is not looked at."""

from array import array
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.list_update import GuardBounds
from gateway.store.access_list import CompiledAccessList, compile_list, open_list, parse_list
from gateway.store.list_differences import differing_cardholders, differing_credentials
from gateway.store.list_file import Index, matched
from gateway.store.list_folder import ListFolder
from tests.gateway.store.list_office import OfficeList
from tests.gateway.store.sample_lists import sample_list

KEY = b"k" * 32
OPEN = GuardBounds(100, 1_000_000, 100, 1_000_000, all_doors=False, unlocked=False)
CARDS = 12
CHOICES: list[tuple[str, dict[str, Any]]] = [
    ("credentials", {"label": "another"}),
    ("credentials", {"state": "lost"}),
    ("credentials", {"cardholder": "p-0"}),
    ("credentials", {"facility_code": 101}),
    ("credentials", {"valid_until": "2027-01-01T00:00:00Z"}),
    ("cardholders", {"levels": []}),
    ("cardholders", {"special_care": True}),
]


def opened(document: dict[str, Any], folder: Path) -> CompiledAccessList:
    return open_list(compile_list(parse_list(document), KEY, folder).path, KEY)


def credentials_by_comparison(old: CompiledAccessList, new: CompiledAccessList) -> set[str]:
    """The ids of credentials of which more than the label is different, one by one."""
    before, after = ({each.id: each for each in listed.each_credential()} for listed in (old, new))
    parts = ("cardholder", "state", "valid_from", "valid_until")
    return {
        id_
        for id_ in before.keys() | after.keys()
        if id_ not in before
        or id_ not in after
        or old.card_of(id_) != new.card_of(id_)
        or any(getattr(before[id_], part) != getattr(after[id_], part) for part in parts)
    }


def cardholders_by_comparison(old: CompiledAccessList, new: CompiledAccessList) -> set[str]:
    before, after = ({each.id: each for each in listed.each_cardholder()} for listed in (old, new))
    return {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}


def found_credentials(old: CompiledAccessList, new: CompiledAccessList) -> set[str]:
    """What the indexes tell; each of them once, and as both lists have it."""
    found = [each for each in differing_credentials(old, new) if each[0] or each[1]]
    ids = [(before or after).id for before, after, _ in found]  # type: ignore[union-attr]
    assert len(set(ids)) == len(ids)
    for id_, (before, after, same_card) in zip(ids, found, strict=True):
        assert (before, after) == (old.credential_by_id(id_), new.credential_by_id(id_))
        assert same_card == (old.card_of(id_) == new.card_of(id_))
    return set(ids)


def found_cardholders(old: CompiledAccessList, new: CompiledAccessList, *, everyone: bool = False) -> set[str]:
    found = [each for each in differing_cardholders(old, new, everyone=everyone) if each[0] or each[1]]
    ids = [(before or after).id for before, after in found]  # type: ignore[union-attr]
    assert len(set(ids)) == len(ids)
    for id_, pair in zip(ids, found, strict=True):
        assert pair == (old.cardholder(id_), new.cardholder(id_))
    return set(ids)


def edits() -> st.SearchStrategy[list[tuple[int, int]]]:
    """(which entry, which of the choices); the choice behind the last takes a credential out."""
    return st.lists(st.tuples(st.integers(0, CARDS - 1), st.integers(0, len(CHOICES))), max_size=8)


def edited(document: dict[str, Any], chosen: list[tuple[int, int]]) -> dict[str, Any]:
    fresh = deepcopy(document) | {"version": document["version"] + 1}
    for number, choice in chosen:
        if choice == len(CHOICES):
            fresh["credentials"] = [each for each in fresh["credentials"] if each["id"] != f"c-{number}"]
            continue
        part, change = CHOICES[choice]
        for entry in fresh[part]:
            if entry["id"].endswith(f"-{number}"):
                entry.update(change)
    return fresh


@settings(max_examples=15, deadline=None)
@given(edits(), edits())
def test_indexes_tell_what_a_comparison_one_by_one_tells(
    beside: list[tuple[int, int]], then: list[tuple[int, int]]
) -> None:
    """The old list with changes beside it, as the one in force may have; the new one whole."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        first = OfficeList(sample_list(CARDS))
        lists = ListFolder(folder, KEY, bounds=OPEN)
        lists.prepare_whole(first.raw(), first.promised())
        second = OfficeList(edited(first.document, beside))
        old = open_list(lists.prepare_changed(second.changes_from(first), second.promised()).path, KEY)
        new = opened(edited(second.document, then), folder)
        assert found_credentials(old, new) >= credentials_by_comparison(old, new)
        assert found_cardholders(old, new) >= cardholders_by_comparison(old, new)
        changed = old.changed_credentials.keys() | old.changed_cardholders.keys()
        assert found_credentials(old, new) - changed == credentials_by_comparison(old, new) - changed
        assert found_cardholders(old, new) - changed == cardholders_by_comparison(old, new) - changed


def test_nobody_is_looked_at_in_a_list_that_came_again_with_other_labels(tmp_path: Path) -> None:
    document = sample_list(CARDS)
    old = opened(document, tmp_path)
    again = document | {"version": 8, "credentials": [each | {"label": "x"} for each in document["credentials"]]}
    new = opened(again, tmp_path)
    assert found_credentials(old, new) == set()
    assert found_cardholders(old, new) == set()
    assert found_cardholders(old, new, everyone=True) == {f"p-{n}" for n in range(CARDS)}


def test_records_that_name_other_levels_by_the_same_numbers_are_different(tmp_path: Path) -> None:
    document = sample_list(2)
    document["levels"].append({"id": "staff", "grants": []})
    old = opened(document, tmp_path)
    swapped = document | {"version": 8, "levels": document["levels"][::-1]}
    swapped["cardholders"] = [each | {"levels": [{"level": "staff"}]} for each in document["cardholders"]]
    assert found_cardholders(old, opened(swapped, tmp_path)) == {"p-0", "p-1"}


def test_records_under_one_hash_come_together_from_both_indexes() -> None:
    def index(*hashes: int) -> Index:
        return Index(memoryview(array("Q", hashes)).cast("B"), memoryview(array("I", range(len(hashes)))).cast("B"))

    top = 2**64 - 1
    assert list(matched(index(3, 7, 7, top), index(1, 7, top, top))) == [
        ([], [0]),
        ([0], []),
        ([1, 2], [1]),
        ([3], [2, 3]),
    ]
    assert list(matched(index(), index())) == []
