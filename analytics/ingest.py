"""One camera's stream: pulled by a thread for each connection, watched by the clock, reopened for ever.

libav's own time-outs are late (measured: 8 s for 4 s asked), so a watchdog on the event loop gives a silent
connection up; its thread is told to stop, can't reach the ring any more, and ends by itself when libav lets go of it.
Each thread opens and closes its own container. At the end all are waited for: one that came back from libav while the
interpreter ends would crash it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av.container.input import InputContainer
from av.error import FFmpegError, HTTPForbiddenError, HTTPUnauthorizedError, InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from analytics.packets import PacketRing, StampLine, StoredPacket, StreamFormat, find_parameter_sets
from analytics.pictures import Picture
from analytics.settings import IngestSettings
from drivers.contracts import Camera, CameraStream
from gateway.clock import Clock
from gateway.domain.signals import LinkState
from gateway.errors import AuthenticationFailed, DeviceError, LinkError, RemoteProtocolError, StreamLost

WATCH_EVERY_S = 0.25
ABANDONED_MOST = 3
"""Threads that libav hasn't let go of yet; each holds a socket and a decoder."""
LIBAV_PATIENCE = 2.0
"""libav may wait so much longer than the watchdog: at its time-out it hands out a last half picture, which looks
like life."""
ASK_S = 40.0
"""For the camera's whole answer about its stream: several calls, each with a time-out of its own."""
ENDING_S = 2.0
"""At the end a thread gets so long: a healthy stream's has its next packet, and so its end, in a tenth of that."""
_LINK_GONE = (FFmpegError, OSError)
_REASONS: dict[type[Exception], str] = {
    av.error.ExitError: "no packet in time",
    av.error.TimeoutError: "no answer in time",
    av.error.ConnectionRefusedError: "the stream's port refuses connections",
    av.error.HTTPNotFoundError: "the camera knows no such stream",
    av.error.InvalidDataError: "the camera sends rubbish",
}


@dataclass(slots=True)
class IngestCounters:
    """Totals since start."""

    packets: int = 0
    frames: int = 0
    broken: int = 0
    """Packets or frames that did not decode cleanly."""
    connects: int = 0
    losses: int = 0
    format_changes: int = 0
    abandoned: int = 0


class StreamIngest:
    """Keeps one camera's stream flowing into a packet ring and to `on_picture`.

    `on_picture` is called in the connection's thread for each decoded frame and must be quick; `on_link` is called
    on the event loop,
    once for each loss and return.
    """

    def __init__(
        self,
        camera: Camera,
        settings: IngestSettings,
        ring: PacketRing,
        clock: Clock,
        on_picture: Callable[[Picture], None],
        on_link: Callable[[LinkState, str], None],
    ) -> None:
        self.counters = IngestCounters()
        self._camera, self._settings, self._ring, self._clock = camera, settings, ring, clock
        self._on_picture, self._on_link = on_picture, on_link
        self._link: LinkState | None = None
        self._left_behind: list[_Connection] = []

    @property
    def link(self) -> LinkState | None:
        """Whether pictures come; None before the first answer."""
        return self._link

    async def run(self) -> None:
        """Serve until cancelled; returns when its threads have ended, or `ENDING_S` later."""
        try:
            await self._reopen_for_ever()
        finally:
            await self._threads_end()

    async def _reopen_for_ever(self) -> None:
        wait_s = self._settings.retry_least_s
        while True:
            connects = self.counters.connects
            try:
                await self._one_connection()
            except AuthenticationFailed:
                self._tell(LinkState.OFFLINE, "the camera refuses the user name or password")
                wait_s = self._settings.refused_retry_s
            except DeviceError as error:
                self._tell(LinkState.OFFLINE, str(error))
                if self.counters.connects > connects or wait_s > self._settings.retry_most_s:
                    wait_s = self._settings.retry_least_s
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self._settings.retry_most_s)

    async def _threads_end(self) -> None:
        latest_s = self._clock.now().monotonic_s + ENDING_S
        await asyncio.to_thread(self._join_until, latest_s)

    def _join_until(self, latest_s: float) -> None:
        for old in self._left_behind:
            old.join(max(latest_s - self._clock.now().monotonic_s, 0.0))

    async def _one_connection(self) -> None:
        """Ask for the stream, follow it to its end. Raises DeviceError, never returns."""
        self._left_behind = [old for old in self._left_behind if old.alive]
        if len(self._left_behind) >= ABANDONED_MOST:
            raise StreamLost("earlier connections still hang")
        try:
            async with asyncio.timeout(ASK_S):
                stream = await self._camera.stream()
        except TimeoutError as error:
            raise LinkError("the camera does not say where its stream is") from error
        connection = _Connection(stream, self._settings, self._ring, self._clock, self.counters, self._on_picture)
        connection.start()
        try:
            await self._watch(connection)
        finally:
            connection.abandon()
            self._ring.clear()
            if connection.alive:
                self._left_behind.append(connection)
                self.counters.abandoned += 1

    async def _watch(self, connection: "_Connection") -> None:
        while True:
            await connection.wait_ended(WATCH_EVERY_S)
            if connection.error is not None:
                self.counters.losses += 1
                raise connection.error
            connection.check(self._clock.now().monotonic_s)
            if connection.has_picture:
                self._tell(LinkState.ONLINE, "")

    def _tell(self, state: LinkState, detail: str) -> None:
        if state is LinkState.ONLINE and self._link is not LinkState.ONLINE:
            self.counters.connects += 1
        if state is not self._link:
            self._link = state
            self._on_link(state, detail)


