"""Events as rows: body, subjects, actor and device of an event, its canonical bytes and its hash.

The layout of the hashed bytes is specified in docs/protocol.md ("Canonical bytes"); golden vectors lie in
tests/vectors/events.json.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, get_args

import msgspec

from gateway.domain import events as ev
from gateway.domain.events import Event

HASH_ALGORITHM = "sha-256"
"""Written beside every hash and commitment, so that another can follow without a guess."""

FIRST_PREVIOUS_HASH = "0" * 64
"""What the first event of an epoch chains to."""

EVENT_TYPES: dict[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


def _as_it_was(body: dict[str, Any]) -> dict[str, Any]:
    """The next version only has more fields: they get their defaults."""
    return body


UPCASTERS: dict[tuple[str, int], tuple[str, Upcast]] = {
    ("AccessGranted", 1): ("AccessGranted", _as_it_was),
    ("AccessDenied", 1): ("AccessDenied", _as_it_was),
    ("AccessConfirmed", 1): ("AccessConfirmed", _as_it_was),
    ("JournalGap", 1): ("JournalGap", _as_it_was),
}
"""(type, version) -> the type's name in the next version, and how its body becomes that version's.

Never removed: old rows are read for ever.
"""

_EPOCH_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LAYOUT = 2
"""The envelope's layout of new rows. Layout 1 hashed actor and subjects in clear; it is read for ever."""

_ENVELOPE_TAG = "gatehouse/event/"
_encoder = msgspec.json.Encoder()

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: a text can hold it, and UTF-8 has no bytes for it."""

_NUMBER_DIGITS = 5
"""Smaller numbers are written with an exponent, by each language in its own way; ten microseconds are enough here."""
_NUMBER_MOST = 2**53 - 1
"""What every language still counts one by one; nothing here measures as much."""

_SUBJECT_KINDS: dict[str, str] = {
    "access_point": "access_point",
    "alarm": "alarm",
    "camera": "camera",
    "cardholder": "cardholder",
    "credential": "credential",
    "device": "device",
    "door": "door",
    "input": "input",
    "observation": "observation",
    "process": "process",
    "reader": "reader",
    "tour": "tour",
    "access_points": "access_point",
    "accompanied": "credential",
    "area": "area",
    "area_from": "area",
    "area_to": "area",
    "before": "access_point",
    "credentials": "credential",
    "doors": "door",
    "expected": "reader",
    "lift": "lift",
    "rivals": "credential",
    "second": "operator",
}
"""Fields that name something, one or several, and what. Their order is that of an event's subjects."""

_REQUESTS = (ev.AccessRequested, ev.AccessGranted, ev.AccessDenied, ev.AccessConfirmed)


def _subject_fields(cls: type[Event]) -> dict[str, str]:
    kinds = dict(_SUBJECT_KINDS)
    if issubclass(cls, _REQUESTS):
        kinds["request"] = "request"
    if issubclass(cls, ev.SubjectBlocked | ev.SubjectUnblocked):
        kinds["subject"] = ""
    present = {field.name for field in fields(cls) if field.type is not int}  # one may count what another names
    return {name: kind for name, kind in kinds.items() if name in present}


SUBJECT_FIELDS: dict[type[Event], dict[str, str]] = {cls: _subject_fields(cls) for cls in EVENT_TYPES.values()}
"""The fields of an event that name something, and its kind; an empty one where the value itself says it."""

_BY_CARDHOLDER = (
    ev.AccessRequested,
    ev.AccessGranted,
    ev.AccessDenied,
    ev.AccessTaken,
    ev.AreaEntered,
    ev.AntipassbackViolated,
    ev.DuressUsed,
    ev.RiskPassed,
    ev.TourPointVisited,
    ev.TourPointOutOfOrder,
    ev.TourVisitDenied,
)
_DEVICE_FIELDS = ("device", "reader", "input", "camera")


def canonical_body(event: Event) -> bytes:
    """The event's fields as canonical JSON (RFC 8785), RFC 3339 times with Z.

    Numbers are taken to five digits after the point, and between -(2^53 - 1) and 2^53 - 1; half of a surrogate pair is
    recorded as U+FFFD: one text that can't be written must not stand before all that comes after it.
    """
    return _encoder.encode(_canonical(msgspec.to_builtins(event)))


def to_record_body(event: Event) -> dict[str, Any]:
    """The event's fields as plain JSON values."""
    body: dict[str, Any] = msgspec.json.decode(canonical_body(event))
    return body


