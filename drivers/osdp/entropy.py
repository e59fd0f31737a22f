"""Entropy for libosdp's challenges.

libosdp 3.2.9's wheel draws them from the C library's `rand()` and never seeds it: every process would send the same
challenges, and what somebody recorded on the line could be played back after a restart, whole session and card
included. glibc's generator adds up two words of its state for each number, so a state that is filled with fresh words
before each handshake gives fresh numbers.
"""

import ctypes
from functools import cache

from gateway.clock import random_bytes
from gateway.errors import ConfigError

_STATE_BYTES = 256
"""glibc's largest generator (TYPE_4): one word of its own, 63 of state."""
_OWN_WORD = 4


@cache
def _state() -> "ctypes.Array[ctypes.c_char]":
    """The state that `rand()` draws from since now. Raises ConfigError where it does not."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        raise ConfigError("driver", "osdp-reader", "needs the GNU C library: run the gateway on a system that has it")
    libc.initstate.argtypes = (ctypes.c_uint, ctypes.c_void_p, ctypes.c_size_t)
    libc.initstate.restype = ctypes.c_void_p
    state = ctypes.create_string_buffer(_STATE_BYTES)
    drawn = []
    for filling in (b"\x01", b"\x01", b"\x02"):
        libc.initstate(1, state, _STATE_BYTES)
        _fill(state, filling * (_STATE_BYTES - _OWN_WORD))
        drawn.append([libc.rand() for _ in range(8)])
    if drawn[0] != drawn[1] or drawn[0] == drawn[2]:
        raise ConfigError("driver", "osdp-reader", "this C library's rand() can't be given entropy: use another system")
    return state


def stir() -> None:
    """Fill the generator with the operating system's entropy: before whatever may begin a handshake.

    Raises ConfigError, at the first call only, where the C library is not one whose `rand()` can be filled.
    """
    _fill(_state(), random_bytes(_STATE_BYTES - _OWN_WORD))


def _fill(state: "ctypes.Array[ctypes.c_char]", filling: bytes) -> None:
    ctypes.memmove(ctypes.addressof(state) + _OWN_WORD, filling, len(filling))
