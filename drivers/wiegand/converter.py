"""Wiegand converters that say a card as one line of digits, and a key of the keypad as one lone byte."""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import FormatTable

KEYS = frozenset(b"0123456789*#")

KEY_SILENCE_S = 0.06
"""A frame's bytes follow each other within 1.05 ms at 9600 baud (a USB adapter may group them in 16 ms); a finger
hardly presses twice in this time. A lone byte followed by so much silence is a key."""

FRAME_PATIENCE_S = 0.5
"""After this silence the rest of a begun card won't come. A busy machine's kernel can hold bytes back for more than
0.1 s; nobody shows the next card so soon."""


@dataclass(frozen=True, slots=True)
class LineShape:
    """How a converter says a card: so many digits of a base, then a suffix."""

    digits: int
    base: int
    suffix: bytes

    @property
    def alphabet(self) -> frozenset[int]:
        """The bytes that a digit may be."""
        return frozenset(b"0123456789") if self.base == 10 else frozenset(b"0123456789ABCDEFabcdef")


class ConverterFramer:
    """Bytes to `Card`, `Key` and `Rejected`; holds at most one line."""

    def __init__(self, shape: LineShape, read_number: Callable[[int], Card | Rejected]) -> None:
        self._shape, self._read_number = shape, read_number
        self._alphabet = shape.alphabet
        self._line = bytearray()
        self._skipping = False
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if not data and due is not None and now_s >= due:
            self._end_of_silence(values)
        for byte in data:
            self._take(byte, values)
        if data:
            self._last_s = now_s
        return values

    def deadline(self) -> float | None:
        """When a lone digit counts as a key, or a begun card as lost."""
        if not self._line and not self._skipping:
            return None
        return self._last_s + (FRAME_PATIENCE_S if len(self._line) > 1 else KEY_SILENCE_S)

    def _end_of_silence(self, values: list[object]) -> None:
        if self._skipping:
            self._skipping = False
        elif len(self._line) == 1 and self._line[0] in KEYS:
            values.append(Key(chr(self._line[0])))
        else:
            values.append(Rejected("half a card"))
        self._line.clear()

    def _take(self, byte: int, values: list[object]) -> None:
        if self._skipping:
            self._skipping = byte != self._shape.suffix[-1]
            return
        held = len(self._line)
        if held < self._shape.digits:
            fits = byte in self._alphabet
        else:
            fits = byte == self._shape.suffix[held - self._shape.digits]
        if not fits:
            self._refuse(byte, values)
            return
        self._line.append(byte)
        if len(self._line) == self._shape.digits + len(self._shape.suffix):
            values.append(self._read_number(int(self._line[: self._shape.digits], self._shape.base)))
            self._line.clear()

    def _refuse(self, byte: int, values: list[object]) -> None:
        """A byte out of place: alone it may be a key; else the line is dropped up to its suffix or to silence."""
        if not self._line and byte in KEYS:
            values.append(Key(chr(byte)))
            return
        values.append(Rejected("a card of the wrong length" if self._line else "noise between cards"))
        self._line.clear()
        self._skipping = byte != self._shape.suffix[-1]


def number_reader(table: FormatTable, formats: tuple[str, ...]) -> Callable[[int], Card | Rejected]:
    """Reads a converter's number in each of the `formats`, the first one first.

    The converter has checked the parity bits and dropped them, so the readings say nothing of parity.
    """

    def read(number: int) -> Card | Rejected:
        readings = table.read_payload(number, formats)
        return Card(readings) if readings else Rejected(f"a number beyond {', '.join(formats)}")

    return read
