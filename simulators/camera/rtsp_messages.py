"""RTSP 1.0 (RFC 2326) as bytes: requests and interleaved frames in, responses and SDP out."""

import base64
from dataclasses import dataclass, field

from simulators.camera.picture import PictureFormat
from simulators.camera.rtp import CLOCK_HZ, PAYLOAD_TYPE

_MAX_HEAD = 8192
"""Request line and headers: real clients stay under 1 kB."""
_MAX_BODY = 4096
"""SET_PARAMETER and the like; nothing that a camera must read is longer."""

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interleaved:
    """One binary frame of RFC 2326, 10.12."""

    channel: int
    payload: bytes


class MessageReader:
    """Cuts a client's byte stream into requests and interleaved frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request | Interleaved]:
        """What became whole with these bytes. Raises ValueError on what is no RTSP."""
        self._buffer += data
        found: list[Request | Interleaved] = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def _next(self) -> Request | Interleaved | None:
        buffer = self._buffer
        while buffer[:2] == b"\r\n":
            del buffer[:2]
        if buffer[:1] == b"$":
            if len(buffer) < 4 or len(buffer) < 4 + (length := int.from_bytes(buffer[2:4], "big")):
                return None
            frame = Interleaved(buffer[1], bytes(buffer[4 : 4 + length]))
            del buffer[: 4 + length]
            return frame
        end = buffer.find(b"\r\n\r\n")
        if end < 0 or end > _MAX_HEAD:
            if len(buffer) > _MAX_HEAD:
                raise ValueError("head too long")
            return None
        request = parse_head(bytes(buffer[:end]))
        length_text = request.headers.get("content-length", "0")
        if not length_text.isdecimal() or int(length_text) > _MAX_BODY:
            raise ValueError(f"content length {length_text!r}")
        whole = end + 4 + int(length_text)
        if len(buffer) < whole:
            return None
        del buffer[:whole]
        return request


def parse_head(head: bytes) -> Request:
    """Request line and headers. Raises ValueError."""
    lines = head.decode("utf-8", "replace").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or parts[2] != "RTSP/1.0":
        raise ValueError(f"request line {lines[0][:80]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"header {line[:80]!r}")
        headers[name.strip().lower()] = value.strip()
    return Request(parts[0], parts[1], headers)


def write_response(status: int, sequence: str, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> bytes:
    """A response with the request's CSeq."""
    lines = [f"RTSP/1.0 {status} {REASONS[status]}", f"CSeq: {sequence}", "Server: yard"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def write_interleaved(channel: int, payload: bytes) -> bytes:
    """A frame of RFC 2326, 10.12."""
    return b"$" + bytes((channel,)) + len(payload).to_bytes(2, "big") + payload


def write_sdp(host: str, picture: PictureFormat, parameter_sets: tuple[bytes, bytes], session: int) -> bytes:
    """The session description (RFC 8866) with what RFC 6184, 8.2.1 asks for."""
    sps, pps = parameter_sets
    sprop = ",".join(base64.b64encode(nal).decode() for nal in (sps, pps))
    parameters = f"packetization-mode=1;profile-level-id={sps[1:4].hex().upper()};sprop-parameter-sets={sprop}"
    lines = [
        "v=0",
        f"o=- {session} 1 IN IP4 {host}",
        "s=yard",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
        f"a=fmtp:{PAYLOAD_TYPE} {parameters}",
        f"a=framerate:{picture.fps}",
        "a=control:track1",
    ]
    return "\r\n".join(lines).encode() + b"\r\n"


@dataclass(frozen=True, slots=True)
class Transport:
    """What a client asks for in SETUP: interleaved channels, or its UDP ports."""

    interleaved: tuple[int, int] | None = None
    client_ports: tuple[int, int] | None = None


def parse_transport(header: str) -> Transport | None:
    """The first alternative that we speak (RFC 2326, 12.39), else None."""
    for offer in header.split(","):
        parts = [part.strip() for part in offer.split(";")]
        protocol = parts[0].upper()
        fields = dict(part.partition("=")[::2] for part in parts[1:])
        if protocol == "RTP/AVP/TCP":
            pair = _pair(fields.get("interleaved", "0-1"), 255)
            if pair is not None:
                return Transport(interleaved=pair)
        elif protocol in ("RTP/AVP", "RTP/AVP/UDP") and "multicast" not in fields:
            pair = _pair(fields.get("client_port", ""), 65535)
            if pair is not None and pair[0] > 0:
                return Transport(client_ports=pair)
    return None


def _pair(text: str, most: int) -> tuple[int, int] | None:
    first, _, second = text.partition("-")
    if not first.isdecimal() or (second and not second.isdecimal()) or len(text) > 11:
        return None
    pair = int(first), int(second) if second else int(first) + 1
    return pair if max(pair) <= most else None
