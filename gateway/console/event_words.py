"""An event for people: its sentence in each language; and what the page shows of alarms and of who waits."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.console.door_views import Waiting, at_text
from gateway.console.messages import Catalogue
from gateway.console.parts import LANGUAGES
from gateway.console.projection import AlarmView
from gateway.console.thing_words import ThingWords
from gateway.console.tour_words import tour_values
from gateway.console.trace_words import TraceWords, is_revoked
from gateway.domain.access_request import DenialReason
from gateway.domain.credential import Grade
from gateway.domain.ports import RecordedEvent
from gateway.domain.signals import OFFICE_POST

_THINGS = ("door", "camera", "device", "reader", "input", "access_point", "before", "lift")
_KINDS = {"reader": "device", "before": "access_point"}
"""What a field names, where that isn't the field's own name."""
_CODES = {
    "kind": "alarm",
    "mode": "mode",
    "outcome": "outcome",
    "because": "because",
    "purpose": "purpose",
    "process": "process",
    "action": "action",
    "request": "request",
    "wants": "want",
    "timing": "timing",
    "fault": "fault",
}
_REASONS = {
    "AccessDenied": "denial",
    "OpenedByGuard": "open_reason",
    "ReadDropped": "dropped",
    "RequestRefused": "refusal",
    "TourVisitDenied": "denial",
}
"""Other reasons are a guard's: codes of `reason`, or their own words."""
_TIMES = ("until", "wall_before", "wall_after")
_ARTICLES = ("a ", "an ")
_RAW_REASONS = ("RubbishReceived", "JournalGap", "ReadDropped")
"""Their reasons are a program's words, like every detail and fault."""
_FAULTS_MAX = 50
"""As many as an event keeps of a list's; the last of them may be `and N more`."""
_MORE = re.compile(r"and (\d{1,9}) more")
_SOURCES = {
    "device_lost": "device",
    "device_misconfigured": "device",
    "command_failed": "device",
    "reader_tamper": "device",
    "reader_power": "device",
    "rubbish": "device",
    "wrong_attempts": "device",
    "insecure_link": "broker",
    "duress": "access_point",
    "impossible_travel": "credential",
    "antipassback": "credential",
    "risk": "cardholder",
    "tour": "tour",
}
"""What an alarm's source is, by the alarm's kind, where it is no door, camera or input."""
_NAME_THEIR_SOURCE = ("office_lost", "clock_suspect", "clock_unsynchronised", "journal_unavailable")
"""Alarms of what there is one of: "Office lost, Office" says it twice."""
_SHOWN = {Grade.PIN.value: "pin", Grade.PLATE.value: "plate", Grade.PASS.value: "pass"}
"""By grade; every other is that of a card."""
_CARD_AT_DOOR = ("impossible_travel", "antipassback")
"""Alarms of a card: it is named beside the door."""
_REFUSED_SUBJECTS = {
    "open": "door",
    "door_mode": "door",
    "local_grant": "credential",
    "siren_test": "siren",
    "tour_start": "tour",
}
_REFUSED_WORDS = {
    "siren_silence": "ui.sirens",
    "confirm": "words.waiting_person",
    "tour_stop": "words.a_round",
    "list_confirm": "words.a_list",
}
"""Refused requests whose subject is an id that means nothing to anybody."""


