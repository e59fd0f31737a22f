"""The page's own mosquitto files, word for word, on a real mosquitto: who may do what."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import trustme

from drivers.mqtt.broker import BrokerConnection, BrokerSettings
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput
from gateway.domain.signals import CommandCompleted, CommandOutcome, LinkChanged, LinkState, OutputsRead
from simulators.esphome import EsphomeNode
from simulators.mqtt_device import Login
from simulators.shelly import ShellyRelay
from tests.drivers.mosquitto import Mosquitto, free_port
from tests.drivers.recording import Recorder, eventually, running

PAGE = Path(__file__).parents[3] / "docs" / "drivers" / "mqtt.md"
SHELLY, NODE, THIEF = "shellyplus1-08b61fd90730", "porch", "garage-relay"
PASSWORDS = {SHELLY: "a long secret", NODE: "another one", THIEF: "a stolen one", "homeassistant": "of the house"}


def block(name: str) -> str:
    """A file as the page has it."""
    found = re.search(rf"```text {re.escape(name)}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


@dataclass(frozen=True, slots=True)
class Site:
    """The broker of the page; `sink` is what the gateway hears."""

    tls_port: int
    port: int
    sink: Recorder
    connection: BrokerConnection

    def login(self, name: str) -> Login:
        return Login("127.0.0.1", self.port, name, PASSWORDS[name])

    def build(self, driver: str, **settings: Any) -> Any:
        found = find_driver(driver)
        assert found is not None
        context = DriverContext(settings["topic"], self.sink, SystemClock(), {"local": self.connection}, str)
        return found.build(found.settings.model_validate({"broker": "local", **settings}), context)

    @asynccontextmanager
    async def client(self, name: str, password: str | None = None) -> AsyncIterator[aiomqtt.Client]:
        secret = password or PASSWORDS[name]
        async with aiomqtt.Client("127.0.0.1", self.port, username=name, password=secret, timeout=5) as client:
            yield client


@pytest.fixture
async def site(program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Site]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, common_name in (("broker", None), ("gatehouse", "gatehouse")):
        issued = authority.issue_cert("127.0.0.1", common_name=common_name)
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    passwords = tmp_path / "gatehouse.passwords"
    passwords.touch()
    for name, password in PASSWORDS.items():
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, password], check=True, timeout=20)
    (tmp_path / "gatehouse.acl").write_text(block("gatehouse.acl"))
    tls_port, port = free_port(), free_port()
    text = (
        block("mosquitto.conf")
        .replace("/etc/mosquitto/certs/", f"{tmp_path}/")
        .replace("/etc/mosquitto/", f"{tmp_path}/")
    )
    text = text.replace("listener 8883", f"listener {tls_port} 127.0.0.1")
    text = text.replace("listener 1883 192.168.20.1", f"listener {port} 127.0.0.1")
    broker = Mosquitto(program("mosquitto"), tmp_path, whole=f"user root\nlog_type error\n{text}", port=port)
    await broker.start()
    settings = BrokerSettings(
        host="127.0.0.1",
        port=tls_port,
        ca_file=str(tmp_path / "ca.pem"),
        cert_file=str(tmp_path / "gatehouse.pem"),
        key_file=str(tmp_path / "gatehouse.key"),
    )
    sink = Recorder()
    yield Site(tls_port, port, sink, BrokerConnection("local", settings, sink, SystemClock(), str))
    await broker.stop()


@pytest.mark.usefixtures("at_once")
async def test_gateway_opens_doors_and_a_thief_of_one_device_opens_none(site: Site) -> None:
    shelly = ShellyRelay(SHELLY, site.login(SHELLY), lambda: None)
    node = EsphomeNode(NODE, site.login(NODE), lambda: None, outputs=("lock/front",), inputs=("contact",))
    boards = [
        site.build("shelly", topic=SHELLY),
        site.build("esphome-board", topic=NODE, outputs=["lock/front"], inputs=["contact"]),
    ]
    reader = site.build("tasmota-reader", topic="yard-reader")
    shelly.plug()
    node.plug()
    heard: dict[str, int] = {}

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            heard[message.topic.value] = heard.get(message.topic.value, 0) + 1

    try:
        async with (
            running(site.connection.run(), reader.run(), *(board.run() for board in boards)),
            site.client(THIEF) as thief,
        ):
            await site.sink.wait_for(OutputsRead, 2)
            await thief.subscribe([("#", 0), ("+/rpc", 0), ("gatehouse/#", 0), ("cmnd/#", 0), (f"{SHELLY}/#", 0)])
            ears = asyncio.ensure_future(listen(thief))
            opening = {"id": 1, "src": "thief", "method": "Switch.Set", "params": {"id": 0, "on": True}}
            for topic, payload in (
                (f"{SHELLY}/rpc", json.dumps(opening)),
                (f"{NODE}/lock/front/command", "UNLOCK"),
                (f"{NODE}/lock/front/pulse", "5000"),
                ("tele/yard-reader/SENSOR", json.dumps({"Wiegand": {"UID": 8065495, "Size": 26}})),
                (f"{SHELLY}/online", "false"),
                (f"gatehouse/{SHELLY}/rpc", json.dumps({"id": 1, "result": {}})),
                (f"cmnd/{THIEF}/POWER", "ON"),
            ):
                await thief.publish(topic, payload, qos=1)
            for board, device in zip(boards, (SHELLY, NODE), strict=True):
                board.submit(PulseOutput(device, device, 0, True, 5.0, time.monotonic() + 5.0))
            done = await site.sink.wait_for(CommandCompleted, 2)
            await site.connection.publish(f"cmnd/{THIEF}/POWER", "OFF")  # what the thief's own device may hear
            await eventually(lambda: bool(heard))
            ears.cancel()
            await asyncio.wait({ears}, timeout=1.0)
    finally:
        await shelly.unplug()
        await node.unplug()
    assert {each.outcome for each in done} == {CommandOutcome.DONE}
    assert [frame["src"] for frame in shelly.orders()] == [f"gatehouse/{SHELLY}"]
    assert node.orders() == [("lock/front/pulse", "5000")]
    assert heard == {f"cmnd/{THIEF}/POWER": 1}
    assert not [signal for signal in site.sink.signals if type(signal).__name__ in ("CardRead", "ReadIgnored")]
    assert not [c for c in site.sink.of(LinkChanged) if c.device == SHELLY and c.state is LinkState.OFFLINE]


async def test_home_assistant_may_look_and_do_nothing(site: Site) -> None:
    heard: list[str] = []
    async with running(site.connection.run()), site.client("homeassistant") as house:
        await eventually(lambda: site.connection.connected)
        await house.subscribe("#")
        await house.publish(f"cmnd/{THIEF}/POWER", "ON", qos=1)
        await site.connection.publish(f"cmnd/{THIEF}/POWER", "OFF")
        await site.connection.publish("gatehouse-state/demo/alarm", "OFF")
        async for message in house.messages:
            heard.append(message.topic.value)
            break
    assert heard == ["gatehouse-state/demo/alarm"]


@pytest.mark.parametrize(("name", "password"), [(THIEF, "a wrong one"), ("nobody", "x"), ("gatehouse", "x")])
async def test_wrong_password_stays_outside(site: Site, name: str, password: str) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with site.client(name, password):
            pass


async def test_stranger_without_a_certificate_stays_outside(site: Site) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", site.port, timeout=2):
            pass
