"""Random LIST.json documents that use every feature, with all their edges near one interesting day; seeded.

An interesting day is one on which the zone's clock changes, a leap day, or New Year's Eve. `Scene.edges` are the
instants at which an answer may change; `random_requests.py` asks around them.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.gateway.domain.oracle_calendar import DAY, minute_of
from tests.gateway.domain.oracle_calendar import WEEKDAYS as DAYS
from tests.gateway.domain.oracle_case import canonical, keyed

Json = dict[str, Any]

SITE_KEY = bytes(range(32))
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Shanghai",  # never changes
    "America/Santiago",  # changes at midnight, into the day before
    "Africa/Cairo",  # changes at midnight, over the first hour of a day
)
HOURS = ("00:00", "01:30", "02:00", "02:30", "03:00", "06:00", "08:00", "12:00", "18:00", "22:00", "23:00", "23:59")
AUTHENTICATIONS = (
    *("card", "card_or_pin", "card_and_pin", "card_and_pin", "card_and_pin", "pin", "two_cards", "two_cards"),
    *("two_cards", "two_cards", "confirm", "confirm", "confirm", "confirm", "unlocked", "first_card", "locked"),
)
KINDS = ("resident", "family", "tenant", "staff", "visitor", "contractor")
GROUPS = ("guards", "managers", "keyholders")
AREAS = ("yard", "hall", "lab")
POINTS = tuple(f"ap-{number}" for number in range(7))
LIFT = POINTS[0]


@dataclass
class Scene:
    """A document, the keys that sign its passes (by id; `stranger` isn't the list's), and where answers may change."""

    document: Json
    signers: dict[str, Ed25519PrivateKey]
    zone: ZoneInfo
    days: tuple[date, ...]
    edges: list[datetime] = field(default_factory=list)
    digits: dict[str, tuple[str, str]] = field(default_factory=dict)
    """(PIN, duress PIN) of each credential that has them."""
    shown_as: dict[str, Json] = field(default_factory=dict)
    """The reading that shows each credential, also of one that the list knows by its keyed hash only."""
    shown_by: dict[str, str] = field(default_factory=dict)
    """The credential that a reading's canonical text shows."""
    leads: dict[str, set[str]] = field(default_factory=dict)
    """The access points that each cardholder's levels lead to, valid or not."""

    def instant(self, day: date, hour: str, fold: int = 0) -> datetime:
        """When the local clock shows this; the first or second time."""
        return datetime.combine(day, time.fromisoformat(hour), self.zone).replace(fold=fold).astimezone(UTC)


def random_scene(rng: Random) -> Scene:
    """A document of some two dozen people."""
    zone = ZoneInfo(rng.choice(ZONES))
    middle = rng.choice([*_change_days(zone.key), *_change_days(zone.key), date(2028, 2, 29), date(2026, 12, 31)])
    days = tuple(middle + timedelta(days=step) for step in range(-2, 3))
    signers = {
        name: Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)) for name in ("k-gate", "k-own", "stranger")
    }
    scene = Scene({}, signers, zone, days)
    specials = _special_days(rng, days)
    document: Json = {
        "schema": 1,
        "site": "demo",
        "version": rng.randrange(1, 1000),
        "zone": zone.key,
        "issued_at": _text(scene, scene.instant(days[0], "00:00") - timedelta(days=9), rng),
        "special_days": specials,
        "schedules": _schedules(rng, days, specials),
        "areas": [_area(rng, area) for area in AREAS],
    }
    schedules = [schedule["id"] for schedule in document["schedules"]]
    document["access_points"] = [_access_point(rng, point, schedules) for point in POINTS]
    document["levels"] = [_level(scene, rng, number, schedules) for number in range(9)]
    document["cardholders"] = [_cardholder(scene, rng, number) for number in range(18)]
    document["credentials"] = [
        _credential(scene, rng, holder, number)
        for holder in range(18)
        for number in range(holder * 3, holder * 3 + rng.choice((1, 1, 2, 3)))
    ]
    document["pass_keys"] = [_pass_key(rng, name, signers[name], document) for name in ("k-gate", "k-own")]
    scene.document = document
    grants = {level["id"]: {grant["access_point"] for grant in level["grants"]} for level in document["levels"]}
    for holder in document["cardholders"]:
        scene.leads[holder["id"]] = set().union(*(grants[held["level"]] for held in holder["levels"]))
    _note_edges(scene)
    return scene


