"""The site's own card formats: `[wiegand_format.NAME]` as rows of the table that drivers read by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.model import AccessPointTable, FacilityTable, ParityTable, Track2Table, WiegandFormatTable
from config.remedies import did_you_mean
from drivers.wiegand.card_format import EVEN, ODD, CardFormat, Field, Parity, Track2Layout
from drivers.wiegand.formats import BUILT_IN, TRACK2, TRACK2_DIGITS, FormatTable
from gateway.domain.credential import PLATE_FORMAT, is_pin_format

if TYPE_CHECKING:
    from config.loader import ConfiguredDevice, SiteConfig

FACILITY_BITS_MAX = 32
"""As wide as the office's list takes a facility code."""
FACILITY_DIGITS_MAX = 9
"""So that every such number has 32 bits at most."""
NUMBER_BITS_MAX = 128
"""As wide as the office's list takes a number."""

Fault = tuple[tuple[str, ...], object, str]


class BitsUnclear(ValueError):
    """A text names no bits of the message; it says why."""


def format_table(config: "SiteConfig") -> FormatTable:
    """The built-in formats and a checked config's own."""
    own = (to_card_format(name, table) for name, table in config.wiegand_formats.items())
    places = [None if text is None else bits_of(text, TRACK2_DIGITS) for text in _stripe(config.track2)]
    return FormatTable(own, Track2Layout(*places))


def to_card_format(name: str, table: WiegandFormatTable) -> CardFormat:
    """The row of a table without faults."""
    facility = None if table.facility is None else Field(bits_of(table.facility, table.length))
    number = Field(bits_of(table.number, table.length), table.decimal)
    parities = tuple(_to_parity(each, table.length) for each in table.parities)
    fixed = tuple((int(bit), value) for bit, value in table.fixed.items())
    return CardFormat(name, table.length, facility, number, parities, fixed, summary="the site's own")


def format_faults(tables: dict[str, WiegandFormatTable], track2: Track2Table) -> Iterator[Fault]:
    """(path, value, remedy) of everything that keeps the tables from being rows, and the stripe from being read."""
    owners: dict[int, str] = {}
    for key, text in zip(("number", "facility"), _stripe(track2), strict=True):
        if text is not None:
            yield from _stripe_faults(("track2", key), text, owners)
    for name, table in tables.items():
        path = ("wiegand_format", name)
        twin = _taken(name, [other for other in tables if other != name])
        if twin is not None:
            yield path, name, f"{twin} is there already: choose another name, such as {name[:12]}A"
        yield from _Draft(path, table).faults()


def unknown_formats(
    table: FormatTable, devices: "Mapping[str, ConfiguredDevice]", points: Mapping[str, AccessPointTable]
) -> Iterator[Fault]:
    """Readers and access points that name a format which the site doesn't have, or one that their messages can't be."""
    for device_id, device in devices.items():
        names = getattr(device.settings, "formats", ())
        for at, name in enumerate(names):
            path = ("device", device_id, "formats")
            if not table.knows(name):
                yield path, name, _no_format(name, table)
            elif name in names[:at]:
                yield path, name, "is named twice"
        bits = getattr(device.settings, "bits", None)
        if bits is not None and not any(table.find(name).length == bits for name in names if name in table.names):
            yield ("device", device_id, "bits"), bits, f"none of its formats ({', '.join(names)}) has so many bits"
    for point_id, point in points.items():
        if point.facility is not None:
            yield from _facility(table, ("access_point", point_id, "facility"), point.facility)


def _facility(table: FormatTable, path: tuple[str, ...], facility: FacilityTable) -> Iterator[Fault]:
    if facility.format not in table.names:
        yield (*path, "format"), facility.format, _no_format(facility.format, table)
        return
    field = table.find(facility.format).facility
    if field is None:
        yield (*path, "format"), facility.format, "has no facility code: name a format that has one"
    elif facility.code > field.highest:
        yield (*path, "code"), facility.code, f"{facility.format} holds 0 to {field.highest}"


def _no_format(name: str, table: FormatTable) -> str:
    return f"there is no such card format; {did_you_mean(name, table.names)}"


def bits_of(text: str, length: int) -> tuple[int, ...]:
    """`9-24`, `24-17,16-9` or a mask such as `.XXXX.` as bits, in the order given. Raises BitsUnclear."""
    places = _masked(text, length) if set(text) <= set("X.") else _listed(text)
    outside = next((bit for bit in places if bit >= length), None)
    if outside is not None:
        raise BitsUnclear(f"bit {outside}: a message of {length} bits has 0 to {length - 1}, the first one sent is 0")
    twice = next((bit for at, bit in enumerate(places) if bit in places[:at]), None)
    if twice is not None:
        raise BitsUnclear(f"names bit {twice} twice")
    return places


def _stripe(table: Track2Table) -> tuple[str | None, str | None]:
    return table.number, table.facility


