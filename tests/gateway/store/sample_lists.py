"""Small lists for tests."""

from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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


OFFICE_KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
"""Signs the passes of visitors."""
RESIDENT_KEY = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
"""The key in the phone of p-0."""


def public_text(key: Ed25519PrivateKey) -> str:
    """A pass key as the list has it."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def full_list(version: int = 7) -> dict[str, Any]:
    """A sound LIST.json that says everything that can be said, on top of `sample_list`."""
    document = sample_list(4, version)
    document["special_days"] = [
        {"id": "new-year", "dates": ["2027-01-01", "2027-02-06", "2027-02-07"]},
        {"id": "works", "dates": ["2027-03-01"]},
    ]
    document["schedules"] += [
        {
            "id": "office-hours",
            "periods": [{"days": WEEK[:5], "start": "08:00", "end": "18:00"}],
            "special_days": [
                {"special_day": "new-year", "periods": []},
                {"special_day": "works", "periods": [{"start": "22:00", "end": "06:00"}]},
            ],
            "dated": [
                {
                    "from": "2027-07-01",
                    "until": "2027-08-31",
                    "periods": [{"days": WEEK, "start": "07:00", "end": "12:00"}],
                }
            ],
        }
    ]
    document["areas"] = [
        {
            "id": "garage",
            "anti_passback": "hard",
            "timed_minutes": 30,
            "max_occupancy": 200,
            "forgive_daily_at": "04:00",
        },
        {"id": "court", "anti_passback": "soft", "timed_minutes": None, "max_occupancy": None},
    ]
    document["access_points"] += [
        {
            "id": "ramp",
            "settings": [
                {"schedule": "office-hours", "authentication": "card"},
                {"schedule": "always", "authentication": "two_cards"},
            ],
            "area_from": None,
            "area_to": "garage",
            "persons": [{"group": "guards"}, {"group": "board", "count": 2}],
        },
        {"id": "lift"},
    ]
    document["levels"] += [
        {
            "id": "works",
            "grants": [{"access_point": "lift", "schedule": "office-hours", "floors": ["B1", "12"]}],
            "valid_from": "2027-01-01T00:00:00+08:00",
            "valid_until": "2028-01-01T00:00:00+08:00",
        }
    ]
    document["pass_keys"] = [
        {"id": "office", "public_key": public_text(OFFICE_KEY), "levels": ["residents", "works"]},
        {"id": "phone-0", "public_key": public_text(RESIDENT_KEY), "cardholder": "p-0", "levels": ["residents"]},
    ]
    document["cardholders"][2] |= {
        "kind": "contractor",
        "levels": [{"level": "residents"}, {"level": "works", "valid_until": "2027-06-30T00:00:00+08:00"}],
        "valid_from": "2027-01-01T00:00:00+08:00",
        "valid_until": "2027-12-31T00:00:00Z",
        "risk": {"level": 2, "reason": "tools missing", "until": "2027-02-01T00:00:00+08:00"},
        "anti_passback_exempt": True,
        "escort_needed": True,
        "can_escort": False,
        "special_care": True,
        "groups": ["board"],
    }
    document["cardholders"][3] |= {"risk": None, "can_escort": True, "groups": ["guards", "board"]}
    document["credentials"][1] |= {
        "state": "suspended",
        "valid_from": "2027-01-01T00:00:00+08:00",
        "valid_until": "2027-12-31T00:00:00+08:00",
        "uses": 10,
        "uses_per_day": 2,
        "pin": "246813579024",
        "duress_pin": "135790246813",
        "grade": "secure",
    }
    document["credentials"] += [
        {"id": "plate", "cardholder": "p-0", "format": "PLATE", "number": "京A12345"},
        {"id": "pin", "cardholder": "p-0", "format": "PIN6", "number": 7007, "duress": True},
        {"id": "keyed", "cardholder": "p-3", "key": "0123456789abcdef0123456789abcdef", "grade": None},
        {
            "id": "keyed-pins",
            "cardholder": "p-3",
            "key": "f123456789abcdef0123456789abcdef",
            "pin_key": "00112233445566778899aabbccddeeff",
            "duress_pin_key": "10112233445566778899aabbccddeeff",
            "uses": None,
            "uses_per_day": None,
        },
    ]
    return document
