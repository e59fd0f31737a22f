"""The table of card formats: the built-in ones and the site's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from drivers.wiegand.built_in_formats import BUILT_IN_FORMATS
from drivers.wiegand.card_bits import CardBits
from drivers.wiegand.card_format import WHOLE_TRACK, CardFormat, Field, Track2Layout
from gateway.domain.credential import Identifier, Reading
from gateway.errors import ConfigError

TRACK2 = "ABA"
"""The format of a magnetic stripe's Track 2."""
TRACK2_DIGITS = 37
"""A track has 40 characters, three of them for its own (ISO/IEC 7811-2)."""
_EPC_LENGTHS = frozenset(str(words * 16) for words in range(1, 32))
"""A Gen2 tag tells its EPC's length as up to 31 words of 16 bits."""

UID_LENGTHS = (32, 40, 56, 64, 80)
"""Bits of the UIDs that there are: ISO 14443 has 4, 7 or 10 bytes, ISO 15693 and FeliCa 8, an EM4100 tag 5."""


@dataclass(frozen=True, slots=True)
class _Room:
    """The largest facility code, None where the format has none, and the largest number of one format."""

    facility: int | None
    number: int

    def fault(self, name: str, facility: int | None, number: int) -> str | None:
        """Kept short: a list asks it a million times."""
        if facility is None and self.facility is not None:
            return f".facility_code: {name} needs one, 0 to {self.facility}"
        if facility is not None and self.facility is None:
            return f".facility_code: {name} has none"
        return self.excess(name, facility, number)

    def excess(self, name: str, facility: int | None, number: int) -> str | None:
        """What is larger than the format has bits for."""
        if number > self.number:
            return f".number: {name} holds 0 to {self.number}"
        if facility is not None and self.facility is not None and facility > self.facility:
            return f".facility_code: {name} holds 0 to {self.facility}"
        return None


