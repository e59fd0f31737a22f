"""The site config as typed values: what a TOML file may say, and nothing else.

Strict types, unknown keys refused, frozen. References between tables are checked in `config.references`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"
TIME_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
END_PATTERN = r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"
URL_PATTERN = r"^https?://"
Seconds = Annotated[float, Field(gt=0, le=3600)]


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
    release_time_s: Seconds = 5.0
    extended_release_time_s: Seconds = 10.0
    open_time_s: Seconds = 20.0
    extended_open_time_s: Seconds = 40.0
    pre_alarm_time_s: Seconds = 5.0


class AccessPointTable(_Table):
    """`[access_point.ID]`: the id is the office's."""

    door: str
    readers: tuple[str, ...] = Field(min_length=1)

    @field_validator("readers", mode="before")
    @classmethod
    def _readers(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class InputTable(_Table):
    """`[input.ID]`: an input of the site."""

    name: Names
    purpose: Literal["fire", "panic", "tamper"]
    device: str
    input: int = Field(ge=0, le=63)
    active_when: Literal["energised", "not_energised"] = "energised"


class PeriodTable(_Table):
    """One period of a schedule; an end at or before the start runs over midnight."""

    days: tuple[Day, ...] = Field(min_length=1)
    start: str = Field(pattern=TIME_PATTERN)
    end: str = Field(pattern=END_PATTERN)

    @field_validator("days", mode="before")
    @classmethod
    def _days(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class ScheduleTable(_Table):
    """`[schedule.ID]`: the site's own schedules, such as when cameras are armed."""

    periods: tuple[PeriodTable, ...]

    @field_validator("periods", mode="before")
    @classmethod
    def _periods(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


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
    doors: tuple[str, ...] = ()
    zones: tuple[ZoneTable, ...] = ()
    evidence: EvidenceTable = EvidenceTable()

    @field_validator("doors", "zones", mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class OfficeTable(_Table):
    """`[office]`: the central property system."""

    url: str = Field(pattern=URL_PATTERN)
    token: str
    insecure: bool = False


class ConsoleTable(_Table):
    """`[console]`: the guards' page. Loopback until an interface is named."""

    host: str = "127.0.0.1"
    port: int = Field(default=8400, ge=0, le=65535)
    post: str = Field(default="gate-house", pattern=ID_PATTERN)


class EvidenceKeepTable(_Table):
    """`[evidence]`: how long clips and snapshots stay."""

    keep_days: int = Field(default=30, ge=1, le=365)
    keep_mb: int = Field(default=4096, ge=64)
