"""`gatehouse schema events`: every type of event as an office gets it, read from the classes that are journalled.

The fields of most texts are ids, or words for people; `WORDS` names those that hold one of a few codes. docs/events.md
is drawn from here.
"""

from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from inspect import getdoc
from types import NoneType
from typing import Any, get_args, get_origin

from gateway.domain.access import CHECKS
from gateway.domain.access_request import DenialReason, Want
from gateway.domain.alarm import AlarmKind, AlarmOutcome
from gateway.domain.door_mode import DoorMode
from gateway.domain.events import Event
from gateway.domain.moment import ClockQuality
from gateway.domain.signals import CommandOutcome, InputFault
from gateway.domain.site import InputPurpose
from gateway.domain.tour import Timing
from gateway.domain.tour_visitor import NOT_IN_TOUR_GROUP
from gateway.processes import PROCESSES
from gateway.store.records import EVENT_TYPES, UPCASTERS
from gateway.store.shedding import EventClass

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ABOUT = (
    "What an event says under `type`, `version` and `body`: docs/protocol.md has the whole record, docs/events.md "
    "tells the types in words. A later release may bring types, versions, fields and codes that are not here: keep "
    "what you don't know. An erased event has an empty body."
)


@dataclass(frozen=True, slots=True)
class Words:
    """The codes that a text may hold. `area` is where the console's catalogue has words for them; empty for none."""

    title: str
    area: str
    codes: tuple[str, ...]


_MODES = (DoorMode.LOCKED, DoorMode.UNLOCKED, DoorMode.BLOCKED)
_RELEASES = ("grant", "guard", "rex")
_MODE_CAUSES = (
    "schedule",
    "clock_suspect",
    "override",
    "override_ended",
    "lockdown",
    "lockdown_released",
    "lock_open",
    "lock_open_released",
    "fire",
    "fire_cleared",
)
_REQUESTS = (
    "open",
    "door_mode",
    "lockdown",
    "lockdown_release",
    "lock_open",
    "lock_open_release",
    "fire_reset",
    "block",
    "unblock",
    "local_grant",
    "forgive",
    "confirm",
    "list_confirm",
    "erase",
    "tour_start",
    "tour_stop",
    "siren_test",
    "siren_silence",
)
_REFUSALS = (
    "AccessPointUnknown",
    "AlreadyLockedDown",
    "AlreadyLockedOpen",
    "ClockSuspect",
    "DeviceOffline",
    "DoorBlocked",
    "DoorLockedDown",
    "DoorLockedOpen",
    "DoorUnknown",
    "EndMissing",
    "EndPassed",
    "FireNotLatched",
    "FireStillActive",
    "GroupUnknown",
    "ListNotWaiting",
    "ListReplaced",
    "ModeUnknown",
    "NoLocalGrant",
    "NotBlocked",
    "NotLockedDown",
    "NotLockedOpen",
    "NotOverridden",
    "OutputUnknown",
    "ReasonMissing",
    "Refused",
    "RequestExpired",
    "RequestGone",
    "RequestUsed",
    "RoundOver",
    "SecondPersonMissing",
    "SirenSounds",
    "StillListed",
    "SubjectUnknown",
    "TooLong",
    "TooMany",
    "TourUnderWay",
    "TourUnknown",
)
_ACTIONS = (
    "signed_in",
    "signed_out",
    "sign_in_failed",
    "sign_in_blocked",
    "one_time_refused",
    "password_changed",
    "events_exported",
    "muster_exported",
)

_DENIAL = Words("Why somebody may not pass", "denial", (*DenialReason,))
_PASSED = Words("What a door was released for", "because", _RELEASES)
_PURPOSE = Words("What a site input is wired to", "purpose", (*InputPurpose,))
_FAULT = Words("What is wrong with a supervised loop", "fault", (*InputFault,))
_SET = Words("Modes that a guard sets", "mode", _MODES)
_PROCESS = Words("The gateway's processes", "process", PROCESSES)