@cache
def _change_days(zone: str) -> tuple[date, ...]:
    """The local dates of 2026 on which the clock changes; some date where it never does."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    changes = [
        hours[at].astimezone(ZoneInfo(zone)).date() for at in range(1, len(hours)) if offsets[at] != offsets[at - 1]
    ]
    return tuple(changes) or (date(2026, 5, 1),)


def _note_edges(scene: Scene) -> None:
    periods: list[str] = ["00:00", "12:00"]
    for schedule in scene.document["schedules"]:
        for plan in (schedule, *schedule.get("special_days", ()), *schedule.get("dated", ())):
            periods += [period[end] for period in plan["periods"] for end in ("start", "end")]
    hours = sorted(set(periods) - {"24:00"})
    scene.edges += [scene.instant(day, hour, fold) for day in scene.days for hour in hours for fold in (0, 1)]


def _text(scene: Scene, at: datetime, rng: Random) -> str:
    """RFC 3339, in UTC or by the local clock."""
    if rng.random() < 0.5:
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return at.astimezone(scene.zone).isoformat()


def _limits(scene: Scene, rng: Random, likely: float) -> Json:
    """`valid_from`, `valid_until`, near or far, often null, never the wrong way round."""
    if rng.random() >= likely:
        return rng.choice(({}, {"valid_from": None, "valid_until": None}))
    first = scene.instant(rng.choice(scene.days[:3]), rng.choice(HOURS))
    last = scene.instant(rng.choice(scene.days[2:]), rng.choice(HOURS))
    if first >= last:
        first = last - timedelta(days=1)
    start, end = rng.choice(((first, last), (first, None), (None, last), (None, last)))
    scene.edges += [edge for edge in (start, end) if edge is not None]
    return {
        name: None if edge is None else _text(scene, edge, rng)
        for name, edge in (("valid_from", start), ("valid_until", end))
    }


def _special_days(rng: Random, days: Sequence[date]) -> list[Json]:
    """Groups of dates; some of them in a row."""
    first = rng.randrange(len(days) - 1)
    groups = [[days[first], days[first + 1]], [rng.choice(days)], rng.sample(list(days), 2)]
    return [{"id": f"sd-{n}", "dates": [str(day) for day in sorted(group)]} for n, group in enumerate(groups)]


def _schedules(rng: Random, days: Sequence[date], specials: list[Json]) -> list[Json]:
    whole = {"start": "00:00", "end": "24:00"}
    return [
        {"id": "always", "periods": [{"days": list(DAYS), **whole}]},
        {"id": "always-in-two", "periods": [{"days": list(DAYS[:5]), **whole}, {"days": list(DAYS[5:]), **whole}]},
        {"id": "always-but", "periods": [{"days": list(DAYS), **whole}], "special_days": _plans(rng, specials)},
        {
            "id": "always-in-halves",
            "periods": [
                {"days": list(DAYS), "start": "00:00", "end": "12:00"},
                {"days": list(DAYS), "start": "12:00", "end": "00:00"},
            ],
        },
        {"id": "never", "periods": []},
        {
            "id": "change",
            "periods": [{"days": list(DAYS), "start": rng.choice(("02:00", "02:30", "00:00")), "end": "03:00"}],
        },
        *(
            {
                "id": f"s-{number}",
                "periods": _weekly(rng),
                "special_days": _plans(rng, specials),
                "dated": _dated(rng, days),
            }
            for number in range(5)
        ),
    ]


def _plans(rng: Random, specials: list[Json]) -> list[Json]:
    """Plans of special days that share no date."""
    taken: set[str] = set()
    plans = []
    for group in rng.sample(specials, rng.choice((1, 2, 3))):
        if not taken & set(group["dates"]):
            taken |= set(group["dates"])
            plans.append({"special_day": group["id"], "periods": _daily(rng, rng.choice((0, 1, 1, 2)))})
    return plans


def _dated(rng: Random, days: Sequence[date]) -> list[Json]:
    cut = rng.randrange(1, len(days))
    plans = [
        {"from": str(days[0]), "until": str(days[cut - 1]), "periods": _weekly(rng)},
        {"from": str(days[cut]), "until": str(days[rng.randrange(cut, len(days))]), "periods": _weekly(rng)},
    ]
    return rng.sample(plans, rng.choice((0, 1, 1, 2)))


def _daily(rng: Random, count: int) -> list[Json]:
    """Periods of one day that share no minute, also not round the clock."""
    points = sorted(rng.sample(HOURS, 2 * count))
    turned = points[1:] + points[:1] if rng.random() < 0.5 else points
    return [{"start": turned[at], "end": turned[at + 1]} for at in range(0, len(turned), 2)]


def _weekly(rng: Random) -> list[Json]:
    """Weekly periods that share no minute, also not over midnight or round the week."""
    taken: list[tuple[int, int]] = []
    periods = []
    for _ in range(rng.choice((1, 2, 3, 4))):
        start, end = rng.sample(HOURS, 2)
        first, last = minute_of(start), minute_of(end)
        spans = [(day * DAY + first, (last - first) % DAY) for day in range(7) if rng.random() < 0.6]
        if spans and not any(_overlap(*one, *other) for one in spans for other in taken):
            taken += spans
            days = [DAYS[begin // DAY] for begin, _ in spans]
            periods.append({"days": days, "start": start, "end": "24:00" if end == "00:00" else end})
    return periods


def _overlap(start: int, length: int, other_start: int, other_length: int) -> bool:
    """Do two spans of minutes of the week share one?"""
    return (other_start - start) % (7 * DAY) < length or (start - other_start) % (7 * DAY) < other_length


def _area(rng: Random, area_id: str) -> Json:
    return {
        "id": area_id,
        "anti_passback": rng.choice(("off", "soft", "hard", "hard")),
        "timed_minutes": rng.choice((None, None, 1, 30, 600)),
        "max_occupancy": rng.choice((None, None, 1, 2, 3, 5)),
        "forgive_daily_at": rng.choice((None, None, *HOURS)),
    }


def _access_point(rng: Random, point: str, schedules: list[str]) -> Json:
    """One with settings by several schedules, most often with one that always counts at last."""
    count = rng.choice((0, 1, 2))
    settings = [
        {"schedule": rng.choice(schedules), "authentication": rng.choice(AUTHENTICATIONS)} for _ in range(count)
    ]
    if rng.random() < 0.7:
        settings.append({"schedule": "always", "authentication": rng.choice(AUTHENTICATIONS)})
    persons: list[Json] = []
    if rng.random() < 0.5:
        persons = [{"group": group} for group in rng.sample(GROUPS, rng.choice((1, 2, 2, 3)))]
        persons[0] = rng.choice((persons[0], {**persons[0], "count": 2}, {**persons[0], "count": 3}))
    sides = rng.choices((None, *AREAS), k=2) if rng.random() < 0.9 else ["hall", "hall"]
    return {
        "id": point,
        "unlock_schedule": rng.choice(schedules) if rng.random() < 0.15 else None,
        **rng.choice(({"settings": settings}, {"settings": settings}, {})),
        "area_from": sides[0],
        "area_to": sides[1],
        "persons": persons,
    }


def _level(scene: Scene, rng: Random, number: int, schedules: list[str]) -> Json:
    grants = []
    for point in rng.choices(POINTS, k=rng.choice((2, 3, 5))):
        schedule = rng.choice((rng.choice(schedules), rng.choice(schedules), "always"))
        floors = {"floors": rng.sample(["1", "2", "3", "roof"], rng.choice((0, 1, 2)))} if point == LIFT else {}
        grants.append({"access_point": point, "schedule": schedule, **floors})
    return {"id": f"lv-{number}", "grants": grants, **_limits(scene, rng, 0.2)}


def _cardholder(scene: Scene, rng: Random, number: int) -> Json:
    risk = None
    if rng.random() < 0.25:
        until = scene.instant(rng.choice(scene.days), rng.choice(HOURS))
        scene.edges.append(until)
        risk = {"level": rng.choice((1, 2, 3, 3)), "reason": "r", "until": rng.choice((None, _text(scene, until, rng)))}
    levels = rng.choices(range(9), k=rng.choice((0, 1, 2, 2, 3, 3, 4)))
    return {
        "id": f"p-{number}",
        "kind": rng.choice(KINDS),
        "levels": [{"level": f"lv-{level}", **_limits(scene, rng, 0.2)} for level in levels],
        **_limits(scene, rng, 0.12),
        "risk": risk,
        "anti_passback_exempt": rng.random() < 0.1,
        "escort_needed": rng.random() < 0.15,
        "can_escort": rng.random() < 0.3,
        "special_care": rng.random() < 0.1,
        "extended_time": rng.random() < 0.1,
        "groups": rng.sample(GROUPS, rng.choice((0, 1, 1, 2, 2, 3))),
    }


def _credential(scene: Scene, rng: Random, holder: int, number: int) -> Json:
    identifier: Json = rng.choice(
        (
            {"format": "H10301", "facility_code": 123, "number": number},
            {"format": "H10301", "facility_code": 77, "number": number},
            {"format": "EM4100", "facility_code": None, "number": 900_000 + number},
            {"format": "PIN6", "number": 7_000 + number},
            {"format": "PLATE", "number": f"京A{number:05}"},
        )
    )
    credential_id = f"c-{number}"
    listed = keyed(SITE_KEY, canonical(identifier))
    scene.shown_as[credential_id] = {"facility_code": None, **identifier}
    scene.shown_by[canonical(identifier)] = credential_id
    return {
        "id": credential_id,
        "cardholder": f"p-{holder}",
        **({"key": listed} if rng.random() < 0.2 else identifier),
        "state": rng.choice(("suspended", "lost", "expired")) if rng.random() < 0.07 else "active",
        **_limits(scene, rng, 0.12),
        **_pins(scene, rng, credential_id),
        "uses": rng.choice((None, None, None, 1, 3)),
        "uses_per_day": rng.choice((None, None, None, 2)),
        "duress": rng.random() < 0.06,
        "grade": rng.choice((None, None, None, "clonable", "secure"))
        if identifier["format"] in {"H10301", "EM4100"}
        else None,
    }


def _pins(scene: Scene, rng: Random, credential_id: str) -> Json:
    """A PIN for most, a duress PIN for many, in clear or keyed."""
    if rng.random() < 0.15:
        return {}
    pin, duress_pin = f"{rng.randrange(5000):04}", f"{rng.randrange(5000, 10_000)}"
    scene.digits[credential_id] = pin, duress_pin
    pins = {"pin": pin, "duress_pin": duress_pin} if rng.random() < 0.7 else {"pin": pin}
    if rng.random() < 0.5:
        return pins
    return {f"{name}_key": keyed(SITE_KEY, f"PIN:{credential_id}:{digits}") for name, digits in pins.items()}


def _pass_key(rng: Random, name: str, signer: Ed25519PrivateKey, document: Json) -> Json:
    levels = [level["id"] for level in document["levels"] if rng.random() < 0.7]
    owner = rng.choice(document["cardholders"])["id"] if name == "k-own" else None
    public = b64encode(signer.public_key().public_bytes_raw()).decode()
    return {"id": name, "public_key": public, "cardholder": owner, "levels": levels}