class EventWords:
    """Makes views of events. Nobody's id is in them."""

    def __init__(self, catalogue: Catalogue, things: ThingWords, find_alarm: Callable[[str], AlarmView | None]) -> None:
        self._catalogue, self._things, self._find_alarm = catalogue, things, find_alarm
        self._traces = TraceWords(catalogue, things)

    def view(self, event: RecordedEvent) -> dict[str, Any]:
        """What the page shows of an event in a list: no ids of people, no card digits."""
        body = event.body
        credential = body.get("credential")
        alarm = self._find_alarm(str(body.get("alarm")))
        return {
            "row": event.row_id,
            "id": event.event_id,
            "type": event.type,
            "at": at_text(event),
            "clock": event.clock_quality,
            "actor": body.get("actor") or "",
            "door": body.get("door"),
            "doors": list(body.get("doors") or ()),
            "camera": body.get("camera"),
            "alarm": body.get("alarm"),
            "priority": body.get("priority") or (alarm.priority if alarm is not None else None),
            "card": self._things.card_name(credential) if isinstance(credential, str) else "",
            "text": {language: self.sentence(event, language) for language in LANGUAGES},
            "technical": _technical(event),
        }

    def sentence(self, event: RecordedEvent, language: str) -> str:
        """One sentence for an event."""
        key = "event.erased" if event.erased else f"event.{event.type}{_variant(event)}"
        if not self._catalogue.has(key):
            return event.type
        text = self._catalogue.text(language, key, **self._values(event, language))
        # A name is spelt as it is; a thing without one begins a sentence like any word.
        nameless = text.startswith(_ARTICLES) or str(event.body.get("credential")).startswith("pass:")
        return text[0].upper() + text[1:] if nameless else text

    def why(self, event: RecordedEvent) -> list[dict[str, Any]]:
        """The recorded trace, step by step, in words; empty where the event has none."""
        return self._traces.why(event.type, event.body)

    def waiting_view(self, waiting: Waiting) -> dict[str, Any]:
        """What the page shows of somebody who waits."""
        kind = self._things.kind_of(waiting.cardholder)
        return {
            "request": waiting.request,
            "wants": waiting.wants,
            "at": waiting.at,
            "door": waiting.door,
            "camera": self._things.site.camera_of(waiting.door),
            "place": {
                language: self._things.thing(waiting.access_point, language, "access_point") for language in LANGUAGES
            },
            "card": {language: self._things.card(waiting.credential, language) for language in LANGUAGES},
            "kind": {
                language: self._catalogue.word(language, "cardholder_kind", kind) if kind else ""
                for language in LANGUAGES
            },
        }

    def alarm_view(self, alarm: AlarmView) -> dict[str, Any]:
        """What the page shows of an alarm."""
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
            "place": {language: self._alarm_place(_Cause.of(alarm), language) for language in LANGUAGES},
            "acknowledged_by": alarm.acknowledged_by,
            "acknowledged_at": alarm.acknowledged_at,
            "resolved_by": alarm.resolved_by,
            "resolved_at": alarm.resolved_at,
            "outcome": alarm.outcome,
            "note": alarm.note,
            "evidence": [
                {
                    "event_id": kept.event_id,
                    "kind": kept.kind,
                    "camera": kept.camera,
                    "started_at": kept.started_at,
                    "shows": [at for at in alarm.occurrences if kept.shows(at)],
                }
                for kept in alarm.evidence
            ],
        }

    def _values(self, event: RecordedEvent, language: str) -> dict[str, Any]:
        body, things = event.body, self._things
        values: dict[str, Any] = {k: v for k, v in body.items() if isinstance(v, str | int | float)}
        for name in _THINGS:
            if isinstance(body.get(name), str):
                values[name] = things.thing(body[name], language, _KINDS.get(name, name))
        for name, area in _CODES.items():
            if isinstance(body.get(name), str):
                values[name] = self._catalogue.word(language, area, body[name])
        if "reason" in body:
            area = _REASONS.get(event.type, "reason")
            values["reason"] = self._catalogue.word(language, area, _reason(body))
        values["card"] = things.card(body.get("credential"), language, shown_kind(body))
        values["note_part"] = f" — {body['note']}" if body.get("note") else ""
        if "faults" in body:
            values["fault_count"] = _fault_count(body["faults"])
        if event.type == "EvidenceStored":
            values["kind"] = self._catalogue.word(language, "evidence", str(body.get("kind")))
        if event.type == "AlarmRaised":
            values["alarm"] = self._alarm(_Cause.raised(body), language)
            values["priority"] = self._catalogue.word(language, "ui", f"priority_{body['priority']}")
        elif isinstance(body.get("alarm"), str):
            alarm = self._find_alarm(body["alarm"])
            values["alarm"] = body["alarm"] if alarm is None else self._alarm(_Cause.of(alarm), language)
            priority = "–" if alarm is None else self._catalogue.word(language, "ui", f"priority_{alarm.priority}")
            values["priority"] = priority
        values |= self._access_values(event, language) | tour_values(event, language, self._catalogue, things)
        values |= self._siren_values(event, language) | self._list_values(event, language)
        return values | self._answer_values(event, language, values)

    def _list_values(self, event: RecordedEvent, language: str) -> dict[str, Any]:
        """Who said yes to a list together, and how many credentials were revoked."""
        if event.type == "CredentialsRevoked":
            return {"count": len(event.body.get("credentials") or ())}
        second = event.body.get("second") if event.type == "ListConfirmed" else None
        return {"second_part": self._catalogue.text(language, "words.and_person", person=second) if second else ""}

    def _siren_values(self, event: RecordedEvent, language: str) -> dict[str, Any]:
        """The names of sirens and lights."""
        if not event.type.startswith("Siren"):
            return {}
        things, text = self._things, self._catalogue.text
        named = [things.thing(str(each), language, "siren") for each in event.body.get("outputs") or ()]
        together = text(language, "ui.and").join(named) or text(language, "ui.sirens")
        return {"siren": things.thing(str(event.body.get("output")), language, "siren"), "sirens": together}

    def _access_values(self, event: RecordedEvent, language: str) -> dict[str, Any]:
        """The values of what is new with access decisions: places, people, groups, times."""
        body, things, text = event.body, self._things, self._catalogue.text
        and_ = text(language, "ui.and")
        values: dict[str, Any] = {}
        point, door = body.get("access_point"), body.get("door")
        if isinstance(point, str) or isinstance(door, str):
            named = (point, "access_point") if isinstance(point, str) else (str(door), "door")
            values["place"] = things.thing(named[0], language, named[1])
        for name in ("area", "area_from", "area_to"):
            if name in body:
                values[name] = things.area(body[name], language)
        if "group" in body:
            values["group"] = things.group(body["group"], language)
        for name in _TIMES:
            if isinstance(body.get(name), str):
                values[name] = things.local_time(body[name])
        if event.type in ("SubjectBlocked", "SubjectUnblocked"):
            values["subject"] = things.subject(str(body.get("subject")), language)
        if event.type == "RequestRefused":
            values["subject"] = self._refused_subject(body, language)
        if event.type in ("AntipassbackForgiven", "PersonErased"):
            values["person"] = things.person(body.get("cardholder"), language)
        points = [things.thing(each, language, "access_point") for each in body.get("access_points") or ()]
        values["access_points"] = and_.join(points)
        values["floors"] = and_.join(body.get("floors") or ())
        others = and_.join(things.card(each, language) for each in body.get("accompanied") or ())
        values["with_part"] = text(language, "words.with", cards=others) if others else ""
        values["floor_part"] = text(language, "words.to_floors", floors=values["floors"]) if values["floors"] else ""
        values["rivals"] = and_.join(things.card(each, language) for each in body.get("rivals") or ())
        assumed = event.type == "AreaEntered" and body.get("because") != "taken"
        values["assumed_part"] = text(language, "words.assumed") if assumed else ""
        return values

    def _answer_values(self, event: RecordedEvent, language: str, values: dict[str, Any]) -> dict[str, Any]:
        """To whom a yes or no was said, and who it was that said no: the office or a guard, by name."""
        body, text = event.body, self._catalogue.text
        if event.type == "AccessConfirmed":
            told = isinstance(body.get("access_point"), str)
            whom = text(language, "words.card_at_door", **values) if told else text(language, "words.who_waited")
            return {"whom": whom}
        if event.type != "AccessDenied" or body.get("reason") != DenialReason.CONFIRMATION_REFUSED.value:
            return {}
        kept: dict[str, Any] = body.get("circumstances") or {}
        who, _, name = str(kept.get("confirmed_by", "")).partition(":")
        key = f"denial.{DenialReason.CONFIRMATION_REFUSED.value}"
        return {"reason": text(language, f"{key}.{who}" if name else key, name=name)}

    def _refused_subject(self, body: dict[str, Any], language: str) -> str:
        things, request, subject = self._things, body.get("request"), str(body.get("subject"))
        if request in _REFUSED_SUBJECTS:
            return things.thing(subject, language, _REFUSED_SUBJECTS[request])
        if request in ("block", "unblock"):
            return things.subject(subject, language)
        if request in ("forgive", "erase"):
            return things.person(None if subject == "all" else subject, language)
        if request in _REFUSED_WORDS:
            return self._catalogue.text(language, _REFUSED_WORDS[request])
        if request == "fire_reset":
            return things.thing(subject, language)
        return things.group(subject, language)

    def _alarm(self, cause: "_Cause", language: str) -> str:
        kind = self._catalogue.word(language, "alarm", cause.kind)
        if cause.kind in _NAME_THEIR_SOURCE:
            return kind
        place = self._alarm_place(cause, language)
        return self._catalogue.text(language, "words.alarm_at", kind=kind, place=place)

    def _alarm_place(self, cause: "_Cause", language: str) -> str:
        """The door, or the camera, or what the source is; a card beside its door."""
        things = self._things
        if cause.door:
            place = things.thing(cause.door, language, "door")
            if cause.kind not in _CARD_AT_DOOR:
                return place
            card = things.card(cause.source, language)
            return self._catalogue.text(language, "words.card_at", card=card, place=place)
        if cause.camera:
            return things.thing(cause.camera, language, "camera")
        if cause.kind == "wrong_attempts" and things.card_label(cause.source):
            return things.card(cause.source, language)
        return things.thing(cause.source, language, _SOURCES.get(cause.kind, ""))


