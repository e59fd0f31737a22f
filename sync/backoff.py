"""How long to wait before the next try: full jitter, so that a thousand gateways don't come back at once."""

from gateway.clock import random_bytes

FIRST_S = 0.5
LONGEST_S = 20.0
"""A guard who sees the line come back should see the queue drain soon after."""
RETRY_AFTER_MAX_S = 3600.0
"""An office may ask for an hour; more would be a mistake that nobody could take back."""


class Backoff:
    """Counts failures in a row."""

    def __init__(self, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._failures = 0

    def next_s(self, at_least_s: float | None = None) -> float:
        """The pause after one more failure; the office's wish is a floor, and jitter comes on top of it."""
        ceiling = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        share = int.from_bytes(random_bytes(4), "big") / 2**32
        return min(at_least_s or 0.0, RETRY_AFTER_MAX_S) + ceiling * share

    def reset(self) -> None:
        """It worked."""
        self._failures = 0
