"""What Home Assistant is told of a site, over a real mosquitto, from a real journal."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from config.loader import ConfigFaults, parse_config
from gateway.assembly.home_assistant import run_home_assistant
from gateway.domain import events
from gateway.domain.ports import JournalHead, RecordedEvent
from gateway.paths import Paths
from sync.home_assistant.entities import HAPPENED, SiteEntities, States
from sync.home_assistant.publisher import Announcer, Told, take_back
from tests.drivers.mosquitto import Mosquitto
from tests.drivers.recording import eventually, running

ENTITIES = SiteEntities(
    site="demo",
    name="Demo Garden",
    prefix="homeassistant",
    software="1",
    doors={"north": "North gate", "garage": "Garage"},
    contacts=frozenset({"north"}),
)


class Journal:
    """Events in memory, read as the journal's reader reads them."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []

    def add(self, event_type: str, /, *subjects: str, **body: Any) -> None:
        row = len(self.events) + 1
        self.events.append(recorded(row, event_type, subjects, body))

    def after(self, row_id: int, limit: int) -> list[RecordedEvent]:
        return self.events[row_id : row_id + limit]

    def head(self) -> JournalHead | None:
        return JournalHead(len(self.events), "e", len(self.events), "") if self.events else None

    def search(self, *, types: Any = None, subject: str | None = None, limit: int = 100) -> list[RecordedEvent]:
        found = [e for e in self.events if (not types or e.type in types) and (not subject or subject in e.subjects)]
        return found[::-1][:limit]


def recorded(row: int, kind: str, subjects: tuple[str, ...], body: dict[str, Any]) -> RecordedEvent:
    at = datetime(2026, 11, 25, 12, 0, row % 60, tzinfo=UTC)
    return RecordedEvent(
        row, "id", "e", row, kind, 1, at, "synchronised", "b", 0, "gateway", None, subjects, body, "", "", "", ""
    )


