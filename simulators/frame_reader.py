"""A reader whose frames a site describes (`driver = "serial-frame"`): it says cards the way the description has it."""

from typing import Any

from simulators.card import Card, CardUnreadable, wiegand_payload
from simulators.device import Surroundings
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice, PtyLine

KEYS = "0123456789*#"


class FrameReader(LineDevice):
    """Says one frame a card, and one byte a key where it has a keypad."""

    def __init__(self, settings: dict[str, Any], line: PtyLine) -> None:
        super().__init__(line)
        self._settings = settings

    async def swipe(self, card: Card) -> bool:
        """Say the card. Raises CardUnreadable."""
        return self.line.send(frame_of(card, self._settings))

    async def press(self, key: str) -> bool:
        """Say one key. Raises CardUnreadable where it has none."""
        codes = bytes.fromhex(self._settings.get("keys", ""))
        if not codes or len(key) != 1 or key not in KEYS:
            raise CardUnreadable(f"the reader has no key {key!r}")
        return self.line.send(codes[KEYS.index(key)].to_bytes(1, "big"))


def frame_of(card: Card, settings: dict[str, Any]) -> bytes:
    """What such a reader says of a card; bytes that mean nothing here are 0. Raises CardUnreadable."""
    start, end = (bytes.fromhex(settings.get(key, "")) for key in ("start", "end"))
    value = _number(card, settings)
    if settings.get("encoding") == "decimal":
        text = data = b"%0*d" % (settings["length"], value)
    else:
        data = _data(value, settings)
        text = data.hex().upper().encode() if settings.get("encoding", "hex") == "hex" else data
    parts = {"start": start, "body": data, "text": text, "end": end}
    covered = b"".join(parts[name] for name in settings.get("checksum_over", ["body"]))
    check = checksum(settings.get("checksum", "none"), covered)
    if settings.get("checksum_order", "big") == "little":
        check = check[::-1]
    if settings.get("checksum_after_end", False):
        return start + text + end + check
    return start + text + (check.hex().upper().encode() if text != data else check) + end


def checksum(name: str, data: bytes) -> bytes:
    """The checksum of that name, its weightiest byte first."""
    if name in ("crc16-ccitt", "crc16-xmodem"):
        value = 0xFFFF if name == "crc16-ccitt" else 0
        for byte in data:
            value ^= byte << 8
            for _ in range(8):
                value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
        return value.to_bytes(2, "big")
    if name == "crc16-modbus":
        value = 0xFFFF
        for byte in data:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        return value.to_bytes(2, "big")
    total = 0
    for byte in data:
        total = total ^ byte if name == "xor" else total + byte & 0xFF
    return b"" if name == "none" else bytes([total])


def _number(card: Card, settings: dict[str, Any]) -> int:
    """What the reader says of the card: all its bits, or what lies between the parities."""
    bits = settings.get("bits")
    if "EM4100" in settings["formats"]:
        if card.format != "EM4100":
            raise CardUnreadable(f"this reader reads EM4100 (blue) cards only, and this one is {card.format}")
        return card.number if bits is None else card.version << 32 | card.number
    payload, length = wiegand_payload(card)
    if bits is None:
        return payload
    half = (length - 2) // 2
    even = (payload >> half).bit_count() & 1
    odd = ~(payload & (1 << half) - 1).bit_count() & 1
    return even << length - 1 | payload << 1 | odd


def _data(value: int, settings: dict[str, Any]) -> bytes:
    """The body without its checksum."""
    length, places = settings.get("length"), settings.get("number", "")
    inside = 0 if settings.get("checksum_after_end") else len(checksum(settings.get("checksum", "none"), b""))
    size = (value.bit_length() + 7) // 8 or 1
    if length is not None:
        size = (length if settings.get("encoding") == "binary" else length // 2) - inside
    first, last = map(int, places.split("-")) if places else (0, size - 1)
    if value >> 8 * (last - first + 1):
        raise CardUnreadable(f"this reader's frames hold {last - first + 1} bytes of a card")
    data = bytearray(max(size, last + 1) if length is not None else last + 1)
    data[first : last + 1] = value.to_bytes(last - first + 1, settings.get("byte_order", "big"))
    if (at := settings.get("length_at")) is not None:
        data[at] = len(data) + inside - settings.get("length_adds", 0)
    return bytes(data)


def make(plan: DevicePlan, surroundings: Surroundings) -> FrameReader:
    """`driver = "serial-frame"`."""
    return FrameReader(plan.settings, surroundings.line(plan.port, plan.settings.get("baud", 9600)))
