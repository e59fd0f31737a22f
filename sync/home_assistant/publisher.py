"""Tells Home Assistant what the journal has recorded, and nothing else. It subscribes to nothing.

It lives in the sync process: a broker that hangs, or a Home Assistant that is never there, costs no door anything.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Protocol

import aiomqtt

from gateway.domain.ports import JournalHead, RecordedEvent
from gateway.errors import ConfigError, JournalUnavailable
from sync.home_assistant.entities import (
    ALARM_EVENTS,
    CONTACT_EVENTS,
    LOCK_EVENTS,
    OFFLINE,
    ONLINE,
    Message,
    SiteEntities,
    States,
)

log = logging.getLogger(__name__)

POLL_S = 0.5
BATCH = 500
LOOK_BACK_ALARMS = 5_000
"""Read at start, newest first: some 100 ms of work. Older alarms that nobody has ended count no more here."""
RETRY_S = 10.0
PUBLISH_S = 5.0

ClientFactory = Callable[[aiomqtt.Will], aiomqtt.Client]


class EventJournal(Protocol):
    """The journal, by cursor and newest first. Called from threads; every method raises JournalUnavailable."""

    def after(self, row_id: int, limit: int) -> list[RecordedEvent]:
        """The next events in row order."""
        ...

    def head(self) -> JournalHead | None:
        """The last event's place."""
        ...

    def search(
        self, *, types: Sequence[str] | None = None, subject: str | None = None, limit: int = 100
    ) -> list[RecordedEvent]:
        """The newest events first that pass every filter."""
        ...


class Told:
    """Remembers in a file what was announced to which broker, so that what is removed is taken back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[str, set[str]]:
        """(broker, topics); nothing where there is no such file, or a damaged one."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return str(kept["broker"]), {str(topic) for topic in kept["topics"]}
        except (OSError, ValueError, KeyError, TypeError):
            return "", set()

    def write(self, broker: str, topics: list[str]) -> None:
        """Raises OSError."""
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps({"broker": broker, "topics": topics}), encoding="utf-8")
        beside.replace(self._path)

    def forget(self) -> None:
        """Nothing is announced any more."""
        self._path.unlink(missing_ok=True)


class Announcer:
    """Announces one site to one broker."""

    def __init__(
        self, entities: SiteEntities, journal: EventJournal, broker: str, make_client: ClientFactory, told: Told
    ) -> None:
        self._entities, self._journal, self._broker = entities, journal, broker
        self._make_client, self._told = make_client, told

    async def run(self) -> None:
        """Stay connected until cancelled."""
        fault = ""
        while True:
            try:
                async with self._make_client(aiomqtt.Will(self._entities.availability, OFFLINE, 1, True)) as client:
                    log.info("Home Assistant's broker is reached")
                    fault = ""
                    await self._serve(client)
            except (aiomqtt.MqttError, JournalUnavailable, ConfigError, OSError) as error:
                if str(error) != fault:
                    fault = str(error)
                    log.warning("Home Assistant is told nothing: %s", fault)
            await asyncio.sleep(RETRY_S)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Announce everything, say how it is, and follow the journal."""
        announced = self._entities.announcements()
        broker, topics = await asyncio.to_thread(self._told.read)
        gone = topics - {message.topic for message in announced} if broker == self._broker else set()
        row, states = await asyncio.to_thread(self._now)
        await _publish(client, [*(Message(topic, "") for topic in sorted(gone)), *announced])
        await asyncio.to_thread(self._told.write, self._broker, [message.topic for message in announced])
        await _publish(client, [Message(self._entities.availability, ONLINE), *states.messages()])
        async for event in self._follow(row):
            happened = self._entities.happened(event)
            await _publish(client, [*states.apply(event), *([happened] if happened else [])])

    def _now(self) -> tuple[int, States]:
        """The journal's head, and what is so there; what comes between is taken in again without harm."""
        head = self._journal.head()
        states = States(self._entities)
        for event in reversed(self._journal.search(types=ALARM_EVENTS, limit=LOOK_BACK_ALARMS)):
            states.apply(event)
        for door in self._entities.doors:
            for types in (tuple(CONTACT_EVENTS), tuple(LOCK_EVENTS)):
                for event in self._journal.search(types=types, subject=f"door:{door}", limit=1):
                    states.apply(event)
        return (0 if head is None else head.row_id), states

    async def _follow(self, row: int) -> AsyncIterator[RecordedEvent]:
        while True:
            events = await asyncio.to_thread(self._journal.after, row, BATCH)
            for event in events:
                row = event.row_id
                yield event
            if not events:
                await asyncio.sleep(POLL_S)


async def take_back(client: aiomqtt.Client, topics: set[str]) -> None:
    """The site is announced no more: take every entity back. Raises MqttError."""
    async with client:
        await _publish(client, [Message(topic, "") for topic in sorted(topics)])


async def _publish(client: aiomqtt.Client, messages: list[Message]) -> None:
    for message in messages:
        await client.publish(
            message.topic, message.payload, qos=int(message.retain), retain=message.retain, timeout=PUBLISH_S
        )
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # before Python 3.12 asyncio.wait_for, and so aiomqtt, may swallow one