@pytest.fixture
async def broker(program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(program("mosquitto"), tmp_path)
    await made.start()
    yield made
    await made.stop()


class HomeAssistant:
    """Everything that a Home Assistant would hear; `kept` is what is retained now."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.kept: dict[str, str] = {}

    def states(self) -> dict[str, str]:
        return {topic.rpartition("/")[2]: text for topic, text in self.kept.items() if "gatehouse-state" in topic}

    def happened(self) -> list[dict[str, Any]]:
        return [json.loads(text) for topic, text in self.heard if topic.endswith("/happened")]


@asynccontextmanager
async def home_assistant(port: int) -> AsyncIterator[HomeAssistant]:
    ears = HomeAssistant()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic, text = message.topic.value, message.payload.decode()
            ears.heard.append((topic, text))
            ears.kept[topic] = text
            if not text or topic.endswith("/happened"):
                del ears.kept[topic]

    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("#")
        listening = asyncio.ensure_future(listen(client))
        try:
            yield ears
        finally:
            while not listening.done():  # aiomqtt's wait_for may swallow a cancellation before Python 3.12
                listening.cancel()
                await asyncio.wait({listening}, timeout=1.0)


def announcer(broker: Mosquitto, journal: Journal, told: Path, entities: SiteEntities = ENTITIES) -> Announcer:
    def client(will: aiomqtt.Will) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", broker.port, will=will)

    return Announcer(entities, journal, "local", client, Told(told))


async def test_site_is_announced_read_only_with_its_states(broker: Mosquitto, tmp_path: Path) -> None:
    journal = Journal()
    journal.add("DoorOpened", "door:north", door="north")
    journal.add("LockReleased", "door:garage", door="garage", because="access", command_id="c", seconds=5.0)
    journal.add("AlarmRaised", alarm="a1", kind="forced", priority=1, source="north", door="north")
    async with home_assistant(broker.port) as ears, running(announcer(broker, journal, tmp_path / "told").run()):
        await eventually(lambda: len(ears.states()) == 5)
        states = ears.states()
        configs = {topic: json.loads(text) for topic, text in ears.kept.items() if topic.endswith("/config")}
    assert states == {
        "availability": "online",
        "north_contact": "ON",
        "garage_lock": "ON",
        "alarm": "ON",
        "open_alarms": "1",
    }
    assert set(configs) == {
        f"homeassistant/{component}/gatehouse_demo/{entity}/config"
        for component, entity in (
            ("binary_sensor", "alarm"),
            ("sensor", "open_alarms"),
            ("event", "happened"),
            ("binary_sensor", "north_lock"),
            ("binary_sensor", "north_contact"),
            ("binary_sensor", "garage_lock"),
        )
    }
    for config in configs.values():
        assert config["availability_topic"] == "gatehouse-state/demo/availability"
        assert config["device"]["identifiers"] == ["gatehouse_demo"]
        assert not [key for key in config if "command" in key]


async def test_what_happens_is_told_once_and_names_nobody(broker: Mosquitto, tmp_path: Path) -> None:
    journal = Journal()
    async with home_assistant(broker.port) as ears, running(announcer(broker, journal, tmp_path / "told").run()):
        await eventually(lambda: ears.states().get("availability") == "online")
        journal.add("AccessGranted", "cardholder:p7", "door:north", door="north", access_point="north", cardholder="p7")
        journal.add("DoorOpened", "door:north", door="north")
        journal.add("AlarmRaised", alarm="d", kind="duress", priority=1, source="north", door="north")
        journal.add("DoorClosed", "door:north", door="north")
        await eventually(lambda: len(ears.happened()) == 3)
        assert ears.states()["north_contact"] == "OFF"
        assert ears.states()["open_alarms"] == "0"
    assert [each["event_type"] for each in ears.happened()] == ["AccessGranted", "DoorOpened", "DoorClosed"]
    assert not any("p7" in text or "duress" in text for _, text in ears.heard)


async def test_last_will_says_that_the_gateway_is_gone(broker: Mosquitto, tmp_path: Path) -> None:
    async with home_assistant(broker.port) as ears:
        will = aiomqtt.Will(ENTITIES.availability, "offline", 1, True)
        client = aiomqtt.Client("127.0.0.1", broker.port, will=will)
        made = Announcer(ENTITIES, Journal(), "local", lambda _will: client, Told(tmp_path / "told"))
        async with running(made.run()):
            await eventually(lambda: ears.states().get("availability") == "online")
            connection = client._client.socket()
            assert isinstance(connection, socket.socket)
            connection.shutdown(socket.SHUT_RDWR)
            await eventually(lambda: ears.states().get("availability") == "offline")


async def test_removed_door_and_removed_table_are_taken_back(broker: Mosquitto, tmp_path: Path) -> None:
    told, journal = tmp_path / "told", Journal()
    async with home_assistant(broker.port) as ears:
        async with running(announcer(broker, journal, told).run()):
            await eventually(lambda: ears.states().get("availability") == "online")
        fewer = replace(ENTITIES, doors={"north": "North gate"})
        async with running(announcer(broker, journal, told, fewer).run()):
            await eventually(lambda: not any("garage_lock/config" in topic for topic in ears.kept))
        assert any("north_lock/config" in topic for topic in ears.kept)
        _, topics = Told(told).read()
        await take_back(aiomqtt.Client("127.0.0.1", broker.port), topics)
        await eventually(lambda: not any(topic.endswith("/config") for topic in ears.kept))


async def test_broker_that_is_away_is_tried_again(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.home_assistant.publisher.RETRY_S", 0.1)
    await broker.stop()
    async with running(announcer(broker, Journal(), tmp_path / "told").run()):
        await asyncio.sleep(0.2)
        await broker.start()
        async with home_assistant(broker.port) as ears:
            await eventually(lambda: ears.states().get("availability") == "online")


def test_people_are_named_by_opaque_id_only_where_that_is_wanted() -> None:
    event = recorded(1, "AccessGranted", ("cardholder:p7", "credential:c9"), {"door": "north"})
    plain, named = ENTITIES.happened(event), replace(ENTITIES, people=True).happened(event)
    assert plain is not None
    assert named is not None
    assert "p7" not in plain.payload
    assert json.loads(named.payload)["cardholder"] == "p7"
    assert "c9" not in named.payload


def test_damaged_memory_of_what_was_told_is_none(tmp_path: Path) -> None:
    for text in ("", "[]", "{", '{"broker":1}', '{"broker":"b","topics":5}'):
        (tmp_path / "told").write_text(text)
        assert Told(tmp_path / "told").read() == ("", set())


def test_events_that_are_told_exist() -> None:
    assert all(hasattr(events, name) for name in HAPPENED)


def test_resolved_alarm_is_open_no_more() -> None:
    states = States(ENTITIES)
    states.apply(recorded(1, "AlarmRaised", (), {"alarm": "a", "kind": "held", "priority": 3}))
    assert (states.values["open_alarms"], states.values["alarm"]) == ("1", "OFF")
    states.apply(recorded(2, "AlarmResolved", (), {"alarm": "a"}))
    assert states.values["open_alarms"] == "0"


SITE = """
schema = 1
[site]
id = "demo"
name = { zh-CN = "演示花园", en = "Demo Garden" }
zone = "Asia/Shanghai"
[broker.local]
host = "127.0.0.1"
port = PORT
insecure = true
[device.relay]
driver = "shelly"
broker = "local"
topic = "shellyplus1-08b61fd90730"
[door.garage]
name = { zh-CN = "车库门", en = "Garage door" }
lock = { device = "relay", output = 0, kind = "fail_secure", wiring = "NO" }
[device.reader]
driver = "mqtt-scanner"
broker = "local"
topic = "scanner"
[access_point.garage]
door = "garage"
readers = ["reader"]
"""


async def test_site_s_own_config_is_announced_in_its_language_and_taken_back_with_the_table(
    broker: Mosquitto, tmp_path: Path
) -> None:
    site = SITE.replace("PORT", str(broker.port))
    table = '[home_assistant]\nbroker = "local"\nprefix = "ha"\nlanguage = "zh-CN"\n'
    paths = Paths(tmp_path / "site.toml", tmp_path / "data")
    paths.prepare()
    async with home_assistant(broker.port) as ears:
        async with running(run_home_assistant(parse_config((site + table).encode()), paths)):
            await eventually(lambda: ears.states().get("availability") == "online")
            lock = json.loads(ears.kept["ha/binary_sensor/gatehouse_demo/garage_lock/config"])
        await run_home_assistant(parse_config(site.encode()), paths)
        await eventually(lambda: not any(topic.startswith("ha/") for topic in ears.kept))
    assert (lock["name"], lock["device"]["name"]) == ("车库门：门锁", "演示花园")
    assert not (paths.data / "home-assistant.json").exists()


def test_broker_that_does_not_exist_is_named() -> None:
    with pytest.raises(
        ConfigFaults, match=r"home_assistant.broker = 'elsewhere' \(line \d+\): there is no such broker"
    ):
        parse_config((SITE.replace("PORT", "1883") + '[home_assistant]\nbroker = "elsewhere"\n').encode())
