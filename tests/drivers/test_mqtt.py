"""The shared broker connection, Tasmota readers and relays on a real mosquitto."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import aiomqtt
import pytest
import trustme

from drivers.mqtt.broker import BrokerConnection, BrokerSettings, parse_object
from drivers.mqtt.flood import TokenBucket
from drivers.mqtt.reader import MqttReader
from drivers.mqtt.tasmota_relay import TasmotaRelay
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.credential import Identifier
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    FramesRejected,
    InputsChanged,
    LinkChanged,
    LinkState,
    OutputsRead,
    ReadIgnored,
)
from gateway.errors import ConfigError, LinkError, LocalProtocolError
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.recording import Recorder, eventually, running
from tests.drivers.tasmota_device import TasmotaDevice, tasmota_relay

READ = json.dumps({"Time": "2026-11-23T16:04:12", "Wiegand": {"UID": 8065495, "Size": 26}})
SENSOR = "tele/garage-reader/SENSOR"


@pytest.fixture
async def broker(program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(program("mosquitto"), tmp_path)
    await made.start()
    yield made
    await made.stop()


def connect(broker: Mosquitto, sink: Recorder, **settings: object) -> BrokerConnection:
    chosen = BrokerSettings.model_validate({"host": "127.0.0.1", "port": broker.port, "insecure": True, **settings})
    return BrokerConnection("local", chosen, sink, SystemClock(), lambda reference: f"secret of {reference}")


def add_reader(connection: BrokerConnection, sink: Recorder) -> MqttReader:
    driver = find_driver("tasmota-reader")
    assert driver is not None
    context = DriverContext("garage-reader", sink, SystemClock(), {"local": connection}, str)
    settings = driver.settings.model_validate({"broker": "local", "topic": "garage-reader"})
    reader = driver.build(settings, context)
    assert isinstance(reader, MqttReader)
    return reader


def add_relay(connection: BrokerConnection, sink: Recorder) -> TasmotaRelay:
    driver = find_driver("tasmota-relay")
    assert driver is not None
    context = DriverContext("garage-relay", sink, SystemClock(), {"local": connection}, str)
    settings = driver.settings.model_validate({"broker": "local", "topic": "garage-relay"})
    relay = driver.build(settings, context)
    assert isinstance(relay, TasmotaRelay)
    return relay


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting after SUBACK, for tests that are about something else."""
    monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.0)


