"""Small lists for tests."""

from typing import Any

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def sample_list(cards: int = 3, version: int = 7) -> dict[str, Any]:
    """A sound LIST.json with cards H10301:100:0 … of cardholders p-0 …"""
    return {
        "schema": 1,
        "site": "demo",
        "version": version,
        "issued_at": "2026-11-23T08:00:00Z",
        "zone": "Asia/Shanghai",
        "schedules": [
            {"id": "always", "periods": [{"days": WEEK, "start": "00:00", "end": "24:00"}]},
            {"id": "night", "periods": [{"days": ["fri"], "start": "22:00", "end": "06:00"}]},
        ],
        "special_days": [],
        "access_points": [{"id": "north", "unlock_schedule": None}, {"id": "yard", "unlock_schedule": "night"}],
        "areas": [],
        "levels": [{"id": "residents", "grants": [{"access_point": "north", "schedule": "always"}]}],
        "cardholders": [
            {"id": f"p-{n}", "kind": "resident", "levels": [{"level": "residents"}], "extended_time": n % 2 == 1}
            for n in range(cards)
        ],
        "credentials": [
            {
                "id": f"c-{n}",
                "cardholder": f"p-{n}",
                "format": "H10301",
                "facility_code": 100,
                "number": n,
                "label": f"蓝卡 {n}",
            }
            for n in range(cards)
        ],
    }
