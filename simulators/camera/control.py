"""The control socket: newline-delimited JSON, a reply for each line."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

_MAX_LINE = 4096
"""Commands are short."""

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ControlError(Exception):
    """A command that makes no sense; its text is the reply's `error`."""


class ControlSocket:
    """Listens on a Unix socket; each connection's commands are answered in their order."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises OSError when the path can't be used."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=_MAX_LINE)
        self._path.chmod(0o600)

    async def close(self) -> None:
        """End and take the socket's file away."""
        if self._server is not None:
            self._server.close()
            for talk in tuple(self._talks):
                talk.cancel()
            if self._talks:
                await asyncio.wait(self._talks)
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._reply(line)).encode() + b"\n")
                await writer.drain()
        except ValueError:
            writer.write(b'{"ok": false, "error": "line too long"}\n')
        except ConnectionError as error:
            _log.debug("control connection lost: %s", error)
        except asyncio.CancelledError:
            # By close() alone: this task is the connection's own, nobody waits for its result.
            _log.debug("control connection ended by closing")
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            command = json.loads(line)
        except ValueError:
            return {"ok": False, "error": "not JSON"}
        if not isinstance(command, dict):
            return {"ok": False, "error": "not an object"}
        try:
            return {"ok": True, **await self._answer(command)}
        except ControlError as error:
            return {"ok": False, "error": str(error)}
