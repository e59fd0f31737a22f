"""Asking and answering on a byte link: a reader beside it gathers what comes, and notices when the link is gone."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from drivers.contracts import ByteLink
from drivers.links import drop
from gateway.errors import LinkError, RemoteProtocolError

ANSWER_MAX = 512
"""The longest answer here, eight lines of an LCUS-8, has some 80 bytes; more is a line that babbles."""

SILENT_S = 0.05
"""An answer's bytes follow one another; a USB adapter keeps them back for 16 ms."""

_Answer = TypeVar("_Answer")


class SerialTalk:
    """One board's wire. What comes unasked is thrown away before the next question."""

    def __init__(self, link: ByteLink) -> None:
        self._link = link
        self._held = bytearray()
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._lost: LinkError | None = None
        self._owed = False
        """The last question was not answered: it still may be."""

    async def open(self) -> None:
        """Open the link. Raises LinkError."""
        await self.close()
        await self._link.open()
        self._lost, self._owed = None, False
        self._reading = asyncio.ensure_future(self._read())

    async def close(self) -> None:
        """Close the link; closing twice is fine."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})
        await drop(self._link)

    def check(self) -> None:
        """Raises LinkError when the link is gone."""
        if self._lost is not None:
            raise LinkError(str(self._lost))

    async def tell(self, data: bytes) -> None:
        """Write what has no answer. Raises LinkError."""
        self.check()
        await self._link.write(data)

    async def ask(self, data: bytes, read: Callable[[bytes], _Answer | None], timeout_s: float) -> _Answer:
        """Write, and gather until `read` makes something of it (None: not whole yet).

        Raises LinkError, or RemoteProtocolError: silence, too much, or what `read` raises.
        """
        self._held.clear()
        await self.tell(data)
        try:
            async with asyncio.timeout(timeout_s):
                while (answer := read(bytes(self._held))) is None:
                    if len(self._held) > ANSWER_MAX:
                        raise RemoteProtocolError("the board says more than any answer has")
                    self._news.clear()
                    await self._news.wait()
                    self.check()
        except TimeoutError:
            # This process may have stood still: what is here by now counts.
            answer = read(bytes(self._held))
            if answer is None:
                self._owed = True
                raise RemoteProtocolError("no answer in time") from None
        return answer

    async def let_late_answer_pass(self, most_s: float) -> None:
        """Wait at most so long for an answer that is owed, and for its end: nothing marks whose answer it is.

        Raises LinkError.
        """
        owed, self._owed = self._owed, False
        wait_s = most_s
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * most_s):  # a line that babbles never falls silent
                while owed:
                    self._news.clear()
                    async with asyncio.timeout(wait_s):
                        await self._news.wait()
                    self.check()
                    wait_s = SILENT_S

    async def _read(self) -> None:
        try:
            while True:
                data = await self._link.read()
                room = ANSWER_MAX + 1 - len(self._held)
                self._held += data[: max(0, room)]
                self._news.set()
        except LinkError as error:
            self._lost = error
            self._news.set()
