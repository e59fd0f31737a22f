"""Byte links that behave badly on purpose, around a good one."""

import asyncio
from collections.abc import Callable

from drivers.contracts import ByteLink
from gateway.errors import LinkError


class WrappedLink:
    """Passes everything through; the others change one thing."""

    def __init__(self, inner: ByteLink) -> None:
        self.inner = inner

    async def open(self) -> None:
        await self.inner.open()

    async def read(self) -> bytes:
        return await self.inner.read()

    async def write(self, data: bytes) -> None:
        await self.inner.write(data)

    async def close(self) -> None:
        await self.inner.close()


class ByteByByte(WrappedLink):
    """Hands over one byte at a time."""

    def __init__(self, inner: ByteLink) -> None:
        super().__init__(inner)
        self._rest = b""

    async def read(self) -> bytes:
        if not self._rest:
            self._rest = await self.inner.read()
        byte, self._rest = self._rest[:1], self._rest[1:]
        return byte


class Altered(WrappedLink):
    """Hands over what `alter` makes of each chunk: loss, noise, half a frame. Nothing left means waiting on."""

    def __init__(self, inner: ByteLink, alter: Callable[[bytes], bytes]) -> None:
        super().__init__(inner)
        self._alter = alter

    async def read(self) -> bytes:
        while not (data := self._alter(await self.inner.read())):
            continue
        return data


class Delayed(WrappedLink):
    """Hands over each chunk late."""

    def __init__(self, inner: ByteLink, delay_s: float) -> None:
        super().__init__(inner)
        self._delay_s = delay_s

    async def read(self) -> bytes:
        data = await self.inner.read()
        await asyncio.sleep(self._delay_s)
        return data


class UnpluggedAfter(WrappedLink):
    """Is gone after so many reads, once; opening it again works."""

    def __init__(self, inner: ByteLink, reads: int) -> None:
        super().__init__(inner)
        self._left = reads
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1
        await self.inner.open()

    async def read(self) -> bytes:
        self._left -= 1
        if self._left == -1:
            raise LinkError("unplugged")
        return await self.inner.read()
