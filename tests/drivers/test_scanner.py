"""Scanners: lines in any chunks, real pseudo-terminals, and messages of a real broker."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.links import SerialLink
from drivers.mqtt.broker import BrokerConnection, BrokerSettings
from drivers.registry import DriverContext, find_driver
from drivers.scanner.mqtt_scanner import MqttScanner
from drivers.scanner.text_scanner import LINE_PATIENCE_S, MAX_LINE_BYTES, ScannedTextSettings, TextFramer, make_framer
from drivers.serial_reader import Rejected, SerialReader, Text
from gateway.clock import SystemClock
from gateway.domain.signals import FramesRejected, LinkChanged, ReadIgnored, TextRead
from gateway.errors import ConfigError
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.ptys import PtyPort
from tests.drivers.recording import Recorder, running

PASS = "GHP1.eyJrZXkiOiJrLTEiLCJpZCI6InYtMSJ9.c2lnbmVk"
PLATE = "京A12345"
TEXTS = [PASS, PLATE, "x", "a b", "7" * MAX_LINE_BYTES]
each_text = pytest.mark.parametrize("text", TEXTS, ids=["pass", "plate", "short", "with a space", "longest"])
each_end = pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"], ids=["CR", "LF", "CRLF"])

printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40)


class TestFramer:
    @each_text
    @each_end
    def test_whole_line_is_a_text(self, text: str, end: bytes) -> None:
        framer = make_framer()
        assert framer.feed(text.encode() + end, 0.0) == [Text(text)]
        assert framer.deadline() is None

    @each_text
    @each_end
    def test_line_byte_by_byte_is_the_same_text(self, text: str, end: bytes) -> None:
        framer = make_framer()
        values = [value for byte in text.encode() + end for value in framer.feed(bytes([byte]), 0.0)]
        assert values == [Text(text)]

    def test_empty_lines_say_nothing(self) -> None:
        assert make_framer().feed(b"\r\n\r\n\n\rA\r\n\r\nB\n", 0.0) == [Text("A"), Text("B")]

    def test_prefix_is_taken_away_where_it_stands(self) -> None:
        values = make_framer("]Q1").feed(b"]Q1A\r\nA]Q1\r\n]Q1]Q1B\r\n]Q1\r\n", 0.0)
        assert values == [Text("A"), Text("A]Q1"), Text("]Q1B"), Rejected("no text")]

    def test_suffix_is_taken_away_where_it_stands(self) -> None:
        framer = TextFramer(ScannedTextSettings(prefix="<", suffix=";").read)
        values = framer.feed(b"<A;\r\nA\r\n<A;;\r\n<;\r\n", 0.0)
        assert values == [Text("A"), Text("A"), Text("A;"), Rejected("no text")]

    def test_plate_in_gb18030_is_read_where_the_site_says_so(self) -> None:
        framer = TextFramer(ScannedTextSettings(encoding="gb18030").read)
        assert framer.feed(PLATE.encode("gb18030") + b"\r", 0.0) == [Text(PLATE)]
        assert framer.feed(b"\x80\xff\r", 0.0) == [Rejected("a text that is not GB18030")]
        assert framer.feed(PASS.encode() + b"\r", 0.0) == [Text(PASS)]

    def test_line_of_1025_bytes_is_rejected_once_and_the_next_is_read(self) -> None:
        framer = make_framer()
        for length in (MAX_LINE_BYTES + 1, 3 * MAX_LINE_BYTES):
            assert framer.feed(b"7" * length + b"\r\nA\r\n", 0.0) == [Rejected("a text that is too long"), Text("A")]

    @pytest.mark.parametrize("cut", range(1, 10))
    def test_half_a_line_dies_after_half_a_second_of_silence(self, cut: int) -> None:
        framer, whole = make_framer(), PLATE.encode() + b"\r"
        assert framer.feed(whole[:cut], 1.0) == []
        assert framer.deadline() == 1.0 + LINE_PATIENCE_S == 1.5
        assert framer.feed(b"", 1.49) == []
        assert framer.feed(b"", 1.5) == [Rejected("half a line")]
        assert framer.deadline() is None
        assert framer.feed(whole, 1.5) == [Text(PLATE)]

    def test_silence_ends_a_line_that_was_too_long_without_a_second_word(self) -> None:
        framer = make_framer()
        assert framer.feed(b"7" * 2000, 0.0) == [Rejected("a text that is too long")]
        assert framer.feed(b"", 0.5) == []
        assert framer.feed(b"A\r", 0.5) == [Text("A")]

    def test_only_silence_ends_half_a_line(self) -> None:
        """Late data may have waited in the kernel while the process stood still."""
        framer = make_framer()
        framer.feed(PASS[:9].encode(), 0.0)
        assert framer.feed(PASS[9:].encode() + b"\r\n", 60.0) == [Text(PASS)]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"\xff\xfe", "a text that is not UTF-8"),
            (PLATE.encode("gb18030"), "a text that is not UTF-8"),
            (PLATE.encode()[:-6] + b"\xe4", "a text that is not UTF-8"),
            (b"GHP1\x00", "a text with control characters"),
            ("A\u2028B".encode(), "a text with control characters"),
            (b"   ", "no text"),
        ],
    )
    def test_line_that_is_no_text_is_rejected(self, line: bytes, reason: str) -> None:
        assert make_framer().feed(line + b"\rA\r", 0.0) == [Rejected(reason), Text("A")]

    @pytest.mark.parametrize("rubbish", [b"\xff", b"7", b"\x00\x55\xaa"], ids=["ff", "digits", "mixed"])
    def test_endless_rubbish_is_bounded_and_a_text_follows_it(self, rubbish: bytes) -> None:
        framer = make_framer()
        framer.feed(rubbish * 1000, 0.0)
        tracemalloc.start()
        rejected = sum(len(framer.feed(rubbish * 1000, number / 1000)) for number in range(200))
        held, _peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 20_000
        assert rejected <= 1
        framer.feed(b"", 10.0)
        assert framer.feed(b"A\r", 10.0) == [Text("A")]

    @given(st.binary(max_size=200), printable, st.data())
    def test_any_bytes_in_any_chunks_give_the_same_values(self, noise: bytes, text: str, data: st.DataObject) -> None:
        stream = noise + b"\r" + text.encode() + b"\n" + noise
        whole = make_framer().feed(stream, 0.0)
        assert Text(text) in whole
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
        framer = make_framer()
        pieces = [framer.feed(stream[a:b], 0.0) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert [value for piece in pieces for value in piece] == whole

    @given(st.binary(max_size=100), printable)
    def test_after_any_bytes_and_silence_a_text_is_read(self, noise: bytes, text: str) -> None:
        framer = make_framer()
        framer.feed(noise, 0.0)
        if (due := framer.deadline()) is not None:
            framer.feed(b"", due)
        assert framer.feed(text.encode() + b"\r\n", 5.0) == [Text(text)]


def _settings(driver: str, **given: Any) -> Any:
    found = find_driver(driver)
    assert found is not None
    return found.settings.model_validate(given)


@pytest.mark.parametrize(
    ("driver", "given", "remedy"),
    [
        ("text-scanner", {"port": "p", "baud": 960}, "scanners come with 9600 or 115200"),
        ("text-scanner", {"port": "p", "prefix": "x" * 17}, "16 characters at most"),
        ("text-scanner", {"port": "p", "prefix": "\x02"}, "16 characters at most"),
        ("text-scanner", {"port": "p", "suffix": "\t"}, "16 characters at most"),
        ("text-scanner", {"port": "p", "encoding": "gbk"}, "'utf-8' or 'gb18030'"),
        ("text-scanner", {"port": ""}, "port"),
        ("text-scanner", {"port": "p", "says": "plate"}, "says"),
        ("mqtt-scanner", {"broker": "local", "topic": "lane/#"}, "wildcards, spaces or outer slashes"),
        ("mqtt-scanner", {"broker": "local", "topic": "lane", "prefix": "x" * 17}, "16 characters at most"),
    ],
)
def test_wrong_setting_is_refused_with_its_remedy(driver: str, given: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        _settings(driver, **given)


def test_scanner_of_an_unknown_broker_is_a_config_error() -> None:
    driver = find_driver("mqtt-scanner")
    assert driver is not None
    context = DriverContext("lane", Recorder(), SystemClock(), {}, str)
    with pytest.raises(ConfigError, match=r"add \[broker.away\]"):
        driver.build(_settings("mqtt-scanner", broker="away", topic="lane"), context)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    made = PtyPort(tmp_path / "scanner")
    yield made
    made.close()


def _on_port(port: PtyPort, sink: Recorder, **given: Any) -> SerialReader:
    driver = find_driver("text-scanner")
    assert driver is not None
    context = DriverContext("lane", sink, SystemClock(), {}, str)
    scanner = driver.build(_settings("text-scanner", port=str(port.path), **given), context)
    assert isinstance(scanner, SerialReader)
    return scanner


class TestOnAPort:
    @pytest.mark.parametrize("text", [PASS, PLATE])
    async def test_paced_bytes_of_a_pty_become_a_text(self, port: PtyPort, text: str) -> None:
        sink = Recorder()
        scanner = _on_port(port, sink, prefix="]Q1")
        async with running(scanner.run()):
            await sink.wait_for(LinkChanged)
            await port.write_paced(b"]Q1" + text.encode() + b"\r\n")
            (read,) = await sink.wait_for(TextRead)
        assert (read.reader, read.text) == ("lane", text)
        assert 0 <= SystemClock().now().monotonic_s - read.received_s < 5.0
        assert scanner.counters()["frames"] == 1

    async def test_half_a_line_is_told_and_the_next_text_is_whole(self, port: PtyPort) -> None:
        sink = Recorder()
        scanner = _on_port(port, sink)
        async with running(scanner.run()):
            await sink.wait_for(LinkChanged)
            port.write(b"GHP1.ey")
            (rejected,) = await sink.wait_for(FramesRejected)
            port.write(PLATE.encode() + b"\r")
            (read,) = await sink.wait_for(TextRead)
        assert (rejected.reason, read.text) == ("half a line", PLATE)

    async def test_text_is_read_whole_though_the_gateway_stood_still_in_its_middle(self, port: PtyPort) -> None:
        sink, framer = Recorder(), make_framer()
        scanner = SerialReader("lane", SerialLink(str(port.path)), lambda: framer, sink, SystemClock())
        async with running(scanner.run()):
            await sink.wait_for(LinkChanged)
            port.write(PASS[:7].encode())
            while framer.deadline() is None:
                await asyncio.sleep(0)
            port.write(PASS[7:].encode() + b"\r")
            time.sleep(LINE_PATIENCE_S * 1.5)  # The event loop stands still for longer than the framer's patience.
            (read,) = await sink.wait_for(TextRead)
        assert read.text == PASS
        assert not sink.of(FramesRejected)


@pytest.fixture
async def broker(program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(program("mosquitto"), tmp_path)
    await made.start()
    yield made
    await made.stop()


def _connect(broker: Mosquitto, sink: Recorder) -> tuple[BrokerConnection, MqttScanner]:
    settings = BrokerSettings(host="127.0.0.1", port=broker.port, insecure=True)
    connection = BrokerConnection("local", settings, sink, SystemClock(), str)
    driver = find_driver("mqtt-scanner")
    assert driver is not None
    context = DriverContext("lane", sink, SystemClock(), {"local": connection}, str)
    scanner = driver.build(_settings("mqtt-scanner", broker="local", topic="lane/1", prefix="]Q1"), context)
    assert isinstance(scanner, MqttScanner)
    return connection, scanner


class TestOnABroker:
    @pytest.fixture
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No waiting after SUBACK, for tests that are about something else."""
        monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.0)

    @pytest.mark.usefixtures("at_once")
    async def test_live_message_is_a_text(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection, scanner = _connect(broker, sink)
        async with running(connection.run(), scanner.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged, 2)
            for payload in (PLATE, f"]Q1{PASS}\r\n", ""):
                await device.publish("lane/1", payload)
            await device.publish("lane/1", PLATE)
            texts = await sink.wait_for(TextRead, 3)
        assert [(read.reader, read.text) for read in texts] == [("lane", PLATE), ("lane", PASS), ("lane", PLATE)]
        assert scanner.counters() == {"frames": 3, "ignored": 0, "rejected": 0}

    @pytest.mark.usefixtures("at_once")
    async def test_retained_text_is_ignored_and_said_so(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection, scanner = _connect(broker, sink)
        async with device_client(broker.port) as device:
            await device.publish("lane/1", PASS, qos=1, retain=True)
            async with running(connection.run(), scanner.run()):
                assert await sink.wait_for(ReadIgnored) == [ReadIgnored("lane", "retained")]
                await device.publish("lane/1", PLATE)
                (read,) = await sink.wait_for(TextRead)
        assert read.text == PLATE

    async def test_text_right_after_connecting_is_ignored_and_said_so(self, broker: Mosquitto) -> None:
        sink = Recorder()
        connection, scanner = _connect(broker, sink)
        async with running(connection.run(), scanner.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged, 2)
            await device.publish("lane/1", PASS)
            await sink.wait_for(ReadIgnored)
        assert sink.of(ReadIgnored) == [ReadIgnored("lane", "too early after connecting")]
        assert not sink.of(TextRead)

    @pytest.mark.usefixtures("at_once")
    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (b"7" * 1025, "a text that is too long"),
            (b"\xff\xfe", "a text that is not UTF-8"),
            (b"A\nB", "a text with control characters"),
        ],
        ids=["1025 bytes", "not UTF-8", "two lines"],
    )
    async def test_message_that_is_no_text_is_rejected_and_the_next_counts(
        self, broker: Mosquitto, payload: bytes, reason: str
    ) -> None:
        sink = Recorder()
        connection, scanner = _connect(broker, sink)
        async with running(connection.run(), scanner.run()), device_client(broker.port) as device:
            await sink.wait_for(LinkChanged, 2)
            await device.publish("lane/1", payload)
            await device.publish("lane/1", PLATE)
            await sink.wait_for(TextRead)
        assert [rejected.reason for rejected in sink.of(FramesRejected)] == [reason]
