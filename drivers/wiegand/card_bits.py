"""A card format's row made ready for fast reading and writing: masks and shifts in place of lists of bits."""

from collections.abc import Sequence
from dataclasses import replace

from drivers.wiegand.card_format import CardFormat, Field
from gateway.domain.credential import Identifier, Reading


class CardBits:
    """Reads and writes the messages of one format."""

    def __init__(self, row: CardFormat) -> None:
        self.row = row
        self._facility = None if row.facility is None else _FieldBits(row.facility, row.length)
        self._number = _FieldBits(row.number, row.length)
        self._version = next((_FieldBits(e.field, row.length) for e in row.extras if e.name == "version"), None)
        self._checks = tuple((_mask((p.at, *p.over), row.length), p.odd) for p in row.parities)
        self._parities = tuple((_mask(p.over, row.length), p.odd, row.length - 1 - p.at) for p in row.parities)
        ends = {parity.at for parity in row.parities}
        self.parity_at_both_ends = {0, row.length - 1} <= ends
        self._dropped = _mask([0, row.length - 1], row.length) if self.parity_at_both_ends else 0
        self._fixed_mask = _mask([bit for bit, _ in row.fixed], row.length)
        self._fixed = _mask([bit for bit, value in row.fixed if value], row.length)

    def read(self, bits: int) -> Reading:
        """The reading of a message of the row's length.

        `parity_ok` is False also where a fixed bit or a decimal digit is impossible, and None where the format has no
        parity to say so.
        """
        facility = None if self._facility is None else self._facility.get(bits)
        identifier = Identifier(self.row.name, facility, self._number.get(bits))
        version = None if self._version is None else self._version.get(bits)
        return Reading(identifier, self._holds(bits), version)

    def read_unchecked(self, bits: int) -> Reading | None:
        """The reading of a message whose parities a device has checked and dropped: they are 0 here.

        None where the message is too long, or another bit is impossible.
        """
        if bits & self._dropped or bits >> self.row.length or not self._possible(bits):
            return None
        return replace(self.read(bits), parity_ok=None)

    def write(self, facility: int | None, number: int) -> int:
        """The message of a card whose numbers fit. Bits that the format leaves open are 0."""
        bits = self._fixed | self._number.put(number)
        if self._facility is not None:
            bits |= self._facility.put(facility or 0)
        for extra in self.row.extras:
            bits |= _FieldBits(extra.field, self.row.length).put(extra.default)
        for over, odd, shift in self._parities:
            bits |= ((bits & over).bit_count() + odd & 1) << shift
        return bits

    def _holds(self, bits: int) -> bool | None:
        if not self._possible(bits):
            return False
        if not self._checks:
            return None
        return all((bits & mask).bit_count() & 1 == odd for mask, odd in self._checks)

    def _possible(self, bits: int) -> bool:
        return bits & self._fixed_mask == self._fixed and self._number.possible(bits)


class _FieldBits:
    """One field in messages of one length: runs of neighbouring bits as (shift down, mask, shift up)."""

    def __init__(self, field: Field, length: int) -> None:
        self._decimal = field.decimal
        self._digits = field.width // 4
        self._runs = tuple(_runs([length - 1 - bit for bit in field.bits]))

    def get(self, bits: int) -> int:
        value = self._gather(bits)
        if not self._decimal:
            return value
        return sum((value >> 4 * place & 15) * 10**place for place in range(self._digits))

    def put(self, value: int) -> int:
        if self._decimal:
            value = int(str(value), 16)
        return sum((value >> up & mask) << down for down, mask, up in self._runs)

    def possible(self, bits: int) -> bool:
        """Whether every decimal digit is one."""
        if not self._decimal:
            return True
        value = self._gather(bits)
        return all(value >> 4 * place & 15 <= 9 for place in range(self._digits))

    def _gather(self, bits: int) -> int:
        value = 0
        for down, mask, up in self._runs:
            value |= (bits >> down & mask) << up
        return value


def _runs(shifts: Sequence[int]) -> list[tuple[int, int, int]]:
    """Neighbouring bits in one step each; `shifts` are from the message's end, the weightiest first."""
    runs: list[tuple[int, int, int]] = []
    width = 0
    for place, shift in enumerate(shifts):
        width += 1
        up = len(shifts) - 1 - place
        if up == 0 or shifts[place + 1] != shift - 1:
            runs.append((shift, (1 << width) - 1, up))
            width = 0
    return runs


def _mask(positions: Sequence[int], length: int) -> int:
    return sum(1 << length - 1 - position for position in positions)
