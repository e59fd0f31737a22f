"""What `gatehouse card decode` and `gatehouse card encode` print, as plain dicts."""

from contextlib import suppress
from typing import Any

from drivers.wiegand.formats import BUILT_IN, TRACK2, FormatTable
from drivers.wiegand.message import read_stripe
from drivers.wiegand.printed import printed_forms
from drivers.wiegand.track2 import BadTrack, card_digits, write_track
from gateway.errors import ConfigError

MAX_BITS = 256
"""Twice the longest message that a Wiegand reader is known to send."""


def decode_line(bits: int, hex_text: str, formats: FormatTable = BUILT_IN, *, printed: bool = False) -> dict[str, Any]:
    """Every reading of `bits` bits given right-aligned in hex: {bits, hex, readings: [...]}; `printed` on request.

    No format of that length gives `readings: []`. A sound Track 2 of a magnetic stripe is read beside them. Raises
    ConfigError naming what is wrong and the remedy.
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
        for reading in (*formats.read(value, bits), *read_stripe(value, bits, formats))
    ]
    answer = {"bits": bits, "hex": to_hex(value, bits), "readings": readings}
    return {**answer, "printed": printed_forms(value, bits)} if printed else answer


def encode_card(format_name: str, facility: int | None, number: int, formats: FormatTable = BUILT_IN) -> dict[str, Any]:
    """A card's bits: {bits, hex, format, facility_code, card_number}. Raises ConfigError naming the range."""
    if format_name == TRACK2:
        value, bits = _write_track2(facility, number, formats)
    else:
        value, bits = formats.encode(format_name, facility, number)
    return {
        "bits": bits,
        "hex": to_hex(value, bits),
        "format": format_name,
        "facility_code": facility,
        "card_number": number,
    }


def _write_track2(facility: int | None, number: int, formats: FormatTable) -> tuple[int, int]:
    fault = formats.fits(TRACK2, facility, number)
    if fault is None and number >= 0:
        with suppress(BadTrack):
            return write_track(card_digits(facility, number, formats.track2))
    key, _, remedy = (fault or f".number: {TRACK2} holds digits").removeprefix(".").partition(": ")
    raise ConfigError("facility" if key == "facility_code" else key, facility if key != "number" else number, remedy)


def to_hex(value: int, bits: int) -> str:
    """Right-aligned upper-case hex with as many digits as `bits` need."""
    return f"{value:0{(bits + 3) // 4}X}"
