"""WS-Discovery (April 2005, as ONVIF Core, 7.3 asks): Hello, Bye, and answers to Probe and Resolve."""

import asyncio
import logging
import socket
import struct
import time
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from xml.sax.saxutils import escape

from simulators.camera.device_service import Identity

_log = logging.getLogger(__name__)

GROUP, PORT = "239.255.255.250", 3702
_ANY = "0.0.0.0"  # noqa: S104 - the kernel's word for "no address", in a socket option
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_DN = "http://www.onvif.org/ver10/network/wsdl"
_DECLARATIONS = f'xmlns:s="{_SOAP}" xmlns:a="{_WSA}" xmlns:d="{_WSD}" xmlns:dn="{_DN}"'
_TYPE = "NetworkVideoTransmitter"
_MAX_DATAGRAM = 8192
"""Probes take 1 kB."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question: is there a device of these types (local names), in these scopes?"""

    message_id: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]


def parse_probe(data: bytes) -> Probe | None:
    """Read a Probe; None for anything else."""
    if len(data) > _MAX_DATAGRAM or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return None
    try:
        root = ET.fromstring(data)
    except ET.ParseError:
        return None
    probe = root.find(f"{{{_SOAP}}}Body/{{{_WSD}}}Probe")
    message_id = root.findtext(f"{{{_SOAP}}}Header/{{{_WSA}}}MessageID")
    if probe is None or message_id is None:
        return None
    types = (probe.findtext(f"{{{_WSD}}}Types") or "").split()
    scopes = (probe.findtext(f"{{{_WSD}}}Scopes") or "").split()
    return Probe(message_id.strip(), tuple(name.rpartition(":")[2] for name in types), tuple(scopes))


def matches(probe: Probe, identity: Identity) -> bool:
    """The camera is of every type asked for, and each scope is a prefix, by segments, of one of ours."""
    own = [scope.lower().rstrip("/") + "/" for scope in identity.scopes()]
    return set(probe.types) <= {_TYPE, "Device"} and all(
        any(scope.startswith(wanted.lower().rstrip("/") + "/") for scope in own) for wanted in probe.scopes
    )


class Announcer:
    """Writes this camera's messages; numbers them as WS-Discovery's AppSequence wants."""

    def __init__(self, identity: Identity, device_service: str) -> None:
        self._identity = identity
        self._device_service = device_service
        self._instance = int(time.time())
        self._number = 0

    def hello(self) -> bytes:
        """The camera has come."""
        return self._write("Hello", f"<d:Hello>{self._endpoint()}</d:Hello>")

    def bye(self) -> bytes:
        """The camera goes."""
        return self._write("Bye", f"<d:Bye>{self._reference()}</d:Bye>")

    def probe_matches(self, relates_to: str) -> bytes:
        """The answer to a Probe."""
        body = f"<d:ProbeMatches><d:ProbeMatch>{self._endpoint()}</d:ProbeMatch></d:ProbeMatches>"
        return self._write("ProbeMatches", body, relates_to)

    def _reference(self) -> str:
        address = f"<a:Address>{escape(self._identity.uuid)}</a:Address>"
        return f"<a:EndpointReference>{address}</a:EndpointReference>"

    def _endpoint(self) -> str:
        scopes = escape(" ".join(self._identity.scopes()))
        return (
            f"{self._reference()}<d:Types>dn:{_TYPE}</d:Types><d:Scopes>{scopes}</d:Scopes>"
            f"<d:XAddrs>{escape(self._device_service)}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
        )

    def _write(self, action: str, body: str, relates_to: str | None = None) -> bytes:
        self._number += 1
        if relates_to is None:
            to = "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        else:
            to = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo><a:To>{_WSA}/role/anonymous</a:To>"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_DECLARATIONS}><s:Header>'
            f"<a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID>{to}<a:Action>{_WSD}/{action}</a:Action>"
            f'<d:AppSequence InstanceId="{self._instance}" MessageNumber="{self._number}"/>'
            f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
        ).encode()


class Discovery(asyncio.DatagramProtocol):
    """The camera on the multicast group, on every interface that allows it."""

    def __init__(self, identity: Identity, device_service: str) -> None:
        self._identity = identity
        self._announcer = Announcer(identity, device_service)
        self._transport: asyncio.DatagramTransport | None = None
        self._interfaces: tuple[int, ...] = ()

    async def start(self) -> None:
        """Join and say Hello. Raises OSError when no interface lets us join."""
        sock, self._interfaces = _join_everywhere()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)
        self._announce(self._announcer.hello())

    def close(self) -> None:
        """Say Bye and leave."""
        if self._transport is not None:
            self._announce(self._announcer.bye())
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a Probe that means us, to where it came from."""
        probe = parse_probe(data)
        if probe is not None and self._transport is not None and matches(probe, self._identity):
            self._transport.sendto(self._announcer.probe_matches(probe.message_id), addr)

    def error_received(self, exc: Exception) -> None:
        """An answer could not be delivered: the asker has gone."""
        _log.debug("discovery: %s", exc)

    def _announce(self, message: bytes) -> None:
        """Once on every interface, from the listening socket."""
        assert self._transport is not None
        sock: socket.socket = self._transport.get_extra_info("socket")
        for index in self._interfaces:
            try:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _membership(index, group=_ANY))
                self._transport.sendto(message, (GROUP, PORT))
            except OSError as error:
                _log.debug("discovery: interface %d: %s", index, error)


def _membership(index: int, group: str = GROUP) -> bytes:
    """struct ip_mreqn: group, local address, interface index."""
    return struct.pack("=4s4si", socket.inet_aton(group), socket.inet_aton(_ANY), index)


def _join_everywhere() -> tuple[socket.socket, tuple[int, ...]]:
    """A socket in the group, on each interface that lets us. Raises OSError when none does."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(("", PORT))
        joined = tuple(index for index, _name in socket.if_nameindex() if _joined(sock, index))
        if not joined:
            raise OSError("no interface allows multicast")
    except OSError:
        sock.close()
        raise
    return sock, joined


def _joined(sock: socket.socket, index: int) -> bool:
    try:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _membership(index))
    except OSError:
        return False
    return True
