"""Events of the gateway itself: its start, its lists, its processes, its journal, what people did at the console."""

from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStarted(Occurrence):
    """The doors process runs. `restored`: there was a state to go on from."""

    software: str
    restored: bool
    list_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivated(Occurrence):
    """An access list is in force."""

    list_version: int
    digest: str
    credentials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRejected(Occurrence):
    """A list from the office was refused; the old one stays."""

    list_version: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLost(Occurrence):
    """One of the gateway's own processes died."""

    process: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReturned(Occurrence):
    """It runs again."""

    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Occurrence):
    """A guard's request was refused."""

    request_id: str
    request: str
    subject: str
    reason: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAudited(Occurrence):
    """Something a person did at the console."""

    action: str
    actor: str
    post: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalGap(Occurrence):
    """Events that could not be kept: how many, between when and when, and why."""

    lost: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsLost(Occurrence):
    """The inbox was full and signals were dropped."""

    kind: str
    count: int


GatewayEvent: TypeAlias = (
    GatewayStarted
    | ListActivated
    | ListRejected
    | ProcessLost
    | ProcessReturned
    | RequestRefused
    | OperatorAudited
    | JournalGap
    | SignalsLost
)
