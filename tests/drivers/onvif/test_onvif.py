"""Facts about the driver `onvif`: its pure parts, and against cameras that are processes or misbehaving servers."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.contracts import CameraEvent
from drivers.onvif.addresses import device_address, with_host_of
from drivers.onvif.discovery import discover, parse_answer, to_found
from drivers.onvif.driver import DRIVER, OnvifCamera, OnvifSettings, choose_profile
from drivers.onvif.events import StuckStates, to_event
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.signals import Signal
from gateway.errors import AuthenticationFailed, DeviceError, LinkError, RemoteProtocolError
from tests.analytics.peers import SimulatedCamera, simulated_camera


class _Nowhere:
    def put(self, signal: Signal) -> bool:
        return signal is not None


def _camera(address: str, password: str = "sesame", **more: Any) -> OnvifCamera:
    context = DriverContext("yard", _Nowhere(), SystemClock(), {}, lambda reference: password)
    return OnvifCamera(OnvifSettings(address=address, username="admin", password="file:camera", **more), context)


@pytest.fixture(scope="module")
def footage_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("footage")


@pytest.fixture
async def simulated(tmp_path: Path, footage_cache: Path) -> AsyncIterator[SimulatedCamera]:
    """Its clock is an hour wrong and it names an address that it doesn't have."""
    wrong = ("--clock-offset", "3700", "--advertise-host", "192.0.2.9", "--no-discovery")
    async with simulated_camera(tmp_path, footage_cache, *wrong) as running:
        yield running


def test_the_registry_knows_the_driver() -> None:
    assert find_driver("onvif") is DRIVER


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10.0.0.9", "http://10.0.0.9/onvif/device_service"),
        ("10.0.0.9:8000", "http://10.0.0.9:8000/onvif/device_service"),
        ("https://cam.lan/", "https://cam.lan/onvif/device_service"),
        ("http://10.0.0.9/other/path", "http://10.0.0.9/other/path"),
    ],
)
def test_a_device_address_may_be_short(written: str, meant: str) -> None:
    assert device_address(written) == meant


