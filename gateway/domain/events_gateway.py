"""Events of the gateway itself: its start, its processes, its clock, what people did or asked at the console."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStarted(Occurrence):
    """The doors process runs. `restored`: there was a state to go on from; without one nobody waits any more."""

    software: str
    restored: bool
    list_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLost(Occurrence):
    """One of the gateway's own processes died."""

    process: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReturned(Occurrence):
    """A process of the gateway's runs again."""

    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Occurrence):
    """A guard's request, or the office's answer to an AccessRequested, was refused.

    `subject` is what was asked for: a door, group or output (or `all`), a tour or round, a request's name, a list's
    version, `kind:id` to block and unblock, a credential (local_grant), a cardholder (forgive, erase).
    """

    request_id: str
    request: str
    subject: str
    reason: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAudited(Occurrence):
    """Something a person did at the console; `detail` is the address they did it from, or what they asked for."""

    action: str
    actor: str
    post: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset(Occurrence):
    """The wall clock jumped by `offset_s`: it read `wall_before` and reads `wall_after`. Or it is no longer suspect.

    Times of the boot `boot` that were recorded before this are corrected by adding `offset_s`. `was` is how far the
    clock could be trusted until then.
    """

    wall_before: datetime
    wall_after: datetime
    offset_s: float
    boot: str
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsLost(Occurrence):
    """The inbox was full and `count` signals were dropped; `kind` is their name (docs/signals.md)."""

    kind: str
    count: int


GatewayEvent: TypeAlias = (
    GatewayStarted | ProcessLost | ProcessReturned | RequestRefused | OperatorAudited | ClockOffset | SignalsLost
)
