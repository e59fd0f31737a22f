"""Random access requests and their circumstances for a `Scene`, in plain JSON, near the edges of its list; seeded.

Most of what a request looks at is sound, and a few things of each are not, so that every check is reached often.
"""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.gateway.domain.oracle_case import canonical
from tests.gateway.domain.random_lists import AREAS, POINTS, Scene

Json = dict[str, Any]

STEPS = (
    *(timedelta(0), timedelta(0), timedelta(0)),
    *(timedelta(microseconds=-1), timedelta(seconds=-1), timedelta(seconds=1)),
    *(timedelta(minutes=-1), timedelta(minutes=1), timedelta(hours=-1), timedelta(hours=3)),
)
"""How far from an edge it is asked."""
MADE = tuple(timedelta(seconds=s) for s in (0, 0, 0, -5, -59, -59.999999, -60, -61, 5, 9.999999, 10, 10.000001, 11))
"""When a rotating pass was made, from the time at which it is shown."""
SEEN = tuple(timedelta(seconds=s) for s in (1, 59, 60, 61, 1799, 1800, 1801, 35999, 36000, 36001, 90_000, 200_000))
"""How long ago somebody was seen last."""
STRANGER = {"format": "H10301", "facility_code": 123, "number": 60_000}
WRONG_PIN = {"format": "PIN6", "facility_code": None, "number": 77}


def random_request(scene: Scene, rng: Random) -> Json:
    """Somebody at an access point, and all that a decision looks at beside the list."""
    asked = _Asking(scene, rng)
    return asked.request()