WORDS: dict[tuple[str, str], Words] = {
    ("AccessRequested", "wants"): Words("What would complete a request", "want", (*Want,)),
    ("AccessDenied", "reason"): _DENIAL,
    ("AccessTaken", "because"): _PASSED,
    ("AccessNotTaken", "because"): _PASSED,
    ("AreaEntered", "because"): Words(
        "Why a passage counts", "because", ("taken", "no_contact", "contact_fault", "already_open", "free")
    ),
    ("TraceStep", "check"): Words("Checks of a decision, in order", "", (*(c.name for c in CHECKS), "way_out")),
    ("DoorModeChanged", "because"): Words("Why a door's mode changed", "because", _MODE_CAUSES),
    ("LockReleased", "because"): Words("Why a lock is released", "because", (*_RELEASES, *_MODE_CAUSES)),
    ("DoorModeChanged", "mode"): Words(
        "Modes of a door", "mode", (*_MODES, DoorMode.LOCKED_DOWN, DoorMode.LOCKED_OPEN)
    ),
    ("DoorModeOverridden", "mode"): _SET,
    ("DoorModeOverrideEnded", "mode"): _SET,
    ("DoorInputFaultChanged", "part"): Words("Which of a door's loops", "", ("contact", "rex")),
    ("DoorInputFaultChanged", "fault"): _FAULT,
    ("InputActivated", "purpose"): _PURPOSE,
    ("InputNormal", "purpose"): _PURPOSE,
    ("InputFaultChanged", "purpose"): _PURPOSE,
    ("InputFaultChanged", "fault"): _FAULT,
    ("CommandEnded", "outcome"): Words("How a command ended", "outcome", (*CommandOutcome,)),
    ("SirenStopped", "because"): Words("Why sirens ended", "because", ("acknowledged", "limit")),
    ("AlarmRaised", "kind"): Words("Kinds of alarm", "alarm", (*AlarmKind,)),
    ("AlarmResolved", "outcome"): Words("How an alarm ended", "outcome", (*AlarmOutcome,)),
    ("ObservationStarted", "rule"): Words("Rules of a camera", "", ("motion",)),
    ("ObservationEnded", "rule"): Words("Rules of a camera", "", ("motion",)),
    ("EvidenceStored", "kind"): Words("Kinds of evidence", "", ("snapshot", "clip")),
    ("JournalGap", "classes"): Words(
        "Classes of events, the least important first", "", tuple(each.name.lower() for each in EventClass)
    ),
    ("JournalPruned", "because"): Words("Why events are removed", "", ("age", "size")),
    ("ClockOffset", "was"): Words("How far the clock could be trusted", "", (*ClockQuality,)),
    ("ProcessLost", "process"): _PROCESS,
    ("ProcessReturned", "process"): _PROCESS,
    ("RequestRefused", "request"): Words("What was asked", "request", _REQUESTS),
    ("RequestRefused", "reason"): Words("Why a request is refused", "refusal", _REFUSALS),
    ("OperatorAudited", "action"): Words("What somebody did at a console", "action", _ACTIONS),
    ("TourStarted", "because"): Words("Why a round began", "because", ("schedule", "card", "guard")),
    ("TourPointVisited", "timing"): Words("How a visit lies to its time", "timing", (*Timing,)),
    ("TourLeftIncomplete", "because"): Words("Why a round is incomplete", "because", ("points_missed", "tour_changed")),
    ("TourVisitDenied", "reason"): Words("Why a visit doesn't count", "denial", (*DenialReason, NOT_IN_TOUR_GROUP)),
}
"""(class, field) -> its codes; of a field that is an object, of its members' names."""

_SCALARS: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}


def event_schema() -> dict[str, Any]:
    """Every type in each version that this release reads; the last is the one that it records."""
    bodies = {(name, version): _body(cls, version) for name, cls in EVENT_TYPES.items() for version in versions_of(cls)}
    choices = [
        {"properties": {"type": {"const": name}, "version": {"const": version}, "body": {"$ref": _ref(name, version)}}}
        for name, version in bodies
    ]
    return {
        "$schema": _DIALECT,
        "title": "Gatehouse events",
        "description": _ABOUT,
        "type": "object",
        "required": ["type", "version", "body"],
        "anyOf": [*choices, {"properties": {"body": {"maxProperties": 0}}}],
        "$defs": {f"{name}-{version}": body for (name, version), body in bodies.items()},
    }


def versions_of(cls: type[Event]) -> list[int]:
    """The versions of a type that are read, the one that is recorded last."""
    return [*(version for name, version in UPCASTERS if name == cls.__name__), cls.version]


def added_since(cls: type[Event]) -> tuple[str, ...]:
    """Fields that an earlier version may leave out."""
    with_default = (each.name for each in fields(cls) if not each.default is each.default_factory is MISSING)
    return tuple(with_default) if cls.version > 1 else ()


def told(cls: type) -> str:
    """What it tells: the class's docstring, of which None is JSON's null."""
    return " ".join((getdoc(cls) or "").split()).replace("None", "null")


def _ref(name: str, version: int) -> str:
    return f"#/$defs/{name}-{version}"


def _body(cls: type[Event], version: int) -> dict[str, Any]:
    left_out = added_since(cls) if version < cls.version else ()
    return {"title": cls.__name__, "description": told(cls), **_object(cls, left_out)}


def _object(cls: type, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    names = {each.name: each.type for each in fields(cls)}
    return {
        "type": "object",
        "properties": {name: _shape(hint, WORDS.get((cls.__name__, name))) for name, hint in names.items()},
        "required": [name for name in names if name not in left_out],
    }


def _shape(hint: Any, words: Words | None = None) -> dict[str, Any]:
    """The schema of a field. Raises KeyError for a type that no event had yet."""
    choices = get_args(hint)
    if NoneType in choices:
        (inner,) = (each for each in choices if each is not NoneType)
        shape = _shape(inner, words)
        nullable = {"type": [shape["type"], "null"]}
        return shape | nullable | ({"enum": [*shape["enum"], None]} if words else {})
    if get_origin(hint) is dict:
        members = {} if choices[1] is Any else {"additionalProperties": _shape(choices[1])}
        return {"type": "object", **members, **({"propertyNames": {"enum": [*words.codes]}} if words else {})}
    if get_origin(hint) is tuple:
        some = {} if choices[-1] is Ellipsis else {"minItems": len(choices), "maxItems": len(choices)}
        return {"type": "array", "items": _shape(choices[0]), **some}
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint)
    return _SCALARS[hint] | ({"enum": [*words.codes]} if words else {})