class FormatTable:
    """Card formats in table order: `BUILT_IN_FORMATS`, then the site's own. Immutable.

    `track2` is how the site reads magnetic stripes, which are no row: they have no fixed length.
    """

    def __init__(self, own: Iterable[CardFormat] = (), track2: Track2Layout = WHOLE_TRACK) -> None:
        self.track2 = track2
        self.rows: tuple[CardFormat, ...] = (*BUILT_IN_FORMATS, *own)
        self._by_name = {row.name: CardBits(row) for row in self.rows}
        self._room = {
            row.name: _Room(None if row.facility is None else row.facility.highest, row.number.highest)
            for row in self.rows
        }
        self._by_length: dict[int, tuple[CardBits, ...]] = {}
        for row in self.rows:
            self._by_length[row.length] = (*self._by_length.get(row.length, ()), self._by_name[row.name])

    def knows(self, name: str) -> bool:
        """Whether a reader may name it."""
        return name in self._by_name or name == TRACK2

    @property
    def names(self) -> tuple[str, ...]:
        """Every format's name, in table order."""
        return tuple(row.name for row in self.rows)

    def find(self, name: str) -> CardFormat:
        """The row of that name. Raises ConfigError."""
        return self._find(name).row

    def read(self, bits: int, length: int, priority: tuple[str, ...] = ()) -> tuple[Reading, ...]:
        """Every reading of `length` bits, also with wrong parity; empty when no format has that length.

        `priority` names the formats that count, the first one first; without it all of that length count, in table
        order. Raises ValueError when `bits` is negative or longer than `length`, ConfigError for an unknown name.
        """
        if bits < 0 or bits >> length:
            raise ValueError(f"the value has more than {length} bits")
        return tuple(each.read(bits) for each in self._of_length(length, priority))

    def read_stripped(self, inner: int, length: int, priority: tuple[str, ...] = ()) -> tuple[Reading, ...]:
        """Readings of a message of `length` bits whose first and last bit a device has checked and dropped.

        Only formats with a parity at both ends count; `priority` as in `read`. Empty also when `inner` is too long.
        """
        rows = (each for each in self._of_length(length, priority) if each.parity_at_both_ends)
        return _unchecked([(each, inner << 1) for each in rows])

    def read_payload(self, payload: int, priority: tuple[str, ...]) -> tuple[Reading, ...]:
        """Readings of a number as converters say it: without the parities at both ends, else the whole message.

        `priority` names the formats; one that the number is too long for gives none. Raises ConfigError for an unknown
        name.
        """
        found = [self._find(name) for name in priority if name != TRACK2]
        return _unchecked([(each, payload << 1 if each.parity_at_both_ends else payload) for each in found])

    def confusable(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """Pairs of these formats of which one message may be a sound card of both: parity can't tell them apart."""
        rows = [self.find(name) for name in names if name != TRACK2]
        alike = [(one, two) for one, two in combinations(rows, 2) if one.length == two.length]
        return [(one.name, two.name) for one, two in alike if _may_both_hold(one, two)]

    def encode(self, name: str, facility: int | None, number: int) -> tuple[int, int]:
        """(bits, length) of a card. Raises ConfigError naming the range; bits that a format leaves open are 0."""
        format_bits = self._find(name)
        row = format_bits.row
        _check("number", number, row.number, row.name)
        if row.facility is None and facility is not None:
            raise ConfigError("facility", facility, f"{row.name} has no facility code: leave it out")
        if row.facility is not None:
            if facility is None:
                raise ConfigError("facility", None, f"{row.name} needs one from 0 to {row.facility.highest}")
            _check("facility", facility, row.facility, row.name)
        return format_bits.write(facility, number), row.length

    def fits(self, name: str, facility: int | None, number: int) -> str | None:
        """Why no card of that format has that number, as `.field: words` without its digits; None if one may.

        Beside the table's rows, `ABA` and a UHF tag's `EPC96` and its like are formats.
        """
        room = self._find_room(name)
        if room is None:
            return f".format: {name} is no card format here; known are {', '.join(self.names)}"
        return room.fault(name, facility, number)

    def fits_if_known(self, name: str, facility: int | None, number: int) -> str | None:
        """The same where nobody has said which formats the site adds: whatever is too large for a known one."""
        room = self._find_room(name)
        return None if room is None else room.excess(name, facility, number)

    def _find_room(self, name: str) -> _Room | None:
        if name == TRACK2:
            facility = self.track2.facility
            digits = TRACK2_DIGITS if self.track2.number is None else len(self.track2.number)
            return _Room(None if facility is None else 10 ** len(facility) - 1, 10**digits - 1)
        return self._room.get(name) or _room_beside(name)

    def _find(self, name: str) -> CardBits:
        if name not in self._by_name:
            raise ConfigError("format", name, f"use one of {', '.join(self.names)}")
        return self._by_name[name]

    def _of_length(self, length: int, priority: tuple[str, ...]) -> tuple[CardBits, ...]:
        if not priority:
            return self._by_length.get(length, ())
        found = [self._find(name) for name in priority if name != TRACK2]
        return tuple(each for each in found if each.row.length == length)


BUILT_IN = FormatTable()


def _room_beside(name: str) -> _Room | None:
    """The EPC of a UHF tag is no row: its name tells its bits."""
    bits = name.removeprefix("EPC")
    if bits == name or bits not in _EPC_LENGTHS:
        return None
    return _Room(None, (1 << int(bits)) - 1)


def uid_reading(uid: bytes) -> Reading | None:
    """The reading of a chip's UID, its first byte first: `UID32`, `UID56` …; None for a length that no chip has."""
    if len(uid) * 8 not in UID_LENGTHS:
        return None
    return Reading(Identifier(f"UID{len(uid) * 8}", None, int.from_bytes(uid, "big")), None)


def _may_both_hold(one: CardFormat, two: CardFormat) -> bool:
    """Is there a message in which every parity and fixed bit of both is right? (Elimination over single bits.)"""
    pivots: dict[int, int] = {}
    for row in (one, two):
        demands = [(parity.odd, (parity.at, *parity.over)) for parity in row.parities]
        for odd, bits in [*demands, *((value, (bit,)) for bit, value in row.fixed)]:
            # The demanded sum rides along as the lowest bit.
            sum_of = odd | sum(2 << bit for bit in bits)
            while sum_of > 1 and (top := sum_of.bit_length()) in pivots:
                sum_of ^= pivots[top]
            if sum_of == 1:
                return False
            if sum_of:
                pivots[sum_of.bit_length()] = sum_of
    return True


def _unchecked(messages: Iterable[tuple[CardBits, int]]) -> tuple[Reading, ...]:
    found = (each.read_unchecked(bits) for each, bits in messages if bits >= 0)
    return tuple(reading for reading in found if reading is not None)


def _check(key: str, value: int, field: Field, name: str) -> None:
    if not 0 <= value <= field.highest:
        raise ConfigError(key, value, f"{name} holds 0 to {field.highest}")
