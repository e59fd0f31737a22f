"""One shared connection to an MQTT broker: clean session, reconnecting for ever, nothing old or oversized let through.

A message is old when it is retained, or arrives before two seconds after the broker's SUBACK: a live retained publish
and a queued one look fresh otherwise (measured on mosquitto 2.0). Such messages are handed on with their flaw named, so
that a device's last will can be believed and a read can't.
"""

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from drivers.links import Backoff, heed_cancellation
from drivers.mqtt.settings import BrokerSettings
from drivers.registry import DriverContext
from gateway.clock import Clock, random_bytes
from gateway.domain.ports import SignalSink
from gateway.domain.signals import LinkChanged, LinkState
from gateway.errors import ConfigError, LinkError, LocalProtocolError

__all__ = ["BrokerConnection", "BrokerMessage", "BrokerSettings", "TokenBucket", "find_broker", "parse_object"]

FRESH_AFTER_S = 2.0
"""Reads that come sooner after SUBACK may be replays."""

MAX_PAYLOAD = 8192
"""Tasmota's longest status is under 2 KiB."""

BURST, PER_SECOND = 20, 10.0
"""One topic's token bucket: no reader or relay says more than ten things a second for long."""

MAX_WAITING = 256
"""Messages between socket and handlers; the buckets drain far slower than handlers do."""

OPEN_EXPIRES_S = 2
"""MQTT 5: the broker drops a command that it could not deliver in this time."""

TCP_GIVES_UP_MS = 2000
"""Bytes not acknowledged in this time are dropped with the connection, instead of opening a door late."""

KEEPALIVE_S = 10
CONNECT_TIMEOUT_S = 5.0
STEADY_AFTER_S = 10.0
REFUSED_PAUSE_S = 60.0
"""A refused or missing password is tried once a minute, lest the broker locks the account."""

RETAINED, EARLY, OVERSIZED = "retained", "too early after connecting", "oversized"

_REFUSED = (4, 5, 134, 135)
"""Bad user name or password, not authorized: MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 3.2.2.2."""

_LOG = logging.getLogger("drivers.mqtt.transport")
_LOG.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class BrokerMessage:
    """A message; `flaw` says why it must not count as something that happens now. Oversized payloads are dropped."""

    topic: str
    payload: bytes
    flaw: str | None
    received_s: float


Handler = Callable[[BrokerMessage], None]
LinkHandler = Callable[[bool], None]


