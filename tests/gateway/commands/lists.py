"""A small compound's LIST.json, in which each access point wants something else."""

from datetime import UTC, datetime
from typing import Any

from gateway.commands.pass_commands import Wish

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NOON = "2026-11-23T12:00:00+08:00"
"""A Monday."""

_WANTS = {
    "vault": "card_and_pin",
    "depot": "two_cards",
    "office": "confirm",
    "booth": "pin",
    "attic": "locked",
}
POINTS = ("north", "yard", "garage-in", "garage-out", "lift", *_WANTS)


def a_compound(version: int = 7, **changes: Any) -> dict[str, Any]:
    """Cards 1 to 6 of p-1 to p-6, everybody may pass everywhere; p-3 needs an escort, p-4 is one, p-5 is a visitor."""
    holders: list[dict[str, Any]] = [{"id": f"p-{n}", "levels": [{"level": "everywhere"}]} for n in range(1, 7)]
    holders[2]["escort_needed"] = True
    holders[3]["can_escort"] = True
    holders[4] |= {"kind": "visitor", "levels": [{"level": "day"}]}
    cards = [_card(n) for n in range(1, 7)]
    cards[0] |= {"pin": "4321", "duress_pin": "4322"}
    cards[1] |= {"uses": 2}
    cards[5] |= {"state": "lost"}
    document = {
        "schema": 1,
        "site": "demo",
        "version": version,
        "issued_at": "2026-11-20T08:00:00Z",
        "zone": "Asia/Shanghai",
        "schedules": [_schedule("always", "00:00", "24:00"), _schedule("day", "08:00", "18:00")],
        "special_days": [],
        "access_points": [_access_point(name) for name in POINTS],
        "areas": [
            {"id": "inside", "anti_passback": "soft"},
            {"id": "garage", "anti_passback": "hard", "max_occupancy": 2},
        ],
        "levels": [
            {"id": "everywhere", "grants": [_grant(name, "always") for name in POINTS]},
            {"id": "day", "grants": [{"access_point": "north", "schedule": "day"}]},
        ],
        "cardholders": holders,
        "credentials": [
            *cards,
            {"id": "c-pin", "cardholder": "p-2", "format": "PIN4", "number": 77},
            {"id": "c-plate", "cardholder": "p-2", "format": "PLATE", "number": "京A12345"},
            {"id": "c-duress", "cardholder": "p-2", **card(9), "duress": True},
            {"id": "c-secure", "cardholder": "p-1", "format": "UID34", "number": 34, "grade": "secure"},
        ],
    }
    return document | changes


def card(number: int) -> dict[str, Any]:
    """A card's identifier."""
    return {"format": "H10301", "facility_code": 123, "number": number}


WISHED_AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
"""When passes are signed: at noon of the day on which they end."""


def a_wish(**changes: Any) -> Wish:
    """A pass for a day with two uses."""
    usual: dict[str, Any] = {"key_id": "app", "id": "v-1", "until": "2026-11-24T00:00:00+08:00", "uses": 2}
    return Wish(**{**usual, "levels": ("day",), **changes})


def _card(number: int) -> dict[str, Any]:
    return {"id": f"c-{number}", "cardholder": f"p-{number}", **card(number), "label": f"蓝卡 {number}"}


def _schedule(name: str, start: str, end: str) -> dict[str, Any]:
    return {"id": name, "periods": [{"days": WEEK, "start": start, "end": end}]}


def _access_point(name: str) -> dict[str, Any]:
    point: dict[str, Any] = {"id": name}
    if name in _WANTS:
        point["settings"] = [{"schedule": "always", "authentication": _WANTS[name]}]
    if name == "north":
        point["area_to"] = "inside"
    if name == "garage-in":
        point["area_to"] = "garage"
    if name == "garage-out":
        point["area_from"] = "garage"
    return point


def _grant(name: str, schedule: str) -> dict[str, Any]:
    floors = {"floors": ["1", "8"]} if name == "lift" else {}
    return {"access_point": name, "schedule": schedule, **floors}
