"""Signals: what a device, a camera, a guard, the office or a process said. The first vocabulary.

A signal that crosses a process boundary travels as JSON: `{"type": "<class name>", …fields}`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from gateway.domain.credential import Reading
from gateway.domain.list_update import GuardedChange


class LinkState(StrEnum):
    """Whether a device, a camera, the office or a process can be reached."""

    ONLINE = "online"
    OFFLINE = "offline"


class CommandOutcome(StrEnum):
    """How a command ended."""

    DONE = "done"
    """The device confirmed it, by answer or by read-back."""
    SENT = "sent"
    """It went out to a device that confirms nothing."""
    EXPIRED = "expired"
    """It was too late to send it; nothing went out."""
    FAILED = "failed"
    """The device refused, answered wrongly or did not answer in time."""


@dataclass(frozen=True, slots=True)
class CardRead:
    """A credential was read. `readings` are in the reader's priority; of those of sound parity the first known decides.

    `received_s` is the monotonic time, in seconds, at which the last byte of the read arrived.
    """

    reader: str
    readings: tuple[Reading, ...]
    received_s: float


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """One key of a reader's keypad: `0`-`9`, `*` or `#`. Never journalled."""

    reader: str
    key: str
    received_s: float


@dataclass(frozen=True, slots=True)
class TextRead:
    """A scanner read a text, such as a pass's QR code or a number plate. Never journalled."""

    reader: str
    text: str
    received_s: float


@dataclass(frozen=True, slots=True)
class ReadIgnored:
    """A read that must not count: retained, replayed, too early after connecting, or out of its time window."""

    reader: str
    reason: str


@dataclass(frozen=True, slots=True)
class InputsChanged:
    """What an input board saw at one poll: (input number from 0, energised). The first report carries all inputs.

    One poll's changes travel together, so that an exit button that closed in the same poll as the door's contact
    opened is never mistaken for a forced door.
    """

    device: str
    inputs: tuple[tuple[int, bool], ...]
    received_s: float


@dataclass(frozen=True, slots=True)
class OutputsRead:
    """What a relay board says of its outputs: (output number from 0, energised).

    All of them at start and on return; later those that are not as they were commanded or last read.
    """

    device: str
    outputs: tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class OutputsUnknown:
    """A relay board that can't say how its outputs stand was connected, at start or again."""

    device: str


class InputFault(StrEnum):
    """What is wrong with a supervised input's loop."""

    SHORT = "short"
    OPEN_CIRCUIT = "open_circuit"


@dataclass(frozen=True, slots=True)
class InputFaultChanged:
    """A supervised input's loop is at fault, or (`fault` None) is whole; said on each connecting and at each change.

    While it is at fault nobody knows what is at the other end, and `InputsChanged` says nothing of this input.
    """

    device: str
    input: int
    fault: InputFault | None


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A device's, camera's or peer's link went away or came back; said once for each change."""

    device: str
    state: LinkState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FramesRejected:
    """Bytes from a device that made no valid frame; counted by the driver, told at most once a minute."""

    device: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceFlagged:
    """A device is set up so that it is unsafe or can't work, such as a relay that switches on at power-up."""

    device: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReaderConditionChanged:
    """What a reader says of itself, on connecting and on change: opened or torn off the wall; its power is failing."""

    device: str
    tampered: bool
    power_fault: bool


@dataclass(frozen=True, slots=True)
class CommandCompleted:
    """How a command to a device ended.

    `never_sent`: it failed and nothing of it went out, as when its device is known to be away. Of one that expired
    nothing ever did.
    """

    command_id: str
    device: str
    outcome: CommandOutcome
    detail: str = ""
    never_sent: bool = False


OFFICE_POST = "office"
"""The post of who speaks from the office; no console has it."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who asks at the console, or at the office, and from which post."""

    name: str
    post: str


