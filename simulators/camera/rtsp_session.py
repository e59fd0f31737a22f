"""One viewer: its RTP stream over its own TCP connection or to its UDP ports."""

import asyncio
import random
import secrets
import time
from enum import StrEnum

from simulators.camera.programme import AirFrame
from simulators.camera.rtp import RtpSender
from simulators.camera.rtsp_messages import Transport, write_interleaved

MAX_WAITING_BYTES = 1 << 20
"""Some seconds of video. A viewer that lets more pile up is dropped, so that it costs nobody else anything."""

REPORT_EVERY_S = 5.0
"""RFC 3550, 6.2: the least interval between sender reports."""


class Phase(StrEnum):
    """Where a session is in RFC 2326, A.2."""

    READY = "ready"
    PLAYING = "playing"


class ViewerGone(Exception):
    """The viewer can't be served any more."""


class Session:
    """From SETUP to TEARDOWN."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        transport: Transport,
        udp: tuple[asyncio.DatagramTransport, asyncio.DatagramTransport],
        timeout_s: float,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.transport = transport
        self.phase = Phase.READY
        self.peer: str = writer.get_extra_info("peername")[0]
        self._writer = writer
        self._udp = udp
        self._timeout_s = timeout_s
        self._alive_until = time.monotonic() + timeout_s
        self.rtp = RtpSender(secrets.randbits(32), secrets.randbits(15), secrets.randbits(32))
        self._in_step = False
        self._next_report = 0.0

    @property
    def expired(self) -> bool:
        """The client has not been heard for the session's time-out."""
        return time.monotonic() > self._alive_until

    def keep_alive(self) -> None:
        """A request or an RTCP report came from the client."""
        self._alive_until = time.monotonic() + self._timeout_s

    def play(self) -> None:
        """Send from the next keyframe on."""
        self.phase, self._in_step = Phase.PLAYING, False

    def pause(self) -> None:
        """Send nothing until played again."""
        self.phase = Phase.READY

    def send(self, frame: AirFrame, parts: list[tuple[bytes, bool]]) -> None:
        """Send a picture. Raises ViewerGone when the viewer is too slow or its connection closes."""
        if self.phase is not Phase.PLAYING:
            return
        self._in_step = self._in_step or frame.unit.keyframe
        if not self._in_step:
            return
        media_s = frame.number / frame.picture.fps
        packets = self.rtp.packets(parts, media_s)
        now = time.time()
        report = b""
        if now >= self._next_report:
            self._next_report = now + REPORT_EVERY_S
            report = self.rtp.sender_report(now, media_s)
        self._put(packets, report)

    def send_rubbish(self, seed: int) -> None:
        """Send what no camera should: reserved NAL types, fragments without a beginning, unframed bytes."""
        if self.phase is not Phase.PLAYING:
            return
        rand = random.Random(seed)
        noise = rand.randbytes(400)
        packets = self.rtp.packets([(b"\x7c\x05" + noise, False), (b"\x1f" + noise, True)], seed / 10)
        packets.append(noise[:7])
        self._put(packets, b"")
        if self.transport.interleaved is not None and seed % 10 == 9:
            self._writer.write(rand.randbytes(61))

    def say_goodbye(self) -> None:
        """RTCP BYE at the end."""
        if self.phase is Phase.PLAYING and not self._writer.is_closing():
            self._put([], self.rtp.goodbye())

    def drop(self) -> None:
        """Break the connection now, whatever waits in it."""
        self._writer.transport.abort()

    def _put(self, packets: list[bytes], report: bytes) -> None:
        if self._writer.is_closing():
            raise ViewerGone("connection closed")
        if self.transport.interleaved is not None:
            self._put_interleaved(self.transport.interleaved, packets, report)
        elif self.transport.client_ports is not None:
            media, control = self._udp
            for packet in packets:
                media.sendto(packet, (self.peer, self.transport.client_ports[0]))
            if report:
                control.sendto(report, (self.peer, self.transport.client_ports[1]))

    def _put_interleaved(self, channels: tuple[int, int], packets: list[bytes], report: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
            raise ViewerGone("too slow")
        data = [write_interleaved(channels[0], packet) for packet in packets]
        if report:
            data.append(write_interleaved(channels[1], report))
        self._writer.write(b"".join(data))
