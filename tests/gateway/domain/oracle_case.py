"""What the oracle knows of a raw list, and of one request: look-ups in plain loops, no engine."""

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.gateway.domain.oracle_calendar import Calendar, instant_of

Json = dict[str, Any]

VISITOR: Json = {"id": None, "kind": "visitor", "levels": []}
"""Who shows a pass of nobody whom the list knows."""


def canonical(identifier: Json) -> str:
    """The text of an identifier that is hashed."""
    facility = identifier.get("facility_code")
    return f"{identifier['format']}:{'' if facility is None else facility}:{identifier['number']}"


def keyed(site_key: bytes, text: str) -> str:
    """The keyed hash of an identifier's or a PIN's text, in hex."""
    return hmac.digest(site_key, text.encode(), "sha256")[:16].hex()


class RawList:
    """A document and its parts by id. `site_key` is what its keyed identifiers and PINs were made with."""

    def __init__(self, document: Json, site_key: bytes) -> None:
        self.site_key = site_key
        self.calendar = Calendar(document)
        self.points: dict[str, Json] = {point["id"]: point for point in document["access_points"]}
        self.areas: dict[str, Json] = {area["id"]: area for area in document["areas"]}
        self.levels: dict[str, Json] = {level["id"]: level for level in document["levels"]}
        self.holders: dict[str, Json] = {holder["id"]: holder for holder in document["cardholders"]}
        self.pass_keys: dict[str, Json] = {key["id"]: key for key in document.get("pass_keys", ())}
        self.credentials: dict[str, Json] = {}
        for credential in document["credentials"]:
            self.credentials[credential.get("key") or self.keyed(canonical(credential))] = credential

    def keyed(self, text: str) -> str:
        """The keyed hash of an identifier or a PIN, in hex."""
        return keyed(self.site_key, text)

    def pass_holds(self, shown: Json) -> bool:
        """Has a key of the list signed this pass, as one that this key may give?"""
        payload = shown["pass"]
        key = self.pass_keys.get(payload["key"])
        if key is None or shown["signed_with"] != key["id"] or shown["tampered"]:
            return False
        if "until" not in payload or ("uses" in payload) == ("at" in payload):
            return False
        if "uses" in payload and not 1 <= payload["uses"] <= 1000:
            return False
        if not set(payload.get("levels", ())) <= set(key.get("levels", ())):
            return False
        return key.get("cardholder") in (None, payload.get("cardholder"))


@dataclass(frozen=True)
class Person:
    """Somebody who was shown, by a credential or a pass. Two things shown by one person have the same `who`."""

    id: str
    who: str
    holder: Json
    grade: str
    credential: Json | None = None
    shown_pass: Json | None = None


