"""Who lives and works at the demo site: the cards in people's pockets, and the office's list. No names, only cards.

A blue card is an EM4100 tag; a 26-bit Wiegand reader sees its low 24 bits as H10301, so each blue card stands twice
in the list. A red card is H10301 only: a reader for EM4100 tags doesn't see it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulators.readers import Card

RESIDENTS = 36
STAFF = 4
FACILITY, FIRST_NUMBER = 123, 4567
STAFF_FACILITY, FIRST_STAFF_NUMBER = 45, 2001
ALL_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LONG_AGO, LAST_YEAR = "2024-01-01T00:00:00Z", "2025-12-31T16:00:00Z"


@dataclass(frozen=True, slots=True)
class Entry:
    """One card and what the office wrote about it."""

    name: str
    label: str
    card: Card
    kind: str
    level: str
    state: str = "active"
    valid_until: str | None = None


def entries() -> list[Entry]:
    """Every card that the office knows."""
    residents = [
        Entry(f"blue-{n}", f"蓝卡 {n:04}", blue_card(n), "resident", "residents") for n in range(1, RESIDENTS + 1)
    ]
    staff = [
        Entry(f"red-{n}", f"红卡 {n:04}", Card("H10301", FIRST_STAFF_NUMBER + n - 1, STAFF_FACILITY), "staff", "staff")
        for n in range(1, STAFF + 1)
    ]
    special = [
        Entry("expired-1", "蓝卡 0901", blue_card(901), "resident", "residents", valid_until=LAST_YEAR),
        Entry("night-1", "蓝卡 0902", blue_card(902), "contractor", "cleaners"),
        Entry("lost-1", "蓝卡 0903", blue_card(903), "resident", "residents", state="lost"),
        Entry("guard-1", "蓝卡 0904", blue_card(904), "staff", "night-guards"),
    ]
    return residents + staff + special


def blue_card(number: int) -> Card:
    """The blue card with this printed number; the first is 123:4567 to a 26-bit reader."""
    return Card("EM4100", FACILITY << 16 | FIRST_NUMBER + number - 1)


def named_cards() -> dict[str, Card]:
    """Every card by the name that `sim swipe` takes; `stranger` is in nobody's list."""
    cards = {entry.name: entry.card for entry in entries()}
    cards["stranger"] = Card("EM4100", 0xC0FFEE)
    return cards


def demo_list(version: int, issued_at: datetime | None = None) -> dict[str, Any]:
    """The office's list for the demo site, as LIST.json; `issued_at` is now unless given."""
    issued = issued_at or datetime.now(UTC)
    return {
        "schema": 1,
        "site": "demo",
        "version": version,
        "issued_at": issued.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "zone": "Asia/Shanghai",
        "schedules": [
            _schedule("always", ALL_DAYS, "00:00", "24:00"),
            _schedule("daytime", ALL_DAYS[:6], "08:00", "18:00"),
            _schedule("night-watch", ALL_DAYS, "22:00", "06:00"),
        ],
        "special_days": [],
        "access_points": [{"id": name, "unlock_schedule": None} for name in ("north", "yard", "garage")],
        "areas": [],
        "levels": [
            _level("residents", {"north": "always", "yard": "always", "garage": "always"}),
            _level("staff", {"north": "always", "yard": "always", "garage": "daytime"}),
            _level("cleaners", {"north": "daytime", "yard": "daytime"}),
            _level("night-guards", {"north": "night-watch", "yard": "night-watch", "garage": "night-watch"}),
        ],
        "cardholders": [_cardholder(number, entry) for number, entry in enumerate(entries(), 1)],
        "credentials": [
            credential for number, entry in enumerate(entries(), 1) for credential in _credentials(number, entry)
        ],
    }


def _schedule(name: str, days: list[str], start: str, end: str) -> dict[str, Any]:
    return {"id": name, "periods": [{"days": days, "start": start, "end": end}]}


def _level(name: str, grants: dict[str, str]) -> dict[str, Any]:
    return {
        "id": name,
        "grants": [{"access_point": point, "schedule": schedule} for point, schedule in grants.items()],
    }


def _cardholder(number: int, entry: Entry) -> dict[str, Any]:
    return {
        "id": f"p-{number:04}",
        "kind": entry.kind,
        "levels": [{"level": entry.level, "valid_from": None, "valid_until": None}],
        "valid_from": None,
        "valid_until": None,
        "extended_time": False,
    }


def _credentials(number: int, entry: Entry) -> list[dict[str, Any]]:
    """A red card once; a blue one as its own reader and as a 26-bit reader see it."""
    card = entry.card
    common = {
        "cardholder": f"p-{number:04}",
        "label": entry.label,
        "state": entry.state,
        "valid_from": LONG_AGO if entry.valid_until else None,
        "valid_until": entry.valid_until,
    }
    if card.format == "H10301":
        seen = [("", "H10301", card.facility_code, card.number)]
    else:
        low = card.number & 0xFFFFFF
        seen = [("", "EM4100", None, card.number), ("w", "H10301", low >> 16, low & 0xFFFF)]
    return [
        {"id": f"c-{number:04}{suffix}", "format": name, "facility_code": facility, "number": value, **common}
        for suffix, name, facility, value in seen
    ]
