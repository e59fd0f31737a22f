"""The site config as typed values: what a TOML file may say, and nothing else.

Strict types, unknown keys refused, frozen. References between tables are checked in `config.references`.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from drivers.registry import SecretReference

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"
TIME_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
END_PATTERN = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"
URL_PATTERN = r"^https?://"
LIST_ID_PATTERN = r"^\S{1,64}$"
"""An id of the office's list."""
FLOOR_PATTERN = r"^\S{1,16}$"
FORMAT_PATTERN = r"^[A-Za-z0-9]{1,16}$"
ROOT_KEY_PATTERN = r"^[0-9a-f]{64}$"
"""32 bytes of an Ed25519 public key."""
Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Metres = Annotated[float, Field(ge=-100_000, le=100_000)]
"""No compound is larger; it also keeps out the infinite."""
Grade = Literal["clonable", "secure", "pin", "plate", "pass"]


def _to_tuple(value: Any) -> Any:
    """TOML has lists; what is frozen holds tuples."""
    return tuple(value) if isinstance(value, list) else value


Ids = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Names(_Table):
    """A name that people see, in both languages."""

    zh_CN: str = Field(alias="zh-CN", min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=40)


class SiteTable(_Table):
    """`[site]`: who we are."""

    id: str = Field(pattern=ID_PATTERN)
    name: Names
    zone: str


class OutputRef(_Table):
    """`lock = {…}`: a relay output with a lock on it."""

    device: str
    output: int = Field(ge=0, le=63)
    kind: Literal["fail_safe", "fail_secure"]
    wiring: Literal["NO", "NC"]


class InputRef(_Table):
    """An input of a device; `active_when` says which state means open, pressed or alarm."""

    device: str
    input: int = Field(ge=0, le=63)
    active_when: Literal["energised", "not_energised"] = "energised"


class DoorTable(_Table):
    """`[door.ID]`. Times are in seconds, under ONVIF DoorControl's names."""

    name: Names
    lock: OutputRef
    contact: InputRef | None = None
    rex: InputRef | None = None
    escape_route: bool = False
    fire_release: bool = True
    relock_on_close: bool = True
    barrier: bool = False
    pulse_time_s: float | None = Field(default=None, ge=0.1, le=10)
    """Of a barrier alone; 1 s where it isn't said. A longer one is no pulse: the open input would be held."""
    release_time_s: Seconds = 5.0
    extended_release_time_s: Seconds = 10.0
    open_time_s: Seconds = 20.0
    extended_open_time_s: Seconds = 40.0
    pre_alarm_time_s: Seconds = 5.0


class FacilityTable(_Table):
    """`facility = {…}`: the format and facility code of the site's own cards."""

    format: str = Field(pattern=FORMAT_PATTERN)
    code: int = Field(ge=0, le=0xFFFFFFFF)
    """No known card format has more than 32 bits of it."""


class AccessPointTable(_Table):
    """`[access_point.ID]`: one way through a door, or the panel of a lift. The id is the office's."""

    door: str | None = None
    lift: str | None = None
    readers: Ids = Field(min_length=1)
    exit: bool = False
    perimeter: bool = True
    degraded: Literal["last_list", "locked", "facility_code"] = "last_list"
    facility: FacilityTable | None = None
    accepts: dict[str, Annotated[tuple[Grade, ...], BeforeValidator(_to_tuple), Field(min_length=1)]] = {}
    grades: dict[str, Literal["clonable", "secure"]] = {}
    position_m: Annotated[tuple[Metres, Metres], BeforeValidator(_to_tuple)] | None = None


class FloorRef(_Table):
    """`floors = { "1" = {…} }`: the relay output that lets a floor's button work."""

    device: str
    output: int = Field(ge=0, le=63)


class LiftTable(_Table):
    """`[lift.ID]`: floor buttons that a card lets work for a while. Floors bear the list's names."""

    name: Names
    enable_time_s: Seconds = 10.0
    floors: dict[Annotated[str, Field(pattern=FLOOR_PATTERN)], FloorRef] = Field(min_length=1)


class InterlockTable(_Table):
    """`[interlock.ID]`: the doors of a sluice."""

    rule: Literal["one_open", "one_unlocked"]
    doors: Ids = Field(min_length=2)