class _Asking:
    def __init__(self, scene: Scene, rng: Random) -> None:
        self.scene, self.rng = scene, rng
        self.wall = self.edge() + rng.choice(STEPS)
        self.holders: list[Json] = scene.document["cardholders"]
        self.holder: Json = rng.choice(self.holders)
        self.point: Json = self.access_point()

    def request(self) -> Json:
        rng = self.rng
        shown = [self.shown(self.holder), *(self.shown(other) for other in self.others())]
        people = self.credentials(shown)
        passes = self.pass_names(shown)
        return {
            "at": self.text(self.wall),
            "clock_suspect": rng.random() < 0.08,
            "list": rng.choices(("in_force", "fallback", "none"), (95, 3, 2))[0],
            "access_point": self.point["id"] if rng.random() < 0.985 else "ap-unknown",
            "rules": self.rules(),
            "shown": shown,
            "pin": self.pin(people),
            "confirmed": rng.choice((None, True, True, False)),
            "mode": self.mode(),
            "interlocked_by": "d-other" if rng.random() < 0.04 else "",
            "on_their_way": rng.choice((0, 0, 0, 1, 2)),
            "locked_out": rng.random() < 0.08,
            "blocked": self.blocked([*people, *passes]),
            "uses": {one: self.uses() for one in [*people, *passes] if rng.random() < 0.7},
            "local_grants": {one: self.local_grant() for one in [*people, *passes] if rng.random() < 0.08},
            "made": {one: self.text(self.wall + rng.choice(MADE)) for one in passes if rng.random() < 0.3},
            "whereabouts": self.whereabouts(shown),
        }

    # Where, when, and who else.

    def edge(self) -> datetime:
        if self.rng.random() < 0.1:
            first = self.scene.instant(self.scene.days[0], "00:00")
            return first + timedelta(seconds=self.rng.randrange(5 * 86_400))
        return self.rng.choice(self.scene.edges)

    def near(self) -> datetime:
        """A time at or around the one that is asked."""
        return self.wall + self.rng.choice(STEPS)

    def text(self, at: datetime) -> str:
        return at.astimezone(self.rng.choice((UTC, self.scene.zone))).isoformat()

    def access_point(self) -> Json:
        """Most often one that the holder's levels lead to."""
        leads = sorted(self.scene.leads[self.holder["id"]])
        wanted = self.rng.choice(leads if leads and self.rng.random() < 0.95 else POINTS)
        return next(point for point in self.scene.document["access_points"] if point["id"] == wanted)

    def others(self) -> list[Json]:
        """Whoever is shown after the first one: most often where several people are wanted."""
        rng = self.rng
        wanted = self.holder["escort_needed"] or any(s["authentication"] == "two_cards" for s in self.settings())
        if rng.random() >= (0.8 if wanted else 0.1):
            return []
        fellows = [one for one in self.holders if self.point["id"] in self.scene.leads[one["id"]]]
        groups = [one["group"] for one in self.point.get("persons", ()) for _ in range(one.get("count", 1))]
        if wanted and groups and rng.random() < 0.6:
            return [rng.choice([one for one in fellows if group in one["groups"]] or self.holders) for group in groups]
        count = rng.choice((1, 2, 2, 3))
        return [self.holder if rng.random() < 0.12 else rng.choice(fellows or self.holders) for _ in range(count)]

    def settings(self) -> list[Json]:
        settings: list[Json] = self.point.get("settings", [])
        return settings

    def credentials(self, shown: list[Json]) -> list[str]:
        """The ids of the credentials that are shown."""
        texts = [canonical(reading) for one in shown for reading in one.get("readings", ())]
        return [self.scene.shown_by[text] for text in texts if text in self.scene.shown_by]

    def pass_names(self, shown: list[Json]) -> list[str]:
        """What may be remembered of the passes shown goes by these: now and then another key's, or none's."""
        names = []
        for payload in (one["pass"] for one in shown if "pass" in one):
            names += [f"pass:{payload['key']}/{payload['id']}"] if self.rng.random() < 0.8 else []
            names += [f"pass:k-other/{payload['id']}"] if self.rng.random() < 0.2 else []
            names += [f"pass:{payload['id']}"] if self.rng.random() < 0.2 else []
        return names

    # What is shown.

    def shown(self, holder: Json) -> Json:
        rng = self.rng
        if rng.random() < 0.12:
            return self.signed_pass(holder)
        own = [one["id"] for one in self.scene.document["credentials"] if one["cardholder"] == holder["id"]]
        reading = self.scene.shown_as[rng.choice(own)]
        other = rng.choice((STRANGER, STRANGER, rng.choice([*self.scene.shown_as.values()])))
        if rng.random() < 0.02:
            return {"readings": [WRONG_PIN], "grade": "pin"}
        readings = rng.choices(([reading], [other, reading], [reading, other], [STRANGER]), (90, 6, 4, 2))[0]
        other_grades = {"PLATE": "plate", "PIN6": "pin"}
        grade = other_grades.get(reading["format"], rng.choice(("clonable", "secure")))
        return {"readings": readings, "grade": grade}

    def signed_pass(self, holder: Json) -> Json:
        """A pass as its maker means it, and now and then one that doesn't hold."""
        rng = self.rng
        key = rng.choice(("k-gate", "k-gate", "k-own"))
        listed = next(one for one in self.scene.document["pass_keys"] if one["id"] == key)
        named = listed["cardholder"] or rng.choice((holder["id"], holder["id"], "p-guest", None))
        payload: Json = {"key": key, "id": f"pass-{named or rng.randrange(2)}", "until": self.text(self.until())}
        payload |= {} if named is None else {"cardholder": named}
        payload |= {"from": self.text(self.near())} if rng.random() < 0.2 else {}
        payload |= rng.choices(
            ({"uses": rng.choice((1, 2, 1000))}, {"at": self.text(self.wall + rng.choice(MADE))}), (5, 5)
        )[0]
        if rng.random() < 0.7:
            payload["levels"] = rng.sample(listed["levels"], min(2, len(listed["levels"])))
        return self.signed(self.spoilt(payload) if rng.random() < 0.15 else payload, key)

    def until(self) -> datetime:
        return self.near() if self.rng.random() < 0.2 else self.wall + timedelta(hours=self.rng.choice((1, 30)))

    def spoilt(self, payload: Json) -> Json:
        """A pass that its key can't sign."""
        rng = self.rng
        without = {name: value for name, value in payload.items() if name not in {"uses", "at"}}
        return rng.choice(
            (
                without,
                {**without, "uses": 5, "at": self.text(self.wall)},
                {**without, "uses": 0},
                {**without, "uses": 1001},
                {**payload, "key": "k-unknown"},
                {**payload, "key": "k-own", "cardholder": "p-guest"},
                {name: value for name, value in payload.items() if name != "until"},
                {**payload, "levels": ["lv-0", "lv-nowhere"]},
            )
        )

    def signed(self, payload: Json, key: str) -> Json:
        rng = self.rng
        signer = key if rng.random() < 0.96 else rng.choice(("stranger", "k-gate", "k-own"))
        tampered = rng.random() < 0.03
        written = "GHP1." + _encoded(json.dumps(payload).encode())
        signature = self.scene.signers[signer].sign(written.encode())
        if tampered:
            written = "GHP1." + _encoded(json.dumps({**payload, "id": "pass-x"}).encode())
        return {
            "pass": payload,
            "grade": "pass",
            "signed_with": signer,
            "tampered": tampered,
            "text": f"{written}.{_encoded(signature)}",
        }

    def pin(self, people: list[str]) -> str | None:
        digits = self.scene.digits.get(people[0] if people else "", ("0000", "9999"))
        return self.rng.choices((None, digits[0], digits[1], "123456"), (3, 5, 2, 2))[0]

    # Circumstances.

    def rules(self) -> Json:
        rng = self.rng
        accepts = None
        if rng.random() < 0.06:
            accepts = rng.sample(("clonable", "secure", "pin", "plate", "pass"), 3)
        return {
            "way_out": rng.random() < 0.04,
            "accepts": accepts,
            "degraded": rng.choice(("locked", "last_list", "last_list", "facility_code", "facility_code")),
            "facility": rng.choice((["H10301", 123], ["H10301", 123], ["H10301", 77], None)),
        }

    def mode(self) -> str:
        modes = ("Locked", "Unlocked", "Accessed", "LockedOpen", "Unknown", "Blocked", "LockedDown")
        return self.rng.choices(modes, (75, 8, 5, 2, 2, 4, 4))[0]

    def blocked(self, people: list[str]) -> list[str]:
        if self.rng.random() >= 0.035:
            return ["credential:c-elsewhere"]
        return [self.rng.choice([f"cardholder:{self.holder['id']}", *(f"credential:{one}" for one in people)])]

    def uses(self) -> Json:
        """Grants so far; today's are of today or of the day before."""
        rng = self.rng
        day = (
            self.wall + rng.choice((timedelta(0), timedelta(0), timedelta(hours=-1), timedelta(days=-1)))
        ).astimezone(rng.choice((self.scene.zone, self.scene.zone, UTC)))
        return {"total": rng.choice((0, 0, 0, 1, 2, 3)), "day": str(day.date()), "today": rng.choice((0, 1, 2))}

    def local_grant(self) -> Json:
        points = [self.point["id"] if self.rng.random() < 0.8 else "ap-elsewhere", self.rng.choice(POINTS)]
        return {"access_points": points, "until": self.text(self.near() + timedelta(hours=1))}

    def whereabouts(self, shown: list[Json]) -> Json:
        """By cardholder's id, or a pass's name: of most who are shown, and of a few; most often where they may be."""
        rng = self.rng
        ids = [one["id"] for one in rng.sample(self.holders, 3)]
        ids += [one["pass"]["cardholder"] for one in shown if one.get("pass", {}).get("cardholder")]
        ids += self.pass_names(shown)
        told = {}
        for holder in [*ids, self.holder["id"]]:
            if rng.random() < 0.6:
                area = self.point.get("area_from") if rng.random() < 0.5 else rng.choice((None, *AREAS))
                told[holder] = {"area": area, "at": self.text(self.seen()), "forgiven": rng.random() < 0.1}
        return told

    def seen(self) -> datetime:
        """When somebody was seen last, never later than now."""
        if self.rng.random() < 0.3:
            return min(self.edge(), self.wall)
        return self.wall - self.rng.choice(SEEN)


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
