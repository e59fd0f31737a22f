"""The one Unix socket of signals: the doors process's side.

Newline-delimited JSON. A client says `{"hello": ROLE}` first, then `{"id": n, "signal": {…}}`; each gets
`{"id": n, "reply": {…}}`. After `{"follow": true}` it also gets `{"feed": {…}}` lines. What a role may say is listed
here, so that a confused camera process can't ask for a door. The socket's mode is 0600; the kernel says who connects.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain import signals as sg
from gateway.domain.ports import Reply
from gateway.errors import RemoteProtocolError
from gateway.inbox import Inbox
from gateway.signal_codec import signal_from_dict
from gateway.status import StatusHub

log = logging.getLogger(__name__)

LINE_BYTES_MAX = 64 * 1024
"""The largest signal is a refused list with 50 faults of 300 characters."""
CLIENTS_MAX = 32
UNSENT_BYTES_MAX = 1 << 20
"""A follower this far behind is cut off; it comes back and reads the journal from its cursor."""

MAY_SAY: dict[str, tuple[type, ...]] = {
    "console": (
        sg.OpenRequested,
        sg.DoorModeRequested,
        sg.LockdownRequested,
        sg.LockdownReleaseRequested,
        sg.LockOpenRequested,
        sg.LockOpenReleaseRequested,
        sg.BlockRequested,
        sg.LocalGrantRequested,
        sg.ForgiveRequested,
        sg.AccessConfirmRequested,
        sg.FireResetRequested,
        sg.TourStartRequested,
        sg.TourStopRequested,
        sg.AlarmAcknowledgeRequested,
        sg.AlarmResolveRequested,
        sg.SirenTestRequested,
        sg.SirenSilenceRequested,
        sg.ListConfirmRequested,
        sg.OperatorActed,
        sg.StatusReported,
    ),
    "sync": (
        sg.ListReady,
        sg.ListRefused,
        sg.ListCurrent,
        sg.OfficeRevoked,
        sg.AccessConfirmRequested,
        sg.HistoryDiverged,
        sg.LinkChanged,
        sg.StatusReported,
    ),
    "cameras": (sg.Observation, sg.EvidenceReady, sg.LinkChanged, sg.StatusReported),
    "command": (sg.PersonEraseRequested,),
    "supervisor": (sg.ProcessChanged,),
}


class DoorsSocket:
    """Serves the socket at `path`. `link_names` are the devices whose link a role may speak for."""

    def __init__(
        self,
        path: Path,
        inbox: Inbox,
        hub: StatusHub,
        link_names: dict[str, frozenset[str]],
        note_link: Callable[[sg.LinkChanged], None],
    ) -> None:
        self.path, self.inbox, self.hub = path, inbox, hub
        self.link_names, self.note_link = link_names, note_link
        self._clients: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._accept, str(self.path), limit=LINE_BYTES_MAX)
        finally:
            os.umask(before)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            for client in self._clients:
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not a coroutine: tasks that asyncio makes of one complain when they are cancelled at the end."""
        if len(self._clients) >= CLIENTS_MAX or not _same_user(writer):
            log.warning("refused a connection to the signal socket")
            writer.close()
            return
        client = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self, writer)
        try:
            while line := await reader.readline():
                client.take(line)
        except (ConnectionError, ValueError, RemoteProtocolError) as error:
            log.warning("signal socket: %s was cut off: %s", client.role or "a client", error)
        finally:
            client.unfollow()
            writer.close()


class _Client:
    """One connection."""

    def __init__(self, server: DoorsSocket, writer: asyncio.StreamWriter) -> None:
        self.server, self.writer = server, writer
        self.role = ""
        self.unfollow = _nothing

    def take(self, line: bytes) -> None:
        try:
            message = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise RemoteProtocolError(str(error)) from error
        if not isinstance(message, dict):
            raise RemoteProtocolError("a line is a JSON object")
        if "hello" in message:
            self.role = str(message["hello"])
        elif message.get("follow"):
            self.unfollow()
            self.unfollow = self.server.hub.follow(lambda feed: self._write({"feed": feed}))
        else:
            self._signal(message)

    def _signal(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        signal = signal_from_dict(message.get("signal"))
        refusal = self._refusal(signal)
        if refusal is None and isinstance(signal, sg.LinkChanged):
            self.server.note_link(signal)
        if refusal is None and not self.server.inbox.put(
            signal, lambda reply: self._write({"id": number, "reply": msgspec.to_builtins(reply)})
        ):
            refusal = "InboxFull"
        if refusal is not None:
            self._write({"id": number, "reply": msgspec.to_builtins(Reply(accepted=False, reason=refusal))})

    def _refusal(self, signal: sg.Signal) -> str | None:
        if not isinstance(signal, MAY_SAY.get(self.role, ())):
            return "NotForThisRole"
        if isinstance(signal, sg.LinkChanged) and signal.device not in self.server.link_names.get(self.role, ()):
            return "DeviceUnknown"
        return None

    def _write(self, message: dict[str, Any]) -> None:
        transport = self.writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            transport.abort()
            return
        self.writer.write(msgspec.json.encode(message) + b"\n")


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Linux: SO_PEERCRED tells the peer's uid."""
    peer = writer.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return bool(uid in (os.getuid(), 0))


def _nothing() -> None:
    """Nothing to undo yet."""