class DoorGroupTable(_Table):
    """`[door_group.ID]`: doors that are locked down, or released, together."""

    name: Names
    doors: Ids = Field(min_length=1)


class AreaTable(_Table):
    """`[area.ID]`: what guards call an area of the office's list, by its id there."""

    name: Names


class AccessTable(_Table):
    """`[access]`: how long people are waited for, and what is too fast."""

    second_credential_s: float = Field(default=10.0, ge=1, le=120)
    """Whoever waits longer at the door has given up, and the next one must not complete their request."""
    confirm_s: float = Field(default=30.0, ge=5, le=300)
    """A guard needs seconds to look at a face; after minutes somebody else stands there."""
    travel_speed_m_s: float = Field(default=8.0, ge=1, le=100)
    """Below a walk everybody would alarm; above a car nobody."""
    repeat_read_s: float = Field(default=1.0, ge=0.1, le=10)
    """Readers repeat a card that is held to them a few times a second."""


class InputTable(_Table):
    """`[input.ID]`: an input of the site."""

    name: Names
    purpose: Literal["fire", "panic", "tamper", "mains", "battery", "lift_fault", "pump_fault"]
    device: str
    input: int = Field(ge=0, le=63)
    active_when: Literal["energised", "not_energised"] = "energised"
    delay_s: float = Field(default=0.0, ge=0, le=3600)
    """For what may come and go by itself, such as the mains; fire, panic and tamper never wait."""


class ParityTable(_Table):
    """One of a format's `parities`: `bit` makes the sum of itself and the bits `over` even or odd."""

    bit: int = Field(ge=0)
    kind: Literal["even", "odd"]
    over: str = Field(min_length=1, max_length=1000)
    """Room for every bit of the longest message by itself."""


class WiegandFormatTable(_Table):
    """`[wiegand_format.NAME]`: a card format of the site's own. Bit 0 is the first one sent."""

    length: int = Field(ge=16, le=256)
    """Shorter messages are keys; twice the longest message that a Wiegand reader is known to send."""
    number: str = Field(min_length=1, max_length=1000)
    facility: str | None = Field(default=None, min_length=1, max_length=1000)
    decimal: bool = False
    parities: Annotated[tuple[ParityTable, ...], BeforeValidator(_to_tuple), Field(max_length=64)] = ()
    """A checksum of 32 bits is 32 parities; no format comes near."""
    fixed: dict[str, Annotated[int, Field(ge=0, le=1)]] = {}


class SiteOutputTable(_Table):
    """`[output.ID]`: a siren or light that calls for people when no console page is live."""

    name: Names
    purpose: Literal["siren", "light"]
    device: str
    output: int = Field(ge=0, le=63)
    active_when: Literal["energised", "not_energised"] = "energised"
    limit_s: float = Field(default=180.0, ge=5, le=1800)
    """Neighbours, and by-laws on noise, know no siren that goes on for ever."""


class Track2Table(_Table):
    """`[track2]`: which digits of a magnetic stripe are number and facility code, counted from 0."""

    number: str | None = Field(default=None, min_length=1, max_length=200)
    facility: str | None = Field(default=None, min_length=1, max_length=200)


class PeriodTable(_Table):
    """One period of a schedule; an end at or before the start runs over midnight."""

    days: Annotated[tuple[Day, ...], BeforeValidator(_to_tuple)] = Field(min_length=1)
    start: str = Field(pattern=TIME_PATTERN)
    end: str = Field(pattern=END_PATTERN)


class ScheduleTable(_Table):
    """`[schedule.ID]`: the site's own schedules, such as when cameras are armed."""

    periods: Annotated[tuple[PeriodTable, ...], BeforeValidator(_to_tuple)]