class _Connection:
    """One RTSP connection in a thread of its own."""

    def __init__(
        self,
        stream: CameraStream,
        settings: IngestSettings,
        ring: PacketRing,
        clock: Clock,
        counters: IngestCounters,
        on_picture: Callable[[Picture], None],
    ) -> None:
        self.error: DeviceError | None = None
        self.has_picture = False
        self._stream, self._settings, self._ring, self._clock = stream, settings, ring, clock
        self._counters, self._on_picture = counters, on_picture
        self._stop = threading.Event()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._format: StreamFormat | None = None
        self._opened = False
        self._packet_s = self._picture_s = clock.now().monotonic_s
        # A daemon: a thread that libav holds must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="rtsp", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end; `abandon` first."""
        self._thread.join(timeout_s)

    def abandon(self) -> None:
        """The thread may end when it can; from now on it touches nothing."""
        self._stop.set()

    async def wait_ended(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def check(self, now_s: float) -> None:
        """Raises StreamLost when the connection has been silent for too long."""
        bound_s = self._settings.silence_s if self._opened else self._settings.open_s
        if now_s - self._packet_s > bound_s:
            self._counters.losses += 1
            raise StreamLost(f"no packet for {bound_s:g} s")
        if now_s - self._picture_s > self._settings.open_s + self._settings.silence_s:
            self._counters.losses += 1
            raise StreamLost("packets come, but no picture can be decoded from them")

    def _serve(self) -> None:
        error: DeviceError
        try:
            self._pull()
            error = StreamLost("the camera ended the stream")
        except (HTTPUnauthorizedError, HTTPForbiddenError):
            error = AuthenticationFailed("the stream needs another user name or password")
        except _LINK_GONE as failure:
            # libav's texts can hold the URL with its password: only the kind of failure is told.
            error = StreamLost(_REASONS.get(type(failure), type(failure).__name__))
        except DeviceError as failure:
            error = failure
        if not self._stop.is_set():
            self.error = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._ended.set)

    def _pull(self) -> None:
        settings = self._settings
        options = {
            "rtsp_transport": settings.transport,
            "allowed_media_types": "video",
            "timeout": str(round(settings.silence_s * LIBAV_PATIENCE * 1e6)),
            "analyzeduration": "1000000",
        }
        url = with_credentials(self._stream)
        patience_s = settings.silence_s * LIBAV_PATIENCE
        with av.open(url, "r", options=options, timeout=(settings.open_s, patience_s)) as container:
            if not container.streams.video:
                raise RemoteProtocolError("the stream has no picture")
            video = container.streams.video[0]
            video.codec_context.thread_count = 1
            self._packet_s = self._clock.now().monotonic_s
            self._opened = True
            self._follow(container, video)

    def _follow(self, container: InputContainer, video: VideoStream) -> None:
        stamps = StampLine(video.time_base or Fraction(1, 90_000))
        for packet in container.demux(video):
            if self._stop.is_set():
                return
            if packet.size == 0:
                continue
            now = self._clock.now()
            self._packet_s = now.monotonic_s
            self._counters.packets += 1
            self._keep(packet, video, stamps)
            for frame in self._decode(packet, video):
                self._counters.frames += 1
                self._picture_s = now.monotonic_s
                self.has_picture = True
                self._on_picture(Picture(frame, now))

    def _keep(self, packet: "Packet[VideoStream]", video: VideoStream, stamps: StampLine) -> None:
        """Into the ring, each keyframe with its parameter sets, so that a clip can begin at any of them."""
        data, codec = bytes(packet), video.codec_context.name
        if packet.is_keyframe:
            data = self._note_format(data, codec, video)
        if self._format is None:
            return
        pts, dts = stamps.stamp(packet.pts, packet.dts)
        base = packet.time_base or Fraction(1, 90_000)
        self._ring.append(StoredPacket(data, pts, dts, base, packet.is_keyframe, self._packet_s, self._format))

    def _note_format(self, data: bytes, codec: str, video: VideoStream) -> bytes:
        sets = find_parameter_sets(codec, data)
        if not sets:
            sets = self._format.parameter_sets if self._format else bytes(video.codec_context.extradata or b"")
            data = sets + data
        if self._format is None or sets != self._format.parameter_sets:
            self._counters.format_changes += self._format is not None
            context = video.codec_context
            fps = float(video.average_rate or video.guessed_rate or self._stream.fps or 25)
            self._format = StreamFormat(codec, context.width, context.height, fps, sets)
        return data

    def _decode(self, packet: "Packet[VideoStream]", video: VideoStream) -> Iterable[VideoFrame]:
        try:
            frames = video.codec_context.decode(packet)
        except InvalidDataError:
            self._counters.broken += 1
            return ()
        whole = [frame for frame in frames if not frame.is_corrupt]
        self._counters.broken += len(frames) - len(whole)
        return whole


def with_credentials(stream: CameraStream) -> str:
    """The URL that libav opens. Raises RemoteProtocolError for anything but RTSP: a camera must not make us read
    local files."""
    parts = urlsplit(stream.url)
    if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
        raise RemoteProtocolError("the camera names a stream that is not RTSP")
    host = parts.netloc.rpartition("@")[2]
    login = f"{quote(stream.username, safe='')}:{quote(stream.password, safe='')}@" if stream.username else ""
    return urlunsplit((parts.scheme, login + host, parts.path, parts.query, ""))