@pytest.mark.usefixtures("at_once")
class TestReads:
    async def test_live_read_is_a_card(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged)
            await device.publish("tele/garage-reader/LWT", "Online", retain=True)
            await device.publish(SENSOR, READ)
            (read,) = await sink.wait_for(CardRead)
        assert read.reader == "garage-reader"
        assert read.readings[0].identifier == Identifier("H10301", 123, 4567)
        assert [(each.device, each.state) for each in sink.of(LinkChanged)] == [
            ("broker:local", LinkState.ONLINE),
            ("garage-reader", LinkState.ONLINE),
        ]

    async def test_retained_read_is_ignored_and_said_so(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        reader = add_reader(connection, sink)
        async with device_client(broker.port) as device:
            await device.publish(SENSOR, READ, qos=1, retain=True)
            async with running(connection.run(), reader.run()):
                (ignored,) = await sink.wait_for(ReadIgnored)
                assert ignored == ReadIgnored("garage-reader", "retained")
                await device.publish(SENSOR, READ)
                await sink.wait_for(CardRead)
        assert connection.counters()["retained"] == 1

    async def test_read_of_another_time_is_ignored_and_said_so(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        driver = find_driver("tasmota-reader")
        assert driver is not None
        settings = {"broker": "local", "topic": "garage-reader", "window_s": 30.0, "utc_offset_h": 8.0}
        context = DriverContext("garage-reader", sink, SystemClock(), {"local": connection}, str)
        reader = driver.build(driver.settings.model_validate(settings), context)
        local = datetime.now(timezone(timedelta(hours=8)))
        async with running(connection.run(), reader.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged)
            for at in (local - timedelta(seconds=60), local):
                body = {"Time": f"{at:%Y-%m-%dT%H:%M:%S}", "Wiegand": {"UID": 8065495, "Size": 26}}
                await device.publish(SENSOR, json.dumps(body))
            await sink.wait_for(CardRead)
        assert sink.of(ReadIgnored) == [ReadIgnored("garage-reader", "its time is outside the window")]
        assert len(sink.of(CardRead)) == 1

    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (b"x" * 8193, "oversized"),
            (b"{" + b" " * 200_000 + b"}", "oversized"),
            (b"\xff\xfe{}", "not a JSON object"),
            (b"{half", "not a JSON object"),
            (b"[" * 8000, "not a JSON object"),
            (b"[1]", "not a JSON object"),
        ],
        ids=["over 8 KiB", "200 kB", "not UTF-8", "truncated", "deep", "list"],
    )
    async def test_unusable_message_is_ignored_and_the_next_read_counts(
        self, broker: Mosquitto, payload: bytes, reason: str
    ) -> None:
        sink = Recorder()
        connection = connect(broker, sink, mqtt_version="3.1.1")  # to MQTT 5 the broker hands nothing so large
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged)
            await device.publish(SENSOR, payload)
            await device.publish(SENSOR, READ)
            await sink.wait_for(CardRead)
        assert sink.of(ReadIgnored) == [ReadIgnored("garage-reader", reason)]

    async def test_flood_is_bounded_and_other_topics_live(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        heard: list[bytes] = []
        connection.subscribe("tele/other/SENSOR", lambda message: heard.append(message.payload))
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged)
            for _ in range(2000):
                await device.publish(SENSOR, READ)
            await device.publish("tele/other/SENSOR", "{}", qos=1)
            await eventually(lambda: heard == [b"{}"])
        assert 20 <= len(sink.of(CardRead)) < 120
        assert connection.counters()["flooded"] > 1800

    async def test_wrong_parity_of_the_device_is_rejected(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged)
            await device.publish(SENSOR, '{"Wiegand":{"UID":0,"Size":26}}')
            (rejected,) = await sink.wait_for(FramesRejected)
        assert rejected.reason == "wrong parity"
        assert sink.of(CardRead) == []


