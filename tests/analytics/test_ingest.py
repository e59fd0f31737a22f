"""Facts about pulling a stream, against an RTSP server not written here (gst-rtsp-server)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from analytics.ingest import StreamIngest, with_credentials
from analytics.packets import PacketRing
from analytics.pictures import Picture
from analytics.settings import CameraSettings, EvidenceSettings, IngestSettings
from analytics.worker import run_cameras
from drivers.contracts import CameraStream
from gateway.clock import SystemClock
from gateway.domain.signals import LinkState
from gateway.errors import RemoteProtocolError
from tests.analytics.peers import FixedCamera, GstServer, RecordingDoors, gst_server, require_gst_server
from tests.waiting import wait_until_async

FAST = IngestSettings(silence_s=1.5, retry_least_s=0.2, retry_most_s=0.5)


@pytest.fixture
def server() -> Iterator[GstServer]:
    require_gst_server()
    with gst_server() as running:
        yield running


class _Pulled:
    """One running ingest and what it said."""

    def __init__(self, camera: FixedCamera, settings: IngestSettings) -> None:
        self.pictures: list[Picture] = []
        self.links: list[tuple[LinkState, str]] = []
        self.ring = PacketRing(3.0, 10**7)
        self.ingest = StreamIngest(
            camera,
            settings,
            self.ring,
            SystemClock(),
            self.pictures.append,
            lambda state, detail: self.links.append((state, detail)),
        )

    async def state(self, wanted: LinkState, times: int = 1) -> None:
        await wait_until_async(
            lambda: [s for s, _ in self.links].count(wanted) >= times, 20.0, f"{wanted} {times} times"
        )


@asynccontextmanager
async def _pulling(camera: FixedCamera, settings: IngestSettings = FAST) -> AsyncIterator[_Pulled]:
    pulled = _Pulled(camera, settings)
    task = asyncio.create_task(pulled.ingest.run())
    try:
        yield pulled
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_pictures_and_packets_come(server: GstServer) -> None:
    async with _pulling(FixedCamera(server.url)) as pulled:
        await wait_until_async(lambda: len(pulled.pictures) > 15, 20.0)
        assert pulled.pictures[0].frame.width == 640
        packets = pulled.ring.follow(lambda packet: None)
        assert packets[0].keyframe
        assert packets[0].format.parameter_sets in packets[0].data
        assert packets[0].format.width_px == 640


async def test_a_stopped_server_is_noticed_in_time_and_its_return_too(server: GstServer) -> None:
    async with _pulling(FixedCamera(server.url)) as pulled:
        await pulled.state(LinkState.ONLINE)
        loop = asyncio.get_running_loop()
        server.process.send_signal(signal.SIGSTOP)
        try:
            stopped_s = loop.time()
            await pulled.state(LinkState.OFFLINE)
            assert loop.time() - stopped_s < FAST.silence_s + 1.5
        finally:
            server.process.send_signal(signal.SIGCONT)
        await pulled.state(LinkState.ONLINE, 2)


async def test_a_killed_server_is_lost_once_and_comes_back_once(server: GstServer) -> None:
    async with _pulling(FixedCamera(server.url)) as pulled:
        await pulled.state(LinkState.ONLINE)
        server.kill()
        await pulled.state(LinkState.OFFLINE)
        asked = pulled.ingest.counters.losses
        await wait_until_async(lambda: pulled.ingest.counters.losses >= asked + 2, 20.0)
        server.restart()
        await pulled.state(LinkState.ONLINE, 2)
        assert [state for state, _ in pulled.links] == [LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE]


async def test_the_ring_is_empty_once_the_stream_is_lost(server: GstServer) -> None:
    async with _pulling(FixedCamera(server.url)) as pulled:
        await pulled.state(LinkState.ONLINE)
        server.kill()
        await pulled.state(LinkState.OFFLINE)
        assert len(pulled.ring) == 0
        server.restart()


async def test_a_port_that_answers_nonsense_is_no_camera() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)
        writer.write(os.urandom(5000))
        writer.close()

    rubbish = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = rubbish.sockets[0].getsockname()[1]
    camera = FixedCamera(f"rtsp://127.0.0.1:{port}/live")
    async with rubbish, _pulling(camera) as pulled:
        await wait_until_async(lambda: camera.asked >= 3, 20.0)
        assert [state for state, _ in pulled.links] == [LinkState.OFFLINE]
        assert pulled.pictures == []


async def test_only_rtsp_addresses_are_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"x")
    async with _pulling(FixedCamera(f"file://{secret}")) as pulled:
        await pulled.state(LinkState.OFFLINE)
        assert "not RTSP" in pulled.links[0][1]


def test_the_password_is_escaped_in_the_address() -> None:
    stream = CameraStream("rtsp://someone:else@10.0.0.9:554/main?x=1", "ad:min", "p@ss/word", 0, 0, 0, "")
    assert with_credentials(stream) == "rtsp://ad%3Amin:p%40ss%2Fword@10.0.0.9:554/main?x=1"


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        with_credentials(CameraStream("rtsp:///main", "", "", 0, 0, 0, ""))


async def test_a_moving_ball_becomes_an_observation_with_a_clip_and_a_lost_stream_ends_it(
    server: GstServer, tmp_path: Path
) -> None:
    doors = RecordingDoors()
    settings = CameraSettings("yard", ingest=FAST, evidence=EvidenceSettings(before_s=1.0, after_s=0.5))
    camera = FixedCamera(server.url)
    task = asyncio.create_task(run_cameras([(camera, settings)], doors, tmp_path, SystemClock()))
    try:
        await wait_until_async(lambda: doors.observations() and doors.evidence("snapshot"), 30.0)
        server.kill()
        await wait_until_async(lambda: len(doors.observations()) == 2 and doors.evidence("clip"), 20.0)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        server.restart()
    started, ended = doors.observations()
    assert (started.state, ended.state, ended.timed_out) == ("started", "ended", True)
    assert started.observation_id == ended.observation_id
    (clip,) = doors.evidence("clip")
    assert clip.observation_id == started.observation_id
    assert (started.started_at - clip.started_at).total_seconds() >= 1.0
    assert (tmp_path / clip.path).stat().st_size == clip.size_bytes
