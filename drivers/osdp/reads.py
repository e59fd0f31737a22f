"""What a reader said, as values; pure."""

from collections.abc import Mapping
from typing import Any

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import FormatTable

_KEYS = {0x7F: "*", 0x0D: "#"} | {ord(digit): digit for digit in "0123456789*#"}
"""v2.2, section 7.14: digits as ASCII, `*` as DELETE and `#` as RETURN; some readers say those two as ASCII, too."""
CARD_BITS_MAX = 512
"""libosdp's largest card is 64 bytes; known formats have at most 80 bits."""


def read_card(event: Mapping[str, Any], formats: FormatTable, priority: tuple[str, ...]) -> Card | Rejected:
    """A card read as raw bits (v2.2, section 7.13): the first bit first, padded to whole bytes at the end."""
    data, length = event.get("data"), event.get("length")
    if event.get("reader_no", 0) != 0:
        return Rejected("a card at a second reader of this device")
    if not isinstance(data, bytes) or not isinstance(length, int) or not 0 < length <= CARD_BITS_MAX:
        return Rejected("a card without bits")
    if len(data) != (length + 7) // 8:
        return Rejected("a card whose bits and bytes differ in number")
    bits = int.from_bytes(data, "big") >> len(data) * 8 - length
    readings = formats.read(bits, length, priority)
    whole = tuple(reading for reading in readings if reading.parity_ok is not False)
    if whole:
        return Card(whole)
    return Rejected("wrong parity" if readings else f"no format of {length} bits")


def read_keys(event: Mapping[str, Any]) -> list[Key | Rejected]:
    """Keys of a keypad, in the order in which they were pressed."""
    data = event.get("data")
    if not isinstance(data, bytes) or event.get("reader_no", 0) != 0:
        return [Rejected("keys without digits")]
    return [Key(_KEYS[byte]) if byte in _KEYS else Rejected("an unknown key") for byte in data]
