"""libosdp's control panel for one reader, driven by hand: bytes in, bytes out, and nothing here waits or reads a clock.

A call takes some microseconds (p99 16), so it runs in the event loop; a thread would only add its hand-over. Once
libosdp has given a reader up it waits 300 s, so a new panel is made for each connecting.
"""

import ctypes
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import osdp_sys

from drivers.osdp.entropy import stir
from drivers.osdp.identity import ReaderIdentity

_REFRESHES_TO_SEND = 3
"""libosdp takes one step a call: take the answer, choose a command, send it."""


class Buffers:
    """libosdp's channel: two buffers in memory. `id` tells channels of one context apart; here there is one.

    libosdp never lets go of it, so a reader's panels use the same one after the other.
    """

    id = 1

    def __init__(self) -> None:
        self.arrived, self.leaving = bytearray(), bytearray()

    def read(self, count: int) -> bytes:
        data = bytes(self.arrived[:count])
        del self.arrived[:count]
        return data

    def write(self, data: bytes) -> int:
        self.leaving += data
        return len(data)

    def flush(self) -> None:
        self.arrived.clear()

    def clear(self) -> None:
        """For another panel."""
        self.arrived.clear()
        self.leaving.clear()


class Panel:
    """One reader's. With a key nothing but a secure channel of that key is ever online; without, all is in clear.

    `install`: the default key may be used, once, to give the reader `key`.
    """

    def __init__(
        self, address: int, key: bytes | None, buffers: Buffers | None = None, *, install: bool = False
    ) -> None:
        flags = osdp_sys.FLAG_ENABLE_NOTIFICATION | osdp_sys.FLAG_IGN_UNSOLICITED
        if install:
            flags |= osdp_sys.FLAG_INSTALL_MODE
        elif key is not None:
            flags |= osdp_sys.FLAG_ENFORCE_SECURE
        osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)
        self._wants_secure = key is not None
        self._buffers = buffers or Buffers()
        self._buffers.clear()
        self._events: list[dict[str, Any]] = []
        self._lent: list[dict[str, Any]] = []
        self.outcomes: list[bool] = []
        """How the commands submitted ended: did the reader accept it? Taken by `take_outcomes`."""
        self.gave_up = False
        reader = {"name": "reader", "address": address, "flags": flags, "scbk": key, "channel": self._buffers}
        self._context = osdp_sys.ControlPanel([reader])
        self._context.set_event_callback(_weakly(self._on_event))
        self._context.set_command_completion_callback(_weakly(self._on_completion))

    @property
    def is_online(self) -> bool:
        """Does the reader answer, and where there is a key in a secure channel of that key?"""
        return bool(self._context.status() & 1) and (not self._wants_secure or bool(self._context.sc_status() & 1))

    @property
    def is_in_clear(self) -> bool:
        """Does the reader answer, but in no secure channel though there should be one?"""
        return self._wants_secure and bool(self._context.status() & 1) and not self.is_online

    def outgoing(self) -> bytes:
        """The next frame for the reader, with its mark; empty while there is nothing to say."""
        if self._wants_secure:
            stir()
        for _ in range(_REFRESHES_TO_SEND):
            self._refresh()
            if self._buffers.leaving:
                break
        frame = bytes(self._buffers.leaving)
        self._buffers.leaving.clear()
        return frame

    def incoming(self, frame: bytes) -> list[dict[str, Any]]:
        """Give it the reader's answer; what the reader said in it."""
        self._buffers.arrived += frame
        self._refresh()
        events, self._events = self._events, []
        return events

    def submit(self, command: Mapping[str, Any]) -> bool:
        """Queue a command, sent before the next poll; False when the reader can't be told now."""
        return bool(self._context.submit_command(0, dict(command)))

    def take_outcomes(self) -> list[bool]:
        """How commands ended since the last call."""
        outcomes, self.outcomes = self.outcomes, []
        return outcomes

    def capability(self, function: int) -> tuple[int, int]:
        """(compliance level, number of items) that the reader claims for a function; zeros when it doesn't."""
        level, items = self._context.check_capability(0, function)
        return int(level), int(items)

    def identity(self) -> ReaderIdentity:
        """Who the reader says that it is."""
        told = self._context.get_pd_id(0)
        return ReaderIdentity(
            told["vendor_code"].to_bytes(3, "little").hex("-").upper(),
            told["model"],
            told["version"],
            told["serial_number"],
            ".".join(str(part) for part in told["firmware_version"].to_bytes(3, "big")),
        )

    def _on_event(self, _reader: int, event: dict[str, Any]) -> int:
        # Called by C: an exception from here would surface somewhere else.
        self._lent.append(event)
        if event.get("event") == osdp_sys.EVENT_NOTIFICATION:
            if event.get("type") == osdp_sys.EVENT_NOTIFICATION_PD_STATUS:
                self.gave_up = not event.get("arg0")
        elif self.is_online:
            self._events.append(dict(event))
        return 0

    def _refresh(self) -> None:
        self._context.refresh()
        while self._lent:
            _give_back(self._lent.pop())

    def _on_completion(self, _reader: int, _command: dict[str, Any], status: int) -> int:
        self.outcomes.append(status == osdp_sys.COMPLETION_OK)
        return 0


def _weakly(method: Callable[..., int]) -> Callable[..., int]:
    """A callback that does not keep its panel alive: libosdp's object is none that Python's collector looks into."""
    found = weakref.WeakMethod(method)

    def call(*told: Any) -> int:
        alive = found()
        return 0 if alive is None else alive(*told)

    return call


def _give_back(event: dict[str, Any]) -> int:
    """Drop the reference to an event that libosdp 3.2.9 forgets to drop: 200 bytes each, 30 MB a day of eight readers.

    Only one that is held by somebody unknown is let go, so nothing happens where it was dropped. Returns the holders.
    """
    held = sys.getrefcount(event)
    if held > _OURS:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(event))
    return held


_OURS = sys.maxsize
_OURS = _give_back([{}].pop())
"""Who holds an event that nobody forgot, in this interpreter."""
