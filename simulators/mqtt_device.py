"""What every firmware behind a broker does: connects with a last will, listens, answers, and comes back. MQTT 3.1.1."""

import asyncio
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiomqtt

KEEPALIVE_S = 30
RETRY_S = 1.0
ANSWER_S = 2.0
"""A broker on this machine answers in milliseconds; one that dies before CONNACK is noticed by this alone."""
CUT_S = 2.0
"""How long a cut connection may take to be noticed on our own side."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, when the device is gone."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class Login:
    """Where the broker is, and who the device is there."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None


class MqttDevice(ABC):
    """A device with a plug. A subclass says what it listens to, what it says on connecting, and what it obeys."""

    def __init__(self, identifier: str, login: Login, will: Will | None, *, clean_session: bool = True) -> None:
        self._identifier, self._login, self._will, self._clean = identifier, login, will, clean_session
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._speaking: set[asyncio.Task[object]] = set()
        self.online = asyncio.Event()

    @property
    def plugged(self) -> bool:
        """Whether the device has power."""
        return self._task is not None

    @property
    def is_online(self) -> bool:
        """Whether the broker has it."""
        return self.online.is_set()

    def plug(self) -> None:
        """Give it power."""
        if self._task is None:
            self.power_up()
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self._identifier)

    async def unplug(self) -> None:
        """Take its power: the TCP connection ends without a goodbye, so the broker publishes the last will."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._client is not None:
            # The session notices the cut by itself; cancelling it at once would trip over the dead socket.
            _cut(self._client)
            await asyncio.wait({task}, timeout=CUT_S)
        while not task.done():  # aiomqtt's wait_for may swallow a cancellation before Python 3.12
            task.cancel()
            await asyncio.wait({task}, timeout=RETRY_S)
        with suppress(asyncio.CancelledError, aiomqtt.MqttError):
            task.result()
        self.online.clear()
        self.power_down()

    @abstractmethod
    def power_up(self) -> None:
        """What the hardware does when power comes."""

    @abstractmethod
    def power_down(self) -> None:
        """What the hardware does when power goes."""

    @abstractmethod
    def listens_to(self) -> list[tuple[str, int]]:
        """The topics that it subscribes to, with their QoS."""

    @abstractmethod
    async def greet(self) -> None:
        """What it says on connecting, before it listens."""

    @abstractmethod
    async def settled(self) -> None:
        """What it says once it listens."""

    @abstractmethod
    async def obey(self, topic: str, payload: bytes) -> None:
        """Do what a message says."""

    async def send(self, topic: str, body: dict[str, Any] | str | bytes, *, retain: bool = False, qos: int = 0) -> bool:
        """Publish; False while there is no connection."""
        if self._client is None:
            return False
        payload = json.dumps(body, separators=(",", ":")) if isinstance(body, dict) else body
        try:
            await self._client.publish(topic, payload, qos=qos, retain=retain)
        except aiomqtt.MqttError:
            return False
        return True

    def speak(self, words: Coroutine[Any, Any, object]) -> None:
        """Say something from where nobody can wait for it."""
        task = asyncio.get_running_loop().create_task(words)
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)

    async def _run(self) -> None:
        while self.plugged:
            with suppress(aiomqtt.MqttError):
                await self._session()
            self._client = None
            self.online.clear()
            if self.plugged:
                await asyncio.sleep(RETRY_S)

    async def _session(self) -> None:
        will = self._will
        client = aiomqtt.Client(
            self._login.host,
            self._login.port,
            username=self._login.username,
            password=self._login.password,
            identifier=self._identifier,
            clean_session=self._clean,
            keepalive=KEEPALIVE_S,
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, qos=1, retain=True),
            timeout=ANSWER_S,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        async with client:
            self._client = client
            await self.greet()
            if topics := self.listens_to():
                await client.subscribe(topics)
            await self.settled()
            self.online.set()
            async for message in client.messages:
                await self.obey(message.topic.value, message.payload)


def _cut(client: aiomqtt.Client) -> None:
    """End the connection below MQTT, as a pulled plug does."""
    # aiomqtt has no way to leave without DISCONNECT; the socket below paho has.
    connection = client._client.socket()
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
