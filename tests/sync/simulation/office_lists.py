"""The office's people, who change its list in every way; and all that it has ever signed, to be compared with."""

import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.domain.credential import Identifier
from gateway.domain.list_update import GuardBounds
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_compiler import read_rules
from sync import list_wire as lw
from sync.office.listing import Listings
from sync.office.signing import AT_ONCE, Signer, public_hex, sign

SITE, OTHER_SITE = "demo", "other"
BOUNDS = GuardBounds(removed_percent=0, removed_least=4, granted_percent=0, granted_least=6)
CARDS = 20
ALWAYS = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]
ODD, ODD_NUMBER = "odd", 5_000
Coordinate = tuple[int, int]
Key = tuple[int, int, str, datetime]


class Keys:
    """An office's root key and its key sets: two keys in each, the office's own and a person's."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self.root = seed, Ed25519PrivateKey.from_private_bytes(seed)
        self.epoch = 0
        self.former: list[tuple[Ed25519PrivateKey, lw.KeySet]] = []
        self.key, self.person, self.set = self._made()

    def rotate(self) -> None:
        """The next key set; the keys of before are worth nothing from now on."""
        self.former.append((self.key, self.set))
        self.key, self.person, self.set = self._made()

    @property
    def every(self) -> list[lw.KeySet]:
        """All key sets that there have been."""
        return [*(keys for _, keys in self.former), self.set]

    def _made(self) -> tuple[Ed25519PrivateKey, Ed25519PrivateKey, lw.KeySet]:
        self.epoch += 1
        key, person = (Ed25519PrivateKey.from_private_bytes(self._seed[:30] + bytes([self.epoch, n])) for n in (1, 2))
        unsigned = lw.KeySet(self.epoch, AT_ONCE, (public_hex(key), public_hex(person)), "")
        signature = self.root.sign(lw.key_set_bytes(unsigned)).hex()
        return key, person, msgspec.structs.replace(unsigned, signature=signature)

    @property
    def signer(self) -> Signer:
        """What the office signs with."""
        return Signer(self.key, self.set)

    @property
    def root_key(self) -> bytes:
        """Its public half, as a gateway has it."""
        return bytes.fromhex(public_hex(self.root))


ROOT_SEED = b"o" * 32
ROOT_KEY = Keys(ROOT_SEED).root_key
"""What every gateway of a play believes."""


def fits(format_: str, facility_code: int | None, number: int) -> str | None:
    """What the site's readers can read."""
    return ".number: is more than this site's readers read" if number >= ODD_NUMBER else None


@dataclass(frozen=True, slots=True)
class Card:
    """A card of a list, as plainly as can be. `passes`: it opens the door."""

    holder: str
    number: int
    active: bool
    passes: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """A list that the office has made: its manifest, its text, and what that says."""

    manifest: lw.Manifest
    raw: bytes
    cards: dict[str, Card]
    rules: dict[str, bytes]
    people: int
    everywhere: frozenset[str]
    """Who passes every door."""
    unlocked: bool
    """Whether a door stands unlocked by a schedule."""

    @property
    def key(self) -> "Key":
        """What tells it from every other list, also from one of the same version."""
        return (*self.at, self.manifest.root, self.manifest.issued_at)

    @property
    def unsound(self) -> bool:
        """Whether it makes no sense to this site's gateway, which is its judge."""
        return ODD in self.cards

    @property
    def at(self) -> Coordinate:
        """(generation, version)."""
        return self.manifest.generation, self.manifest.version

    def is_in(self, listed: CompiledAccessList) -> bool:
        """Whether a compiled list says the same, to the last card."""
        head = (
            listed.site,
            listed.generation,
            listed.version,
            listed.issued_at,
            listed.credentials,
            listed.cardholders,
        )
        wanted = (SITE, *self.at, self.manifest.issued_at, len(self.cards), self.people)
        if head != wanted or {k: v for k, v in read_rules(listed.rules_section).items() if v} != self.rules:
            return False
        for id_, card in self.cards.items():
            found = listed.credential(listed.key(Identifier("EM4100", None, card.number)))
            said = None if found is None else (found.id, found.cardholder, found.state.value == "active")
            if said != (id_, card.holder, card.active):
                return False
            person = listed.cardholder(card.holder)
            levels = () if person is None else tuple(held.level for held in person.levels)
            if ("residents" in levels or "everywhere" in levels) != card.passes:
                return False
        return True

    def guarded(self, before: "Signed") -> bool:
        """Whether it must not take the place of `before` by one signature."""
        ours, theirs = self._open(), before._open()
        return (
            len(theirs - ours) > BOUNDS.removed_least
            or len(ours - theirs) > BOUNDS.granted_least
            or bool(self.everywhere - before.everywhere)
            or (self.unlocked and not before.unlocked)
        )

    def _open(self) -> set[tuple[str, str, int]]:
        return {(id_, card.holder, card.number) for id_, card in self.cards.items() if card.active}


