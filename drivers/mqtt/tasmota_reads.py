"""What a Tasmota device says of a card or a key (pure): the JSON of `tele/<topic>/SENSOR`.

Tasmota checks a Wiegand message's parity, drops both parity bits and says 0 when they were wrong (xsns_82_wiegand);
with SetOption123 the UID is hex with an `h` behind it.
"""

from datetime import UTC, datetime
from typing import Any

from drivers.mqtt.reads import from_hex, read_em4100, read_uid
from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import BUILT_IN, FormatTable

LOCAL_TIME_LENGTH = len("2021-01-21T16:04:12")

_KEYS = {10: "*", 11: "#"}
_ASCII_KEYS = {27: "*", 13: "#"}


def read_sensor(
    report: dict[str, Any], formats: FormatTable = BUILT_IN, names: tuple[str, ...] = ()
) -> list[Card | Key | Rejected]:
    """Cards and keys of one report; other sensors' values are no concern of ours."""
    found: list[Card | Key | Rejected] = []
    if isinstance(wiegand := report.get("Wiegand"), dict):
        found += _wiegand(wiegand, formats, names)
    if isinstance(tag := report.get("RDM6300"), dict):
        text = tag.get("UID")
        found.append(read_em4100(from_hex(text, 8) if isinstance(text, str) else None))
    for chip in ("RC522", "PN532"):
        if isinstance(tag := report.get(chip), dict):
            text = tag.get("UID")
            found.append(read_uid(text if isinstance(text, str) else ""))
    return found


def read_time(report: dict[str, Any]) -> float | None:
    """Its `Time`, local and without a zone, as if it were UTC: in seconds since 1970, None where there is none."""
    text = report.get("Time")
    try:
        said = datetime.fromisoformat(text) if isinstance(text, str) and len(text) == LOCAL_TIME_LENGTH else None
    except ValueError:
        return None
    return None if said is None else said.replace(tzinfo=UTC).timestamp()


def _wiegand(report: dict[str, Any], formats: FormatTable, names: tuple[str, ...]) -> list[Card | Key | Rejected]:
    size, payload = report.get("Size"), _number(report.get("UID"))
    if not isinstance(size, int) or isinstance(size, bool) or payload is None:
        return [Rejected("a Wiegand report without UID and Size")]
    if size in (4, 8):
        return list(_keys(payload))
    if payload == 0:
        return [Rejected("wrong parity")]
    readings = formats.read_stripped(payload, size, names)
    return [Card(readings)] if readings else [Rejected(f"no format of {size} bits for this number")]


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
    return from_hex(value.removesuffix("h").removeprefix("0x"), 16)
