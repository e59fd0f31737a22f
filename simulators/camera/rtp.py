"""RTP for H.264 (RFC 3550, RFC 6184) and RTCP sender reports: values to bytes, nothing else."""

import struct
from collections.abc import Iterable, Iterator

from simulators.camera.picture import AccessUnit

PAYLOAD_TYPE = 96
CLOCK_HZ = 90_000
MAX_PAYLOAD = 1400
"""Bytes after the RTP header: below the usual 1500 of a link with room for IP, UDP and a tunnel."""

_VERSION = 0x80
_MARKER = 0x80
_FU_A = 28
_FU_START, _FU_END = 0x80, 0x40
_RTCP_SR, _RTCP_SDES, _RTCP_BYE = 200, 202, 203
_CNAME = 1
_NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970."""


def payloads(unit: AccessUnit) -> list[tuple[bytes, bool]]:
    """RTP payloads of a picture, each with its marker bit: the last packet of the access unit carries it."""
    parts = [part for nal in unit.nals for part in _split(nal)]
    return [(part, i == len(parts) - 1) for i, part in enumerate(parts)]


def _split(nal: bytes) -> Iterator[bytes]:
    """A NAL unit as one packet (RFC 6184, 5.6) or as fragments FU-A (5.8)."""
    if len(nal) <= MAX_PAYLOAD:
        yield nal
        return
    indicator = (nal[0] & 0xE0) | _FU_A
    room = MAX_PAYLOAD - 2
    for at in range(1, len(nal), room):
        header = nal[0] & 0x1F
        if at == 1:
            header |= _FU_START
        if at + room >= len(nal):
            header |= _FU_END
        yield bytes((indicator, header)) + nal[at : at + room]


class RtpSender:
    """The state of one RTP stream to one receiver: sequence number, time offset, counters."""

    def __init__(self, ssrc: int, first_sequence: int, time_offset: int) -> None:
        self.ssrc = ssrc
        self.sequence = first_sequence & 0xFFFF
        self._time_offset = time_offset & 0xFFFFFFFF
        self._packets = 0
        self._octets = 0

    def timestamp(self, media_s: float) -> int:
        """The RTP time of a moment of the programme, in seconds since it began."""
        return (self._time_offset + round(media_s * CLOCK_HZ)) & 0xFFFFFFFF

    def packets(self, parts: Iterable[tuple[bytes, bool]], media_s: float) -> list[bytes]:
        """RTP packets (RFC 3550, 5.1) for payloads of one picture."""
        stamp = self.timestamp(media_s)
        made = []
        for payload, last in parts:
            second = PAYLOAD_TYPE | (_MARKER if last else 0)
            made.append(struct.pack(">BBHII", _VERSION, second, self.sequence, stamp, self.ssrc) + payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self._packets = (self._packets + 1) & 0xFFFFFFFF
            self._octets = (self._octets + len(payload)) & 0xFFFFFFFF
        return made

    def sender_report(self, unix_s: float, media_s: float) -> bytes:
        """A compound of SR and SDES (RFC 3550, 6.4.1 and 6.5): `unix_s` and `media_s` are the same moment."""
        seconds = int(unix_s)
        fraction = int((unix_s - seconds) * (1 << 32))
        ntp = (seconds + _NTP_EPOCH_S) & 0xFFFFFFFF
        report = struct.pack(">BBHIII", _VERSION, _RTCP_SR, 6, self.ssrc, ntp, fraction)
        report += struct.pack(">III", self.timestamp(media_s), self._packets, self._octets)
        return report + self._description()

    def goodbye(self) -> bytes:
        """RTCP BYE (RFC 3550, 6.6)."""
        return struct.pack(">BBHI", _VERSION | 1, _RTCP_BYE, 1, self.ssrc)

    def _description(self) -> bytes:
        item = bytes((_CNAME, 6)) + b"camera"
        chunk = struct.pack(">I", self.ssrc) + item
        chunk += b"\x00" * (4 - len(chunk) % 4)
        return struct.pack(">BBH", _VERSION | 1, _RTCP_SDES, len(chunk) // 4) + chunk
