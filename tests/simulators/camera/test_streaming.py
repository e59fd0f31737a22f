"""The stream, read by FFmpeg through PyAV and by bare sockets."""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from urllib.request import HTTPDigestAuthHandler, HTTPPasswordMgrWithDefaultRealm, build_opener

import av
import numpy as np
import pytest

from tests.simulators.camera.conftest import PASSWORD, RunningCamera


@pytest.fixture
def healthy(camera: RunningCamera) -> Iterator[RunningCamera]:
    """The camera, made healthy again afterwards."""
    yield camera
    assert camera.command(cmd="fault", kind="none")["ok"]


def _open(
    camera: RunningCamera, transport: str = "tcp", password: str = PASSWORD, timeout_s: float = 8
) -> av.container.InputContainer:
    options = {"rtsp_transport": transport, "analyzeduration": "500000"}
    return av.open(camera.rtsp_with(password), options=options, timeout=timeout_s)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_decodes_the_stream_at_its_pace(camera: RunningCamera, transport: str) -> None:
    with _open(camera, transport) as container:
        frames = []
        for frame in container.decode(video=0):
            frames.append(frame)
            if len(frames) == 25:
                break
    assert {(frame.width, frame.height) for frame in frames} == {(768, 576)}
    assert sum(frame.key_frame for frame in frames) == 2
    stamps = [frame.pts for frame in frames if frame.pts is not None]
    assert {later - former for former, later in pairwise(stamps)} == {9000}


def test_wrong_password_is_refused(camera: RunningCamera) -> None:
    with pytest.raises(av.HTTPUnauthorizedError):
        _open(camera, password="guess")


def test_somebody_walks_when_asked(camera: RunningCamera) -> None:
    with _open(camera) as container:
        frames = container.decode(video=0)
        empty = next(frames).to_ndarray(format="gray")[60:].astype(int)
        assert camera.command(cmd="person", clip="cross-right")["ok"]
        deadline = time.monotonic() + 12
        moved = 0
        while moved < 1000 and time.monotonic() < deadline:
            difference = np.abs(next(frames).to_ndarray(format="gray")[60:] - empty)
            moved = int((difference[220:, 200:] > 30).sum())
    assert moved >= 1000
    assert camera.command(cmd="status")["walks"] == 1


def test_resolution_changes_within_the_stream(healthy: RunningCamera) -> None:
    with _open(healthy) as container:
        frames = container.decode(video=0)
        assert next(frames).width == 768
        assert healthy.command(cmd="fault", kind="resolution")["ok"]
        # Ten seconds of frames at most: on a busy machine there are many on their way.
        assert any((frame.width, frame.height) == (640, 480) for frame in islice(frames, 250))


def test_stalled_camera_keeps_its_connection_but_sends_nothing(healthy: RunningCamera) -> None:
    with _open(healthy, timeout_s=4) as container:
        packets = container.demux(video=0)
        next(packets)
        assert healthy.command(cmd="fault", kind="stall")["ok"]
        with pytest.raises(av.FFmpegError):
            deque(packets, maxlen=0)
    assert healthy.command(cmd="status")["fault"] == "stall"


def test_refusing_camera_refuses_and_comes_back_at_the_same_ports(healthy: RunningCamera) -> None:
    assert healthy.command(cmd="fault", kind="refuse")["ok"]
    for port in (healthy.http_port, healthy.rtsp_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
    assert healthy.command(cmd="fault", kind="none")["ok"]
    for port in (healthy.http_port, healthy.rtsp_port):
        socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_camera_that_rejects_the_password_answers_401(healthy: RunningCamera) -> None:
    assert healthy.command(cmd="fault", kind="auth")["ok"]
    with pytest.raises(av.HTTPUnauthorizedError):
        _open(healthy)


def test_cut_breaks_open_connections(healthy: RunningCamera) -> None:
    with socket.create_connection(("127.0.0.1", healthy.rtsp_port), timeout=5) as link:
        link.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        assert link.recv(1000).startswith(b"RTSP/1.0 200 OK\r\n")
        assert healthy.command(cmd="fault", kind="cut")["fault"] == "none"
        assert link.recv(1000) == b""


def test_rubbish_does_not_end_the_camera(healthy: RunningCamera) -> None:
    with _open(healthy) as container:
        next(container.demux(video=0))
        assert healthy.command(cmd="fault", kind="rubbish")["ok"]
        before = healthy.command(cmd="status")["frames"]
        deadline = time.monotonic() + 10
        while healthy.command(cmd="status")["frames"] < before + 15:
            assert time.monotonic() < deadline
    assert healthy.command(cmd="fault", kind="none")["ok"]
    with _open(healthy) as container:
        assert next(container.decode(video=0)).width == 768


def test_several_viewers_see_the_same_programme(camera: RunningCamera) -> None:
    with _open(camera) as first, _open(camera) as second:
        assert next(first.decode(video=0)).width == next(second.decode(video=0)).width == 768
        assert camera.command(cmd="status")["viewers"] >= 2


def test_snapshot_is_a_jpeg_for_who_has_the_password(camera: RunningCamera) -> None:
    logins = HTTPPasswordMgrWithDefaultRealm()
    logins.add_password(None, f"http://127.0.0.1:{camera.http_port}/", "admin", PASSWORD)
    address = camera.device_service.replace("device_service", "snapshot/main.jpg")
    with build_opener(HTTPDigestAuthHandler(logins)).open(address, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.read(3) == b"\xff\xd8\xff"


def test_process_ends_cleanly_on_sigterm(start_camera: Callable[..., RunningCamera]) -> None:
    camera = start_camera("--no-discovery")
    with _open(camera) as container:
        next(container.demux(video=0))
        camera.process.terminate()
        assert camera.process.wait(5) == 0
    assert not camera.control.exists()


def test_an_unknown_fault_is_refused_with_the_names_of_those_there_are(camera: RunningCamera) -> None:
    refused = camera.command(cmd="fault", kind="fog")
    faults = "refuse, stall, rubbish, resolution, auth, cut"
    assert refused["error"] == f"no fault 'fog'; there are {faults}, and none to heal it"
