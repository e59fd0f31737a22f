"""Whether a call is made now: what it was signed with, the office gave a short while ago.

Nothing is stored and no clock but the office's own is asked: an older nonce costs its caller one call more.
"""

import hmac
import secrets

NONCE_S = 60.0
"""A nonce is good for one to two of these: longer than a call waits for news, so that each answer's serves the next."""


class Nonces:
    """Those of one start of the office. `now_s` is a monotonic clock's."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def newest(self, now_s: float) -> str:
        """What is told with every answer, in hex."""
        return self._of(int(now_s // NONCE_S))

    def is_fresh(self, nonce: str, now_s: float) -> bool:
        """Whether it was the newest until a minute ago."""
        turn = int(now_s // NONCE_S)
        return nonce in (self._of(turn), self._of(turn - 1))

    def _of(self, turn: int) -> str:
        return hmac.digest(self._key, str(turn).encode(), "sha256").hex()[:32]
