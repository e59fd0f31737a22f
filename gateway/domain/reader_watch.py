"""A reader's short memory: the card that is still being held to it, and the keys of a PIN under way.

Digits are in no checkpoint: keys that were half typed at a restart are typed again.
"""

from dataclasses import dataclass

from gateway.domain.credential import Identifier

PIN_DIGITS_MAX = 12
"""Longer than any PIN in use; what comes after is dropped until `#` or `*`."""
KEY_GAP_S = 10.0
"""Keys further apart than this belong to different PINs."""


@dataclass(slots=True)
class ReaderWatch:
    """One reader's."""

    last_read: tuple[Identifier, ...] | str = ()
    last_read_s: float = float("-inf")
    keys: str = ""
    last_key_s: float = float("-inf")
    refused_s: float = float("-inf")
    """When something else than a PIN was refused here last."""
    refused_as_wrong: bool = False
    """That counted as a wrong attempt, and no digits have come since."""

    def is_repeat(self, read: tuple[Identifier, ...] | str, received_s: float, repeat_s: float) -> bool:
        """Is this the card, or the text, that is still being held to the reader?"""
        repeat = read == self.last_read and received_s - self.last_read_s < repeat_s
        self.last_read, self.last_read_s = read, received_s
        return repeat

    def press(self, key: str, received_s: float) -> str | None:
        """Collect a key; the digits when `#` ends them."""
        if received_s - self.last_key_s > KEY_GAP_S:
            self.keys = ""
        self.last_key_s = received_s
        if key == "*":
            self.keys = ""
        elif key == "#":
            digits, self.keys = self.keys, ""
            return digits or None
        elif key.isdecimal() and len(self.keys) < PIN_DIGITS_MAX:
            self.keys += key
        return None

    def refuse(self, now_s: float, *, wrong: bool) -> None:
        """Something else than a PIN was refused; did that count as a wrong attempt?"""
        self.refused_s, self.refused_as_wrong = now_s, wrong

    def is_counted(self, now_s: float, within_s: float) -> bool:
        """Are these digits the first after what was refused and counted? Asked once of each."""
        counted, self.refused_as_wrong = self.refused_as_wrong, False
        return counted and now_s - self.refused_s < within_s
