"""What an ESPHome node says of its parts and of tags (pure).

Texts as its sources have them (mqtt_switch, mqtt_lock, mqtt_binary_sensor, wiegand, rdm6300, rc522, pn532): a Wiegand
`on_tag` gives the decimal of the bits between both parities of 26, 34 or 37 bits, `on_raw` all bits and how many.
"""

from enum import StrEnum

from drivers.mqtt.broker import parse_object
from drivers.mqtt.reads import from_decimal, from_hex, read_em4100, read_uid
from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import BUILT_IN, FormatTable
from drivers.wiegand.keypad import BURST_KEYPAD, KEYS, Keypad
from drivers.wiegand.message import read_message

MOST_BITS = 64
"""The node's `value` has no more."""

TAG_FORMATS = ("H10301", "H10306", "H10302")
"""`on_tag` says no length: unless the site names its formats, the first that the number fits in counts."""


class Chip(StrEnum):
    """What reads the tags."""

    WIEGAND = "wiegand"
    RDM6300 = "rdm6300"
    RC522 = "rc522"
    PN532 = "pn532"


def read_level(payload: bytes) -> bool | None:
    """The state of a switch, a lock or a binary sensor; None for what is no state, such as UNLOCKING or JAMMED."""
    return {b"ON": True, b"OFF": False, b"UNLOCKED": True, b"LOCKED": False}.get(payload)


def words_for(part: str, energise: bool) -> str:
    """The command of a part such as `lock/front`."""
    if part.startswith("lock/"):
        return "UNLOCK" if energise else "LOCK"
    return "ON" if energise else "OFF"


def read_tag(
    payload: bytes,
    chip: Chip,
    formats: FormatTable = BUILT_IN,
    names: tuple[str, ...] = (),
    keypad: Keypad = BURST_KEYPAD,
) -> list[Card | Key | Rejected]:
    """A tag, or a key that came as raw bits. Raises ValueError: a payload in braces that is no JSON object."""
    if payload.startswith(b"{"):
        return _raw(payload, formats, names, keypad)
    text = payload.decode("ascii", "replace").strip()
    if chip in (Chip.RC522, Chip.PN532):
        return [read_uid(text, "-")]
    number = from_decimal(text)
    if chip is Chip.RDM6300:
        return [read_em4100(number)]
    readings = () if number is None else formats.read_payload(number, names or TAG_FORMATS)
    return [Card(readings)] if readings else [Rejected("no Wiegand number of the reader's formats")]


def read_key_text(payload: bytes) -> Key | Rejected:
    """A key by its sign, or by its number: 10 is `*`, 11 is `#`."""
    text = payload.decode("ascii", "replace").strip()
    number = KEYS.index(text) if text in ("*", "#") else from_decimal(text, 2)
    return Rejected("no key of a keypad") if number is None or number >= len(KEYS) else Key(KEYS[number])


def _raw(payload: bytes, formats: FormatTable, names: tuple[str, ...], keypad: Keypad) -> list[Card | Key | Rejected]:
    """`{"bits":26,"value":15508433}`; the value may be hex text, where JSON's numbers end at 53 bits."""
    report = parse_object(payload)
    bits, value = report.get("bits"), report.get("value")
    number = from_hex(value.removeprefix("0x"), MOST_BITS // 4) if isinstance(value, str) else value
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not isinstance(bits, int) or isinstance(bits, bool) or not 0 < bits <= MOST_BITS or not whole:
        return [Rejected("raw bits without bits and value")]
    return read_message(int(number or 0), bits, formats, names, keypad)
