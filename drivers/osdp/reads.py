"""What a reader said, as values; pure."""

from collections.abc import Mapping
from typing import Any

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import FormatTable
from drivers.wiegand.keypad import BURST_KEYPAD, Keypad
from drivers.wiegand.message import read_message

_KEYS = {0x7F: "*", 0x0D: "#"} | {ord(digit): digit for digit in "0123456789*#"}
"""v2.2, section 7.14: digits as ASCII, `*` as DELETE and `#` as RETURN; some readers say those two as ASCII, too."""
CARD_BITS_MAX = 512
"""libosdp's largest card is 64 bytes; known formats have at most 80 bits."""


def read_card(
    event: Mapping[str, Any], formats: FormatTable, priority: tuple[str, ...], keypad: Keypad = BURST_KEYPAD
) -> list[Card | Key | Rejected]:
    """A card read as raw bits (v2.2, section 7.13): the first bit first, padded to whole bytes at the end.

    A Wiegand keypad behind the reader says its keys in the same way.
    """
    data, length = event.get("data"), event.get("length")
    if event.get("reader_no", 0) != 0:
        return [Rejected("a card at a second reader of this device")]
    if not isinstance(data, bytes) or not isinstance(length, int) or not 0 < length <= CARD_BITS_MAX:
        return [Rejected("a card without bits")]
    if len(data) != (length + 7) // 8:
        return [Rejected("a card whose bits and bytes differ in number")]
    bits = int.from_bytes(data, "big") >> len(data) * 8 - length
    return read_message(bits, length, formats, priority, keypad)


def read_keys(event: Mapping[str, Any]) -> list[Key | Rejected]:
    """Keys of a keypad, in the order in which they were pressed."""
    data = event.get("data")
    if not isinstance(data, bytes) or event.get("reader_no", 0) != 0:
        return [Rejected("keys without digits")]
    return [Key(_KEYS[byte]) if byte in _KEYS else Rejected("an unknown key") for byte in data]
