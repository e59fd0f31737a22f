"""A board that knows some requests by heart, and answers each with the bytes that belong to it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tests.drivers.ptys import PtyPort


class ScriptedBoard:
    """`replies` are requests and what answers them; everything heard is kept."""

    def __init__(self, path: Path, replies: Mapping[bytes, bytes]) -> None:
        self.port = PtyPort(path)
        self.replies = dict(replies)
        self.heard: list[bytes] = []
        self._held = b""
        asyncio.get_running_loop().add_reader(self.port.master, self._on_bytes)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.port.master)
        self.port.close()

    def _on_bytes(self) -> None:
        self._held += self.port.read()
        for request, reply in self.replies.items():
            if self._held.endswith(request):
                self.heard.append(self._held)
                self._held = b""
                self.port.write(reply)
                return
