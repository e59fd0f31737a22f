"""The layouts of `tests/vectors/wiegand.json` worked out on texts of 0 and 1: nothing of the product is used."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "wiegand.json").read_text())


@dataclass(frozen=True)
class Layout:
    """One format as the vectors write it."""

    name: str
    bits: int
    source: str
    facility: str | None
    number: str
    parities: list[str]
    fixed: dict[str, int] = field(default_factory=dict)
    extras: dict[str, str] = field(default_factory=dict)
    decimal: bool = False

    @property
    def number_bits(self) -> list[int]:
        return places(self.number)

    @property
    def facility_bits(self) -> list[int]:
        return [] if self.facility is None else places(self.facility)

    def covered(self) -> set[int]:
        """Bits that a parity, or a fixed value, watches over."""
        watched = {int(bit) for bit in self.fixed}
        for parity in self.parities:
            _, at, over = parity.split(" ")
            watched |= {int(at), *places(over)}
        return watched

    def message(self, facility: int | None, number: int) -> str:
        """A card's bits, extras as zeros."""
        bits = ["0"] * self.bits
        for name, always in self.fixed.items():
            bits[int(name)] = str(always)
        digits = self.number_bits
        text = f"{number:0{len(digits)}b}"
        if self.decimal:
            text = "".join(f"{int(digit):04b}" for digit in f"{number:0{len(digits) // 4}d}")
        for bit, value in zip(digits, text, strict=True):
            bits[bit] = value
        if self.facility_bits:
            for bit, value in zip(self.facility_bits, f"{facility:0{len(self.facility_bits)}b}", strict=True):
                bits[bit] = value
        return self.with_parities("".join(bits))

    def with_parities(self, message: str) -> str:
        """The message with every parity bit set anew."""
        bits = list(message)
        for parity in self.parities:
            kind, at, over = parity.split(" ")
            ones = [bits[bit] for bit in places(over)].count("1")
            bits[int(at)] = "1" if (ones % 2 == 1) == (kind == "E") else "0"
        return "".join(bits)

    def facility_of(self, message: str) -> int | None:
        return int("".join(message[bit] for bit in self.facility_bits), 2) if self.facility_bits else None

    def number_of(self, message: str) -> int:
        text = "".join(message[bit] for bit in self.number_bits)
        if not self.decimal:
            return int(text, 2)
        return sum(int(text[at : at + 4], 2) * 10 ** (7 - at // 4) for at in range(0, len(text), 4))

    def parity_ok(self, message: str) -> bool | None:
        """Whether everything that can be checked holds; None where nothing can."""
        if any(message[int(bit)] != str(value) for bit, value in self.fixed.items()):
            return False
        text = "".join(message[bit] for bit in self.number_bits)
        if self.decimal and any(int(text[at : at + 4], 2) > 9 for at in range(0, len(text), 4)):
            return False
        return self.with_parities(message) == message if self.parities else None


def places(text: str) -> list[int]:
    """`1-3,7` or a mask such as `.XX.` as bits."""
    if set(text) <= set("X."):
        return [bit for bit, mark in enumerate(text) if mark == "X"]
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


LAYOUTS = {each["name"]: Layout(**each) for each in VECTORS["formats"]}
