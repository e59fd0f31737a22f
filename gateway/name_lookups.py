"""Name lookups on threads of their own: a resolver that hangs holds up nothing that goes on without it."""

import asyncio
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import Any

LOOKUPS_MOST = 64
"""That hang at once. A resolver gives up after half a minute or so, and who asks in vain asks again after 5 s at the
earliest: ten names are looked up in some sixty threads then, each of some 20 kB.
"""


class LookupsApart(asyncio.SelectorEventLoop):
    """asyncio looks names up in the few threads that also read the journal and open lists, five on one processor.

    A lookup can't be broken off, so a resolver that doesn't answer takes all of them, and nothing is read until it
    does. Here each has a thread that nobody waits for, also not at the process's end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lookups = 0

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """As asyncio's. Raises gaierror, also where too many hang already."""
        if self._lookups >= LOOKUPS_MOST:
            raise socket.gaierror(socket.EAI_AGAIN, f"{LOOKUPS_MOST} name lookups hang: does the resolver answer?")
        found: asyncio.Future[list[Any]] = self.create_future()
        look = partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        self._lookups += 1
        threading.Thread(target=self._look, args=(look, found), name="lookup", daemon=True).start()
        return await found

    def _look(self, look: partial[list[Any]], found: "asyncio.Future[list[Any]]") -> None:
        """The thread's part."""
        try:
            tell = partial(self._found, found, look(), None)
        except (OSError, ValueError) as error:  # ValueError: a name that no DNS can hold
            tell = partial(self._found, found, [], error)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self.call_soon_threadsafe(tell)

    def _found(self, found: "asyncio.Future[list[Any]]", addresses: list[Any], error: Exception | None) -> None:
        self._lookups -= 1
        if found.done():  # nobody waits for it any more
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)
