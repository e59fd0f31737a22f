"""What a Tasmota device says of a card or a key (pure): the JSON of `tele/<topic>/SENSOR`.

Tasmota checks a Wiegand message's parity, drops both parity bits and says 0 when they were wrong (xsns_82_wiegand);
with SetOption123 the UID is hex with an `h` behind it.
"""

from typing import Any

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import FORMATS, from_payload
from gateway.domain.credential import Identifier, Reading

MAX_UID_DIGITS = 20
"""An ISO 14443 UID has at most ten bytes."""

_KEYS = {10: "*", 11: "#"}
_ASCII_KEYS = {27: "*", 13: "#"}


def read_sensor(report: dict[str, Any]) -> list[Card | Key | Rejected]:
    """Cards and keys of one report; other sensors' values are no concern of ours."""
    found: list[Card | Key | Rejected] = []
    if isinstance(wiegand := report.get("Wiegand"), dict):
        found += _wiegand(wiegand)
    if isinstance(tag := report.get("RDM6300"), dict):
        found.append(_hex_uid(tag, "EM4100", 8))
    for chip in ("RC522", "PN532"):
        if isinstance(tag := report.get(chip), dict):
            found.append(_hex_uid(tag, "UID", MAX_UID_DIGITS))
    return found


def _wiegand(report: dict[str, Any]) -> list[Card | Key | Rejected]:
    size, payload = report.get("Size"), _number(report.get("UID"))
    if not isinstance(size, int) or isinstance(size, bool) or payload is None:
        return [Rejected("a Wiegand report without UID and Size")]
    if size in (4, 8):
        return list(_keys(payload))
    if payload == 0:
        return [Rejected("wrong parity")]
    readings = [
        Reading(identifier, None)
        for row in FORMATS
        if row.length == size and (identifier := from_payload(row, payload)) is not None
    ]
    if size == 32 and payload >> 32 == 0:
        # MIFARE readers put the UID itself on the wire.
        readings.append(Reading(Identifier("UID", None, payload), None))
    return [Card(tuple(readings))] if readings else [Rejected(f"no format of {size} bits for this number")]


def _keys(value: int) -> list[Key | Rejected]:
    """One key (SetOption124 1), or all digits up to # as one number."""
    key = _KEYS.get(value) or _ASCII_KEYS.get(value)
    if key is not None:
        return [Key(key)]
    digits = str(value)
    if len(digits) > 10:
        return [Rejected("too many keys at once")]
    return [Key(digit) for digit in (digits if len(digits) == 1 else f"{digits}#")]


def _number(value: object) -> int | None:
    """Decimal as a number, or hex as text with or without `0x` and `h`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 1 << 64 else None
    if not isinstance(value, str):
        return None
    return _from_hex(value.removesuffix("h").removeprefix("0x"), 16)


def _hex_uid(tag: dict[str, Any], format_name: str, most_digits: int) -> Card | Rejected:
    text = tag.get("UID")
    number = _from_hex(text, most_digits) if isinstance(text, str) else None
    if number is None:
        return Rejected(f"no UID of up to {most_digits} hex digits")
    return Card((Reading(Identifier(format_name, None, number), None),))


def _from_hex(text: str, most_digits: int) -> int | None:
    if not 1 <= len(text) <= most_digits or any(digit not in "0123456789ABCDEFabcdef" for digit in text):
        return None
    return int(text, 16)
