"""How often a password may be tried: back-off by account and address, so neither guessing nor locking out pays."""

from collections import OrderedDict
from dataclasses import dataclass

_FREE_TRIES = 5
"""A person mistypes; GB 50396 asks for an alarm at five bad tries."""
_FREE_TRIES_WIDE = 20
"""For an account from anywhere, and for an address with any account: several guards share a post."""
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 900.0
_LONGEST_WAIT_WIDE_S = 60.0
"""Short, or a stranger on the network could keep the guard out for good."""
_FORGET_S = 3600.0
_MAX_KEYS = 10_000
"""Some 2 MB; the longest unused is forgotten first."""


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    last_s: float = 0.0
    blocked_until_s: float = 0.0


class SignInLimits:
    """Counts failures in memory. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def wait_s(self, account: str, address: str, now_s: float) -> float:
        """How long this account must wait before it may try again from this address; 0 when it may."""
        blocked = [self._tries[key].blocked_until_s for key in _keys(account, address) if key in self._tries]
        return max([0.0, *(until - now_s for until in blocked)])

    def failed(self, account: str, address: str, now_s: float) -> bool:
        """Count a failure. True when it caused a wait."""
        caused = False
        for key in _keys(account, address):
            tries = self._tries.setdefault(key, _Tries())
            self._tries.move_to_end(key)
            if now_s - tries.last_s > _FORGET_S:
                tries.failures = 0
            tries.failures, tries.last_s = tries.failures + 1, now_s
            narrow = "" not in key
            excess = tries.failures - (_FREE_TRIES if narrow else _FREE_TRIES_WIDE)
            if excess >= 0:
                longest = _LONGEST_WAIT_S if narrow else _LONGEST_WAIT_WIDE_S
                tries.blocked_until_s = now_s + min(longest, _FIRST_WAIT_S * 2.0 ** min(excess, 20))
                caused = True
        while len(self._tries) > _MAX_KEYS:
            self._tries.popitem(last=False)
        return caused

    def succeeded(self, account: str, address: str) -> None:
        """Forget this account's failures from this address."""
        self._tries.pop((account, address), None)


def _keys(account: str, address: str) -> tuple[tuple[str, str], ...]:
    return (account, address), (account, ""), ("", address)