@dataclass
class Case:
    """One request, and what became known of it while its checks were asked. `notes` say what they rested on."""

    listed: RawList
    request: Json
    notes: set[str] = field(default_factory=set)
    people: list[Person] = field(default_factory=list)
    soft: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.wall = instant_of(self.request["at"])
        self.suspect: bool = self.request["clock_suspect"]
        self.rules: Json = self.request["rules"]
        self.without_list = self.request["list"] == "none" or (
            self.request["list"] == "fallback" and self.rules["degraded"] != "last_list"
        )

    @property
    def point(self) -> Json:
        """What the list says of the access point."""
        return self.listed.points[self.request["access_point"]]

    def validity(self, limited: Json, too_early: str, too_late: str) -> str | None:
        """`valid_from <= t < valid_until`; what has a limit is not asked by a suspect clock."""
        valid_from, valid_until = limited.get("valid_from"), limited.get("valid_until")
        if self.suspect and (valid_from is not None or valid_until is not None):
            return "ClockSuspect"
        if valid_from is not None and self.wall < instant_of(valid_from):
            return too_early
        if valid_until is not None and self.wall >= instant_of(valid_until):
            return too_late
        return None

    def covers(self, schedule: str) -> bool:
        """Does it cover the time? By a suspect clock only a schedule that holds always does."""
        if self.suspect:
            return self.listed.calendar.always(schedule)
        return self.listed.calendar.covers(schedule, self.wall, self.notes)

    def local_grant(self, person: Person) -> bool:
        """Does a guard's leave hold?"""
        grant = self.remembered("local_grants", person)
        if grant is None or self.request["access_point"] not in grant["access_points"]:
            return False
        return not self.suspect and self.wall < instant_of(grant["until"])

    def seen(self, person: Person) -> Json | None:
        """Where the person was seen last, if that is known: `area`, `at`, `forgiven`."""
        told: Json = self.request["whereabouts"]
        return next((told[name] for name in self.holder_names(person) if name in told), None)

    def names(self, person: Person) -> list[str]:
        """What is remembered of somebody goes by these: the name of before a pass's key was part of it comes last."""
        if person.shown_pass is None:
            return [person.id]
        return [person.id, f"pass:{person.shown_pass['id']}"]

    def holder_names(self, person: Person) -> list[str]:
        """A cardholder's id; who shows a pass of nobody is the pass."""
        holder = person.who.removeprefix("cardholder:")
        return self.names(person) if holder == person.id else [holder]

    def remembered(self, what: str, person: Person) -> Any:
        """One fact of somebody, None if there is none."""
        told: Json = self.request[what]
        found = next((name for name in self.names(person) if name in told), None)
        if found is not None and found != person.id:
            self.notes.add("remembered of a pass by its id alone")
        return None if found is None else told[found]

    def used(self, person: Person) -> tuple[int, int]:
        """Grants in all, and on this local day."""
        used = self.remembered("uses", person) or {"total": 0, "day": "", "today": 0}
        today = used["day"] == str(self.wall.astimezone(self.listed.calendar.zone).date())
        return used["total"], used["today"] if today else 0

    def grants_of(self, person: Person) -> tuple[list[Json], bool]:
        """The grants of levels that are held and valid and lead here; and whether a suspect clock left some out."""
        held: list[Json] = person.holder["levels"]
        if person.shown_pass is not None and person.shown_pass.get("levels"):
            self.notes.add("a pass with levels of its own")
            held = [{"level": level} for level in person.shown_pass["levels"]]
        leads, suspected = [], False
        for hold in held:
            level = self.listed.levels[hold["level"]]
            here = [grant for grant in level["grants"] if grant["access_point"] == self.request["access_point"]]
            faults = {self.validity(hold, "early", "late"), self.validity(level, "early", "late")}
            if faults == {None}:
                leads += here
            elif here:
                self.notes.update(f"a level does not count: {fault}" for fault in faults if fault)
                suspected |= "ClockSuspect" in faults
        return leads, suspected

    def wanted(self) -> str:
        """What the access point wants: the first setting whose schedule covers the time."""
        settings = list(self.point.get("settings", ()))
        if self.point.get("unlock_schedule") is not None:
            settings.insert(0, {"schedule": self.point["unlock_schedule"], "authentication": "unlocked"})
        for setting in settings:
            if self.covers(setting["schedule"]):
                return str(setting["authentication"])
        return "card_or_pin"

    def area_rule(self, area_id: str, seen: Json) -> str:
        """An area's anti-passback for somebody who was seen last then: off, soft or hard."""
        area = self.listed.areas[area_id]
        rule, timed = str(area.get("anti_passback", "off")), area.get("timed_minutes")
        if rule == "off":
            return rule
        if seen["forgiven"]:
            self.notes.add("forgiven by a guard")
            return "off"
        if self.forgiven_daily(seen["area"], seen):
            self.notes.add("forgiven by the hour of the area where they are")
            return "off"
        if self.forgiven_daily(area_id, seen):
            self.notes.add("forgiven by the hour of the area that asks")
            return "off"
        if timed is not None and (self.suspect or self.wall >= instant_of(seen["at"]) + timedelta(minutes=timed)):
            self.notes.add("a timed rule does not bind")
            return "off"
        self.notes.add(f"a {rule} rule is broken")
        return rule

    def forgiven_daily(self, area_id: str | None, seen: Json) -> bool:
        """Has an area's hour come since they were seen last?"""
        hour = None if area_id is None else self.listed.areas[area_id].get("forgive_daily_at")
        return hour is not None and self.listed.calendar.came_between(hour, instant_of(seen["at"]), self.wall)

    def typed(self) -> str:
        """What the typed PIN is for the credential shown first: right, duress or wrong."""
        credential, digits = self.people[0].credential, self.request["pin"]
        if digits is None or credential is None:
            return "wrong"
        hashed = self.listed.keyed(f"PIN:{credential['id']}:{digits}")
        if credential.get("duress_pin") == digits or credential.get("duress_pin_key") == hashed:
            return "duress"
        return "right" if credential.get("pin") == digits or credential.get("pin_key") == hashed else "wrong"
