"""Byte links to devices, and how long to wait before trying one again."""

import asyncio
import os
import termios
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import serial

from drivers.contracts import ByteLink
from gateway.clock import random_bytes
from gateway.errors import LinkError

BAUD_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
"""What the supported devices speak; a typo such as 960 is refused."""

MAX_READ = 4096
"""One read takes at most this much: the kernel's own tty buffer is as large."""

MAX_WRITE = 4096
"""No device here takes a longer command; more can only be a bug."""

OPEN_TIMEOUT_S = 3.0
WRITE_TIMEOUT_S = 2.0
"""4096 bytes at 19200 baud; a line that takes nothing for so long is stuck."""


PORT_MOST_S = 1.0
"""The longest pause before a missing port is looked for again: a look is cheap, and a reader is to be back in 2 s."""


class Backoff:
    """Doubling delays with jitter, in seconds: first about `first_s`, never above `most_s`."""

    def __init__(
        self, first_s: float = 0.1, most_s: float = 3.0, entropy: Callable[[int], bytes] = random_bytes
    ) -> None:
        self._first_s, self._most_s, self._entropy = first_s, most_s, entropy
        self._attempts = 0

    def next_s(self) -> float:
        """The next delay: between half and all of the doubled one, so that devices don't return in step."""
        whole = min(self._most_s, self._first_s * 2.0 ** min(self._attempts, 16))
        self._attempts += 1
        return whole * (0.5 + int.from_bytes(self._entropy(2), "big") / 0xFFFF / 2)

    def reset(self) -> None:
        """The link held for a while: begin again with short delays."""
        self._attempts = 0


class SerialLink:
    """A serial port (8N1), opened for this process alone. A pseudo-terminal, or a link to one, serves as well."""

    def __init__(self, path: str, baud: int = 9600) -> None:
        self._path, self._baud = path, baud
        self._port: serial.Serial | None = None
        self._lost: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Open the port. Raises LinkError: missing, not a serial port, in use, no permission, or no answer in time."""
        await self.close()
        opening = asyncio.ensure_future(asyncio.to_thread(_open_port, self._path, self._baud))
        try:
            # A driver for a dying USB adapter can block in open(): that costs a thread, never the event loop.
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._port = await asyncio.shield(opening)
        except TimeoutError:
            opening.add_done_callback(_close_late)
            raise LinkError(f"{self._path}: opening took over {OPEN_TIMEOUT_S:.0f} s") from None
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise
        self._lost = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        """The next bytes, 1 to 4096. Raises LinkError as soon as the port is gone."""
        descriptor = self._descriptor()
        await self._wait_until(descriptor, readable=True)
        # Nothing awaits between readiness and read, so that cancelling never loses bytes.
        try:
            data = os.read(descriptor, MAX_READ)
        except OSError as error:
            raise LinkError(f"{self._path}: {error.strerror}") from None
        if not data:
            raise LinkError(f"{self._path}: hung up")
        return data

    async def write(self, data: bytes) -> None:
        """Write it all. Raises LinkError: gone, longer than 4096 bytes, or not taken within two seconds."""
        if len(data) > MAX_WRITE:
            raise LinkError(f"{self._path}: {len(data)} bytes are more than the {MAX_WRITE} of one write")
        descriptor, rest = self._descriptor(), memoryview(data)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                while rest:
                    rest = rest[_write_some(descriptor, rest, self._path) :]
                    if rest:
                        await self._wait_until(descriptor, readable=False)
        except TimeoutError:
            raise LinkError(f"{self._path}: took no bytes for {WRITE_TIMEOUT_S:.0f} s") from None

    async def close(self) -> None:
        """Close the port; a read that waits gets its LinkError. Closing twice is fine."""
        port, self._port = self._port, None
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        if port is None:
            return
        loop, descriptor = asyncio.get_running_loop(), port.fileno()
        loop.remove_reader(descriptor)
        loop.remove_writer(descriptor)
        # Unsent bytes would keep close() waiting for the wire.
        with suppress(OSError, termios.error):
            termios.tcflush(descriptor, termios.TCOFLUSH)
        with suppress(OSError):
            port.close()

    def _descriptor(self) -> int:
        if self._port is None:
            raise LinkError(f"{self._path}: not open")
        return int(self._port.fileno())

    async def _wait_until(self, descriptor: int, *, readable: bool) -> None:
        """Return when the descriptor is ready; LinkError when the link is closed meanwhile."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        add, remove = (loop.add_reader, loop.remove_reader) if readable else (loop.add_writer, loop.remove_writer)
        lost = self._lost
        assert lost is not None

        def wake(_lost: asyncio.Future[None]) -> None:
            _finish(ready)

        add(descriptor, _finish, ready)
        lost.add_done_callback(wake)
        try:
            await ready
        finally:
            if not lost.done():
                remove(descriptor)
            lost.remove_done_callback(wake)
        if lost.done():
            raise LinkError(f"{self._path}: closed")


