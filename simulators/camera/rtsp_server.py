"""The camera's RTSP server: answers requests, feeds every viewer the programme's frames."""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable

from simulators.camera.faults import Fault
from simulators.camera.http_auth import HttpAuth
from simulators.camera.programme import AirFrame, Programme
from simulators.camera.rtp import payloads
from simulators.camera.rtsp_messages import (
    Interleaved,
    MessageReader,
    Request,
    parse_transport,
    write_response,
    write_sdp,
)
from simulators.camera.rtsp_session import Phase, Session, ViewerGone

_log = logging.getLogger(__name__)

PATH = "/main"
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_MAX_CONNECTIONS = 32
"""A camera serves a handful; more is a flood."""
_READ_BYTES = 16384
_UDP_ATTEMPTS = 50
_CLOSE_S = 1.0
"""Connections that don't end within this at the camera's own end are left to the loop."""


class RtspServer:
    """Serves one stream at PATH."""

    def __init__(
        self, programme: Programme, auth: HttpAuth, host: str, fault: Callable[[], Fault], timeout_s: int
    ) -> None:
        self._programme = programme
        self._auth = auth
        self._host = host
        self._fault = fault
        self._timeout_s = timeout_s
        self._description = secrets.randbits(31)
        self._server: asyncio.Server | None = None
        self._udp: tuple[asyncio.DatagramTransport, asyncio.DatagramTransport] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._sessions: dict[str, Session] = {}
        self.port = 0
        self.dropped = 0
        programme.on_frame.append(self._send)

    @property
    def viewers(self) -> int:
        """Sessions that play."""
        return sum(session.phase is Phase.PLAYING for session in self._sessions.values())

    async def start(self, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        if self._udp is None:
            self._udp = await _open_udp_pair(self._host, self._hear_rtcp)
        self._server = await asyncio.start_server(self._serve, self._host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def resume(self) -> None:
        """Listen again at the same port."""
        if self._server is None:
            await self.start(self.port)

    def cut(self) -> None:
        """Break every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._sessions.clear()

    async def close(self) -> None:
        """Say goodbye to viewers and end."""
        self.stop_listening()
        for session in self._sessions.values():
            session.say_goodbye()
        for writer in tuple(self._writers):
            writer.close()
        if self._talks:
            await asyncio.wait(self._talks, timeout=_CLOSE_S)
        for transport in self._udp or ():
            transport.close()

    def _send(self, frame: AirFrame) -> None:
        fault = self._fault()
        if fault is Fault.STALL or not self._sessions:
            return
        parts = payloads(frame.unit)
        for session in tuple(self._sessions.values()):
            if session.expired:
                _log.info("session of %s timed out", session.peer)
                self._forget(session)
                continue
            try:
                if fault is Fault.RUBBISH:
                    session.send_rubbish(frame.number)
                else:
                    session.send(frame, parts)
            except ViewerGone as error:
                _log.info("viewer %s dropped: %s", session.peer, error)
                self.dropped += 1
                self._forget(session)

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        session.drop()

    def _hear_rtcp(self, address: tuple[str, int]) -> None:
        for session in self._sessions.values():
            ports = session.transport.client_ports
            if ports is not None and session.peer == address[0] and address[1] in ports:
                session.keep_alive()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= _MAX_CONNECTIONS:
            writer.transport.abort()
            return
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        self._writers.add(writer)
        connection = _Connection(self, writer)
        try:
            await connection.converse(reader)
        except ConnectionError as error:
            _log.debug("connection lost: %s", error)
        finally:
            self._talks.discard(talk)
            self._writers.discard(writer)
            for session in connection.sessions:
                self._sessions.pop(session.id, None)
            writer.close()

    def answer(self, request: Request, connection: "_Connection") -> bytes:
        """The response to one request."""
        sequence = request.headers.get("cseq", "0")
        if request.method == "OPTIONS":
            return write_response(200, sequence, (("Public", _METHODS),))
        if not self._auth.accepts(request.headers.get("authorization"), request.method, basic=False):
            return write_response(401, sequence, self._auth.challenges(basic=False))
        if not _path(request.url).startswith(PATH):
            return write_response(404, sequence)
        match request.method:
            case "DESCRIBE":
                return self._describe(request, sequence, connection)
            case "SETUP":
                return self._set_up(request, sequence, connection)
            case "PLAY" | "PAUSE" | "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN":
                return self._control(request, sequence)
        return write_response(405, sequence, (("Allow", _METHODS),))

    def _describe(self, request: Request, sequence: str, connection: "_Connection") -> bytes:
        sdp = write_sdp(
            connection.local_host, self._programme.picture, self._programme.parameter_sets(), self._description
        )
        headers = (("Content-Base", request.url.rstrip("/") + "/"), ("Content-Type", "application/sdp"))
        return write_response(200, sequence, headers, sdp)

    def _set_up(self, request: Request, sequence: str, connection: "_Connection") -> bytes:
        transport = parse_transport(request.headers.get("transport", ""))
        if any(session.id in self._sessions for session in connection.sessions):
            return write_response(455, sequence)
        if transport is None or self._udp is None:
            return write_response(461, sequence)
        session = Session(connection.writer, transport, self._udp, self._timeout_s)
        self._sessions[session.id] = session
        connection.sessions.append(session)
        if transport.interleaved is not None:
            agreed = "RTP/AVP/TCP;unicast;interleaved={}-{}".format(*transport.interleaved)
        else:
            server = "-".join(str(udp.get_extra_info("sockname")[1]) for udp in self._udp)
            client = "{}-{}".format(*(transport.client_ports or ()))
            agreed = f"RTP/AVP;unicast;client_port={client};server_port={server}"
        headers = (
            ("Transport", f"{agreed};ssrc={session.rtp.ssrc:08X};mode=play"),
            ("Session", f"{session.id};timeout={self._timeout_s}"),
        )
        return write_response(200, sequence, headers)

    def _control(self, request: Request, sequence: str) -> bytes:
        named = request.headers.get("session", "").partition(";")[0]
        if not named and request.method in ("GET_PARAMETER", "SET_PARAMETER"):
            return write_response(200, sequence)
        session = self._sessions.get(named)
        if session is None:
            return write_response(454, sequence)
        session.keep_alive()
        headers = [("Session", f"{session.id};timeout={self._timeout_s}")]
        match request.method:
            case "PLAY":
                headers += [("Range", "npt=now-"), ("RTP-Info", self._stream_info(request.url, session))]
                session.play()
            case "PAUSE":
                session.pause()
            case "TEARDOWN":
                session.pause()
                del self._sessions[session.id]
        return write_response(200, sequence, tuple(headers))

    def _stream_info(self, url: str, session: Session) -> str:
        """Sequence number and time of the first packet to come, which begins the next keyframe."""
        stamp = session.rtp.timestamp(self._programme.next_keyframe / self._programme.picture.fps)
        return f"url={url};seq={session.rtp.sequence};rtptime={stamp}"


class _Connection:
    """One client's TCP connection."""

    def __init__(self, server: RtspServer, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self.writer = writer
        self.sessions: list[Session] = []
        self.local_host: str = writer.get_extra_info("sockname")[0]

    async def converse(self, reader: asyncio.StreamReader) -> None:
        """Until the client closes or talks nonsense."""
        messages = MessageReader()
        while data := await reader.read(_READ_BYTES):
            try:
                found = messages.feed(data)
            except ValueError as error:
                _log.info("client talks nonsense: %s", error)
                self.writer.write(write_response(400, "0"))
                return
            for message in found:
                if isinstance(message, Interleaved):
                    for session in self.sessions:
                        session.keep_alive()
                else:
                    self.writer.write(self._server.answer(message, self))


class _RtcpEar(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[tuple[str, int]], None]) -> None:
        self._hear = hear

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A receiver report, whatever it says, is a sign of life."""
        if len(data) >= 8:
            self._hear(addr[:2])


async def _open_udp_pair(
    host: str, hear: Callable[[tuple[str, int]], None]
) -> tuple[asyncio.DatagramTransport, asyncio.DatagramTransport]:
    """An even port for RTP and the next one for RTCP (RFC 3550, 11). Raises OSError when none is free."""
    loop = asyncio.get_running_loop()
    for _ in range(_UDP_ATTEMPTS):
        port = random.randrange(20000, 60000, 2)
        try:
            media, _ear = await loop.create_datagram_endpoint(lambda: _RtcpEar(hear), local_addr=(host, port))
        except OSError:
            continue
        try:
            control, _ear = await loop.create_datagram_endpoint(lambda: _RtcpEar(hear), local_addr=(host, port + 1))
        except OSError:
            media.close()
            continue
        return media, control
    raise OSError("no free pair of UDP ports")


def _path(url: str) -> str:
    """The path of rtsp://host:port/path, or of a bare path."""
    _, scheme, rest = url.partition("://")
    return "/" + rest.partition("/")[2] if scheme else url
