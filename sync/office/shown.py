"""What people at the office, and their programs, are answered: for docs/openapi.json, which tests hold answers to."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sync import list_wire as lw
from sync import wire


class AccessList(msgspec.Struct):
    """LIST.json (docs/access-list.md); the schema is that of `gatehouse schema access-list`."""


class GivenList(msgspec.Struct):
    """An AccessList that is to be put; the office sets `version` and `issued_at`."""


class Cardholder(msgspec.Struct):
    """A cardholder of an AccessList."""


class Credential(msgspec.Struct):
    """A credential of an AccessList."""


class Changed(msgspec.Struct, frozen=True):
    """The list's new version. `hint`: what whoever made the change should know, in words."""

    version: wire.Seq
    hint: str | msgspec.UnsetType = msgspec.UNSET


class ArrivedEvent(wire.WireEvent, frozen=True, kw_only=True):
    """An event and how it came: `n` in order of arrival, `sound` if its commitment and its hash fit."""

    n: wire.Seq
    received_at: lw.Time
    epoch: wire.Epoch
    sound: bool


class Arrived(msgspec.Struct, frozen=True):
    """A page of events. `next` is the `after` of the next page."""

    events: tuple[ArrivedEvent, ...]
    next: wire.Count


class PlacedEvent(wire.WireEvent, frozen=True, kw_only=True):
    """An event at its place in an epoch; `seq` is its number in the epoch that it first came in."""

    place: wire.Seq
    received_at: lw.Time
    sound: bool


class Stream(msgspec.Struct, frozen=True):
    """A page of one epoch. `next` is the `after` of the next page."""

    events: tuple[PlacedEvent, ...]
    next: wire.Count


class Fork(msgspec.Struct, frozen=True):
    """The last event of another epoch that this one goes on from; 0: none."""

    epoch: wire.Epoch
    seq: wire.Count


class KnownEpoch(msgspec.Struct, frozen=True):
    """How far the office has an epoch."""

    epoch: wire.Epoch
    through: wire.Count
    parent: Fork | None


class EnrolledDevice(msgspec.Struct, frozen=True):
    """The key that speaks for the site."""

    key: wire.PublicKey
    enrolled_at: lw.Time
    how: Literal["first use", "administrator"]


class Alarm(msgspec.Struct, frozen=True):
    """Somebody must look. `text` is by language: zh-CN and en."""

    n: wire.Seq
    kind: str
    source: str
    priority: Annotated[int, Meta(ge=1, le=4)]
    detail: str
    first_at: lw.Time
    last_at: lw.Time
    count: wire.Seq
    text: dict[str, str]


class RefusedList(msgspec.Struct, frozen=True):
    """The list that the gateway would not take: the first of `count` faults, by path."""

    version: wire.Count | None
    refused_at: lw.Time
    faults: Annotated[tuple[str, ...], Meta(max_length=20)]
    count: wire.Count


class SaidList(msgspec.Struct, frozen=True):
    """The list that is in force at the gateway, as its last hello said; version 0: none."""

    generation: wire.Count
    version: wire.Count
    said_at: lw.Time


class HeldList(msgspec.Struct, frozen=True):
    """The list that waits at the site for a second yes, and of how many each reason is so."""

    version: wire.Count
    held_at: lw.Time
    removed: wire.Count
    granted: wire.Count
    all_doors: wire.Count
    unlocked: wire.Count


class LostBox(msgspec.Struct, frozen=True):
    """A box that was reported lost: its key speaks for nobody."""

    key: wire.PublicKey
    lost_at: lw.Time
    by: str


class Knew(msgspec.Struct, frozen=True):
    """What a lost box knew and only people can change. `text` is by language: zh-CN and en."""

    what: str
    text: dict[str, str]


class ReportedLost(msgspec.Struct, frozen=True):
    """The key that is void now, if there was one; the token of the site's next box, told this once."""

    key: wire.PublicKey | None
    token: str
    change: tuple[Knew, ...]


class KnownSite(msgspec.Struct, frozen=True):
    """A site of this office: its newest list, version 0: none; when its gateway said hello last."""

    site: str
    list_generation: wire.Count
    list_version: wire.Count
    last_hello_at: lw.Time | None


class Sites(msgspec.Struct, frozen=True):
    """All sites, by their names."""

    sites: tuple[KnownSite, ...]


class Summary(msgspec.Struct, frozen=True):
    """How it stands with a site."""

    site: str
    events: wire.Count
    unsound: wire.Count
    last_event_at: lw.Time | None
    gaps: int
    told_gone: wire.Count
    epochs: tuple[KnownEpoch, ...]
    duplicates_ignored: wire.Count
    last_hello_at: lw.Time | None
    software: str | None
    list_version: wire.Count
    list_generation: wire.Count
    list_version_at_gateway: wire.Count
    list_at_gateway: SaidList | None
    list_refused: RefusedList | None
    list_held: HeldList | None
    device_key: EnrolledDevice | None
    lost_boxes: tuple[LostBox, ...]
    alarms: tuple[Alarm, ...]


class SaidAlready(msgspec.Struct, frozen=True):
    """An answer that is still good."""

    answer_id: wire.AnswerId
    allow: bool
    by: str


class Waiter(msgspec.Struct, frozen=True):
    """Somebody waits for a yes. People are ids of the list."""

    event_id: wire.EventId
    asked_at: lw.Time
    access_point: str | None
    door: str | None
    credential: str | None
    cardholder: str | None
    answer: SaidAlready | None


class Waiting(msgspec.Struct, frozen=True):
    """Who waits, longest first."""

    waiting: tuple[Waiter, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What became of an answer: `pending`, `taken`, `expired`, or why the doors refused it."""

    answer_id: wire.AnswerId
    outcome: str


class EnrolledKey(msgspec.Struct, frozen=True):
    """The key that a site's device must have."""

    key: wire.PublicKey


class Forgotten(msgspec.Struct, frozen=True):
    """Whether there was a key to forget."""

    forgotten: bool


class Ended(msgspec.Struct, frozen=True):
    """The alarm that is over."""

    ended: wire.Seq
