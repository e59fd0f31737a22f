"""Why access was given or not: the recorded trace, step by step, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.console.messages import Catalogue
from gateway.console.parts import LANGUAGES
from gateway.console.thing_words import ThingWords

_CODES = {
    "credential_state": "credential_state",
    "door_mode": "mode",
    "grade": "grade",
    "authentication": "authentication",
}
"""Checks whose subject is a code."""
_CARDS = ("credential_known", "credential_validity", "uses", "pin")
_LEVELS = ("access_level", "schedule")
_UNSAID = ("cardholder_validity", "escort", "lockout")
"""Their subjects are people's ids, or nothing."""


class TraceWords:
    """Tells traces. A step's sentence may depend on its subject: `check.<name>.<end>.<subject>`."""

    def __init__(self, catalogue: Catalogue, things: ThingWords) -> None:
        self._catalogue, self._things = catalogue, things

    def why(self, event_type: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The steps with their texts; empty where the event has no trace."""
        trace = body.get("trace") or ()
        steps = []
        for number, step in enumerate(trace, 1):
            # What a request still wants has failed only in so far as it has not come yet.
            wanted = event_type == "AccessRequested" and number == len(trace)
            end = "wanted" if wanted else "passed" if step["passed"] else "failed"
            revoked = step["check"] == "credential_state" and step["subject"] == "suspended" and is_revoked(body)
            variant = "revoked" if revoked else _variant(step["check"], step["subject"], trace)
            texts = {
                language: self._sentence(step["check"], end, step["subject"], variant, language)
                for language in LANGUAGES
            }
            steps.append({"check": step["check"], "passed": step["passed"], "wanted": wanted, "text": texts})
        return steps

    def _sentence(self, check: str, end: str, subject: str, variant: str, language: str) -> str:
        key = f"check.{check}.{end}"
        for special in (f"{key}.{variant}", key, f"check.{check}.failed"):
            if self._catalogue.has(special):
                return self._catalogue.text(language, special, subject=self._subject(check, subject, language))
        return key

    def _subject(self, check: str, subject: str, language: str) -> str:
        things = self._things
        if check in _CODES:
            return self._catalogue.word(language, _CODES[check], subject)
        if check in _UNSAID:
            return ""
        if check in _CARDS:
            return things.cards(subject, language)
        if check in _LEVELS:
            return self._levels(subject, language)
        return self._place(check, subject, language)

    def _place(self, check: str, subject: str, language: str) -> str:
        things = self._things
        if check == "access_point":
            return things.thing(subject, language, "access_point")
        if check == "interlock":
            return things.thing(subject, language, "door") if subject else ""
        if check == "anti_passback":
            return things.area(subject, language)
        if check == "occupancy" and subject:
            area, _, people = subject.rpartition(":")
            return f"{things.area(area, language)} {people}"
        if check == "tour_group":
            return subject
        if check == "confirmation":
            return subject.partition(":")[2]
        if check == "local_block":
            return things.subject(subject, language)
        return self._catalogue.word(language, "mode", subject)

    def _levels(self, subject: str, language: str) -> str:
        """`LEVEL/SCHEDULE` stay as the office calls them; a guard's leave is said, an access point named."""
        named = []
        for part in subject.split(","):
            if part == "local_grant":
                named.append(self._catalogue.text(language, "words.local_grant"))
            elif "/" in part:
                named.append(part)
            else:
                named.append(self._things.thing(part, language, "access_point"))
        return self._catalogue.text(language, "ui.and").join(named)


def is_revoked(body: Mapping[str, Any]) -> bool:
    """Whether the office had revoked what was shown, lost or suspended, later than the list that decided."""
    people: Mapping[str, Mapping[str, Any]] = (body.get("circumstances") or {}).get("people") or {}
    return any(facts.get("revoked") for facts in people.values())


def _variant(check: str, subject: str, trace: Sequence[Mapping[str, Any]]) -> str:
    """What may choose another sentence: the subject, and whether a yes was wanted at all, and whose it was."""
    if check == "confirmation" and subject:
        return subject.partition(":")[0]
    if check == "confirmation" and any((s["check"], s["subject"]) == ("authentication", "confirm") for s in trace):
        return "given"
    if check == "list" and ":" in subject:
        return "facility_code"
    if check == "list" and subject in ("LockedDown", "Blocked"):
        return "mode"
    return subject or "nothing"