@dataclass(frozen=True, slots=True)
class OpenRequested:
    """A guard asks to open a door once. `request_id` is used once; after `expires_at` it is refused."""

    request_id: str
    door: str
    reason: str
    operator: Operator
    expires_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class FireResetRequested:
    """A person clears the latched fire release, after the input has returned to normal."""

    request_id: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class DoorModeRequested:
    """A guard sets a door's mode (`Locked`, `Unlocked`, `Blocked`) until `until`, or gives it back (`mode` None)."""

    request_id: str
    door: str
    mode: str | None
    reason: str
    operator: Operator
    expires_at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LockdownRequested:
    """A guard locks a group of doors down, or all (`group` None): entry is refused, the way out stays open."""

    request_id: str
    group: str | None
    reason: str
    operator: Operator
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LockdownReleaseRequested:
    """Two people release a lockdown."""

    request_id: str
    group: str | None
    reason: str
    operator: Operator
    second: Operator | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LockOpenRequested:
    """A guard's life-safety release: the doors stand released until that is taken back. It stands above a lockdown."""

    request_id: str
    group: str | None
    reason: str
    operator: Operator
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LockOpenReleaseRequested:
    """A guard takes a life-safety release back."""

    request_id: str
    group: str | None
    reason: str
    operator: Operator
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BlockRequested:
    """A guard blocks a `credential:ID` or `cardholder:ID` here and now, whatever any list says; or lifts the block."""

    request_id: str
    subject: str
    blocked: bool
    reason: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class LocalGrantRequested:
    """A guard lets a known credential pass these access points until `until`, at most 24 h; or ends that (None)."""

    request_id: str
    credential: str
    access_points: tuple[str, ...]
    until: datetime | None
    reason: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class ForgiveRequested:
    """Anti-passback forgets where a cardholder is, or where everybody is (None)."""

    request_id: str
    cardholder: str | None
    reason: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class AccessConfirmRequested:
    """Somebody says yes or no to an `AccessRequested` that waits for it, by its `request`."""

    request_id: str
    request: str
    allow: bool
    operator: Operator


@dataclass(frozen=True, slots=True)
class TourStartRequested:
    """A guard starts a round of a tour now; somebody of its groups then has its tolerance to be at the first point."""

    request_id: str
    tour: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class TourStopRequested:
    """A guard ends a round that is awaited or under way, by its id, and says why."""

    request_id: str
    round: str
    reason: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class AlarmAcknowledgeRequested:
    """A guard has seen an alarm."""

    request_id: str
    alarm: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class AlarmResolveRequested:
    """A guard ends an alarm. `outcome` is one of `AlarmOutcome`'s values; the note is free text."""

    request_id: str
    alarm: str
    outcome: str
    note: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class SirenTestRequested:
    """A guard has a siren or light work for a moment."""

    request_id: str
    output: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class SirenSilenceRequested:
    """A guard ends whatever sirens and lights work; the alarms stay as they are."""

    request_id: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class ConsoleWatched:
    """Whether any console page is live, so that somebody sees an alarm. Said at the start and at each change."""

    live: bool


