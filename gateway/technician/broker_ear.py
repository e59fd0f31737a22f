"""Listens at a site's broker for a while, with a client of its own, for the devices that speak there."""

import asyncio
from collections.abc import Callable

import aiomqtt

from drivers.mqtt.broker_client import explain, make_client, make_tls
from drivers.mqtt.heard import LISTEN_TO, HeardDevice, heard_devices
from drivers.mqtt.settings import BrokerSettings
from gateway.errors import LinkError

MOST_MESSAGES = 10_000
"""A compound's devices say some hundred in the seconds that somebody listens."""
MOST_BYTES = 2048
"""More of a payload tells nothing of a device."""


async def devices_at(
    name: str, settings: BrokerSettings, secret: Callable[[str], str], seconds: float
) -> tuple[HeardDevice, ...]:
    """What is heard in that time. Raises LinkError with the remedy, ConfigError for a secret or certificate."""
    tls = make_tls(name, settings)
    password = secret(settings.password) if settings.password else None
    client = make_client(settings, password, tls, lambda _topic: True, version_5=settings.mqtt_version == "5")
    heard: list[tuple[str, bytes]] = []
    try:
        async with client:
            await client.subscribe([(topic, 0) for topic in LISTEN_TO])
            await _listen(client, seconds, heard)
    except (aiomqtt.MqttError, OSError) as error:
        raise LinkError((await explain(error, settings, tls)).words) from None
    return heard_devices(heard)


async def _listen(client: aiomqtt.Client, seconds: float, heard: list[tuple[str, bytes]]) -> None:
    try:
        async with asyncio.timeout(seconds):
            async for message in client.messages:
                heard.append((str(message.topic), message.payload[:MOST_BYTES]))
                if len(heard) >= MOST_MESSAGES:
                    return
    except TimeoutError:
        return
