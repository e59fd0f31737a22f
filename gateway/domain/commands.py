"""Commands: what the gateway tells a device. The second vocabulary.

Every command has an id that is used once and an expiry on the monotonic clock; its outcome comes back as
`CommandCompleted` with the same id. A driver never sends a command after its expiry. An indication has no outcome:
whether somebody saw a light changes nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class PulseOutput:
    """Hold an output at `energise` for `duration_s`, then let it fall back: timed by the board where it can."""

    command_id: str
    device: str
    output: int
    energise: bool
    duration_s: float
    expires_s: float


@dataclass(frozen=True, slots=True)
class SetOutput:
    """Set an output until told otherwise."""

    command_id: str
    device: str
    output: int
    energise: bool
    expires_s: float


class Indication(StrEnum):
    """What a reader tells whoever stands there, by light and sound."""

    GRANTED = "granted"
    """Also under duress, and in no way differently."""
    DENIED = "denied"
    WAITING = "waiting"
    """Something more is waited for: a PIN, another person, somebody's yes."""


@dataclass(frozen=True, slots=True)
class IndicateAtReader:
    """Show how a request went, at the reader where it was made; a later one takes its place."""

    command_id: str
    device: str
    indication: Indication
    expires_s: float


@dataclass(frozen=True, slots=True)
class SwapList:
    """Put a compiled access list in force. `path` is relative to the data directory."""

    command_id: str
    version: int
    path: str
    digest: str
    credentials: int
    generation: int = 0


@dataclass(frozen=True, slots=True)
class ForkJournal:
    """Open a new epoch after the event at (`epoch`, `seq`), if `current` is still the journal's newest epoch."""

    command_id: str
    current: str
    epoch: str
    seq: int
    hash: str


DeviceCommand: TypeAlias = PulseOutput | SetOutput
Command: TypeAlias = DeviceCommand | IndicateAtReader | SwapList | ForkJournal
