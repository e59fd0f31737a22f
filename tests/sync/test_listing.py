"""The office's lists in its ledger: after whatever change, the manifest promises what the office then serves."""

import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sync import list_wire as lw
from sync.office import entries
from sync.office.ledger import Ledger
from sync.office.listing import read_document
from sync.office.lists import Unsound
from tests.sync.site import SITE, a_list

PEOPLE, CARDS, STEPS = 40, 80, 60


class OfficeMemory:
    """A ledger with one site's list, looked at from beside."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "office.db"
        self.ledger = Ledger(self.path)

    def put(self, document: dict[str, Any]) -> int:
        return self.ledger.change_list(SITE, lambda lists, seen: lists.put(SITE, document, seen, give_back=True))

    def put_entries(self, part: str, *items: dict[str, Any]) -> int:
        return self.ledger.change_list(SITE, lambda lists, seen: lists.put_entries(SITE, part, list(items), seen))

    def take(self, part: str, id_: str) -> int:
        return self.ledger.change_list(SITE, lambda lists, seen: lists.remove(SITE, part, id_, seen))

    def served(self) -> dict[str, Any]:
        raw = read_document(self.path, SITE, None)
        assert raw is not None
        found: dict[str, Any] = msgspec.json.decode(raw)
        return found

    def promise_holds(self) -> bool:
        """Whether root and count of the newest manifest are those of LIST.json as it is served."""
        manifest = self.ledger.lists.manifest(SITE, (-1, -1))
        raw = read_document(self.path, SITE, None)
        assert manifest is not None
        assert raw is not None
        texts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        buckets: dict[int, list[bytes]] = defaultdict(list)
        for part in entries.LONG_PARTS:
            for text in msgspec.json.decode(texts[part], type=list[msgspec.Raw]):
                entry = msgspec.json.decode(text)
                holder = entry["id"] if part == "cardholders" else entry["cardholder"]
                buckets[lw.bucket_of(holder)].append(lw.entry_line(part, entry["id"], bytes(text)))
        digests = b"".join(lw.bucket_digest(buckets[number]) for number in range(lw.BUCKETS))
        root = lw.root_of(lw.rules_digest({name: texts[name] for name in lw.RULES if name in texts}), digests)
        return (manifest.root, manifest.count) == (root, sum(map(len, buckets.values())))


def a_card(number: int, holder: int, **more: Any) -> dict[str, Any]:
    return {"id": f"c-{number}", "cardholder": f"p-{holder}", "format": "EM4100", "number": number, **more}


def a_compound() -> dict[str, Any]:
    people = [{"id": f"p-{number}", "levels": [{"level": "residents"}]} for number in range(PEOPLE)]
    return a_list(cardholders=people, credentials=[a_card(number, number % PEOPLE) for number in range(CARDS)])


@pytest.fixture
def office(tmp_path: Path) -> OfficeMemory:
    memory = OfficeMemory(tmp_path)
    memory.put(a_compound())
    return memory


def one_change(office: OfficeMemory, chance: random.Random) -> None:
    served = office.served()
    cards = [card["id"] for card in served["credentials"]]
    people = [int(person["id"].removeprefix("p-")) for person in served["cardholders"]]
    number, holder = chance.randrange(CARDS), chance.choice(people)
    match chance.randrange(7):
        case 0:
            office.put_entries("credentials", a_card(number, holder, label=str(chance.random())))
        case 1:
            office.put_entries("credentials", *(a_card(n, chance.choice(people)) for n in range(number, number + 5)))
        case 2:
            office.take("credentials", chance.choice(cards))
        case 3:
            office.take("cardholders", f"p-{holder}")
        case 4:
            office.put_entries("cardholders", {"id": f"p-{chance.randrange(PEOPLE)}", "levels": []})
        case 5:
            revoked = chance.sample(cards, 3)
            office.ledger.change_list(SITE, lambda lists, seen: lists.revoke(SITE, revoked, "lost", seen))
        case _:
            kept = [card for card in served["credentials"] if chance.random() < 0.9]
            office.put(served | {"credentials": kept, "zone": chance.choice(["Asia/Shanghai", "Europe/Berlin"])})


def test_each_change_promises_what_is_served_then(office: OfficeMemory) -> None:
    chance = random.Random(7)
    for _ in range(STEPS):
        one_change(office, chance)
        assert office.promise_holds()


@pytest.mark.parametrize(
    "what_is_kept",
    [
        "DELETE FROM bucket_lines",
        "UPDATE bucket_lines SET lines = substr(lines, 50)",
        "UPDATE bucket_lines SET lines = x'00'",
    ],
)
def test_lines_that_are_not_those_digested_last_are_made_of_the_entries_again(
    office: OfficeMemory, what_is_kept: str
) -> None:
    """So it is in a ledger of an earlier release, or one that such a release has gone on with."""
    with closing(sqlite3.connect(office.path, isolation_level=None)) as database:
        database.execute(what_is_kept)
    office.put_entries("credentials", *(a_card(number, 1, label="moved") for number in range(0, CARDS, 3)))
    assert office.promise_holds()
    office.take("cardholders", "p-1")
    assert office.promise_holds()


def test_an_entry_that_is_there_twice_in_one_call_is_refused_and_nothing_has_happened(office: OfficeMemory) -> None:
    before = office.served()
    with pytest.raises(Unsound, match="'c-500' is there twice"):
        office.put_entries("credentials", a_card(500, 1), a_card(500, 2))
    assert office.promise_holds()
    assert office.served() == before


def test_a_change_takes_no_more_steps_in_a_list_ten_times_as_large(tmp_path: Path) -> None:
    """Of SQLite's machine, where each row that is read takes some: nothing goes by the size of the list."""
    steps = []
    for size in (200, 2_000):
        office = OfficeMemory(tmp_path / str(size))
        for label in ("old", "new"):
            cards = [a_card(number, number % PEOPLE, label=label) for number in range(size)]
            office.put(a_compound() | {"credentials": cards})
        steps.append(0)

        def count() -> int:
            steps[-1] += 1
            return 0

        office.ledger._db.set_progress_handler(count, 1)
        office.put_entries("credentials", *(a_card(number, 3) for number in range(0, 200, 10)))
        office.take("credentials", "c-7")
        office.ledger._db.set_progress_handler(None, 1)
        assert office.promise_holds()
    assert 0 < steps[1] < 1.1 * steps[0]


def test_what_has_changed_since_a_list_that_was_never_this_offices_is_not_known(office: OfficeMemory) -> None:
    begun = office.ledger.change_list(SITE, lambda lists, _: lists.begin_generation(SITE, 10))
    assert begun == 11, "above list 10 of the gateway's, which another office had made"
    assert office.ledger.lists.changes(SITE, begun, 1) is not None
    assert office.ledger.lists.changes(SITE, begun, 10) is None
    assert office.ledger.lists.changes(SITE, begun, begun) is None


def test_marks_beyond_those_kept_are_forgotten_and_older_gateways_get_the_whole_list(
    office: OfficeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MARKS_KEPT", 3)
    first = office.ledger.list_version(SITE)
    for number in range(6):
        newest = office.take("credentials", f"c-{number}")
    assert office.ledger.lists.changes(SITE, newest, first) is None
    later = office.ledger.lists.changes(SITE, newest, newest - 2)
    assert later is not None
    assert later.gone_credentials == ("c-4", "c-5")
    assert office.promise_holds()