class MemoryLink:
    """One end of a pair that carries bytes in memory: for tests, and for devices that live in the same process."""

    def __init__(self) -> None:
        self.peer: MemoryLink | None = None
        self.plugged = True
        """False: opening and reading fail, as with a port whose cable is out."""
        self._arrived: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._open = False

    async def open(self) -> None:
        """Open this end. Raises LinkError while unplugged."""
        if not self.plugged:
            raise LinkError("memory link: unplugged")
        self._open = True

    async def read(self) -> bytes:
        """The next bytes, at most 4096. Raises LinkError when unplugged or closed."""
        while not self._arrived:
            self._check()
            self._wake.clear()
            await self._wake.wait()
        self._check()
        data = self._arrived.popleft()
        if len(data) > MAX_READ:
            self._arrived.appendleft(data[MAX_READ:])
        return data[:MAX_READ]

    async def write(self, data: bytes) -> None:
        """Hand the bytes to the peer. Raises LinkError when unplugged or closed."""
        self._check()
        if self.peer is not None and data:
            self.peer.feed(data)

    async def close(self) -> None:
        """Close this end."""
        self._open = False
        self._wake.set()

    def feed(self, data: bytes) -> None:
        """Let bytes arrive here."""
        self._arrived.append(data)
        self._wake.set()

    def unplug(self) -> None:
        """Pull the cable: what had not been read is lost."""
        self.plugged = False
        self._arrived.clear()
        self._wake.set()

    def plug(self) -> None:
        """Put the cable back in."""
        self.plugged = True

    def _check(self) -> None:
        if not self.plugged:
            raise LinkError("memory link: unplugged")
        if not self._open:
            raise LinkError("memory link: not open")


def memory_pair() -> tuple[MemoryLink, MemoryLink]:
    """Two ends of one line; what is written to one arrives at the other."""
    near, far = MemoryLink(), MemoryLink()
    near.peer, far.peer = far, near
    return near, far


def heed_cancellation() -> None:
    """Raise CancelledError if this task was asked to end.

    Before Python 3.12 `asyncio.wait_for` returns its result and forgets the cancellation when both come together; the
    libraries here use it, so their callers look again.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def drop(link: ByteLink) -> None:
    """Close a link that failed; a failure to close changes nothing any more."""
    with suppress(LinkError):
        await link.close()


def _open_port(path: str, baud: int) -> serial.Serial:
    if not Path(path).is_char_device():
        state = "not a serial port" if Path(path).exists() else "no such port"
        raise LinkError(f"{path}: {state}")
    try:
        port = serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True)
    except (serial.SerialException, ValueError) as error:
        raise LinkError(f"{path}: {error}") from None
    try:
        attributes = termios.tcgetattr(port.fileno())
        # With VMIN 0 an empty read and a hang-up look the same.
        attributes[6][termios.VMIN] = 1
        termios.tcsetattr(port.fileno(), termios.TCSANOW, attributes)
    except termios.error as error:
        port.close()
        raise LinkError(f"{path}: {error}") from None
    return port


def _close_late(opening: "asyncio.Future[serial.Serial]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _write_some(descriptor: int, data: memoryview, path: str) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0
    except OSError as error:
        raise LinkError(f"{path}: {error.strerror}") from None


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