def event_from_record(type_: str, version: int, body: dict[str, Any]) -> Event:
    """The event of a row, lifted to the present version.

    Raises LookupError for a type or version that this program doesn't know.
    """
    while (type_, version) in UPCASTERS:
        type_, upcast = UPCASTERS[type_, version]
        body, version = upcast(body), version + 1
    cls = EVENT_TYPES.get(type_)
    if cls is None or version != cls.version:
        raise LookupError(f"no event {type_} of version {version}")
    return msgspec.convert(body, cls)


def subjects_of(event: Event) -> tuple[str, ...]:
    """The opaque ids that the event names, as `kind:id`, in a fixed order, each once."""
    found: list[str] = []
    for name, kind in SUBJECT_FIELDS[type(event)].items():
        value = getattr(event, name)
        several = value if isinstance(value, tuple) else (value,) if value else ()
        found += [f"{kind}:{one}" if kind else one for one in several]
    return tuple(dict.fromkeys(_writable(one).replace("\n", " ") for one in found))  # a row keeps one a line


def _canonical(value: Any) -> Any:
    """A plain value such that the encoder's bytes are RFC 8785's: whole numbers without a point, keys in order."""
    if isinstance(value, float):
        if not isfinite(value):
            return None  # no JSON has them
        near = max(-_NUMBER_MOST, min(_NUMBER_MOST, round(value, _NUMBER_DIGITS)))
        return int(near) if near == int(near) else near
    if isinstance(value, str):
        return _writable(value)
    if isinstance(value, dict):
        named = {_writable(name): each for name, each in value.items()}
        return {name: _canonical(named[name]) for name in sorted(named, key=_utf_16)}
    return [_canonical(each) for each in value] if isinstance(value, list | tuple) else value


def _writable(text: str) -> str:
    return text if text.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def _utf_16(name: str) -> bytes:
    """RFC 8785, section 3.2.3: names are in the order of their UTF-16 code units."""
    return name.encode("utf-16-be")


def actor_of(event: Event) -> str:
    """Who did it: `operator:<name>@<post>`, `cardholder:<id>`, or `gateway`.

    Of two who release a lockdown it is the one who asked; the second is a subject.
    """
    name, post = getattr(event, "actor", None), getattr(event, "post", None)
    if name is not None:
        return _writable(f"operator:{name}@{post}")
    if isinstance(event, _BY_CARDHOLDER) and event.cardholder:
        return _writable(f"cardholder:{event.cardholder}")
    return "gateway"


def device_of(event: Event) -> str | None:
    """The device, reader, input or camera that told it, if one did."""
    return next((_writable(value) for name in _DEVICE_FIELDS if (value := getattr(event, name, None))), None)


def commitment_of(layout: int, salt: bytes, actor: str, subjects: Iterable[str], body: bytes) -> str:
    """SHA-256 of the salt and what may name somebody, in hex: of layout 1 only the canonical body.

    All of it can be erased together, and the chain still verifies.
    """
    if layout == 1:
        return hashlib.sha256(salt + body).hexdigest()
    listed = tuple(subjects)
    return hashlib.sha256(salt + _fields(actor, len(listed), *listed) + _field(body)).hexdigest()


def envelope_bytes(
    layout: int,
    place: tuple[str, int, str],
    kind: tuple[str, int],
    time: tuple[int, str, str, int],
    origin: tuple[str, str | None],
    subjects: Iterable[str],
    seal: tuple[str, str],
) -> bytes:
    """The canonical bytes that are hashed.

    `place` is (epoch, seq, event id); `kind` (type, version); `time` (wall in microseconds, clock quality,
    boot id, monotonic microseconds); `origin` (actor, device or None); `seal` (commitment, previous hash).
    Layout 2 leaves out actor and subjects, which its commitment covers.
    """
    head, device = (f"{_ENVELOPE_TAG}{layout}", *place, *kind, *time), origin[1] or ""
    if layout == 1:
        listed = tuple(subjects)
        return _fields(*head, origin[0], device, len(listed), *listed, *seal)
    return _fields(*head, device, *seal)


def _fields(*values: str | int) -> bytes:
    return b"".join(_field(str(value).encode()) for value in values)


def _field(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def chain_hash(envelope: bytes) -> str:
    """The event's hash, in hex."""
    return hashlib.sha256(envelope).hexdigest()


def microseconds(wall: datetime) -> int:
    """Microseconds since 1970 of an aware time, exact."""
    return (wall - _EPOCH_ZERO) // _MICROSECOND


def from_microseconds(wall_us: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH_ZERO + wall_us * _MICROSECOND
