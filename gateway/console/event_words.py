"""An event for people: its sentence in each language, and why access was given or not, from the recorded trace."""

from collections.abc import Callable
from typing import Any

from gateway.console.messages import Catalogue
from gateway.console.parts import LANGUAGES, SiteNames
from gateway.console.projection import AlarmView
from gateway.domain.ports import RecordedEvent

_THINGS = ("door", "camera", "device", "reader", "input", "access_point", "source", "subject")
_CODES = {
    "kind": "alarm",
    "mode": "mode",
    "outcome": "outcome",
    "because": "because",
    "purpose": "purpose",
    "process": "process",
    "action": "action",
    "request": "request",
}
_REASONS = {
    "AccessDenied": "denial",
    "OpenedByGuard": "open_reason",
    "ReadDropped": "dropped",
    "RequestRefused": "refusal",
}
_RAW_REASONS = ("RubbishReceived", "JournalGap", "ReadDropped")
"""Their reasons are a program's words, like every detail and fault."""


class EventWords:
    """Makes views of events. `card_label` is the office's label for a credential id, never its digits."""

    def __init__(
        self,
        catalogue: Catalogue,
        site: SiteNames,
        card_label: Callable[[str], str],
        find_alarm: Callable[[str], AlarmView | None],
    ) -> None:
        self._catalogue, self._site = catalogue, site
        self._card_label, self._find_alarm = card_label, find_alarm

    def view(self, event: RecordedEvent) -> dict[str, Any]:
        """What the page shows of an event in a list: no ids of people, no card digits."""
        body = event.body
        credential = body.get("credential")
        return {
            "row": event.row_id,
            "id": event.event_id,
            "type": event.type,
            "at": event.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "clock": event.clock_quality,
            "actor": body.get("actor", ""),
            "door": body.get("door"),
            "camera": body.get("camera"),
            "alarm": body.get("alarm"),
            "card": self._card_label(credential) if isinstance(credential, str) else "",
            "text": {language: self.sentence(event, language) for language in LANGUAGES},
            "technical": _technical(event),
        }

    def sentence(self, event: RecordedEvent, language: str) -> str:
        """One sentence for an event."""
        values = self._values(event, language)
        key = f"event.{event.type}"
        if event.type in ("AccessTaken", "AccessNotTaken") and event.body.get("credential") is None:
            key += ".nobody"
        return self._catalogue.text(language, key, **values) if self._catalogue.has(key) else event.type

    def why(self, event: RecordedEvent) -> list[dict[str, Any]]:
        """The recorded trace, step by step, in words; empty where the event has none."""
        steps = []
        for step in event.body.get("trace") or ():
            key = f"check.{step['check']}.{'passed' if step['passed'] else 'failed'}"
            subject = step["subject"]
            texts = {
                language: self._catalogue.text(language, key, subject=self._subject(step["check"], subject, language))
                for language in LANGUAGES
            }
            steps.append({"check": step["check"], "passed": step["passed"], "text": texts})
        return steps

    def alarm_view(self, alarm: AlarmView) -> dict[str, Any]:
        """What the page shows of an alarm."""
        place, kind = _place_of(alarm)
        return {
            "id": alarm.alarm,
            "kind": alarm.kind,
            "priority": alarm.priority,
            "state": alarm.state,
            "active": alarm.active,
            "count": alarm.count,
            "row": alarm.row,
            "raised_row": alarm.raised_row,
            "raised_at": alarm.raised_at,
            "last_at": alarm.last_at,
            "last_row": alarm.last_row,
            "door": alarm.door,
            "camera": alarm.camera,
            "source": alarm.source,
            "place": {language: self._thing(place, language, kind) for language in LANGUAGES},
            "acknowledged_by": alarm.acknowledged_by,
            "acknowledged_at": alarm.acknowledged_at,
            "resolved_by": alarm.resolved_by,
            "resolved_at": alarm.resolved_at,
            "outcome": alarm.outcome,
            "note": alarm.note,
            "evidence": alarm.evidence,
        }

    def _values(self, event: RecordedEvent, language: str) -> dict[str, Any]:
        body = event.body
        values: dict[str, Any] = {k: v for k, v in body.items() if isinstance(v, str | int | float)}
        for name in _THINGS:
            if isinstance(body.get(name), str):
                values[name] = self._thing(body[name], language, _kind_of(name, body))
        for name, area in _CODES.items():
            if isinstance(body.get(name), str):
                values[name] = self._catalogue.word(language, area, body[name])
        if event.type in _REASONS:
            values["reason"] = self._catalogue.word(language, _REASONS[event.type], str(body.get("reason")))
        values["card"] = self._card(body.get("credential"), language)
        values["note_part"] = f" — {body['note']}" if body.get("note") else ""
        if event.type == "EvidenceStored":
            values["kind"] = self._catalogue.word(language, "evidence", str(body.get("kind")))
        if isinstance(body.get("alarm"), str) and event.type != "AlarmRaised":
            values["alarm"] = self._alarm(body["alarm"], language)
        return values

    def _card(self, credential: object, language: str) -> str:
        if not isinstance(credential, str):
            return self._catalogue.text(language, "words.unknown_card")
        return self._card_label(credential) or self._catalogue.text(language, "words.card_without_label")

    def _alarm(self, name: str, language: str) -> str:
        alarm = self._find_alarm(name)
        if alarm is None:
            return name
        kind = self._catalogue.word(language, "alarm", alarm.kind)
        place, place_kind = _place_of(alarm)
        named = self._thing(place, language, place_kind)
        return self._catalogue.text(language, "words.alarm_at", kind=kind, place=named)

    def _thing(self, thing: str, language: str, kind: str = "") -> str:
        named = self._site.named(thing, language, kind)
        return self._catalogue.word(language, "thing", thing) if named == thing else named

    def _subject(self, check: str, subject: str, language: str) -> str:
        if check in ("credential_known", "credential_validity"):
            return self._card(subject or None, language)
        if check == "access_point":
            return self._thing(subject, language)
        if check == "credential_state":
            return self._catalogue.word(language, "credential_state", subject)
        if check == "cardholder_validity":
            return ""
        return subject


def _technical(event: RecordedEvent) -> str:
    """What programs said of it, in their own words: for a technician, not for the sentence."""
    body = event.body
    said = [str(body.get("detail") or ""), *map(str, (body.get("faults") or ())[:5])]
    if event.type in _RAW_REASONS:
        said.append(str(body.get("reason") or ""))
    return "; ".join(part for part in said if part)


def _kind_of(name: str, body: dict[str, Any]) -> str:
    """What an event's field names; an alarm's source is its door or camera where it has one."""
    if name == "source":
        return "door" if body.get("door") else "camera" if body.get("camera") else ""
    return name


def _place_of(alarm: AlarmView) -> tuple[str, str]:
    if alarm.door:
        return alarm.door, "door"
    return (alarm.camera, "camera") if alarm.camera else (alarm.source, "")
