"""HTTP connections whose heads are bounded in size and time, as bodies are (`requests`): uvicorn's own wait for ever.

Nobody has shown a token yet where a head comes: whoever reaches the office could take all its connections with silence.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0
"""From the connection on, or from a head's first byte: a gateway sends its own at once, in one piece."""
HEAD_BYTES = 64 * 1024
"""The longest, with the numbers of 64 buckets and what servers in front add, is some 4 kB."""


class BoundedConnection(HttpToolsProtocol):
    """Lets go who sends no head in time, or one without an end; or goes on sending a body that is not asked for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._head_bytes: int | None = 0
        """Of the head that is on its way; None while none is."""
        self._gives_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response(f"The head of a request has at most {HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._wait()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._wait_no_longer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._wait_no_longer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.cycle.more_body:  # refused before it was read
            self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        if self._gives_up is None:
            self._gives_up = self.loop.call_later(HEAD_S, self.transport.close)

    def _wait_no_longer(self) -> None:
        if self._gives_up is not None:
            self._gives_up.cancel()
            self._gives_up = None