class TestConnection:
    async def test_reads_before_two_seconds_after_suback_are_ignored(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged)
            online = time.monotonic()
            while not sink.of(CardRead):
                await device.publish(SENSOR, READ)
                await asyncio.sleep(0.2)
                assert time.monotonic() - online < 10
            (read, *_) = sink.of(CardRead)
        assert read.received_s - online >= 1.8
        assert {ignored.reason for ignored in sink.of(ReadIgnored)} == {"too early after connecting"}

    async def test_replayed_queue_of_a_broker_is_never_delivered(self, broker: Mosquitto) -> None:
        """A clean session: what is published while the gateway is away never arrives."""
        sink = Recorder()
        connection = connect(broker, sink)
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()):
            await sink.wait_for(LinkChanged)
        async with device_client(broker.port) as device:
            await device.publish(SENSOR, READ, qos=1)
            again = connect(broker, sink)
            reader = add_reader(again, sink)
            async with running(again.run(), reader.run()):
                await eventually(lambda: again.connected)
                await asyncio.sleep(0.3)
        assert again.counters()["received"] == 0

    async def test_broker_that_dies_and_returns_is_told_once_each_and_heard_again(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        reader = add_reader(connection, sink)
        async with running(connection.run(), reader.run()):
            await sink.wait_for(LinkChanged)
            await broker.stop()
            await sink.wait_for(LinkChanged, 3)
            with pytest.raises(LinkError, match="offline"):
                await connection.publish("cmnd/x/POWER", "ON")
            await asyncio.sleep(0.5)
            await broker.start()
            await sink.wait_for(LinkChanged, 4)
            async with device_client(broker.port) as device:
                await device.publish("tele/garage-reader/LWT", "Online", retain=True)
                await sink.wait_for(LinkChanged, 5)
        assert [(each.device, each.state.value) for each in sink.of(LinkChanged)] == [
            ("broker:local", "online"),
            ("broker:local", "offline"),
            ("garage-reader", "offline"),
            ("broker:local", "online"),
            ("garage-reader", "online"),
        ]

    async def test_mqtt_5_is_spoken_where_asked_for_and_commands_expire(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink, mqtt_version="5")
        async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as device:
            await device.subscribe("cmnd/x/POWER")
            async with running(connection.run()):
                await eventually(lambda: connection.connected)
                await connection.publish("cmnd/x/POWER", "ON")
                message = await asyncio.wait_for(anext(aiter(device.messages)), 5)
        assert message.payload == b"ON"
        assert (message.qos, message.retain) == (0, False)
        assert message.properties is not None
        assert 0 < message.properties.MessageExpiryInterval <= 2  # type: ignore[attr-defined]

    async def test_refused_password_is_offline_and_not_retried_blindly(
        self, program: Callable[[str], str], tmp_path: Path
    ) -> None:
        broker = Mosquitto(program("mosquitto"), tmp_path, "allow_anonymous false\n")
        await broker.start()
        sink = Recorder()
        connection = connect(broker, sink, username="gate", password="env:MQTT")
        async with running(connection.run()):
            (changed,) = await sink.wait_for(LinkChanged)
            await asyncio.sleep(0.5)
        await broker.stop()
        assert changed.state is LinkState.OFFLINE
        assert "refused this user name or password" in changed.detail
        assert connection.counters()["connects"] == 0

    async def test_mutual_tls_connects_and_a_strange_authority_does_not(
        self, program: Callable[[str], str], tmp_path: Path
    ) -> None:
        ours, strange = trustme.CA(), trustme.CA()
        server, client = ours.issue_cert("127.0.0.1"), ours.issue_cert("gate@example.com")
        files = {name: str(tmp_path / f"{name}.pem") for name in ("ca", "strange", "cert", "key", "mine", "mykey")}
        ours.cert_pem.write_to_path(files["ca"])
        strange.cert_pem.write_to_path(files["strange"])
        server.cert_chain_pems[0].write_to_path(files["cert"])
        server.private_key_pem.write_to_path(files["key"])
        client.cert_chain_pems[0].write_to_path(files["mine"])
        client.private_key_pem.write_to_path(files["mykey"])
        broker = Mosquitto(
            program("mosquitto"),
            tmp_path,
            f"allow_anonymous true\ncafile {files['ca']}\ncertfile {files['cert']}\n"
            f"keyfile {files['key']}\nrequire_certificate true\n",
        )
        await broker.start()
        mine = {"insecure": False, "cert_file": files["mine"], "key_file": files["mykey"]}
        good, bad = Recorder(), Recorder()
        async with running(
            connect(broker, good, ca_file=files["ca"], **mine).run(),
            connect(broker, bad, ca_file=files["strange"], **mine).run(),
        ):
            (accepted,) = await good.wait_for(LinkChanged)
            (refused,) = await bad.wait_for(LinkChanged)
        await broker.stop()
        assert accepted.state is LinkState.ONLINE
        assert refused.state is LinkState.OFFLINE
        assert "certificate verify failed" in refused.detail

    async def test_wildcards_and_late_subscriptions_are_our_bugs(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        with pytest.raises(LocalProtocolError):
            connection.subscribe("tele/#", lambda _message: None)
        async with running(connection.run()):
            await sink.wait_for(LinkChanged)
            with pytest.raises(LocalProtocolError):
                connection.subscribe("tele/x/SENSOR", lambda _message: None)


def pulse(seconds: float = 5.0, life_s: float = 5.0, *, energise: bool = True) -> PulseOutput:
    return PulseOutput("p", "garage-relay", 0, energise, seconds, time.monotonic() + life_s)


class TestRelay:
    @pytest.fixture
    async def site(
        self, broker: Mosquitto
    ) -> AsyncIterator[tuple[Recorder, BrokerConnection, TasmotaRelay, TasmotaDevice]]:
        """A relay that is set up well, online, and whose outputs are known."""
        sink = Recorder()
        connection = connect(broker, sink)
        relay = add_relay(connection, sink)
        async with tasmota_relay(broker.port, "garage-relay") as device:
            await device.say("tele/%/LWT", "Online", retain=True)
            async with running(connection.run(), relay.run()):
                await sink.wait_for(OutputsRead)
                yield sink, connection, relay, device

    Site = tuple[Recorder, BrokerConnection, TasmotaRelay, TasmotaDevice]

    async def test_start_asks_and_changes_nothing(self, site: Site) -> None:
        sink, _, _, device = site
        assert sink.of(OutputsRead) == [OutputsRead("garage-relay", ((0, False),))]
        await eventually(lambda: len(device.heard) == 4)
        assert device.orders() == []
        assert sink.of(DeviceFlagged) == []

    async def test_pulse_is_timed_by_the_device_and_confirmed(self, site: Site) -> None:
        sink, _, relay, device = site
        relay.submit(pulse(5.0))
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.DONE
        assert device.orders() == [("POWER1", "ON")]
        assert device.retained == []

    async def test_other_length_sets_the_pulse_time_first(self, site: Site) -> None:
        sink, _, relay, device = site
        relay.submit(pulse(20.0))
        await sink.wait_for(CommandCompleted)
        assert device.orders() == [("PulseTime1", "120"), ("POWER1", "ON")]

    async def test_without_a_confirmed_pulse_time_nothing_is_switched_on(self, site: Site) -> None:
        sink, _, relay, device = site
        device.mute.add("PulseTime1")
        relay.submit(pulse(3.0))
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.FAILED
        assert "PulseTime1" in done.detail
        assert ("POWER1", "ON") not in device.heard

    async def test_unconfirmed_switch_fails(self, site: Site) -> None:
        sink, _, relay, device = site
        device.mute.add("POWER1")
        relay.submit(pulse())
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.FAILED

    async def test_expired_command_sends_nothing(self, site: Site) -> None:
        sink, _, relay, device = site
        relay.submit(pulse(life_s=-0.001))
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.EXPIRED
        assert device.orders() == []

    async def test_command_while_offline_fails_and_is_never_sent_later(self, site: Site) -> None:
        sink, _, relay, device = site
        await device.say("tele/%/LWT", "Offline", retain=True)
        await sink.until(lambda: sink.of(LinkChanged)[-1].state is LinkState.OFFLINE)
        relay.submit(pulse())
        (done,) = sink.of(CommandCompleted)
        assert (done.outcome, done.never_sent) == (CommandOutcome.FAILED, True)
        await device.say("tele/%/LWT", "Online", retain=True)
        await sink.wait_for(OutputsRead, 2)
        assert device.orders() == []

    async def test_held_output_has_no_pulse_time_and_gets_it_back(self, site: Site) -> None:
        sink, _, relay, device = site
        await eventually(lambda: len(device.heard) == 4)
        for energise in (True, False):
            relay.submit(SetOutput("s", "garage-relay", 0, energise, time.monotonic() + 5.0))
        await sink.wait_for(CommandCompleted, 2)
        await eventually(lambda: len(device.orders()) == 4)
        assert device.orders() == [("PulseTime1", "0"), ("POWER1", "ON"), ("POWER1", "OFF"), ("PulseTime1", "50")]

    async def test_device_that_restarts_before_its_last_will_is_asked_again(self, site: Site) -> None:
        sink, _, relay, device = site
        relay.submit(SetOutput("s", "garage-relay", 0, True, time.monotonic() + 5.0))
        await sink.wait_for(CommandCompleted)
        device.power, device.pulse_time = "OFF", 30
        await device.say("tele/%/LWT", "Online", retain=True)
        _, restarted = await sink.wait_for(OutputsRead, 2)
        assert restarted == OutputsRead("garage-relay", ((0, False),))
        assert [changed.state for changed in sink.of(LinkChanged) if changed.device == "garage-relay"] == ["online"]
        await eventually(lambda: device.heard.count(("PulseTime1", "")) == 2)
        relay.submit(pulse(5.0))
        await sink.wait_for(CommandCompleted, 2)
        assert device.orders()[-2:] == [("PulseTime1", "50"), ("POWER1", "ON")]

    async def test_output_that_nobody_told_to_change_is_told_once(self, site: Site) -> None:
        sink, _, _, device = site
        for power in ("ON", "ON", "OFF"):
            await device.say("stat/%/RESULT", json.dumps({"POWER": power}))
            await device.say("stat/%/POWER", power)
        _, pressed, released = await sink.wait_for(OutputsRead, 3)
        assert (pressed.outputs, released.outputs) == (((0, True),), ((0, False),))

    async def test_pulses_and_their_ends_are_no_surprise(self, site: Site) -> None:
        sink, _, relay, device = site
        for number in range(50):
            relay.submit(pulse(0.1))
            await sink.wait_for(CommandCompleted, number + 1)
            await device.say("stat/%/POWER", "OFF")
        await device.say("stat/%/POWER", "ON")  # within the time of the last pulse
        relay.submit(SetOutput("s", "garage-relay", 0, False, time.monotonic() + 5.0))
        await sink.wait_for(CommandCompleted, 51)
        assert len(sink.of(OutputsRead)) == 1

    async def test_pulse_of_a_released_output_is_refused(self, site: Site) -> None:
        sink, _, relay, device = site
        relay.submit(pulse(energise=False))
        (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.FAILED
        assert device.orders() == []

    async def test_retained_answer_confirms_nothing(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        relay = add_relay(connection, sink)
        async with tasmota_relay(broker.port, "garage-relay") as device:
            device.mute = {"POWER1"}
            await device.say("stat/%/POWER", "ON", retain=True)
            await device.say("tele/%/LWT", "Online", retain=True)
            async with running(connection.run(), relay.run()):
                await eventually(lambda: len(device.heard) == 4)
                relay.submit(pulse())
                (done,) = await sink.wait_for(CommandCompleted)
        assert done.outcome is CommandOutcome.FAILED
        assert sink.of(OutputsRead) == []

    async def test_dangerous_settings_are_flagged_and_cleared_when_mended(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        relay = add_relay(connection, sink)
        async with tasmota_relay(broker.port, "garage-relay") as device:
            device.settings = {"PowerOnState": 1, "SetOption140": "ON"}
            device.pulse_time = 0
            await device.say("tele/%/LWT", "Online", retain=True)
            async with running(connection.run(), relay.run()):
                (flagged,) = await sink.wait_for(DeviceFlagged)
                assert flagged.faults == ("PowerOnState=1", "SetOption140=ON", "PulseTime1=0")
                device.settings = {"PowerOnState": 0, "SetOption140": "OFF"}
                device.pulse_time = 50
                await device.say("tele/%/LWT", "Offline", retain=True)
                await device.say("tele/%/LWT", "Online", retain=True)
                _, mended = await sink.wait_for(DeviceFlagged, 2)
        assert mended.faults == ()

    async def test_device_that_does_not_say_its_settings_is_flagged(
        self, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("drivers.mqtt.board.SETUP_ANSWER_S", 0.3)
        sink = Recorder()
        connection = connect(broker, sink)
        relay = add_relay(connection, sink)
        async with tasmota_relay(broker.port, "garage-relay") as device:
            device.mute = {"PowerOnState"}
            await device.say("tele/%/LWT", "Online", retain=True)
            async with running(connection.run(), relay.run()):
                (flagged,) = await sink.wait_for(DeviceFlagged)
        assert flagged.faults == ("PowerOnState=?",)


class TestSwitches:
    """A Tasmota device whose switches are inputs."""

    @staticmethod
    def build(connection: BrokerConnection, sink: Recorder) -> TasmotaRelay:
        driver = find_driver("tasmota-relay")
        assert driver is not None
        context = DriverContext("garage-relay", sink, SystemClock(), {"local": connection}, str)
        settings = driver.settings.model_validate({"broker": "local", "topic": "garage-relay", "inputs": 2})
        relay = driver.build(settings, context)
        assert isinstance(relay, TasmotaRelay)
        return relay

    @pytest.mark.usefixtures("at_once")
    async def test_switches_are_asked_for_and_say_both_ends_of_a_press(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        relay = self.build(connection, sink)
        async with tasmota_relay(broker.port, "garage-relay") as device:
            device.settings |= {"SetOption114": "ON", "SwitchMode1": 1, "SwitchMode2": 2}
            device.switches = {"Switch1": "OFF", "Switch2": "ON"}
            await device.say("stat/%/RESULT", '{"Switch1":{"Action":"ON"}}', retain=True)
            await device.say("tele/%/LWT", "Online", retain=True)
            async with running(connection.run(), relay.run()):
                await sink.wait_for(InputsChanged)
                for action in ("ON", "HOLD", "OFF"):
                    await device.say("stat/%/RESULT", json.dumps({"Switch1": {"Action": action}}))
                reports = await sink.wait_for(InputsChanged, 3)
        assert [report.inputs for report in reports] == [((0, False), (1, True)), ((0, True),), ((0, False),)]
        assert sink.of(DeviceFlagged) == []
        assert device.orders() == []

    async def test_switch_that_works_its_relay_past_the_gateway_is_flagged(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection = connect(broker, sink)
        relay = self.build(connection, sink)
        async with tasmota_relay(broker.port, "garage-relay") as device:
            device.settings |= {"SetOption114": "OFF", "SwitchMode1": 0, "SwitchMode2": 15}
            device.switches = {"Switch1": "OFF", "Switch2": "OFF"}
            await device.say("tele/%/LWT", "Online", retain=True)
            async with running(connection.run(), relay.run()):
                (flagged,) = await sink.wait_for(DeviceFlagged)
        assert flagged.faults == ("SetOption114=OFF", "SwitchMode1=0")


async def test_device_that_was_never_there_is_offline(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.mqtt.presence.LAST_WILL_S", 0.2)
    sink = Recorder()
    connection = connect(broker, sink)
    relay, reader = add_relay(connection, sink), add_reader(connection, sink)
    async with running(connection.run(), relay.run(), reader.run()):
        said = await sink.wait_for(LinkChanged, 3)
    assert {(each.device, each.state) for each in said[1:]} == {
        ("garage-relay", LinkState.OFFLINE),
        ("garage-reader", LinkState.OFFLINE),
    }


async def test_missing_broker_takes_its_devices_offline_once(broker: Mosquitto) -> None:
    await broker.stop()
    sink = Recorder()
    connection = connect(broker, sink)
    relay = add_relay(connection, sink)
    async with running(connection.run(), relay.run()):
        await sink.wait_for(LinkChanged, 2)
        await asyncio.sleep(0.5)
    assert [(each.device, each.state) for each in sink.of(LinkChanged)] == [
        ("broker:local", LinkState.OFFLINE),
        ("garage-relay", LinkState.OFFLINE),
    ]


async def test_password_that_can_not_be_read_is_offline_with_its_reason(broker: Mosquitto) -> None:
    def missing(reference: str) -> str:
        raise ConfigError("password", reference, "write it there")

    settings = BrokerSettings(host="127.0.0.1", port=broker.port, insecure=True, username="gate", password="file:none")
    sink = Recorder()
    async with running(BrokerConnection("local", settings, sink, SystemClock(), missing).run()):
        (changed,) = await sink.wait_for(LinkChanged)
    assert changed.state is LinkState.OFFLINE
    assert "write it there" in changed.detail


def test_token_bucket_gives_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(5, 2.0)
    assert [bucket.take(100.0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(100.5), bucket.take(100.5)] == [True, False]
    assert sum(bucket.take(200.0) for _ in range(100)) == 5


def test_unknown_broker_is_named_with_the_remedy() -> None:
    driver = find_driver("tasmota-relay")
    assert driver is not None
    context = DriverContext("garage-relay", Recorder(), SystemClock(), {}, str)
    with pytest.raises(ConfigError, match=r"add \[broker.local\]"):
        driver.build(driver.settings.model_validate({"broker": "local", "topic": "relay"}), context)


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"host": "h", "insecure": True, "ca_file": "ca.pem"}, "insecure = true means no TLS"),
        ({"host": "h", "cert_file": "c.pem"}, "both or neither"),
        ({"host": "h", "username": "u", "password": "plain"}, r"\(file\|env\):"),
        ({"host": "h", "password": "env:X"}, "needs a username"),
        ({"host": "h", "port": 0}, "greater than or equal to 1"),
        ({"host": "h", "insecure": 1}, "valid boolean"),
    ],
)
def test_wrong_broker_setting_names_the_remedy(settings: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        BrokerSettings.model_validate(settings)


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"1", b"null", b'"x"', b"{", b"\xff", b"[" * 9000, b"9" * 5000),
        *(b'{"message": "\\ud800"}', b'{"\\udfff": 1}', b'{"ts": NaN}', b'{"ts": 1e999}'),
    ],
)
def test_unusable_payload_is_a_value_error(payload: bytes) -> None:
    with pytest.raises(ValueError):
        parse_object(payload)
