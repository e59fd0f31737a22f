"""What the gateway and the office say to each other, version 1: pure records, their bounds and their bytes.

docs/protocol.md is the specification; every bound's reason stands beside it.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

PROTOCOL = 1

BATCH_ROWS = 500
"""Events of one batch: one transaction of some 10 ms at the office."""
BATCH_BYTES = 256 * 1024
"""JSON of one batch's events: a few seconds on a bad mobile line. A lone larger event goes alone."""
REQUEST_BYTES = 1024 * 1024
"""Body of a hello or a batch that the office reads at most: a full batch, with room for a lone large event."""
ANSWER_BYTES = 256 * 1024
"""Answer that the gateway reads at most, lists apart: a thousand cursors are about 150 kB."""
LIST_BYTES = 256 * 1024 * 1024
"""LIST.json at most: a million credentials are about 200 MB."""
COPIES = 50
"""Alarms that go ahead of a backlog in one call; the newest are what somebody can still do something about."""
SUBJECTS = 1024
"""What one event may name: an order to erase somebody names 500 credentials, a lockdown every door of a site."""
EPOCHS = 1000
"""Lineages of one site's journal: a new one needs a lost or damaged file."""
WAIT_S = 25.0
"""How long the office holds a call open: below the 30 s after which common middle boxes forget a line."""
CONFIRM_MAX_S = 300.0
"""The longest that a gate waits for a yes (`confirm_s` of the site config): nothing about it is good for longer."""
ANSWERS = 100
"""Answers of one call: a site has fewer access points at which somebody waits at once."""

FIRST_PREVIOUS_HASH = "0" * 64
SIGNATURE = "Gatehouse-Signature"
"""The header of a signed request: an Ed25519 signature in hex."""
DEVICE = "Gatehouse-Device"
"""The header that says by which public key a call without a body is signed."""
NONCE = "Gatehouse-Nonce"
"""The header by which an answer says what the next call without a body is to be signed with, and that what it was."""
_ENVELOPE_TAG = "gatehouse/event/"
_REQUEST_TAG = "gatehouse/request/1"
_EPOCH_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# `\Z` and never `$`, which lets a line end behind the text: one key, hash or site has one writing.
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Seq: TypeAlias = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Text: TypeAlias = Annotated[str, Meta(max_length=200)]
Epoch: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Hash: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Salt: TypeAlias = Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){0,64}\Z")]
EventId: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
PublicKey: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""An Ed25519 public key (RFC 8032), 32 bytes."""
Nonce: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{32,128}\Z")]
"""Of the office: a challenge, a session, or what says that a call is made now."""
AnswerId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{8,64}\Z")]
Person: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]{1,64}\Z")
]
"""A name that is shown: nothing in it breaks a line, hides, or turns the writing round."""
Site: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]


class Spoken(Struct, frozen=True):
    """What is read of a hello first: a gateway of another version is told so, whatever else it says."""

    protocol: int


class Challenge(Struct, frozen=True):
    """What the next hello must hold and sign; good once."""

    challenge: Nonce


class Parent(Struct, frozen=True):
    """What an epoch goes on from: the event of another epoch that its first event chains to.

    `seq` 0, with a hash of zeros: nothing of the other epoch is common.
    """

    epoch: Epoch
    seq: Count
    hash: Hash


class EpochEnd(Struct, frozen=True):
    """Where one of the gateway's epochs ends, and where it began if it was forked."""

    epoch: Epoch
    seq: Seq
    hash: Hash
    parent: Parent | None = None


class Hello(Struct, frozen=True):
    """The gateway says who it is and what it has; signed. `list_…` are those of the list in force, 0 for none."""

    protocol: Annotated[int, Meta(extra_json_schema={"const": PROTOCOL})]
    software: Text
    boot_id: Text
    device_key: PublicKey
    challenge: Nonce
    epochs: Annotated[tuple[EpochEnd, ...], Meta(max_length=EPOCHS)]
    list_version: Count
    list_generation: Count = 0
    """Left out by gateways of an earlier release, as is `start_id`."""
    start_id: Text = ""
    """Another at each start of the process that says hello, so that two copies on one machine are told apart."""


class Cursor(Struct, frozen=True):
    """The office has everything of the epoch up to `through`, whose hash is `hash`.

    `known` is its hash at the number that the hello named as the epoch's end, None where it has none.
    """

    epoch: Epoch
    through: Count
    hash: Hash
    known: Hash | None = None


class KnownHash(Struct, frozen=True):
    """The hash of one event at the office, None where it has none."""

    hash: Hash | None


class Welcome(Struct, frozen=True):
    """The office's answer to a hello. An epoch without a cursor starts at 0."""

    session: Nonce
    cursors: Annotated[tuple[Cursor, ...], Meta(max_length=EPOCHS)]


_BODY = "As `type` and `version` have it: docs/events.md, and as JSON Schema `gatehouse schema events`. Empty: erased"


