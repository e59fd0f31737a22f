"""A viewer that does not read."""

import asyncio
import socket
from unittest.mock import Mock

import pytest

from simulators.camera.picture import AccessUnit, PictureFormat
from simulators.camera.programme import AirFrame
from simulators.camera.rtp import payloads
from simulators.camera.rtsp_messages import Transport
from simulators.camera.rtsp_session import MAX_WAITING_BYTES, Session, ViewerGone

_KEYFRAME = AccessUnit((b"\x67sps", b"\x68pps", b"\x65" + bytes(60_000)))


async def test_viewer_that_does_not_read_is_given_up_after_a_bounded_backlog() -> None:
    arrived: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _reader, writer: arrived.put_nowait(writer), "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        writer = await arrived.get()
        session = Session(writer, Transport(interleaved=(0, 1)), (Mock(), Mock()), timeout_s=60)
        session.play()
        with pytest.raises(ViewerGone, match="slow"):
            _send_frames(session, 1000)
        assert writer.transport.get_write_buffer_size() < MAX_WAITING_BYTES + 70_000
        session.drop()
    server.close()


def _send_frames(session: Session, count: int) -> None:
    parts = payloads(_KEYFRAME)
    for number in range(count):
        session.send(AirFrame(number, PictureFormat(768, 576, 10), _KEYFRAME), parts)