@dataclass(frozen=True, slots=True)
class _Cause:
    """What an alarm is about."""

    kind: str
    source: str
    door: str | None
    camera: str | None

    @classmethod
    def of(cls, alarm: AlarmView) -> "_Cause":
        return cls(alarm.kind, alarm.source, alarm.door, alarm.camera)

    @classmethod
    def raised(cls, body: dict[str, Any]) -> "_Cause":
        return cls(body["kind"], body["source"], body.get("door"), body.get("camera"))


def shown_kind(body: dict[str, Any]) -> str:
    """What was shown first, as a decision's event keeps it: `card`, `pin`, `plate` or `pass`."""
    kept: dict[str, Any] = body.get("circumstances") or {}
    first: dict[str, Any] = next(iter(kept.get("shown") or ()), {})
    return _SHOWN.get(str(first.get("grade")), "card")


def _reason(body: dict[str, Any]) -> str:
    """The reason's code; a card that the office revoked is not known to be suspended: it may be lost."""
    reason = str(body.get("reason"))
    return f"{reason}.revoked" if reason == DenialReason.CREDENTIAL_NOT_ENABLED.value and is_revoked(body) else reason


def _variant(event: RecordedEvent) -> str:
    """Which of several sentences of a type fits."""
    body = event.body
    if event.type in ("AccessTaken", "AccessNotTaken", "AccessGranted") and body.get("credential") is None:
        return ".nobody"
    if event.type == "AccessConfirmed" and body.get("post") == OFFICE_POST:
        return ".office" if body.get("allowed") else ".office_refused"
    if event.type == "TourStarted" and body.get("because") in ("card", "guard"):
        return f".{body['because']}"
    if event.type == "AccessConfirmed" and not body.get("allowed"):
        return ".refused"
    if event.type == "ReaderConditionChanged":
        tampered, power_fault = bool(body.get("tampered")), bool(body.get("power_fault"))
        return {(True, False): ".tampered", (False, True): ".power", (True, True): ".both"}.get(
            (tampered, power_fault), ""
        )
    if event.type in ("InputFaultChanged", "DoorInputFaultChanged"):
        part = "rex" if body.get("part") == "rex" else ""
        faulty = "faulty" if body.get("fault") else ""
        return f".{part}_{faulty}" if part and faulty else f".{part or faulty}" if part or faulty else ""
    return ".given_back" if event.type == "DoorModeOverridden" and body.get("mode") is None else ""


def _technical(event: RecordedEvent) -> str:
    """What programs said of it, in their own words, a line each: for a technician, not for the sentence."""
    body = event.body
    said = [str(body.get("detail") or ""), *map(str, (body.get("faults") or ())[:_FAULTS_MAX])]
    if event.type in _RAW_REASONS:
        said.append(str(body.get("reason") or ""))
    return "\n".join(part for part in said if part)


def _fault_count(faults: Sequence[object]) -> int:
    """How many faults a list had; where an event has not all, its last says how many more."""
    more = _MORE.fullmatch(str(faults[-1])) if faults else None
    return len(faults) if more is None else len(faults) - 1 + int(more[1])
