"""Card readers on a serial line: what they say when a card or a key comes to them.

Frames: RDM6300 data sheet (9600 8N1, 14 bytes); EM-18 data sheet (the 12 digits alone); S4A Wiegand to RS-232
converter (10 decimal digits, CR LF); WIE232 (6 hex digits, CR).
"""

from functools import reduce
from operator import xor

from simulators.card import Card, CardUnreadable, wiegand_payload
from simulators.device import Surroundings
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice

STX, ETX = 0x02, 0x03


class Rdm6300(LineDevice):
    """A 125 kHz reader that says EM4100 tags in ASCII hex between STX and ETX."""

    async def swipe(self, card: Card) -> bool:
        """Say the tag. Raises CardUnreadable for another technology."""
        return self.line.send(rdm6300_frame(card))

    async def press(self, key: str) -> bool:
        """Raises CardUnreadable: it has no keypad."""
        raise CardUnreadable("a 125 kHz reader module has no keypad")


class Em18(Rdm6300):
    """A 125 kHz reader that says the tag's twelve digits without STX and ETX."""

    async def swipe(self, card: Card) -> bool:
        """Say the tag. Raises CardUnreadable for another technology."""
        return self.line.send(em4100_digits(card))


class S4a(LineDevice):
    """A Wiegand reader with a keypad behind a converter to RS-232."""

    async def swipe(self, card: Card) -> bool:
        """Say the card's Wiegand payload as ten decimal digits. Raises CardUnreadable."""
        return self.line.send(s4a_frame(card))

    async def press(self, key: str) -> bool:
        """Say one key, `0`-`9`, `*` or `#`: one byte without a suffix. Raises CardUnreadable for another key."""
        if len(key) != 1 or key not in "0123456789*#":
            raise CardUnreadable(f"the keypad has no key {key!r}; it has 0-9, * and #")
        return self.line.send(key.encode("ascii"))


class Wie232(LineDevice):
    """A 26-bit Wiegand reader behind a converter to RS-232 that drops the parities."""

    async def swipe(self, card: Card) -> bool:
        """Say the card's 24 bits as six hex digits and CR. Raises CardUnreadable."""
        payload, bits = wiegand_payload(card)
        if bits != 26:
            raise CardUnreadable(f"this converter says 24 bits and two parities, and a {card.format} card has {bits}")
        return self.line.send(b"%06X\r" % payload)

    async def press(self, key: str) -> bool:
        """Raises CardUnreadable: it has no keypad."""
        raise CardUnreadable("this reader has no keypad")


def rdm6300_frame(card: Card) -> bytes:
    """The 14 bytes of an EM4100 tag: STX, its digits, ETX."""
    return bytes([STX]) + em4100_digits(card) + bytes([ETX])


def em4100_digits(card: Card) -> bytes:
    """Version and tag as 10 hex digits, and 2 of the XOR of those 5 bytes."""
    if card.format != "EM4100":
        raise CardUnreadable(f"a 125 kHz reader reads EM4100 (blue) cards only, and this one is {card.format}")
    if card.number >> 32:
        raise CardUnreadable("an EM4100 card holds 32 bits")
    tag = bytes([card.version]) + card.number.to_bytes(4, "big")
    return (tag.hex().upper() + f"{reduce(xor, tag):02X}").encode("ascii")


def s4a_frame(card: Card) -> bytes:
    """Ten decimal digits of the Wiegand payload, then CR LF."""
    payload, bits = wiegand_payload(card)
    if payload >= 10**10:
        raise CardUnreadable(f"this converter says ten digits, and a {card.format} card of {bits} bits needs more")
    return b"%010d\r\n" % payload


def make_rdm6300(plan: DevicePlan, surroundings: Surroundings) -> Rdm6300:
    """`driver = "rdm6300"`."""
    return Rdm6300(surroundings.line(plan.port))


def make_em18(plan: DevicePlan, surroundings: Surroundings) -> Em18:
    """`driver = "em18"`."""
    return Em18(surroundings.line(plan.port))


def make_s4a(plan: DevicePlan, surroundings: Surroundings) -> S4a:
    """`driver = "s4a"`."""
    return S4a(surroundings.line(plan.port))


def make_wie232(plan: DevicePlan, surroundings: Surroundings) -> Wie232:
    """`driver = "wie232"`."""
    return Wie232(surroundings.line(plan.port))