def signed_list(manifest: lw.Manifest, raw: bytes) -> Signed:
    """What a list says, read by no code of the product's."""
    document = msgspec.json.decode(raw)
    texts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    levels = {person["id"]: {held["level"] for held in person["levels"]} for person in document["cardholders"]}
    cards = {
        card["id"]: Card(
            card["cardholder"],
            card["number"],
            card.get("state", "active") == "active",
            bool(levels.get(card["cardholder"], set()) & {"residents", "everywhere"}),
        )
        for card in document["credentials"]
    }
    rules = {name: bytes(texts[name]) for name in lw.RULES if name in texts}
    everywhere = frozenset(id_ for id_, held in levels.items() if "everywhere" in held)
    unlocked = any("unlock_schedule" in point for point in document["access_points"])
    return Signed(manifest, raw, cards, rules, len(levels), everywhere, unlocked)


def first_list(site: str = SITE, version: int = 1) -> dict[str, Any]:
    """A small compound's."""
    return {
        "schema": 1,
        "site": site,
        "version": version,
        "issued_at": "2026-11-24T08:00:00Z",
        "zone": "Asia/Shanghai",
        "schedules": [{"id": "always", "periods": ALWAYS}],
        "access_points": points(),
        "levels": [
            {"id": "residents", "grants": _grants("north", "visitors")},
            {"id": "nobody", "grants": []},
            {"id": "everywhere", "grants": _grants("north", "visitors", "yard")},
        ],
        "cardholders": [person(f"p-{n}") for n in range(CARDS)],
        "credentials": [card(n, f"p-{n}") for n in range(CARDS)],
    }


def points() -> list[dict[str, Any]]:
    """Its ways in. At one of them somebody must say yes to whoever shows a card."""
    return [
        {"id": "north"},
        {"id": "visitors", "settings": [{"schedule": "always", "authentication": "confirm"}]},
        {"id": "yard"},
    ]


def _grants(*at: str) -> list[dict[str, str]]:
    return [{"access_point": point, "schedule": "always"} for point in at]


def person(id_: str, level: str = "residents") -> dict[str, Any]:
    """A cardholder of one level."""
    return {"id": id_, "levels": [{"level": level}]}


def card(number: int, holder: str, **more: Any) -> dict[str, Any]:
    """A credential."""
    return {"id": f"c-{number}", "cardholder": holder, "format": "EM4100", "number": 1000 + number, **more}


