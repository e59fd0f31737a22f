"""What `gatehouse card decode` and `gatehouse card encode` print, as plain dicts."""

from typing import Any

from drivers.wiegand.formats import BUILT_IN
from gateway.errors import ConfigError

MAX_BITS = 256
"""Twice the longest message that a Wiegand reader is known to send."""


def decode_line(bits: int, hex_text: str) -> dict[str, Any]:
    """Every reading of `bits` bits given right-aligned in hex: {bits, hex, readings: [...]}.

    No format of that length gives `readings: []`. Raises ConfigError naming what is wrong and the remedy.
    """
    if not 1 <= bits <= MAX_BITS:
        raise ConfigError("bits", bits, f"give the number of bits on the wire, 1 to {MAX_BITS}")
    text = hex_text.strip().removeprefix("0x").removeprefix("0X")
    if not text or any(character not in "0123456789abcdefABCDEF" for character in text):
        raise ConfigError("hex", hex_text[:80], "give hexadecimal digits only, such as 2F623AE")
    value = int(text, 16)
    if value >> bits:
        raise ConfigError(
            "hex", hex_text[:80], f"{value.bit_length()} bits do not fit in {bits}: the value is right-aligned"
        )
    readings = [
        {
            "format": reading.identifier.format,
            "facility_code": reading.identifier.facility_code,
            "card_number": reading.identifier.number,
            "parity_ok": reading.parity_ok,
        }
        for reading in BUILT_IN.read(value, bits)
    ]
    return {"bits": bits, "hex": to_hex(value, bits), "readings": readings}


def encode_card(format_name: str, facility: int | None, number: int) -> dict[str, Any]:
    """A card's bits: {bits, hex, format, facility_code, card_number}. Raises ConfigError naming the range."""
    value, bits = BUILT_IN.encode(format_name, facility, number)
    return {
        "bits": bits,
        "hex": to_hex(value, bits),
        "format": format_name,
        "facility_code": facility,
        "card_number": number,
    }


def to_hex(value: int, bits: int) -> str:
    """Right-aligned upper-case hex with as many digits as `bits` need."""
    return f"{value:0{(bits + 3) // 4}X}"
