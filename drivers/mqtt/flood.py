"""What one topic may say: a flooding device is bounded before it can crowd the others out."""

import asyncio
from collections.abc import Callable

import aiomqtt

BURST, PER_SECOND = 40, 10.0
"""One topic's token bucket: no reader or relay says more than ten things a second for long.

A board of eight outputs and eight inputs answers 32 questions at once when it connects, and a command besides.
"""

MAX_WAITING = 256
"""Messages between socket and handlers; the buckets drain far slower than handlers do."""


class TokenBucket:
    """At most `burst` at once and `per_second` for long."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst, self._per_second = float(burst), per_second
        self._tokens, self._filled_s = float(burst), float("-inf")

    def take(self, now_s: float) -> bool:
        """Take a token, if there is one, at the monotonic time `now_s`."""
        gained = (now_s - self._filled_s) * self._per_second
        self._tokens, self._filled_s = min(self._burst, self._tokens + gained), now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def bounded_queue(admit: Callable[[str], bool]) -> type["asyncio.Queue[aiomqtt.Message]"]:
    """A queue whose entrance keeps a flooding topic out, so that it can't crowd the others out."""

    class BoundedQueue(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if admit(str(item.topic)):
                super().put_nowait(item)

    return BoundedQueue