class People:
    """Whoever changes the list at the office. `change` draws what."""

    def __init__(self, chance: Random) -> None:
        self._chance, self._next = chance, 100

    def change(self, lists: Listings, seen: int, now: Signed) -> int:
        """One change of the list; its version."""
        names = [name for name, often in _CHANGES.items() for _ in range(often)]
        name = "mend" if now.unsound and self._chance.random() < 0.6 else self._chance.choice(names)
        return int(getattr(self, f"_{name}")(lists, seen, now))

    def mend(self, lists: Listings, seen: int, now: Signed) -> int:
        """The list makes sense again."""
        document = msgspec.json.decode(now.raw)
        document["credentials"] = [each for each in document["credentials"] if each["id"] != ODD]
        return lists.put(SITE, document, seen, keep=False)

    _mend = mend

    def _new_card(self, lists: Listings, seen: int, now: Signed) -> int:
        self._next += 1
        return lists.put_entries(SITE, "credentials", [card(self._next, self._holder(now))], seen)

    def _new_people(self, lists: Listings, seen: int, now: Signed) -> int:
        """Enough of them to be asked about, or not quite."""
        document = msgspec.json.decode(now.raw)
        for _ in range(self._chance.choice((1, 3, BOUNDS.granted_least + 2))):
            self._next += 1
            document["cardholders"].append(person(f"p-{self._next}"))
            document["credentials"].append(card(self._next, f"p-{self._next}"))
        return lists.put(SITE, document, seen, keep=False)

    def _moves(self, lists: Listings, seen: int, now: Signed) -> int:
        level = self._chance.choice(("residents", "nobody", "nobody", "everywhere"))
        return lists.put_entries(SITE, "cardholders", [person(self._holder(now), level)], seen)

    def _takes_out(self, lists: Listings, seen: int, now: Signed) -> int:
        part = self._chance.choice(("credentials", "cardholders"))
        id_ = self._card(now) if part == "credentials" else self._holder(now)
        return lists.remove(SITE, part, id_, seen)

    def revokes(self, lists: Listings, seen: int, now: Signed) -> int:
        count = self._chance.choice((1, 1, 1, 1, 2, 2, BOUNDS.removed_least + 2))
        ids = list(dict.fromkeys(self._card(now) for _ in range(count)))
        return lists.revoke(SITE, ids, self._chance.choice(("lost", "suspended")), seen)

    _revokes = revokes

    def _gives_back(self, lists: Listings, seen: int, now: Signed) -> int:
        id_ = self._card(now)
        found = now.cards[id_]
        fresh = {"id": id_, "cardholder": found.holder, "format": "EM4100", "number": found.number}
        return lists.put_entries(SITE, "credentials", [fresh], seen)

    def takes_many_out(self, lists: Listings, seen: int, now: Signed) -> int:
        document = msgspec.json.decode(now.raw)
        many = self._chance.choice((BOUNDS.removed_least - 1, BOUNDS.removed_least + 2))
        left = document["credentials"][many:] if len(document["credentials"]) > 10 else document["credentials"]
        return lists.put(SITE, document | {"credentials": left}, seen, keep=False)

    _takes_many_out = takes_many_out

    def _changes_rules(self, lists: Listings, seen: int, now: Signed) -> int:
        document = msgspec.json.decode(now.raw)
        areas = [{"id": f"area-{self._chance.randrange(5)}"}]
        at = points()
        if self._chance.random() < 0.3:
            at[-1]["unlock_schedule"] = "always"
        return lists.put(SITE, document | {"areas": areas, "access_points": at}, seen, keep=False)

    def errs(self, lists: Listings, seen: int, now: Signed) -> int:
        """A card that no reader of the site can read: only the gateway knows."""
        odd = {"id": ODD, "cardholder": self._holder(now), "format": "EM4100", "number": ODD_NUMBER}
        return lists.put_entries(SITE, "credentials", [odd], seen)

    _errs = errs

    def _card(self, now: Signed) -> str:
        return self._chance.choice([id_ for id_ in now.cards if id_ != ODD])

    def _holder(self, now: Signed) -> str:
        return now.cards[self._card(now)].holder


_CHANGES = {
    "new_card": 3,
    "new_people": 2,
    "moves": 2,
    "takes_out": 2,
    "revokes": 4,
    "gives_back": 2,
    "takes_many_out": 1,
    "changes_rules": 1,
    "errs": 1,
}


def countersigned(keys: Keys, manifest: lw.Manifest) -> lw.Signature:
    """The person's signature."""
    return sign(keys.person, manifest)


def read_signed(database: sqlite3.Connection, listings: Listings) -> Signed | None:
    """The newest list of a ledger, entry by entry; None while it has none."""
    manifest = listings.manifest(SITE, (-1, -1))
    if manifest is None:
        return None
    (rules,) = database.execute("SELECT rules FROM listing WHERE site = ?", (SITE,)).fetchone()
    head = {"schema": 1, "site": SITE, "version": manifest.version, "issued_at": manifest.issued_at}
    document = head | msgspec.json.decode(rules, type=dict[str, msgspec.Raw])
    entries = "SELECT raw FROM entry WHERE site = ? AND part = ? AND raw IS NOT NULL ORDER BY id"
    for part in ("cardholders", "credentials"):
        document[part] = [msgspec.Raw(raw) for (raw,) in database.execute(entries, (SITE, part))]
    return signed_list(manifest, msgspec.json.encode(document))


THIEFS_VERSION = 100_000
GENERATION_ABOVE_ALL = 20
"""More than the office begins in a play: only that a list is nobody's keeps it out."""


@cache
def thiefs_list() -> tuple[Keys, Signed]:
    """What somebody with a key of their own would have a gateway believe: they pass everywhere."""
    keys = Keys(b"t" * 32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thief.db"
        database = sqlite3.connect(path, isolation_level=None)
        lists = Listings(database, keys.signer)
        document = first_list(version=THIEFS_VERSION)
        document["credentials"].append(card(999, "p-0"))
        lists.put(SITE, document, 0, keep=True)
        for _ in range(GENERATION_ABOVE_ALL):
            lists.begin_generation(SITE, 0)
        found = read_signed(database, lists)
        database.close()
    assert found is not None
    return keys, found
