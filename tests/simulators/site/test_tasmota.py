"""The simulated Tasmota devices, watched by an MQTT client through mosquitto and through the embedded broker."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import pytest

from simulators.card import Card
from simulators.tasmota import TasmotaReader, TasmotaRelay
from tests.simulators.site.conftest import PATIENCE_S, MakeSite, SiteUnderTest, until


def garage_reader(site: SiteUnderTest) -> TasmotaReader:
    device = site.hardware.devices["garage-reader"]
    assert isinstance(device, TasmotaReader)
    return device


def garage_relay(site: SiteUnderTest) -> TasmotaRelay:
    device = site.hardware.devices["garage-relay"]
    assert isinstance(device, TasmotaRelay)
    return device


@pytest.fixture
async def site(make_site: MakeSite, broker_port: int) -> SiteUnderTest:
    made = await make_site({("broker", "local", "port"): broker_port})
    devices = [garage_reader(made), garage_relay(made)]
    await until(lambda: all(device.online.is_set() for device in devices), "the devices' connections")
    return made


class Watcher:
    """Every message on the broker, in order."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[aiomqtt.Message] = []

    def payloads(self, topic: str) -> list[Any]:
        return [_value(message) for message in self.heard if message.topic.value == topic]

    async def hear(self, topic: str, payload: object) -> None:
        await until(lambda: payload in self.payloads(topic), f"{payload} on {topic}")


def _value(message: aiomqtt.Message) -> Any:
    text = message.payload.decode()
    return json.loads(text) if text.startswith("{") else text


@asynccontextmanager
async def watching(port: int) -> AsyncIterator[Watcher]:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        watcher = Watcher(client)
        await client.subscribe("#")

        async def listen() -> None:
            async for message in client.messages:
                watcher.heard.append(message)

        listening = asyncio.create_task(listen())
        try:
            yield watcher
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def test_card_is_told_as_the_published_wiegand_reading(site: SiteUnderTest, broker_port: int) -> None:
    async with watching(broker_port) as watcher:
        await garage_reader(site).swipe(Card("H10301", 15080, 118))
        await until(lambda: bool(watcher.payloads("tele/garage-reader/SENSOR")))
        (told,) = watcher.payloads("tele/garage-reader/SENSOR")
        assert told["Wiegand"] == {"UID": 7748328, "Size": 26}
        assert len(told["Time"]) == len("2021-01-21T16:04:12")
        assert not any(m.retain for m in watcher.heard if m.topic.value.endswith("SENSOR"))


async def test_presence_is_retained(site: SiteUnderTest, broker_port: int) -> None:
    async with watching(broker_port) as watcher:
        await watcher.hear("tele/garage-relay/LWT", "Online")
        assert all(m.retain for m in watcher.heard if m.topic.value.endswith("LWT"))


async def test_pulled_plug_is_told_by_the_last_will_and_drops_the_relay(site: SiteUnderTest, broker_port: int) -> None:
    relay = garage_relay(site)
    async with watching(broker_port) as watcher:
        relay.switch(True)
        await site.acts.obey({"do": "unplug", "device": "garage-relay"})
        await watcher.hear("tele/garage-relay/LWT", "Offline")
        assert not relay.on
        await site.acts.obey({"do": "plug", "device": "garage-relay"})
        await watcher.hear("tele/garage-relay/LWT", "Online")


async def test_relay_answers_power_and_ends_its_own_pulse(site: SiteUnderTest, broker_port: int) -> None:
    door = site.hardware.doors["garage"]
    async with watching(broker_port) as watcher:
        await watcher.client.publish("cmnd/garage-relay/PulseTime1", "3")
        await until(lambda: garage_relay(site).pulse_time == 3)
        await watcher.client.publish("cmnd/garage-relay/POWER1", "ON")
        await watcher.hear("stat/garage-relay/RESULT", {"POWER": "ON"})
        await watcher.hear("stat/garage-relay/POWER", "ON")
        assert door.counts.releases_by_coil == 1
        await watcher.hear("stat/garage-relay/RESULT", {"POWER": "OFF"})
        assert not door.lock.released()


@pytest.mark.parametrize(
    ("command", "payload", "topic", "answer"),
    [
        ("PowerOnState", "", "RESULT", {"PowerOnState": 0}),
        ("PowerOnState", "1", "RESULT", {"PowerOnState": 1}),
        ("SetOption140", "", "RESULT", {"SetOption140": "OFF"}),
        ("SetOption140", "1", "RESULT", {"SetOption140": "ON"}),
        ("PulseTime1", "", "RESULT", {"PulseTime1": {"Set": 50, "Remaining": 0}}),
        ("PulseTime", "105", "RESULT", {"PulseTime1": {"Set": 105, "Remaining": 0}}),
        ("Rubbish", "x", "RESULT", {"Command": "Unknown"}),
    ],
)
async def test_relay_answers_questions_about_its_settings(
    make_site: MakeSite, command: str, payload: str, topic: str, answer: dict[str, Any]
) -> None:
    relay = garage_relay(await make_site({}))
    word = command.rstrip("0123456789")
    assert relay.command(word.upper(), command[len(word) :], payload) == [(topic, answer)]


async def test_status_and_backlog_are_understood(site: SiteUnderTest, broker_port: int) -> None:
    async with watching(broker_port) as watcher:
        await watcher.client.publish("cmnd/garage-relay/Backlog", "PulseTime1 0; POWER1 ON; Status 0")
        await until(lambda: bool(watcher.payloads("stat/garage-relay/STATUS11")))
        assert watcher.payloads("stat/garage-relay/STATUS")[0]["Status"]["Power"] == 1
        assert watcher.payloads("stat/garage-relay/STATUS11")[0]["StatusSTS"]["POWER"] == "ON"


async def test_oversized_and_binary_commands_are_dropped(site: SiteUnderTest, broker_port: int) -> None:
    async with watching(broker_port) as watcher:
        await watcher.client.publish("cmnd/garage-relay/POWER1", b"ON" + b" " * 600)
        await watcher.client.publish("cmnd/garage-relay/POWER1", b"\xff\xfe")
        await watcher.hear("stat/garage-relay/RESULT", {"POWER": "OFF"})
        assert garage_relay(site).switched_on == 0


async def test_card_without_a_broker_is_told_to_nobody_and_said_so(make_site: MakeSite) -> None:
    lonely = await make_site({("broker", "local", "port"): 1})
    answer = await asyncio.wait_for(
        lonely.acts.obey({"do": "swipe", "reader": "garage-reader", "card": "blue-1"}), PATIENCE_S
    )
    assert "no connection" in answer["said"]
