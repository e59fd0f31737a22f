"""A Tasmota relay as raw topics and texts, with faults that a test asks for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt


class TasmotaDevice:
    """Answers `cmnd/<topic>/…` as the firmware does; `heard` is every command, in order."""

    def __init__(self, client: aiomqtt.Client, topic: str) -> None:
        self._client, self.topic = client, topic
        self.settings: dict[str, object] = {"PowerOnState": 0, "SetOption140": "OFF"}
        self.pulse_time = 50
        self.power = "OFF"
        self.switches: dict[str, str] = {}
        self.mute: set[str] = set()
        self.heard: list[tuple[str, str]] = []
        self.retained: list[str] = []

    def orders(self) -> list[tuple[str, str]]:
        """Commands that change something."""
        return [each for each in self.heard if each[1] and each[0] != "STATUS"]

    async def say(self, topic: str, payload: str, *, retain: bool = False) -> None:
        await self._client.publish(f"{topic.replace('%', self.topic)}", payload, qos=0, retain=retain)

    async def serve(self) -> None:
        """Answer until cancelled; the subscription is there already."""
        async for message in self._client.messages:
            name, payload = str(message.topic).rpartition("/")[2], bytes(message.payload).decode()
            self.heard.append((name, payload))
            if message.retain:
                self.retained.append(name)
            if name not in self.mute:
                await self._obey(name, payload)

    async def _obey(self, name: str, payload: str) -> None:
        result: dict[str, object]
        if name == "POWER1":
            self.power = payload or self.power
            result = {"POWER": self.power}
            await self.say("stat/%/POWER", self.power)
        elif name == "PulseTime1":
            self.pulse_time = int(payload) if payload else self.pulse_time
            result = {name: {"Set": self.pulse_time, "Remaining": 0}}
        elif name == "STATUS":
            sensors = {"Time": "2026-11-25T20:00:00", **self.switches}
            await self.say("stat/%/STATUS10", json.dumps({"StatusSNS": sensors}))
            return
        else:
            result = {name: self.settings[name]} if name in self.settings else {"Command": "Unknown"}
        await self.say("stat/%/RESULT", json.dumps(result))


@asynccontextmanager
async def tasmota_relay(port: int, topic: str) -> AsyncIterator[TasmotaDevice]:
    """A relay that listens; it is the test that says Online for it."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        device = TasmotaDevice(client, topic)
        await client.subscribe(f"cmnd/{topic}/#")
        task = asyncio.ensure_future(device.serve())
        try:
            yield device
        finally:
            while not task.done():  # aiomqtt's wait_for may swallow a cancellation before Python 3.12
                task.cancel()
                await asyncio.wait({task}, timeout=1.0)
