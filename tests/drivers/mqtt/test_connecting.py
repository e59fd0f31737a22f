"""What keeps the gateway from a broker is told in words that name the remedy; versions fall back cleanly."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from drivers.mqtt.broker import REFUSED_PAUSE_S, BrokerConnection, BrokerSettings
from drivers.mqtt.broker_client import make_client
from gateway.clock import SystemClock
from gateway.domain.signals import LinkChanged, LinkState
from gateway.errors import LinkError
from tests.drivers.mosquitto import Mosquitto, free_port
from tests.drivers.mqtt.certificates import Authority, listener
from tests.drivers.recording import PATIENCE_S, Recorder, eventually, running


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker on this machine answers in milliseconds."""
    monkeypatch.setattr("drivers.mqtt.broker_client.CONNECT_TIMEOUT_S", 1.5)


async def first_word(port: int, **settings: Any) -> LinkChanged:
    """What a connection with these settings says first."""
    sink = Recorder()
    chosen = BrokerSettings.model_validate({"host": "127.0.0.1", "port": port} | settings)
    async with running(BrokerConnection("local", chosen, sink, SystemClock(), str).run()):
        (said,) = await sink.wait_for(LinkChanged)
    return said


@asynccontextmanager
async def mosquitto(program: Callable[[str], str], folder: Path, extra: str = "") -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(program("mosquitto"), folder, extra)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@pytest.mark.parametrize(
    ("broken", "remedy"),
    [
        ({}, "MQTT 5"),
        ({"ca_file": "strange"}, "signed by no authority in ca_file"),
        ({"cert_file": None, "key_file": None}, "wants a certificate of the gateway: give cert_file and key_file"),
        ({"cert_file": "strangers", "key_file": "strangers"}, "refused the gateway's certificate"),
        ({"cert_file": "expired", "key_file": "expired"}, "refused the gateway's certificate as expired: renew"),
        ({"host": "localhost"}, "certificate is for another name"),
        ({"insecure": True, "ca_file": None, "cert_file": None, "key_file": None}, "does it want TLS?"),
        ({"ca_file": "/nowhere/ca.pem"}, "broker.local.ca_file"),
        ({"key_file": "another"}, "broker.local.cert_file"),
    ],
    ids=[
        "all good",
        "strange authority",
        "no certificate",
        "certificate of a stranger",
        "expired certificate",
        "other host name",
        "no TLS to a TLS port",
        "no such file",
        "key of another certificate",
    ],
)
async def test_mutual_tls_that_fails_names_the_remedy(
    program: Callable[[str], str], tmp_path: Path, broken: dict[str, Any], remedy: str
) -> None:
    ours, strange = Authority(tmp_path, "ours"), Authority(tmp_path, "strange")
    mine, another = ours.issue("gate@example.com"), ours.issue("other@example.com")
    strangers, expired = strange.issue("gate@example.com"), ours.issue("late@example.com", expired=True)
    files = {
        "strange": {"ca_file": strange.ca},
        "strangers": {"cert_file": strangers.cert, "key_file": strangers.key},
        "expired": {"cert_file": expired.cert, "key_file": expired.key},
        "another": {"key_file": another.key},
    }
    settings: dict[str, Any] = {"ca_file": ours.ca, "cert_file": mine.cert, "key_file": mine.key}
    settings |= {key: files.get(str(value), {}).get(key, value) for key, value in broken.items()}
    async with mosquitto(program, tmp_path, listener(ours, ours.issue("127.0.0.1"))) as broker:
        said = await first_word(broker.port, **settings)
    assert remedy in said.detail
    assert said.state is (LinkState.OFFLINE if broken else LinkState.ONLINE)


