"""Who lives and works at the demo site: the cards in people's pockets, and the office's list. No names, only cards.

A blue card is an EM4100 tag; a 26-bit Wiegand reader sees its low 24 bits as H10301, so each blue card stands twice
in the list. A red card is H10301 only: a reader for EM4100 tags doesn't see it. Tags (UHF, on windscreens) and fobs
(13.56 MHz) are seen by readers of their kind alone.

The north gate leads into the grounds, the yard door from there into the yard. By night the yard door wants card and
PIN: blue-N's is 1000 + N, red-N's is 2000 + N.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from simulators.card import Card

RESIDENTS = 36
STAFF = 4
FIRST_EPC, FIRST_UID = 0xE28068940000502C6FE61800, 0x0412AB00
FACILITY, FIRST_NUMBER = 123, 4567
STAFF_FACILITY, FIRST_STAFF_NUMBER = 45, 2001
ALL_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
KEYPAD_POINT, NIGHT_FROM, NIGHT_UNTIL = "yard", time(22, 0), time(6, 0)
"""Where and when a card is not enough."""
SPECIAL_CARE = "blue-3"
"""Who needs help in an emergency: shown on the muster list."""
UNDER_DURESS = "blue-7"
DURESS_PIN = "9007"
PASS_KEY, VISITORS = "demo-office", "visitors"
"""The id of the office's key for passes, and the one level that it may give."""
AREAS = {"north": (None, "grounds"), "yard": ("grounds", "yard")}
"""Where the demo's own access points lead: from, to."""
GUARDS = ("guards",)
"""Those who walk the demo's patrol."""
LEVELS = {
    "residents": {"north": "always", "yard": "always", "garage": "always"},
    "staff": {"north": "always", "yard": "always", "garage": "daytime"},
    "cleaners": {"north": "daytime", "yard": "daytime"},
    "guards": {"north": "always", "yard": "always", "garage": "always"},
    "night-guards": {"north": "night-watch", "yard": "night-watch", "garage": "night-watch"},
    VISITORS: {"north": "always", "yard": "daytime"},
}
"""When each level passes the demo's own access points."""
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
    pin: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def duress_pin(self) -> str | None:
        """What this card's holder types when somebody forces them to."""
        return DURESS_PIN if self.name == UNDER_DURESS else None


def entries() -> list[Entry]:
    """Every card that the office knows."""
    residents = [
        Entry(f"blue-{n}", f"蓝卡 {n:04}", blue_card(n), "resident", "residents", pin=str(1000 + n))
        for n in range(1, RESIDENTS + 1)
    ]
    staff = [
        Entry(f"red-{n}", f"红卡 {n:04}", red_card(n), "staff", "staff", pin=str(2000 + n)) for n in range(1, STAFF + 1)
    ]
    special = [
        Entry("expired-1", "蓝卡 0901", blue_card(901), "resident", "residents", valid_until=LAST_YEAR),
        Entry("night-1", "蓝卡 0902", blue_card(902), "contractor", "cleaners"),
        Entry("lost-1", "蓝卡 0903", blue_card(903), "resident", "residents", state="lost"),
        Entry("guard-1", "蓝卡 0904", blue_card(904), "staff", "night-guards", pin="3001", groups=GUARDS),
        Entry("guard-2", "蓝卡 0906", blue_card(906), "staff", "guards", pin="3002", groups=GUARDS),
        Entry("visitor-1", "蓝卡 0905", blue_card(905), "visitor", VISITORS),
    ]
    tags = [
        Entry(f"tag-{n}", f"车标 {n:04}", windscreen_tag(n), "resident", "residents", pin=str(5000 + n)) for n in (1, 2)
    ]
    fobs = [Entry(f"fob-{n}", f"白卡 {n:04}", white_fob(n), "resident", "residents", pin=str(6000 + n)) for n in (1, 2)]
    return residents + staff + special + tags + fobs


def blue_card(number: int) -> Card:
    """The blue card with this printed number; the first is 123:4567 to a 26-bit reader."""
    return Card("EM4100", FACILITY << 16 | FIRST_NUMBER + number - 1)


def red_card(number: int) -> Card:
    """The red card with this printed number."""
    return Card("H10301", FIRST_STAFF_NUMBER + number - 1, STAFF_FACILITY)


def windscreen_tag(number: int) -> Card:
    """The UHF tag on a windscreen with this printed number."""
    return Card("EPC96", FIRST_EPC + number)


def white_fob(number: int) -> Card:
    """The 13.56 MHz fob with this printed number; readers say its UID."""
    return Card("UID32", FIRST_UID + number)


def pin_wanted(access_point: str, local: datetime) -> bool:
    """Whether the list wants a PIN after the card there, at that time by the site's clock."""
    return access_point == KEYPAD_POINT and not NIGHT_UNTIL <= local.time() < NIGHT_FROM


