"""The controller's whole state, as it lies in a checkpoint."""

from dataclasses import dataclass, field

from gateway.domain.alarm import OpenAlarm
from gateway.domain.door import DoorState
from gateway.domain.entry import EntryState
from gateway.domain.moment import Moment
from gateway.domain.observation_book import WatchedObservation
from gateway.domain.patrol import PatrolState
from gateway.domain.signals import ListReady
from gateway.domain.sirens import SirenState


@dataclass(slots=True)
class DueAlarm:
    """An alarm that is raised if its cause is still there at `at_s`, monotonic seconds of the boot `boot_id`."""

    at_s: float
    boot_id: str

    def is_over(self, moment: Moment) -> bool:
        """Is it time? After a reboot it is."""
        return self.boot_id != moment.boot_id or self.at_s <= moment.monotonic_s


@dataclass(slots=True)
class ControllerState:
    """Plain values only: it is written as JSON with every turn and read back at the next start."""

    doors: dict[str, DoorState] = field(default_factory=dict)
    alarms: dict[str, OpenAlarm] = field(default_factory=dict)
    next_alarm: int = 1
    next_command: int = 1
    observations: dict[str, WatchedObservation] = field(default_factory=dict)
    fire_latched: bool = False
    active_inputs: list[str] = field(default_factory=list)
    input_faults: dict[str, str] = field(default_factory=dict)
    """Site inputs whose loops are at fault: an `InputFault` of each."""
    inputs_due: dict[str, DueAlarm] = field(default_factory=dict)
    sirens: SirenState = field(default_factory=SirenState)
    lost: list[str] = field(default_factory=list)
    tampered_readers: list[str] = field(default_factory=list)
    readers_without_power: list[str] = field(default_factory=list)
    clock_due: DueAlarm | None = None
    """When a clock that isn't synchronised becomes an alarm."""
    clock_suspect_in: str | None = None
    """The boot in which the clock is suspect now."""
    used_requests: list[str] = field(default_factory=list)
    entry: EntryState = field(default_factory=EntryState)
    patrol: PatrolState = field(default_factory=PatrolState)
    held_list: ListReady | None = None
    """The office's list that waits for a second yes."""
    list_current: Moment | None = None
    """When the office said last that the list in force is its newest."""