class BrokerConnection:
    """The connection of one `[broker.NAME]`. Subscribe first, then `run` it; `secret` reads a reference."""

    def __init__(
        self, name: str, settings: BrokerSettings, sink: SignalSink, clock: Clock, secret: Callable[[str], str]
    ) -> None:
        self.name, self._settings, self._sink, self._clock, self._secret = name, settings, sink, clock, secret
        self._handlers: dict[str, list[Handler]] = {}
        self._link_handlers: list[LinkHandler] = []
        self._buckets: dict[str, TokenBucket] = {}
        self._client: aiomqtt.Client | None = None
        self._fresh_s = float("inf")
        self._state: LinkState | None = None
        self._counts = dict.fromkeys(("received", RETAINED, "early", OVERSIZED, "flooded", "connects", "sent"), 0)

    @property
    def device_id(self) -> str:
        """How the connection is named in signals and status."""
        return f"broker:{self.name}"

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        return self._client is not None

    def counters(self) -> dict[str, int]:
        """Totals since start."""
        return dict(self._counts)

    def subscribe(self, topic: str, handler: Handler, on_link: LinkHandler | None = None) -> None:
        """Have messages of exactly this topic handed to `handler`, and losses and returns of the broker to `on_link`.

        Handlers must return at once. Raises LocalProtocolError for a wildcard or once the connection runs.
        """
        if "+" in topic or "#" in topic:
            raise LocalProtocolError(f"{topic}: devices have exact topics, so that each has a bound of its own")
        if self._state is not None:
            raise LocalProtocolError(f"{topic}: subscribe before the connection runs")
        self._handlers.setdefault(topic, []).append(handler)
        if on_link is not None:
            self._link_handlers.append(on_link)

    async def publish(self, topic: str, payload: str) -> None:
        """Send with QoS 0, never retained. Raises LinkError while the broker is away."""
        client = self._client
        if client is None:
            raise LinkError(f"broker {self.name} is offline")
        try:
            await client.publish(topic, payload, qos=0, retain=False, properties=self._expiry(), timeout=1.0)
        except aiomqtt.MqttError as error:
            raise LinkError(f"broker {self.name}: {error}") from None
        finally:
            heed_cancellation()
        self._counts["sent"] += 1

    async def run(self) -> None:
        """Stay connected until cancelled."""
        backoff = Backoff()
        while True:
            started_s, pause_s = self._now_s(), 0.0
            try:
                await self._session()
            except (aiomqtt.MqttError, OSError, LinkError, ConfigError) as error:
                self._lost(str(error) or type(error).__name__)
                refused = isinstance(error, aiomqtt.MqttCodeError) and _code(error.rc) in _REFUSED
                if refused or isinstance(error, ConfigError):
                    pause_s = REFUSED_PAUSE_S
            finally:
                self._client = None
            if self._now_s() - started_s >= STEADY_AFTER_S:
                backoff.reset()
            await asyncio.sleep(max(pause_s, backoff.next_s()))

    async def _session(self) -> None:
        client = self._make_client()
        async with client:
            self._fresh_s = float("inf")
            if self._handlers:
                granted = await client.subscribe([(topic, 0) for topic in self._handlers])
                heed_cancellation()
                if any(_code(grant) >= 128 for grant in granted):
                    raise LinkError("the broker refused a subscription: check this client's permissions")
            self._fresh_s = self._now_s() + FRESH_AFTER_S
            self._client = client
            self._counts["connects"] += 1
            self._say(LinkState.ONLINE)
            for on_link in self._link_handlers:
                on_link(True)
            async for message in client.messages:
                self._hand_over(message)

    def _hand_over(self, message: aiomqtt.Message) -> None:
        topic = str(message.topic)
        payload = message.payload
        self._counts["received"] += 1
        flaw = self._flaw_of(message, payload)
        if flaw is not None:
            self._counts[flaw if flaw != EARLY else "early"] += 1
        kept = b"" if flaw == OVERSIZED else payload
        for handler in self._handlers.get(topic, ()):
            handler(BrokerMessage(topic, kept, flaw, self._now_s()))

    def _flaw_of(self, message: aiomqtt.Message, payload: bytes) -> str | None:
        if len(payload) > MAX_PAYLOAD:
            return OVERSIZED
        if message.retain:
            return RETAINED
        return EARLY if self._now_s() < self._fresh_s else None

    def _admit(self, topic: str) -> bool:
        """Whether the topic's bucket has a token; only subscribed topics get a bucket."""
        if topic not in self._handlers:
            return False
        bucket = self._buckets.setdefault(topic, TokenBucket(BURST, PER_SECOND))
        admitted = bucket.take(self._now_s())
        self._counts["flooded"] += not admitted
        return admitted

    def _make_client(self) -> aiomqtt.Client:
        settings, version5 = self._settings, self._settings.mqtt_version == "5"
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=self._secret(settings.password) if settings.password else None,
            identifier=f"gatehouse-{random_bytes(6).hex()}",
            protocol=aiomqtt.ProtocolVersion.V5 if version5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if version5 else True,
            properties=_connect_properties() if version5 else None,
            queue_type=_bounded_queue(self._admit),
            max_queued_incoming_messages=MAX_WAITING,
            max_inflight_messages=20,
            timeout=CONNECT_TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            tls_context=self._tls(),
            socket_options=(
                (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_GIVES_UP_MS),
            ),
            logger=_LOG,
        )

    def _tls(self) -> ssl.SSLContext | None:
        settings = self._settings
        if settings.insecure:
            return None
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        return context

    def _expiry(self) -> Properties | None:
        if self._settings.mqtt_version != "5":
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = OPEN_EXPIRES_S
        return properties

    def _lost(self, detail: str) -> None:
        news = self._state is not LinkState.OFFLINE
        self._client = None
        self._say(LinkState.OFFLINE, detail)
        if news:
            for on_link in self._link_handlers:
                on_link(False)

    def _say(self, state: LinkState, detail: str = "") -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self.device_id, state, detail))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


class TokenBucket:
    """At most `burst` at once and `per_second` for long."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst, self._per_second = float(burst), per_second
        self._tokens, self._filled_s = float(burst), float("-inf")

    def take(self, now_s: float) -> bool:
        """Take a token, if there is one, at the monotonic time `now_s`."""
        gained = (now_s - self._filled_s) * self._per_second
        self._tokens, self._filled_s = min(self._burst, self._tokens + gained), now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def find_broker(name: str, context: DriverContext) -> BrokerConnection:
    """The shared connection of that name, for the device that is built. Raises ConfigError."""
    connection = context.brokers.get(name)
    if not isinstance(connection, BrokerConnection):
        known = ", ".join(sorted(context.brokers)) or "none yet"
        raise ConfigError(f"device.{context.device_id}.broker", name, f"add [broker.{name}]; there is: {known}")
    return connection


def parse_object(payload: bytes) -> dict[str, Any]:
    """The JSON object in a payload. Raises ValueError: not UTF-8, not JSON, too deep, or not an object."""
    try:
        value = json.loads(payload.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _bounded_queue(admit: Callable[[str], bool]) -> type["asyncio.Queue[aiomqtt.Message]"]:
    """A queue whose entrance keeps a flooding topic out, so that it can't crowd the others out."""

    class BoundedQueue(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            if admit(str(item.topic)):
                super().put_nowait(item)

    return BoundedQueue


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = 8 * MAX_PAYLOAD
    return properties


def _code(grant: object) -> int:
    """A SUBACK's code: an integer in MQTT 3.1.1, a ReasonCode in MQTT 5."""
    return grant if isinstance(grant, int) else int(getattr(grant, "value", 0))