def pins() -> dict[str, str]:
    """The PIN of every card that has one, by the card's name."""
    return {entry.name: entry.pin for entry in entries() if entry.pin is not None}


def named_cards() -> dict[str, Card]:
    """Every card by the name that `sim swipe` takes; `stranger` is in nobody's list."""
    cards = {entry.name: entry.card for entry in entries()}
    cards["stranger"] = Card("EM4100", 0xC0FFEE)
    return cards


@dataclass(frozen=True, slots=True)
class ListedSite:
    """The part of a site that its list must name: access points by id, with the floors of those that are lifts."""

    id: str
    zone: str
    points: dict[str, tuple[str, ...]]


DEMO = ListedSite("demo", "Asia/Shanghai", {"north": (), "yard": (), "garage": ()})


def demo_list(
    version: int, issued_at: datetime | None = None, *, pass_key: str | None = None, site: ListedSite = DEMO
) -> dict[str, Any]:
    """The office's list for a demo of that site, as LIST.json; `issued_at` is now unless given.

    `pass_key` is the public half of the office's key for passes, base64; without it no pass is good. At a point that
    the demo's own site doesn't have, everybody passes at any time.
    """
    issued = issued_at or datetime.now(UTC)
    return {
        "schema": 1,
        "site": site.id,
        "version": version,
        "issued_at": issued.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "zone": site.zone,
        "schedules": [
            _schedule("always", ALL_DAYS, "00:00", "24:00"),
            _schedule("daytime", ALL_DAYS[:6], "08:00", "18:00"),
            _schedule("night-watch", ALL_DAYS, f"{NIGHT_FROM:%H:%M}", f"{NIGHT_UNTIL:%H:%M}"),
        ],
        "special_days": [],
        "access_points": [_access_point(point) for point in site.points],
        # Nobody shows a card on the way out, so no passage is refused for where somebody is.
        "areas": [{"id": name, "anti_passback": "off"} for name in ("grounds", "yard")],
        "levels": [_level(name, site) for name in LEVELS],
        "pass_keys": []
        if pass_key is None
        else [{"id": PASS_KEY, "public_key": pass_key, "cardholder": None, "levels": [VISITORS]}],
        "cardholders": [_cardholder(number, entry) for number, entry in enumerate(entries(), 1)],
        "credentials": [
            credential for number, entry in enumerate(entries(), 1) for credential in _credentials(number, entry)
        ],
    }


def _schedule(name: str, days: list[str], start: str, end: str) -> dict[str, Any]:
    return {"id": name, "periods": [{"days": days, "start": start, "end": end}]}


def _access_point(name: str) -> dict[str, Any]:
    out_of, into = AREAS.get(name, (None, None))
    by_night = [{"schedule": "night-watch", "authentication": "card_and_pin"}] if name == KEYPAD_POINT else []
    return {"id": name, "unlock_schedule": None, "settings": by_night, "area_from": out_of, "area_to": into}


def _level(name: str, site: ListedSite) -> dict[str, Any]:
    schedules = {point: "always" for point in site.points if point not in DEMO.points} | LEVELS[name]
    grants: list[dict[str, Any]] = []
    for point, schedule in schedules.items():
        if point in site.points:
            floors = site.points[point]
            grants.append({"access_point": point, "schedule": schedule, **({"floors": list(floors)} if floors else {})})
    return {"id": name, "grants": grants}


def _cardholder(number: int, entry: Entry) -> dict[str, Any]:
    return {
        "id": f"p-{number:04}",
        "kind": entry.kind,
        "levels": [{"level": entry.level, "valid_from": None, "valid_until": None}],
        "valid_from": None,
        "valid_until": None,
        "extended_time": False,
        "special_care": entry.name == SPECIAL_CARE,
        "escort_needed": entry.kind == "visitor",
        "can_escort": entry.kind in ("resident", "staff"),
        "groups": list(entry.groups),
    }


def _credentials(number: int, entry: Entry) -> list[dict[str, Any]]:
    """Each card once; a blue one as its own reader and as a 26-bit reader see it."""
    card = entry.card
    common = {
        "cardholder": f"p-{number:04}",
        "label": entry.label,
        "state": entry.state,
        "valid_from": LONG_AGO if entry.valid_until else None,
        "valid_until": entry.valid_until,
        **({} if entry.pin is None else {"pin": entry.pin}),
        **({} if entry.duress_pin is None else {"duress_pin": entry.duress_pin}),
    }
    if card.format != "EM4100":
        seen = [("", card.format, card.facility_code, card.number)]
    else:
        low = card.number & 0xFFFFFF
        seen = [("", "EM4100", None, card.number), ("w", "H10301", low >> 16, low & 0xFFFF)]
    return [
        {"id": f"c-{number:04}{suffix}", "format": name, "facility_code": facility, "number": value, **common}
        for suffix, name, facility, value in seen
    ]
