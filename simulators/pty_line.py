"""A serial line made of a pseudo-terminal, paced like a wire: a byte takes ten bits (8N1) at the line's baud rate.

The simulated device holds the master side; whoever opens the symbolic link is the computer at the other end.
"""

import asyncio
import os
import termios
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path

BITS_PER_BYTE = 10
"""8N1: a start bit, eight data bits, a stop bit."""

MAX_WAITING = 4096
"""Bytes that wait for the wire; a real converter holds far fewer and loses the rest."""

_SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)}
"""What the terminal calls them."""

Receive = Callable[[bytes], None]


class PtyLine:
    """One line at `link`. Bytes that arrive are handed to `receive` when the wire would have carried them."""

    def __init__(self, link: Path, baud: int = 9600, receive: Receive | None = None) -> None:
        self.link = link
        self.baud = baud
        self.byte_time_s = BITS_PER_BYTE / baud
        self.receive = receive
        self.lost = 0
        """Bytes that found no room or no cable."""
        self._loop = asyncio.get_running_loop()
        self._master: int | None = None
        self._slave: int | None = None
        self._waiting: deque[int] = deque()
        self._arriving: deque[int] = deque()
        self._out: asyncio.TimerHandle | None = None
        self._in: asyncio.TimerHandle | None = None
        self._out_due = 0.0
        self._in_due = 0.0

    @property
    def plugged(self) -> bool:
        """Whether the cable is in."""
        return self._master is not None

    def heard_baud(self) -> int | None:
        """At what speed the computer speaks; None where no cable is in, or at another speed than readers have."""
        return None if self._slave is None else _SPEEDS.get(termios.tcgetattr(self._slave)[4])

    def plug(self) -> None:
        """Open a pseudo-terminal and point the link at it; nothing happens when it is plugged already."""
        if self._master is not None:
            return
        self._master, self._slave = os.openpty()
        # Held open by us too: without any holder the master would read as hung up, in a busy loop.
        tty.setraw(self._slave)
        _begin_at(self._slave, self.baud)
        os.set_blocking(self._master, False)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.link)
        self._loop.add_reader(self._master, self._read)

    def unplug(self) -> None:
        """Pull the cable: the other end sees a hang-up, the link is gone, bytes on the way are lost."""
        if self._master is None or self._slave is None:
            return
        self._loop.remove_reader(self._master)
        for timer in (self._out, self._in):
            if timer is not None:
                timer.cancel()
        self._out = self._in = None
        self.lost += len(self._waiting)
        self._waiting.clear()
        self._arriving.clear()
        self.link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = None

    def send(self, data: bytes) -> bool:
        """Put bytes on the wire; what doesn't fit, or has no cable, is lost and counted. False: no cable."""
        if self._master is None:
            self.lost += len(data)
            return False
        room = max(0, MAX_WAITING - len(self._waiting))
        self._waiting.extend(data[:room])
        self.lost += len(data[room:])
        if self._out is None and self._waiting:
            self._out_due = self._loop.time() + self.byte_time_s
            self._out = self._loop.call_at(self._out_due, self._write_due)
        return True

    def _write_due(self) -> None:
        """Write every byte whose last bit has left by now."""
        self._out = None
        if self._master is None:
            return
        now = self._loop.time()
        due = bytearray()
        while self._waiting and self._out_due <= now:
            due.append(self._waiting.popleft())
            self._out_due += self.byte_time_s
        try:
            written = os.write(self._master, due)
        except BlockingIOError:
            written = 0
        self.lost += len(due) - written
        if self._waiting:
            self._out = self._loop.call_at(self._out_due, self._write_due)

    def _read(self) -> None:
        assert self._master is not None
        try:
            data = os.read(self._master, 4096)
        except (BlockingIOError, OSError):
            # EIO shows for a moment when the other end closes while the terminal is being replaced.
            return
        room = max(0, MAX_WAITING - len(self._arriving))
        self.lost += len(data[room:])
        was_idle = not self._arriving
        self._arriving.extend(data[:room])
        if was_idle and self._arriving:
            self._in_due = max(self._in_due, self._loop.time()) + self.byte_time_s
            self._in = self._loop.call_at(self._in_due, self._receive_due)

    def _receive_due(self) -> None:
        """Hand over every byte whose last bit has arrived by now."""
        now = self._loop.time()
        due = bytearray()
        while self._arriving and self._in_due <= now:
            due.append(self._arriving.popleft())
            if self._arriving:
                self._in_due += self.byte_time_s
        self._in = self._loop.call_at(self._in_due, self._receive_due) if self._arriving else None
        if self.receive is not None and due:
            self.receive(bytes(due))


def _begin_at(terminal: int, baud: int) -> None:
    """Who opens it without naming a speed speaks at the line's own, where terminals know that speed."""
    speed = next((each for each, known in _SPEEDS.items() if known == baud), None)
    if speed is not None:
        attributes = termios.tcgetattr(terminal)
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)


class LineDevice:
    """A device on a line: its plug is the line's cable."""

    def __init__(self, line: PtyLine) -> None:
        self.line = line

    @property
    def plugged(self) -> bool:
        """Whether the cable is in."""
        return self.line.plugged

    def plug(self) -> None:
        """Put the cable in."""
        self.line.plug()

    async def unplug(self) -> None:
        """Pull the cable."""
        self.line.unplug()

    async def noise(self, data: bytes) -> None:
        """Put rubbish on the line."""
        self.line.send(data)