class WireEvent(Struct, frozen=True):
    """One journalled event; its epoch is the batch's. `wall` is exact to the microsecond."""

    event_id: EventId
    seq: Seq
    type: Name
    version: Annotated[int, Meta(ge=1, le=10_000)]
    wall: Annotated[datetime, Meta(tz=True)]
    clock_quality: Name
    boot_id: Text
    monotonic_us: Count
    actor: Text
    device: Text | None
    subjects: Annotated[tuple[Text, ...], Meta(max_length=SUBJECTS)]
    body: Annotated[dict[str, Any], Meta(description=_BODY)]
    salt: Salt
    commitment: Hash
    previous_hash: Hash
    hash: Hash
    layout: Annotated[int, Meta(ge=1, le=2)] = 1
    """Of the canonical bytes. An event of layout 2 that was erased has no salt, body, subjects or actor."""


class Batch(Struct, frozen=True):
    """Events of one epoch, in order and without a gap; signed."""

    session: Nonce
    epoch: Epoch
    events: Annotated[tuple[WireEvent, ...], Meta(min_length=1, max_length=BATCH_ROWS)]


class Gap(Struct, frozen=True):
    """Events `first` to `last` of an epoch are gone from the gateway for ever; signed.

    `hash` is the last one's, which the next event chains to; `previous_hash` what the first chained to, where that is
    still known. Why they are gone is told by an event of the chain.
    """

    session: Nonce
    epoch: Epoch
    first: Seq
    last: Seq
    hash: Hash
    previous_hash: Hash | None


class Copies(Struct, frozen=True):
    """Events ahead of their turn, in order; they move no cursor and come again in their turn. Signed."""

    session: Nonce
    epoch: Epoch
    events: Annotated[tuple[WireEvent, ...], Meta(min_length=1, max_length=COPIES)]


class Kept(Struct, frozen=True):
    """Committed: how many of the copies were new."""

    kept: Count


class Receipt(Struct, frozen=True):
    """Committed: the office has everything of the epoch up to `through`."""

    epoch: Epoch
    through: Count


class GivenAnswer(Struct, frozen=True):
    """Somebody at the office says yes or no to who waits; `event_id` is that of the AccessRequested."""

    answer_id: AnswerId
    event_id: EventId
    allow: bool
    by: Person
    expires_at: Annotated[datetime, Meta(tz=True)]


class Answer(Struct, frozen=True):
    """An answer on its way down. `n` rises; `good_for_s` is what is left of it, so that no two clocks are compared."""

    n: Seq
    answer_id: AnswerId
    event_id: EventId
    allow: bool
    by: Person
    good_for_s: Annotated[float, Meta(ge=0, le=CONFIRM_MAX_S)]


class Answers(Struct, frozen=True):
    """The answers after the one asked from, oldest first."""

    answers: Annotated[tuple[Answer, ...], Meta(min_length=1, max_length=ANSWERS)]


class Refusal(Struct, frozen=True):
    """Why the office did not do it; `code` is for programs, `text` for people."""

    code: Name
    text: Annotated[str, Meta(max_length=2000)]
    through: Count | None = None
    """With `past_cursor`: where the office's cursor is."""
    faults: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """With `unsound`: each fault, by its path."""


class ErrorAnswer(Struct, frozen=True):
    """Body of every answer that is not 2xx."""

    error: Refusal


def canonical_bytes(epoch: str, event: WireEvent) -> bytes:
    """What an event's hash covers: each field as UTF-8 behind its length in 4 bytes, big-endian (docs/protocol.md)."""
    device = event.device or ""
    named: tuple[str | int, ...] = (device,)
    if event.layout == 1:
        named = (event.actor, device, len(event.subjects), *event.subjects)
    return _fields(
        *(f"{_ENVELOPE_TAG}{event.layout}", epoch, event.seq, event.event_id, event.type, event.version),
        *((event.wall - _EPOCH_ZERO) // _MICROSECOND, event.clock_quality, event.boot_id, event.monotonic_us),
        *named,
        *(event.commitment, event.previous_hash),
    )


def committed_bytes(event: WireEvent, order: Literal["sorted"] | None = None) -> bytes:
    """What an event's commitment covers (docs/protocol.md), its body's members as they came, or sorted.

    Numbers stay as they came: earlier releases recorded whole ones as `5.0`.
    """
    salt, body = bytes.fromhex(event.salt), msgspec.json.encode(event.body, order=order)
    if event.layout == 1:
        return salt + body
    return salt + _fields(event.actor, len(event.subjects), *event.subjects) + len(body).to_bytes(4, "big") + body


def signed_bytes(site: str, call: str, nonce: str, body: bytes) -> bytes:
    """What a request's signature covers: the site, the call, its nonce and its body's SHA-256.

    The call is the path behind the site's, with its query, as it is sent: `hello`, `list/13/changes?since=12`. The
    nonce is the challenge of a hello, the session of events, gaps and copies, and the office's newest for all else.
    """
    return _fields(_REQUEST_TAG, site, call, nonce, hashlib.sha256(body).hexdigest())


def _fields(*values: str | int) -> bytes:
    fields = [str(value).encode() for value in values]
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def is_sound(epoch: str, event: WireEvent) -> bool:
    """Whether the hash is the envelope's, and the commitment is what the event says, if it wasn't erased."""
    if hashlib.sha256(canonical_bytes(epoch, event)).hexdigest() != event.hash:
        return False
    if not event.salt and event.layout != 1:
        return not (event.body or event.actor or event.subjects)
    # As they came is the order of the journal; sorted is for what something on the way has put in another order.
    covered = (committed_bytes(event, order) for order in (None, "sorted"))
    return any(hashlib.sha256(each).hexdigest() == event.commitment for each in covered)
