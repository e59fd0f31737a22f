"""The lines of REQUESTS.jsonl as values: requests, and with `--stateful` what guards do between them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from gateway.commands.request_faults import in_words
from gateway.commands.times import parse_time
from gateway.domain.credential import NUMBER_MAX, PLATE_FORMAT, Grade
from gateway.domain.door_mode import DoorMode
from gateway.domain.moment import ClockQuality
from gateway.domain.shown import PLATE_CHARACTERS_MAX
from gateway.errors import ConfigError

IDENTIFIERS_MAX = 64
"""A reader gives a handful of readings."""
SECOND_MAX = 4
"""Five people at one door, as in the list."""
PASS_CHARACTERS_MAX = 4096
"""More than any scanner reads; what is no pass is denied rather than refused."""
ACCESS_POINTS_MAX = 1000
REFUSALS = ("SubjectUnknown", "AccessPointUnknown")
"""Why something that a guard does is refused."""
PIN_PATTERN = r"^[0-9]{1,12}$"
SUBJECT_PATTERN = r"^(credential|cardholder):.+$"
EXAMPLE = (
    '{"identifier": {"format": "H10301", "facility_code": 123, "number": 4567}, "access_point": "north", '
    '"time": "2026-11-23T08:00:00+08:00"}'
)

_FORMS = {"pin": "1 to 12 digits", "block": "credential:ID or cardholder:ID"}
"""What the two patterns mean, by the key whose text must match."""

_Digits = Annotated[str, msgspec.Meta(pattern=PIN_PATTERN.replace("$", r"\Z"))]
_Subject = Annotated[str, msgspec.Meta(pattern=SUBJECT_PATTERN.replace("$", r"\Z"))]
_Plate = Annotated[str, msgspec.Meta(min_length=1, max_length=PLATE_CHARACTERS_MAX)]
_Points = Annotated[tuple[str, ...], msgspec.Meta(max_length=ACCESS_POINTS_MAX)]


class AskedIdentifier(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A reading of a card, a PIN that identifies by itself, or a number plate."""

    format: str
    number: Annotated[int, msgspec.Meta(ge=0)] | _Plate
    facility_code: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None = None


_Identifiers = Annotated[tuple[AskedIdentifier, ...], msgspec.Meta(min_length=1, max_length=IDENTIFIERS_MAX)]
_PassText = Annotated[str, msgspec.Meta(max_length=PASS_CHARACTERS_MAX)]


class AskedShown(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Something that is shown: one of `identifier`, `identifiers` and `pass`."""

    identifier: AskedIdentifier | None = None
    identifiers: _Identifiers | None = None
    pass_text: _PassText | None = msgspec.field(default=None, name="pass")
    grade: Grade | None = None

    @property
    def readings(self) -> tuple[AskedIdentifier, ...]:
        """Its identifiers, in the reader's priority."""
        return self.identifiers or (() if self.identifier is None else (self.identifier,))


class AskedDoor(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the door stands, and how many people are in the area behind it."""

    mode: DoorMode | None = None
    interlocked_by: str | None = None
    inside: Annotated[int, msgspec.Meta(ge=0)] | None = None


class ListStanding(StrEnum):
    """How the list that is asked stands when it is asked."""

    IN_FORCE = "in_force"
    FALLBACK = "fallback"
    """A newer one should be in force and is damaged."""
    NONE = "none"
    """There is no list."""


class Asked(AskedShown, frozen=True, kw_only=True):
    """A request."""

    access_point: str
    time: str
    pin: _Digits | None = None
    second: AskedShown | Annotated[tuple[AskedShown, ...], msgspec.Meta(max_length=SECOND_MAX)] | None = None
    confirmed: bool | None = None
    door: AskedDoor | None = None
    clock: ClockQuality | None = None
    list_standing: ListStanding | None = msgspec.field(default=None, name="list")
    locked_out: bool | None = None
    taken: bool | None = None

    @property
    def further(self) -> tuple[AskedShown, ...]:
        """What is shown after the first."""
        if self.second is None:
            return ()
        return (self.second,) if isinstance(self.second, AskedShown) else self.second


class Forgiving(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Anti-passback forgets where a cardholder is, or everybody (null)."""

    time: str
    forgive: str | None


class Blocking(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A guard blocks a subject, or lifts the block."""

    time: str
    block: _Subject
    blocked: bool


class LettingIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A guard lets a credential pass some access points until a time; null takes that back."""

    time: str
    local_grant: str
    until: str | None
    access_points: _Points = ()


Act: TypeAlias = Forgiving | Blocking | LettingIn

_ACTS: dict[str, type[Forgiving] | type[Blocking] | type[LettingIn]] = {
    "forgive": Forgiving,
    "block": Blocking,
    "local_grant": LettingIn,
}


def parse_line(line: str, number: int) -> tuple[Asked | Act, datetime]:
    """A line and its time. Raises ConfigError with the line's number."""
    shown = line.strip()[:120]
    try:
        value = msgspec.json.decode(line)
        name = next((name for name in _ACTS if name in value), None) if isinstance(value, dict) else None
        said: Asked | Act = msgspec.convert(value, Asked) if name is None else msgspec.convert(value, _ACTS[name])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        remedy = f"{in_words(error, _FORMS)}; write one request a line, such as {EXAMPLE}"
        raise ConfigError("request", shown, remedy, number) from error
    if isinstance(said, Asked):
        for each in (said, *said.further):
            _judge(each, shown, number)
    return said, parse_time("time", said.time, number)


def _judge(shown: AskedShown, line: str, number: int) -> None:
    given = (shown.identifier, shown.identifiers, shown.pass_text)
    if sum(1 for each in given if each is not None) != 1:
        raise ConfigError("request", line, "give one of identifier, identifiers and pass for each shown", number)
    for each in shown.readings:
        if isinstance(each.number, str) != (each.format == PLATE_FORMAT):
            remedy = f"is text for the format {PLATE_FORMAT} and a whole number for every other"
            raise ConfigError("number", each.number, remedy, number)
        if isinstance(each.number, int) and each.number > NUMBER_MAX:
            raise ConfigError("number", each.number, f"a card's number is at most {NUMBER_MAX}", number)