def _at_least(count: int) -> AfterValidator:
    """A bound that is asked of a list whose parts are all right: a wrong one is no missing one."""

    def check(value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(value) < count:
            raise ValueError(f"too few: {count} or more are needed here")
        return value

    return AfterValidator(check)


class HomeAssistantTable(_Table):
    """`[home_assistant]`: what is recorded is shown there, and nothing can be done from there."""

    broker: str
    prefix: str = Field(default="homeassistant", pattern=r"^[^\s+#/$][^\s+#]{0,63}$")
    language: Literal["en", "zh-CN"] = "en"
    people: bool = False
    """The opaque ids of cardholders go along with what happened."""


class TourPointTable(_Table):
    """A reader that a guard must visit, so many seconds after the point before it."""

    reader: str
    name: Names | None = None
    earliest_s: float = Field(default=0.0, ge=0, le=7200)
    latest_s: float | None = Field(default=None, gt=0, le=7200)
    """Two hours between two points: what takes longer is two tours."""
    grade: Literal["clonable", "secure"] | None = None


class TourDueTable(_Table):
    """When a tour starts: on these days at these times."""

    days: Annotated[tuple[Day, ...], BeforeValidator(_to_tuple)] = Field(min_length=1)
    at: Annotated[tuple[Annotated[str, Field(pattern=TIME_PATTERN)], ...], BeforeValidator(_to_tuple), _at_least(1)]


class TourTable(_Table):
    """`[tour.ID]`: the points of a guard's patrol, when it is due and who may walk it."""

    name: Names
    groups: Ids = Field(min_length=1)
    points: Annotated[tuple[TourPointTable, ...], BeforeValidator(_to_tuple), _at_least(2)] = Field(max_length=100)
    """A hundred points are a night's work."""
    due: Annotated[tuple[TourDueTable, ...], BeforeValidator(_to_tuple)] = ()
    in_order: bool = True
    tolerance_s: Seconds = 600.0
    grace_s: Seconds = 300.0
    start_by_card: bool = True


class ZoneTable(_Table):
    """A polygon in the picture; corners are (x, y) as parts of its width and height."""

    name: str = Field(pattern=ID_PATTERN)
    polygon: tuple[tuple[float, float], ...] = Field(min_length=3, max_length=32)

    @field_validator("polygon", mode="before")
    @classmethod
    def _corners(cls, value: Any) -> Any:
        return tuple(tuple(corner) if isinstance(corner, list) else corner for corner in value)

    @field_validator("polygon")
    @classmethod
    def _inside(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if any(not 0 <= part <= 1 for corner in value for part in corner):
            raise ValueError("corners are parts of the picture: every number lies between 0 and 1")
        return value


class EvidenceTable(_Table):
    """How much of the stream a clip holds."""

    before_s: float = Field(default=5.0, ge=0, le=30)
    after_s: float = Field(default=5.0, ge=1, le=60)


class CameraTable(_Table):
    """`[camera.ID]`: the part that every camera has; the rest of the table belongs to its driver."""

    name: Names
    driver: str
    armed: str
    doors: Ids = ()
    zones: Annotated[tuple[ZoneTable, ...], BeforeValidator(_to_tuple)] = ()
    evidence: EvidenceTable = EvidenceTable()


class OfficeTable(_Table):
    """`[office]`: the central property system."""

    url: str = Field(pattern=URL_PATTERN)
    token: SecretReference
    insecure: bool = False
    ca_file: str | None = Field(default=None, min_length=1)
    root_key: str | None = Field(default=None, pattern=ROOT_KEY_PATTERN)
    unsigned: bool = False
    removed_percent: Percent = 5.0
    removed_least: int = Field(default=20, ge=1, le=1_000_000)
    granted_percent: Percent = 10.0
    granted_least: int = Field(default=50, ge=1, le=1_000_000)
    guard_all_doors: bool = True
    guard_unlocked: bool = True


class ConsoleTable(_Table):
    """`[console]`: the guards' page. Loopback until an interface is named."""

    host: str = "127.0.0.1"
    port: int = Field(default=8400, ge=0, le=65535)
    post: str = Field(default="gate-house", pattern=ID_PATTERN)
    sees: Ids = ()
    """The doors in the post's sight: duress there shows at other posts only."""


class JournalTable(_Table):
    """`[journal]`: how long events stay here once the office has them, and how much room they may take."""

    keep_days: int = Field(default=30, ge=1, le=3650)
    keep_mb: int = Field(default=4096, ge=64)
    """30 days without an office, at 50,000 events a day, are about 2 GB."""


class ClockTable(_Table):
    """`[clock]`: what is expected of the machine's clock."""

    unsynchronised_alarm_h: float = Field(default=24.0, gt=0, le=8760)


class EvidenceKeepTable(_Table):
    """`[evidence]`: how long clips and snapshots stay."""

    keep_days: int = Field(default=30, ge=1, le=365)
    keep_mb: int = Field(default=4096, ge=64)