def _stripe_faults(path: tuple[str, ...], text: str, owners: dict[int, str]) -> Iterator[Fault]:
    try:
        places = bits_of(text, TRACK2_DIGITS)
    except BitsUnclear:
        yield path, text, f'write digits as "3-8", 0 to {TRACK2_DIGITS - 1}, each once: 0 is the first one behind the ;'
        return
    if path[-1] == "facility" and len(places) > FACILITY_DIGITS_MAX:
        yield path, text, f"has {len(places)} digits; the office's list takes {FACILITY_DIGITS_MAX} at most"
    shared = next((place for place in places if place in owners), None)
    if shared is not None:
        yield path, text, f"digit {shared} belongs to {owners[shared]} already"
    owners |= dict.fromkeys(places, path[-1])


def _masked(text: str, length: int) -> tuple[int, ...]:
    if len(text) != length:
        raise BitsUnclear(f"a mask has one sign for each of the {length} bits; this one has {len(text)}")
    places = tuple(bit for bit, sign in enumerate(text) if sign == "X")
    if not places:
        raise BitsUnclear("the mask has no X: it names no bit")
    return places


BIT_DIGITS_MAX = 3
"""No message has a thousand bits."""


def _listed(text: str) -> tuple[int, ...]:
    places: list[int] = []
    for part in text.split(","):
        ends = part.strip().split("-")
        if len(ends) > 2 or not all(_is_bit(each) for each in ends):
            raise BitsUnclear('write bits as "9-24", "24-17,16-9" or as a mask such as ".XXXX."')
        first, last = int(ends[0]), int(ends[-1])
        places += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return tuple(places)


def _is_bit(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= BIT_DIGITS_MAX


def _taken(name: str, others: list[str]) -> str | None:
    """Who has the name already, in whatever capitals: people mix them up."""
    if name.upper() in (PLATE_FORMAT, TRACK2) or is_pin_format(name.upper()):
        return f"{name.upper()} (no card's format)"
    return next((known for known in (*BUILT_IN.names, *others) if known.upper() == name.upper()), None)


def _to_parity(table: ParityTable, length: int) -> Parity:
    return Parity(table.bit, bits_of(table.over, length), EVEN if table.kind == "even" else ODD)


@dataclass(slots=True)
class _Draft:
    """One table under examination; bits that belong to something by what they belong to."""

    path: tuple[str, ...]
    table: WiegandFormatTable

    def faults(self) -> Iterator[Fault]:
        owners: dict[int, str] = {}
        yield from self._field("facility", self.table.facility, owners)
        yield from self._field("number", self.table.number, owners)
        yield from self._fixed(owners)
        yield from self._parities(owners)

    def _field(self, key: str, text: str | None, owners: dict[int, str]) -> Iterator[Fault]:
        if text is None:
            return
        path = (*self.path, key)
        try:
            bits = bits_of(text, self.table.length)
        except BitsUnclear as unclear:
            yield path, text, str(unclear)
            return
        most = FACILITY_BITS_MAX if key == "facility" else NUMBER_BITS_MAX
        if len(bits) > most:
            yield path, text, f"has {len(bits)} bits; the office's list takes {most} at most"
        if key == "number" and self.table.decimal and len(bits) % 4:
            yield path, text, f"has {len(bits)} bits; decimal digits take four each"
        yield from self._claim(path, text, key, bits, owners)

    def _fixed(self, owners: dict[int, str]) -> Iterator[Fault]:
        for text in self.table.fixed:
            path = (*self.path, "fixed")
            if not _is_bit(text) or int(text) >= self.table.length:
                yield path, text, f"is no bit of the message: write 0 to {self.table.length - 1}"
            else:
                yield from self._claim(path, text, "fixed", (int(text),), owners)

    def _parities(self, owners: dict[int, str]) -> Iterator[Fault]:
        own = [parity.bit for parity in self.table.parities]
        for at, parity in enumerate(self.table.parities):
            path = (*self.path, "parities", str(at))
            if parity.bit >= self.table.length:
                yield (*path, "bit"), parity.bit, f"is no bit of the message: write 0 to {self.table.length - 1}"
                continue
            yield from self._claim((*path, "bit"), parity.bit, f"parity {at}", (parity.bit,), owners)
            try:
                over = bits_of(parity.over, self.table.length)
            except BitsUnclear as unclear:
                yield (*path, "over"), parity.over, str(unclear)
                continue
            if parity.bit in over:
                yield (*path, "over"), parity.over, f"covers its own bit {parity.bit}: leave it out"
            later = next((bit for bit in own[at + 1 :] if bit in over and bit != parity.bit), None)
            if later is not None:
                remedy = f"covers bit {later}, a parity that stands after it: put that one before this one"
                yield (*path, "over"), parity.over, remedy

    @staticmethod
    def _claim(
        path: tuple[str, ...], value: object, name: str, bits: tuple[int, ...], owners: dict[int, str]
    ) -> Iterator[Fault]:
        shared = next((bit for bit in bits if bit in owners), None)
        if shared is not None:
            yield path, value, f"bit {shared} belongs to {owners[shared]} already"
        for bit in bits:
            owners.setdefault(bit, name)
