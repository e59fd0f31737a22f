"""The MQTT client of one connection to a broker, and in words what kept it from connecting."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.mqtt.flood import MAX_WAITING, bounded_queue
from drivers.mqtt.settings import BrokerSettings
from gateway.clock import random_bytes
from gateway.errors import ConfigError

MAX_PAYLOAD = 8192
"""Tasmota's longest status is under 2 KiB, a Shelly's under 4."""

TCP_GIVES_UP_MS = 2000
"""Bytes not acknowledged in this time are dropped with the connection, instead of opening a door late."""

OPEN_EXPIRES_S = 2
"""MQTT 5: the broker drops a command that it could not deliver in this time."""

KEEPALIVE_S = 10
CONNECT_TIMEOUT_S = 5.0
MOST_INFLIGHT = 20
PROBE_S = 2.0
"""A broker that refuses a certificate says so within a round trip."""

_REFUSED = (4, 5, 134, 135)
"""Bad user name or password, not authorised: MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 3.2.2.2."""
_OTHER_VERSION = (1, 132)
"""Unacceptable protocol version, in both."""

_LOG = logging.getLogger("drivers.mqtt.transport")
_LOG.setLevel(logging.CRITICAL)

_FAULTS = (
    (
        ("alert certificate required", "alert handshake failure"),
        "the broker wants a certificate of the gateway: give cert_file and key_file",
    ),
    (
        ("alert certificate expired",),
        "the broker refused the gateway's certificate as expired: renew cert_file, and compare both clocks",
    ),
    (
        ("alert unknown ca", "alert bad certificate", "alert certificate unknown", "alert decrypt error"),
        "the broker refused the gateway's certificate: have cert_file signed by the authority in the broker's cafile",
    ),
    (("alert certificate revoked",), "the broker refused the gateway's certificate as revoked: make a new one"),
    (
        ("unable to get local issuer", "self-signed", "self signed", "unable to get issuer"),
        "the broker's certificate is signed by no authority in ca_file: name the one that signed it",
    ),
    (("certificate has expired", "not yet valid"), "the broker's certificate is not valid today: renew it there"),
    (
        ("hostname mismatch", "ip address mismatch"),
        "the broker's certificate is for another name: write the name that stands in it as host",
    ),
    (
        ("wrong version number", "record layer failure", "unexpected eof", "packet length too long"),
        "the broker speaks no TLS there: name its TLS port, usually 8883",
    ),
    (("connection refused",), "nothing listens there: is the broker running, and is the port right?"),
    (("name or service not known", "name resolution", "no address associated"), "that host is unknown: compare host"),
    (("no route", "unreachable"), "that network can't be reached: compare host, and look at cable and firewall"),
)
"""What an error's text holds, and what a person does about it."""


@dataclass(frozen=True, slots=True)
class ConnectFault:
    """Why no connection came about. `refused`: the broker said no, and may lock whoever asks too often."""

    words: str
    refused: bool = False
    try_other_version: bool = False


class _Client(aiomqtt.Client):
    """Leaves no connection behind where none came about: a broker that stood still answers it later."""

    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except (aiomqtt.MqttError, asyncio.CancelledError):
            self._client.disconnect()
            raise


def make_client(
    settings: BrokerSettings,
    password: str | None,
    tls: ssl.SSLContext | None,
    admit: Callable[[str], bool],
    *,
    version_5: bool,
    will: aiomqtt.Will | None = None,
) -> aiomqtt.Client:
    """A client for one clean session."""
    return _Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=password,
        identifier=f"gatehouse-{random_bytes(6).hex()}",
        protocol=aiomqtt.ProtocolVersion.V5 if version_5 else aiomqtt.ProtocolVersion.V311,
        clean_session=None if version_5 else True,
        properties=_connect_properties() if version_5 else None,
        queue_type=bounded_queue(admit),
        max_queued_incoming_messages=MAX_WAITING,
        max_inflight_messages=MOST_INFLIGHT,
        timeout=CONNECT_TIMEOUT_S,
        keepalive=KEEPALIVE_S,
        will=will,
        tls_context=tls,
        socket_options=(
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_GIVES_UP_MS),
        ),
        logger=_LOG,
    )


def make_tls(name: str, settings: BrokerSettings) -> ssl.SSLContext | None:
    """The TLS of a broker's settings; None when they say `insecure`. Raises ConfigError: a file that can't be used."""
    if settings.insecure:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        remedy = "holds no certificate of an authority that can be read: put its PEM file there"
        raise ConfigError(f"broker.{name}.ca_file", settings.ca_file, remedy) from None
    if settings.cert_file is not None:
        try:
            # A daemon has nobody to ask for a key's pass phrase; without this OpenSSL would ask the terminal.
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
        except (OSError, ssl.SSLError):
            remedy = (
                f"doesn't go with key_file {settings.key_file}: give a certificate and its own key, unencrypted PEM"
            )
            raise ConfigError(f"broker.{name}.cert_file", settings.cert_file, remedy) from None
    return context


def command_expiry() -> Properties:
    """MQTT 5: nothing that is sent opens a door later than it was meant to."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = OPEN_EXPIRES_S
    return properties


async def explain(error: Exception, settings: BrokerSettings, tls: ssl.SSLContext | None) -> ConnectFault:
    """Why a connection did not come about, and what to do; may ask the broker once more for its reason."""
    place = f"broker at {settings.host}:{settings.port}"
    code = reason_code(error.rc) if isinstance(error, MqttConnectError) else 0
    if code in _REFUSED:
        who = (
            "user name or password: compare username and password"
            if settings.username
            else "anonymous: give a username"
        )
        return ConnectFault(f"{place} refused this {who} with its password file", refused=True)
    if code in _OTHER_VERSION:
        return ConnectFault(f"{place} refused this version of MQTT: leave mqtt_version out", try_other_version=True)
    text = str(error)
    if code == 0 and _words(text) is None and tls is not None:
        # TLS 1.3: the client is through with its handshake before the broker has judged its certificate, so that a
        # refusal looks like silence to MQTT.
        text = await _alert(settings, tls) or text
    if (words := _words(text)) is not None:
        return ConnectFault(f"{place}: {words} ({text})"[:300], refused="alert" in _plain(text))
    silent = not isinstance(error, MqttConnectError)
    hint = "is that its TLS port, usually 8883?" if tls is not None else "is it an MQTT broker, and does it want TLS?"
    return ConnectFault(f"{place}: {text or type(error).__name__}: {hint}"[:300], try_other_version=silent)


def reason_code(grant: object) -> int:
    """A code of CONNACK or SUBACK: an integer in MQTT 3.1.1, a ReasonCode in MQTT 5."""
    return grant if isinstance(grant, int) else int(getattr(grant, "value", 0))


async def _alert(settings: BrokerSettings, tls: ssl.SSLContext) -> str | None:
    """The TLS alert with which the broker refuses us; None when there is none."""
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=tls)
            try:
                await reader.read(1)
            finally:
                writer.close()
    except ssl.SSLError as error:
        return str(error)
    except (OSError, TimeoutError):
        return None
    return None


def _words(text: str) -> str | None:
    plain = _plain(text)
    return next((words for needles, words in _FAULTS if any(needle in plain for needle in needles)), None)


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = 8 * MAX_PAYLOAD
    return properties
