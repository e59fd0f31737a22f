"""The site's wiring as the controller needs it: doors, access points, inputs, cameras.

Pure values made from the site config.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.domain.credential import Grade
from gateway.domain.schedule import Schedule
from gateway.domain.tour import Tour


class LockKind(StrEnum):
    """What the lock does without power."""

    FAIL_SAFE = "fail_safe"
    FAIL_SECURE = "fail_secure"


class Wiring(StrEnum):
    """Which of the relay's contacts feeds the lock: normally open or normally closed."""

    NO = "NO"
    NC = "NC"


class InputPurpose(StrEnum):
    """What a site input is wired to."""

    FIRE = "fire"
    PANIC = "panic"
    TAMPER = "tamper"
    MAINS = "mains"
    """The supply from the grid is gone: the site runs on its batteries."""
    BATTERY = "battery"
    """The battery is low, or gone."""
    LIFT_FAULT = "lift_fault"
    PUMP_FAULT = "pump_fault"


@dataclass(frozen=True, slots=True)
class Terminal:
    """One input or output of a device, numbered from 0. `inverted`: the meaning is active while not energised."""

    device: str
    number: int
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a relay. `release_energised` says whether the relay coil is on while the lock is released."""

    output: Terminal
    kind: LockKind
    wiring: Wiring

    @property
    def release_energised(self) -> bool:
        """Fail-secure opens with power, fail-safe without; NC turns the relay's sense round."""
        powered_when_released = self.kind is LockKind.FAIL_SECURE
        return powered_when_released == (self.wiring is Wiring.NO)


@dataclass(frozen=True, slots=True)
class Door:
    """A door and its timings in seconds (ONVIF DoorControl's names)."""

    id: str
    lock: Lock
    contact: Terminal | None = None
    rex: Terminal | None = None
    escape_route: bool = False
    release_time_s: float = 5.0
    extended_release_time_s: float = 10.0
    open_time_s: float = 20.0
    extended_open_time_s: float = 40.0
    pre_alarm_time_s: float = 5.0
    relock_on_close: bool = True
    fire_release: bool = True
    barrier: bool = False
    """No door but a boom or gate whose own controller closes it: it is pulsed open, and never held."""
    pulse_time_s: float = 1.0
    """How long a barrier's open input is closed; who it was opened for is awaited for the release time."""


class DegradedMode(StrEnum):
    """What an access point does while the list that should be in force can't be used."""

    LOCKED = "locked"
    LAST_LIST = "last_list"
    """The list before it, if there is one."""
    FACILITY_CODE = "facility_code"
    """Any card of the site's facility code; never on the perimeter."""


@dataclass(frozen=True, slots=True)
class ReaderRules:
    """What a reader's cards are worth, and what may be shown at it (None: everything)."""

    grade: Grade = Grade.CLONABLE
    accepts: frozenset[Grade] | None = None


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One way through one door, or the panel of one lift: the readers that stand there. Its id is the office's."""

    id: str
    door: str | None
    readers: tuple[str, ...]
    lift: str | None = None
    exit: bool = False
    """The way out. Where the door is an escape route, no rule refuses it."""
    degraded: DegradedMode = DegradedMode.LAST_LIST
    facility: tuple[str, int] | None = None
    """(format, facility code) of the site's own cards, for the degraded mode."""
    rules: dict[str, ReaderRules] = field(default_factory=dict)
    """By reader."""
    position_m: tuple[float, float] | None = None
    """Where it is on the site's plan, in metres."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift whose floor buttons the gateway enables: one output a floor, for so long."""

    id: str
    floors: dict[str, Terminal]
    enable_time_s: float = 10.0


class InterlockRule(StrEnum):
    """Two different rules that go by one name."""

    ONE_OPEN = "one_open"
    """No grant while another door of the group is open."""
    ONE_UNLOCKED = "one_unlocked"
    """No grant while another door of the group is open or its lock released."""


@dataclass(frozen=True, slots=True)
class Interlock:
    """Doors of a sluice."""

    id: str
    rule: InterlockRule
    doors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoorGroup:
    """Doors that are locked down, and released again, together."""

    id: str
    doors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteInput:
    """An input that belongs to the site rather than to a door."""

    id: str
    purpose: InputPurpose
    terminal: Terminal
    delay_s: float = 0.0
    """It is an alarm only after so long; fire never waits."""


class OutputPurpose(StrEnum):
    """What a site output works."""

    SIREN = "siren"
    LIGHT = "light"


@dataclass(frozen=True, slots=True)
class SiteOutput:
    """An output that belongs to the site rather than to a door: it calls for people when nobody is at a console."""

    id: str
    purpose: OutputPurpose
    terminal: Terminal
    limit_s: float = 180.0
    """It goes on for so long at most."""


@dataclass(frozen=True, slots=True)
class CameraPlace:
    """What the controller knows of a camera: when its zones are armed and which doors it sees."""

    id: str
    armed: Schedule
    doors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that the controller is built on."""

    id: str
    zone: ZoneInfo
    doors: dict[str, Door] = field(default_factory=dict)
    access_points: dict[str, AccessPoint] = field(default_factory=dict)
    inputs: dict[str, SiteInput] = field(default_factory=dict)
    outputs: dict[str, SiteOutput] = field(default_factory=dict)
    cameras: dict[str, CameraPlace] = field(default_factory=dict)
    lifts: dict[str, Lift] = field(default_factory=dict)
    interlocks: tuple[Interlock, ...] = ()
    door_groups: dict[str, DoorGroup] = field(default_factory=dict)
    indicators: frozenset[str] = frozenset()
    """Readers that can show by light or sound how a request went."""
    tours: dict[str, Tour] = field(default_factory=dict)
    has_office: bool = False
    unsigned_lists: bool = False
    """The office's lists are taken without a signature, by the site's own word."""
    insecure_links: tuple[str, ...] = ()
    """Office and brokers without TLS, and as `device:ID` readers without encryption: each is a standing alarm."""
    repeat_read_s: float = 1.0
    second_credential_s: float = 10.0
    """How long a PIN, a second card or an escort is waited for."""
    unsynchronised_alarm_s: float = 86_400.0
    """How long a clock may go without being synchronised."""
    confirm_s: float = 30.0
    """How long somebody's yes is waited for."""
    travel_speed_m_s: float = 8.0
    """Nobody goes faster from one access point to another: the same card sooner is a copy, or was handed over."""
