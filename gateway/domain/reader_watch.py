"""What a reader's swipes and keys amount to: one swipe, one PIN, or too many wrong attempts."""

from collections import deque
from dataclasses import dataclass, field

from gateway.domain.credential import Identifier

PIN_DIGITS_MAX = 12
"""Longer than any PIN in use; what comes after is dropped until `#` or `*`."""
KEY_GAP_S = 10.0
"""Keys further apart than this belong to different PINs."""
ATTEMPTS_MAX = 5
"""GB 50396-2007: an alarm after at most 5 wrong attempts in a row."""
ATTEMPTS_WINDOW_S = 300.0
PIN_LOCKOUT_S = 60.0


@dataclass(slots=True)
class ReaderWatch:
    """One reader's short memory; nothing of it outlives a restart but the lock-out's alarm."""

    last_read: tuple[Identifier, ...] = ()
    last_read_s: float = float("-inf")
    keys: str = ""
    last_key_s: float = float("-inf")
    wrong_s: deque[float] = field(default_factory=lambda: deque(maxlen=ATTEMPTS_MAX))
    locked_until_s: float = float("-inf")

    def is_repeat(self, identifiers: tuple[Identifier, ...], received_s: float, repeat_s: float) -> bool:
        """Is this the card that is still being held to the reader?"""
        repeat = identifiers == self.last_read and received_s - self.last_read_s < repeat_s
        self.last_read, self.last_read_s = identifiers, received_s
        return repeat

    def press(self, key: str, received_s: float) -> Identifier | None:
        """Collect a key; the PIN's identifier when `#` ends it. The format carries the length, so that 007 isn't 7."""
        if received_s - self.last_key_s > KEY_GAP_S:
            self.keys = ""
        self.last_key_s = received_s
        if key == "*":
            self.keys = ""
        elif key == "#":
            digits, self.keys = self.keys, ""
            if digits and received_s >= self.locked_until_s:
                return Identifier(f"PIN{len(digits)}", None, int(digits))
        elif key.isdecimal() and len(self.keys) < PIN_DIGITS_MAX:
            self.keys += key
        return None

    def wrong(self, received_s: float) -> bool:
        """Count a wrong attempt; True at the fifth within the window: PINs are then locked out for a minute."""
        self.wrong_s.append(received_s)
        if len(self.wrong_s) < ATTEMPTS_MAX or received_s - self.wrong_s[0] > ATTEMPTS_WINDOW_S:
            return False
        self.wrong_s.clear()
        self.locked_until_s = received_s + PIN_LOCKOUT_S
        return True

    def right(self) -> None:
        """A grant ends the row of wrong attempts."""
        self.wrong_s.clear()
