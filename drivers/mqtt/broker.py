"""One shared connection to an MQTT broker: clean session, reconnecting for ever, nothing old or oversized let through.

A message is old when it is retained, or arrives before two seconds after the broker's SUBACK: a live retained publish
and a queued one look fresh otherwise (measured on mosquitto 2.0). Such messages are handed on with their flaw named, so
that a device's last will can be believed and a read can't.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiomqtt
import msgspec

from drivers.links import Backoff, heed_cancellation
from drivers.mqtt.broker_client import MAX_PAYLOAD, command_expiry, explain, make_client, make_tls, reason_code
from drivers.mqtt.flood import BURST, PER_SECOND, TokenBucket
from drivers.mqtt.settings import BrokerSettings
from drivers.registry import DriverContext
from gateway.clock import Clock
from gateway.domain.ports import SignalSink
from gateway.domain.signals import LinkChanged, LinkState
from gateway.errors import AuthenticationFailed, ConfigError, LinkError, LocalProtocolError

__all__ = ["BROKER_OFFLINE", "BrokerConnection", "BrokerMessage", "BrokerSettings", "find_broker", "parse_object"]

FRESH_AFTER_S = 2.0
"""Reads that come sooner after SUBACK may be replays."""

STEADY_AFTER_S = 10.0
REFUSED_PAUSE_S = 60.0
"""A refused or missing password is tried once a minute, lest the broker locks the account."""

BROKER_OFFLINE = "the broker is offline"
"""Why a device behind a broker is lost with it, for whoever must tell that from a loss of its own."""

RETAINED, EARLY, OVERSIZED = "retained", "too early after connecting", "oversized"


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
        self._version_5 = settings.mqtt_version != "3.1.1"
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
            self.follow(on_link)

    def follow(self, on_link: LinkHandler) -> None:
        """Have losses and returns of the broker told to `on_link`."""
        self._link_handlers.append(on_link)

    async def publish(self, topic: str, payload: str) -> None:
        """Send with QoS 0, never retained. Raises LinkError while the broker is away."""
        client = self._client
        if client is None:
            raise LinkError(f"broker {self.name} is offline")
        expiry = command_expiry() if self._version_5 else None
        try:
            await client.publish(topic, payload, qos=0, retain=False, properties=expiry, timeout=1.0)
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
            except (AuthenticationFailed, ConfigError) as error:
                self._lost(str(error))
                pause_s = REFUSED_PAUSE_S
            except (aiomqtt.MqttError, OSError, LinkError) as error:
                self._lost(str(error) or type(error).__name__)
            finally:
                self._client = None
            if self._now_s() - started_s >= STEADY_AFTER_S:
                backoff.reset()
            await asyncio.sleep(max(pause_s, backoff.next_s()))

    async def _session(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                await self._serve(await self._connect(stack))
        finally:
            heed_cancellation()

    async def _connect(self, stack: AsyncExitStack) -> aiomqtt.Client:
        """A connected client, by MQTT 5 where the broker speaks it; `stack` ends it.

        Raises LinkError, AuthenticationFailed, ConfigError.
        """
        tls = make_tls(self.name, self._settings)
        password = self._secret(self._settings.password) if self._settings.password else None
        while True:
            client = make_client(self._settings, password, tls, self._admit, version_5=self._version_5)
            try:
                return await stack.enter_async_context(client)
            except (aiomqtt.MqttError, OSError) as error:
                fault = await explain(error, self._settings, tls)
            if fault.try_other_version and self._settings.mqtt_version == "auto" and self._version_5:
                self._version_5 = False
                continue
            if fault.try_other_version and self._settings.mqtt_version == "auto":
                self._version_5 = True  # it was not the version: begin again with the better one
            raise AuthenticationFailed(fault.words) if fault.refused else LinkError(fault.words)

    async def _serve(self, client: aiomqtt.Client) -> None:
        self._fresh_s = float("inf")
        heed_cancellation()
        if self._handlers:
            granted = await client.subscribe([(topic, 0) for topic in self._handlers])
            heed_cancellation()
            if any(reason_code(grant) >= 128 for grant in granted):
                raise LinkError("the broker refused a subscription: check this client's permissions")
        self._fresh_s = self._now_s() + FRESH_AFTER_S
        self._client = client
        self._counts["connects"] += 1
        self._say(LinkState.ONLINE, f"MQTT {'5' if self._version_5 else '3.1.1'}")
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


def find_broker(name: str, context: DriverContext) -> BrokerConnection:
    """The shared connection of that name, for the device that is built. Raises ConfigError."""
    connection = context.brokers.get(name)
    if not isinstance(connection, BrokerConnection):
        known = ", ".join(sorted(context.brokers)) or "none yet"
        raise ConfigError(f"device.{context.device_id}.broker", name, f"add [broker.{name}]; there is: {known}")
    return connection


def parse_object(payload: bytes) -> dict[str, Any]:
    """The JSON object in a payload. Raises ValueError: not UTF-8, not JSON, too deep, or not an object.

    Stricter than Python's own reader: no NaN, no number beyond a double's, no half of a surrogate pair (RFC 8259,
    section 8.2), which could be written to no journal and no socket.
    """
    try:
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not a JSON object") from error