async def test_expired_certificate_of_the_broker_is_named(program: Callable[[str], str], tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    server = ours.issue("127.0.0.1", expired=True)
    async with mosquitto(program, tmp_path, listener(ours, server, clients=False)) as broker:
        said = await first_word(broker.port, ca_file=ours.ca)
    assert "certificate is not valid today: renew it there" in said.detail


async def test_port_without_tls_is_named(program: Callable[[str], str], tmp_path: Path) -> None:
    async with mosquitto(program, tmp_path) as broker:
        said = await first_word(broker.port)
    assert "is that its TLS port, usually 8883?" in said.detail


async def test_nobody_there_is_named() -> None:
    said = await first_word(free_port(), insecure=True)
    assert "nothing listens there: is the broker running" in said.detail


async def test_unknown_host_is_named() -> None:
    said = await first_word(1883, insecure=True, host="no-such-host.invalid")
    assert "that host is unknown" in said.detail


@pytest.mark.parametrize("version", ["auto", "5", "3.1.1"])
async def test_refused_password_is_tried_once_a_minute(
    program: Callable[[str], str], tmp_path: Path, version: str
) -> None:
    async with mosquitto(program, tmp_path, "allow_anonymous false\n") as broker:
        said = await first_word(broker.port, insecure=True, username="gate", password="env:X", mqtt_version=version)
    assert "refused this user name or password: compare username and password" in said.detail
    assert REFUSED_PAUSE_S >= 60


async def test_anonymous_is_told_to_give_a_name(program: Callable[[str], str], tmp_path: Path) -> None:
    async with mosquitto(program, tmp_path, "allow_anonymous false\n") as broker:
        said = await first_word(broker.port, insecure=True)
    assert "refused this anonymous: give a username" in said.detail


async def test_demo_s_broker_is_spoken_to_by_3_1_1(program: Callable[[str], str]) -> None:
    """It knows no MQTT 5, and may leave such a CONNECT without an answer."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.broker", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        said = await first_word(port, insecure=True)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
    assert (said.state, said.detail) == (LinkState.ONLINE, "MQTT 3.1.1")


REFUSED_VERSION = b"\x20\x02\x00\x01"
"""CONNACK with `unacceptable protocol version` (MQTT 3.1.1, section 3.2.2.3)."""


@pytest.mark.parametrize("answer", [b"", REFUSED_VERSION], ids=["hangs up", "refuses by 3.1.1"])
async def test_broker_that_knows_no_mqtt_5_is_spoken_to_by_3_1_1(broker: Mosquitto, answer: bytes) -> None:
    """A proxy before a real broker, which takes no CONNECT whose protocol level is 5."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(4096)
        if hello[8] == 5:  # fixed header, length, "MQTT" with its length, level
            writer.write(answer)
            writer.close()
            return
        upstream, downstream = await asyncio.open_connection("127.0.0.1", broker.port)
        downstream.write(hello)
        await asyncio.gather(_pump(reader, downstream), _pump(upstream, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        said = await first_word(server.sockets[0].getsockname()[1], insecure=True)
        asked_for = await first_word(server.sockets[0].getsockname()[1], insecure=True, mqtt_version="5")
    assert (said.state, said.detail) == (LinkState.ONLINE, "MQTT 3.1.1")
    assert asked_for.state is LinkState.OFFLINE
    assert ("leave mqtt_version out" in asked_for.detail) is bool(answer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


async def test_broker_that_says_nothing_is_given_up_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.mqtt.broker_client.CONNECT_TIMEOUT_S", 0.3)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        began = time.monotonic()
        said = await first_word(server.sockets[0].getsockname()[1], insecure=True)
    assert said.state is LinkState.OFFLINE
    assert "is it an MQTT broker, and does it want TLS?" in said.detail
    assert time.monotonic() - began < 5


async def test_commands_expire_at_the_broker_only_by_mqtt_5(broker: Mosquitto) -> None:
    for version, wanted in (("auto", True), ("3.1.1", False)):
        chosen = BrokerSettings.model_validate(
            {"host": "127.0.0.1", "port": broker.port, "insecure": True, "mqtt_version": version}
        )
        connection = BrokerConnection("local", chosen, Recorder(), SystemClock(), str)
        device = aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5)
        async with device, running(connection.run()):
            await device.subscribe("gate/rpc")
            await eventually(lambda connection=connection: connection.connected)  # type: ignore[misc]
            await connection.publish("gate/rpc", "open")
            message = await asyncio.wait_for(anext(aiter(device.messages)), 5)
        assert (message.qos, message.retain) == (0, False)
        assert hasattr(message.properties, "MessageExpiryInterval") is wanted


@pytest.mark.parametrize("moment", ["_connected", "_disconnected"])
async def test_cancellation_that_comes_together_with_the_brokers_word_is_heeded(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The client's future is done and the task is cancelled before it runs: Python 3.11 forgets the cancellation."""

    def let_go(up: bool) -> None:
        if up:
            raise LinkError("enough")

    def make(*args: Any, **settings: Any) -> aiomqtt.Client:
        client = make_client(*args, **settings)
        getattr(client, moment).add_done_callback(lambda _: task.cancel())
        return client

    monkeypatch.setattr("drivers.mqtt.broker.make_client", make)
    chosen = BrokerSettings.model_validate({"host": "127.0.0.1", "port": broker.port, "insecure": True})
    connection = BrokerConnection("local", chosen, Recorder(), SystemClock(), str)
    if moment == "_disconnected":
        connection.follow(let_go)
    task = asyncio.ensure_future(connection.run())
    _, stuck = await asyncio.wait({task}, timeout=PATIENCE_S)
    assert not stuck
    assert task.cancelled()


async def test_attempts_that_timed_out_leave_no_connection_behind(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that stood still answers all of them when it goes on; each would be kept alive for ever."""
    monkeypatch.setattr("drivers.mqtt.broker_client.CONNECT_TIMEOUT_S", 0.2)
    made: list[aiomqtt.Client] = []

    def make(*args: Any, **settings: Any) -> aiomqtt.Client:
        made.append(make_client(*args, **settings))
        return made[-1]

    monkeypatch.setattr("drivers.mqtt.broker.make_client", make)
    chosen = BrokerSettings.model_validate({"host": "127.0.0.1", "port": broker.port, "insecure": True})
    connection = BrokerConnection("local", chosen, Recorder(), SystemClock(), str)
    with broker.standing_still():
        task = asyncio.ensure_future(connection.run())
        await eventually(lambda: len(made) == 3)
    await eventually(lambda: connection.connected)
    assert connections_to(broker.port) == 1
    task.cancel()
    await asyncio.wait({task})


async def test_attempt_that_is_cancelled_leaves_no_connection_behind(broker: Mosquitto) -> None:
    chosen = BrokerSettings.model_validate({"host": "127.0.0.1", "port": broker.port, "insecure": True})
    with broker.standing_still():
        task = asyncio.ensure_future(BrokerConnection("local", chosen, Recorder(), SystemClock(), str).run())
        await eventually(lambda: connections_to(broker.port) == 1)
        task.cancel()
        await asyncio.wait({task})
    await eventually(lambda: connections_to(broker.port) == 0)


def connections_to(port: int) -> int:
    """How many of this process's sockets are connected to it."""
    count = 0
    for entry in os.listdir("/proc/self/fd"):
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry))) as found:
            count += found.family == socket.AF_INET and found.getpeername()[1] == port
    return count
