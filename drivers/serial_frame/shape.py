"""What a site says of a reader's frames, made ready for reading: where a frame begins and ends, and what it means."""

from dataclasses import dataclass, field
from typing import Literal

from drivers.serial_frame.checksums import Checksum
from drivers.serial_reader import Card, Rejected
from drivers.wiegand.formats import FormatTable

Encoding = Literal["hex", "decimal", "binary"]
Order = Literal["big", "little"]

DIGITS: dict[str, frozenset[int] | None] = {
    "hex": frozenset(b"0123456789ABCDEFabcdef"),
    "decimal": frozenset(b"0123456789"),
    "binary": None,
}
"""What the bytes of a body may be; None is any."""


@dataclass(frozen=True, slots=True)
class FrameShape:
    """A frame is start, body, end, and `trailer` bytes after the end.

    The body's length is `length`, or that of the byte at `length_at` in it plus `length_adds`, or it goes up to what is
    no digit. `keys` are lone bytes that are keys of a keypad.
    """

    start: bytes
    end: bytes
    trailer: int
    length: int | None
    length_at: int | None
    length_adds: int
    digits: frozenset[int] | None
    keys: dict[int, str] = field(default_factory=dict)

    @property
    def is_marked(self) -> bool:
        """Whether its bytes alone tell where a frame begins or ends."""
        return bool(self.start or self.end)


@dataclass(frozen=True, slots=True)
class FrameMeaning:
    """What the bytes of a whole frame mean.

    `covers` names what the checksum is made over: start, body (decoded) or text (as sent), end. `number` is the first
    and the last of the bytes (decimal: digits) that are the card's number; None is all of them. `bits`: the number is
    a message of so many bits with its parities; None: it is facility code and card number side by side.
    """

    shape: FrameShape
    encoding: Encoding
    order: Order
    checksum: Checksum
    checksum_order: Order
    covers: tuple[str, ...]
    number: tuple[int, int] | None
    bits: int | None
    formats: tuple[str, ...]
    table: FormatTable

    def read(self, body: bytes, trailer: bytes) -> Card | Rejected:
        """The card of a whole frame."""
        if self.encoding == "hex" and len(body) % 2:
            return Rejected("an odd number of digits")
        data = bytes.fromhex(body.decode("ascii")) if self.encoding == "hex" else body
        width, given = self.checksum.width, trailer
        if width and not self.shape.trailer:
            given, data = data[-width:], data[:-width]
            body = body[: -width * (2 if self.encoding == "hex" else 1)]
        parts = {"start": self.shape.start, "body": data, "text": body, "end": self.shape.end}
        covered = b"".join(parts[name] for name in self.covers)
        if width and int.from_bytes(given, self.checksum_order) != self.checksum.of(covered):
            return Rejected("wrong checksum")
        return self._card(data)

    def _card(self, data: bytes) -> Card | Rejected:
        first, last = self.number or (0, len(data) - 1)
        if not 0 <= last < len(data):
            return Rejected("a frame of the wrong length")
        taken = data[first : last + 1]
        value = int(taken) if self.encoding == "decimal" else int.from_bytes(taken, self.order)
        if self.bits is None:
            readings = self.table.read_payload(value, self.formats)
        else:
            readings = () if value >> self.bits else self.table.read(value, self.bits, self.formats)
        return Card(readings) if readings else Rejected(f"a number beyond {', '.join(self.formats)}")