@pytest.mark.parametrize("written", ["", "ftp://10.0.0.9", "http://a:b@10.0.0.9", "http://10.0.0.9:99999"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        OnvifSettings(address=written)


def test_an_address_or_an_endpoint_is_needed() -> None:
    with pytest.raises(ValidationError, match="address or an endpoint"):
        OnvifSettings()


def test_the_host_of_a_named_address_becomes_the_one_that_was_reached() -> None:
    assert with_host_of("rtsp://192.168.1.64:554/s?a=b", "http://10.0.0.9:80/x") == "rtsp://10.0.0.9:554/s?a=b"
    assert with_host_of("rtsp://u:p@0.0.0.0/s", "http://[fe80::1]/x") == "rtsp://[fe80::1]/s"


async def test_the_stream_is_found_behind_a_wrong_clock_and_a_wrong_host(simulated: SimulatedCamera) -> None:
    stream = await _camera(f"127.0.0.1:{simulated.port}").stream()
    assert stream.url.startswith("rtsp://127.0.0.1:")
    assert (stream.width_px, stream.height_px, stream.fps, stream.encoding) == (768, 576, 10.0, "H264")
    assert "sesame" not in stream.url
    assert "sesame" not in repr(stream)


async def test_a_wrong_password_is_not_tried_twice(simulated: SimulatedCamera) -> None:
    camera = _camera(f"127.0.0.1:{simulated.port}", password="wrong")
    with pytest.raises(AuthenticationFailed):
        await camera.stream()
    with pytest.raises(AuthenticationFailed, match="not asked again"):
        await camera.stream()


async def test_a_password_that_was_accepted_gets_one_more_try(simulated: SimulatedCamera) -> None:
    camera = _camera(f"127.0.0.1:{simulated.port}")
    await camera.stream()
    await simulated.tell(cmd="fault", kind="auth")
    with pytest.raises(LinkError):
        await camera.stream()
    with pytest.raises(AuthenticationFailed):
        await camera.stream()


async def test_a_profile_that_is_not_there_is_told(simulated: SimulatedCamera) -> None:
    with pytest.raises(RemoteProtocolError, match="no media profile 'attic'"):
        await _camera(f"127.0.0.1:{simulated.port}", profile="attic").stream()


async def test_the_cameras_events_arrive_and_survive_a_cut(simulated: SimulatedCamera) -> None:
    camera = _camera(f"127.0.0.1:{simulated.port}")
    async with aclosing(camera.events()) as events:
        assert "Motion" in (await asyncio.wait_for(anext(events), 30)).topic
        await simulated.tell(cmd="fault", kind="cut")
        await simulated.tell(cmd="person", clip="cross-right")
        async with asyncio.timeout(40):
            async for event in events:
                if event.topic == "tns1:VideoSource/MotionAlarm" and event.data == {"State": "true"}:
                    break
    await camera.close()


async def test_nobody_at_the_address_is_a_link_error() -> None:
    with pytest.raises(LinkError):
        await _camera("127.0.0.1:9").stream()


_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _http(body: bytes, status: str = "200 OK") -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/soap+xml\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


_EMPTY = b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>'


@pytest.mark.parametrize("body", [b"", b"<html>hello", b"\xff\xfe\x00rubbish", _EMPTY])
async def test_an_answer_that_makes_no_sense_is_the_cameras_fault(body: bytes) -> None:
    async with _http(body) as address:
        with pytest.raises(RemoteProtocolError):
            await _camera(address).stream()


async def test_a_question_that_is_cancelled_leaves_no_session_open(caplog: pytest.LogCaptureFixture) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        asking = asyncio.create_task(_camera(f"127.0.0.1:{server.sockets[0].getsockname()[1]}").stream())
        await asyncio.wait_for(asked.wait(), 20)
        asking.cancel()
        await asyncio.wait({asking})
        del asking
        gc.collect()
    assert "Unclosed" not in caplog.text


@pytest.mark.parametrize(
    ("status", "error"), [("401 Unauthorized", AuthenticationFailed), ("500 Oops", RemoteProtocolError)]
)
async def test_an_http_status_is_told_for_what_it_is(status: str, error: type[DeviceError]) -> None:
    async with _http(b"", status) as address:
        with pytest.raises(error):
            await _camera(address).stream()


def _profile(token: str, width: int) -> SimpleNamespace:
    size = SimpleNamespace(Width=width, Height=width)
    return SimpleNamespace(token=token, VideoEncoderConfiguration=SimpleNamespace(Resolution=size))


def test_main_is_the_first_profile_and_sub_the_smallest() -> None:
    profiles = [_profile("a", 1920), _profile("b", 320), _profile("c", 640)]
    assert [choose_profile(profiles, wanted).token for wanted in ("main", "sub", "c")] == ["a", "b", "c"]


def test_profiles_without_video_are_of_no_use() -> None:
    with pytest.raises(RemoteProtocolError):
        choose_profile([SimpleNamespace(token="audio", VideoEncoderConfiguration=None)], "main")


def test_a_notification_without_topic_or_message_is_no_event() -> None:
    assert to_event(SimpleNamespace(Topic=None, Message=None)) is None
    assert to_event(SimpleNamespace(Topic=SimpleNamespace(_value_1="t"), Message=None)) is None


def test_a_naive_time_of_an_event_is_utc() -> None:
    message = SimpleNamespace(UtcTime=datetime(2026, 1, 2), Source=None, Data=None)  # noqa: DTZ001 (as zeep gives it)
    event = to_event(
        SimpleNamespace(Topic=SimpleNamespace(_value_1=" a/b "), Message=SimpleNamespace(_value_1=message))
    )
    assert event == CameraEvent("a/b", {}, {}, datetime(2026, 1, 2, tzinfo=UTC))


def _state(value: str, source: str = "1") -> CameraEvent:
    return CameraEvent("tns1:VideoSource/MotionAlarm", {"Source": source}, {"State": value}, None)


def test_a_state_that_sticks_is_taken_back_once() -> None:
    states = StuckStates(stuck_s=60.0)
    states.note(_state("true"), 0.0)
    assert states.take_back(59.0) == []
    assert states.take_back(60.0) == [_state("false")]
    assert states.take_back(61.0) == []


def test_a_state_that_is_repeated_or_taken_back_does_not_stick() -> None:
    states = StuckStates(stuck_s=60.0)
    states.note(_state("true"), 0.0)
    states.note(_state("true", "2"), 0.0)
    states.note(_state("1"), 50.0)
    states.note(_state("false", "2"), 50.0)
    assert states.take_back(100.0) == []


def test_a_flood_of_states_is_bounded() -> None:
    states = StuckStates(stuck_s=1.0)
    for number in range(10_000):
        states.note(_state("true", str(number)), 0.0)
    assert len(states.take_back(2.0)) == 256


def test_name_and_hardware_are_in_the_scopes() -> None:
    scopes = [
        "onvif://www.onvif.org/name/North%20gate",
        "onvif://www.onvif.org/hardware/X1",
        "ldap:///x",
        "onvif://www.onvif.org/Profile/S/x",
    ]
    found = to_found("urn:uuid:1", ["http://10.0.0.9/onvif/device_service", "file:///etc/passwd"], scopes)
    assert (found.name, found.hardware, found.addresses) == (
        "North gate",
        "X1",
        ("http://10.0.0.9/onvif/device_service",),
    )


@pytest.mark.parametrize("told", [b"", b"nonsense", b"[]", b"{}", b"[[1]]", b"[1]"])
def test_a_discovery_that_failed_found_nothing(told: bytes) -> None:
    assert parse_answer(told) == []


async def test_a_camera_on_the_network_is_discovered(tmp_path: Path, footage_cache: Path) -> None:
    # A camera's identity comes from its name; others on this network may be called `yard` too.
    async with simulated_camera(tmp_path, footage_cache, "--name", "discovered") as running:
        found = {camera.endpoint: camera for camera in await discover(2.0)}
        if not found:
            pytest.skip("no multicast on this machine")
        camera = found[running.ready["uuid"]]
        assert camera.addresses == (running.ready["device_service"],)
        assert camera.name == "discovered"
