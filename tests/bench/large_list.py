"""A compound's LIST.json of any size: 30 cardholders for 100 credentials, in buildings of their own."""

from typing import Any

import msgspec

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
BUILDINGS, DOORS = 200, 10
FORMAT, FACILITY_CARDS = "H10306", 65_536


def large_list(credentials: int, version: int = 1) -> bytes:
    """Credential n is card n; each cardholder holds the gate for ever and a building, every fifth one for a year."""
    cardholders = max(1, credentials * 3 // 10)
    points = [f"door-{building}-{door}" for building in range(BUILDINGS) for door in range(DOORS)]
    document: dict[str, Any] = {
        "schema": 1,
        "site": "large",
        "version": version,
        "issued_at": "2026-11-23T08:00:00Z",
        "zone": "Asia/Shanghai",
        "schedules": [{"id": "always", "periods": [{"days": WEEK, "start": "00:00", "end": "24:00"}]}],
        "access_points": [{"id": "gate"}, *({"id": point} for point in points)],
        "levels": [
            {"id": "gate", "grants": [{"access_point": "gate", "schedule": "always"}]},
            *(_building(number, points) for number in range(BUILDINGS)),
        ],
        "cardholders": [_cardholder(number) for number in range(cardholders)],
        "credentials": [_credential(number, cardholders) for number in range(credentials)],
    }
    return msgspec.json.encode(document)


def _building(number: int, points: list[str]) -> dict[str, Any]:
    doors = points[number * DOORS : (number + 1) * DOORS]
    return {"id": f"building-{number}", "grants": [{"access_point": door, "schedule": "always"} for door in doors]}


def _cardholder(number: int) -> dict[str, Any]:
    building: dict[str, Any] = {"level": f"building-{number % BUILDINGS}"}
    if number % 5 == 0:
        building["valid_until"] = "2027-11-30T00:00:00+08:00"
    return {"id": f"p-{number:07}", "kind": "resident", "levels": [{"level": "gate"}, building]}


def _credential(number: int, cardholders: int) -> dict[str, Any]:
    held: dict[str, Any] = {"id": f"c-{number:07}", "cardholder": f"p-{number % cardholders:07}", "format": FORMAT}
    held |= {"facility_code": number // FACILITY_CARDS, "number": number % FACILITY_CARDS, "label": f"蓝卡 {number}"}
    if number % 3 == 0:
        held["valid_until"] = "2027-06-30T00:00:00+08:00"
    return held