@dataclass(frozen=True, slots=True)
class PersonEraseRequested:
    """What is recorded and remembered of a person, and of credentials that were theirs, is to be erased."""

    request_id: str
    cardholder: str
    credentials: tuple[str, ...]
    reason: str
    operator: Operator


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """Something a person did at the console that the audit trail keeps.

    `signed_in`, `sign_in_failed`, `signed_out`, `user_added` …
    """

    action: str
    operator: Operator
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ListReady:
    """A new access list is compiled and verified beside the old one. `path` is relative to the data directory.

    `guards`: why it waits for a second yes, the office's or the site's.
    """

    version: int
    path: str
    digest: str
    credentials: int
    generation: int = 0
    guards: tuple[GuardedChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ListCurrent:
    """The office says that it has no newer list than this one, which is in force."""

    version: int
    generation: int = 0


@dataclass(frozen=True, slots=True)
class RevokedCredential:
    """A credential that is refused until a list of this (generation, version) or later is in force."""

    credential: str
    generation: int
    version: int


@dataclass(frozen=True, slots=True)
class OfficeRevoked:
    """The office revokes credentials before they are out of the list that is in force."""

    sequence: int
    revoked: tuple[RevokedCredential, ...]


@dataclass(frozen=True, slots=True)
class ListConfirmRequested:
    """A supervisor, or two people, say yes to a list that waits. `second` is another person; None: none is needed."""

    request_id: str
    version: int
    reason: str
    operator: Operator
    second: Operator | None = None


@dataclass(frozen=True, slots=True)
class ListActivated:
    """The doors process has put a list in force: said by the site loop itself after the swap."""

    version: int
    digest: str
    credentials: int
    generation: int = 0


@dataclass(frozen=True, slots=True)
class ListRefused:
    """The office sent a list that can't be used; the old one stays. One line a fault."""

    version: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryDiverged:
    """The office has another history than this journal, whose newest epoch is `current`.

    `epoch`, `seq` and `hash` are the last event that both have; `seq` is 0 where there is none.
    """

    current: str
    epoch: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class HistoryForked:
    """The journal has opened a new epoch beside another history; its own record of that is written already."""

    epoch: str


@dataclass(frozen=True, slots=True)
class Observation:
    """A camera's rule held: such as motion in a zone. `started_at` is the wall time of the frame that settled it.

    `observation_id` is unique; `state` is `started` or `ended`. Every start has an end (`timed_out` if the stream
    was lost).
    """

    observation_id: str
    camera: str
    rule: str
    zone: str
    state: str
    started_at: datetime
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceReady:
    """A snapshot or clip of an observation lies on the disk. `path` is relative to the data directory."""

    observation_id: str
    camera: str
    kind: str
    path: str
    sha256: str
    size_bytes: int
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class ProcessChanged:
    """One of the gateway's own processes was lost or is back."""

    process: str
    state: LinkState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StatusReported:
    """What is true just now in another process and is never recorded: small, flat values by name."""

    process: str
    values: dict[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JournalChanged:
    """The journal can't be written any more, or can again; `lost` counts events that could not be kept meanwhile."""

    available: bool
    detail: str
    lost: int = 0


@dataclass(frozen=True, slots=True)
class SignalsDropped:
    """The inbox was full: how many signals of a kind were dropped since the last report."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """A deadline that the controller asked for has come."""


@dataclass(frozen=True, slots=True)
class GatewayStarting:
    """The doors process starts: `software` is its version, `restored` says whether a checkpoint was there."""

    software: str
    restored: bool


Signal: TypeAlias = (
    CardRead
    | KeyPressed
    | TextRead
    | ReadIgnored
    | InputsChanged
    | OutputsRead
    | OutputsUnknown
    | InputFaultChanged
    | LinkChanged
    | FramesRejected
    | DeviceFlagged
    | ReaderConditionChanged
    | CommandCompleted
    | OpenRequested
    | DoorModeRequested
    | LockdownRequested
    | LockdownReleaseRequested
    | LockOpenRequested
    | LockOpenReleaseRequested
    | BlockRequested
    | LocalGrantRequested
    | ForgiveRequested
    | AccessConfirmRequested
    | FireResetRequested
    | TourStartRequested
    | TourStopRequested
    | AlarmAcknowledgeRequested
    | AlarmResolveRequested
    | SirenTestRequested
    | SirenSilenceRequested
    | ConsoleWatched
    | PersonEraseRequested
    | OperatorActed
    | ListReady
    | ListCurrent
    | OfficeRevoked
    | ListConfirmRequested
    | ListActivated
    | ListRefused
    | HistoryDiverged
    | HistoryForked
    | Observation
    | EvidenceReady
    | ProcessChanged
    | StatusReported
    | JournalChanged
    | SignalsDropped
    | DeadlineReached
    | GatewayStarting
)
