"""RTSP's byte stream, whole, byte by byte and broken."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.camera.rtsp_messages import Interleaved, MessageReader, Request, Transport, parse_transport

_STREAM = (
    b"OPTIONS rtsp://cam/main RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x01\x00\x03abc"
    b"SET_PARAMETER rtsp://cam/main RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 2\r\n\r\nhi$\x00\x00\x00"
)
_MESSAGES = [
    Request("OPTIONS", "rtsp://cam/main", {"cseq": "1"}),
    Interleaved(1, b"abc"),
    Request("SET_PARAMETER", "rtsp://cam/main", {"cseq": "2", "content-length": "2"}),
    Interleaved(0, b""),
]


def test_whole_stream_yields_its_messages() -> None:
    assert MessageReader().feed(_STREAM) == _MESSAGES


def test_stream_byte_by_byte_yields_the_same() -> None:
    reader = MessageReader()
    assert [m for i in range(len(_STREAM)) for m in reader.feed(_STREAM[i : i + 1])] == _MESSAGES


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" * 9000,
        b"PLAY a RTSP/1.0\r\nno header\r\n\r\n",
        b"PLAY a RTSP/1.0\r\nContent-Length: 99999\r\n\r\n",
    ],
)
def test_what_is_no_rtsp_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        MessageReader().feed(data)


@given(st.binary(max_size=300))
def test_noise_raises_nothing_but_value_error(data: bytes) -> None:
    reader = MessageReader()
    with contextlib.suppress(ValueError):
        for message in reader.feed(data):
            assert isinstance(message, Request | Interleaved)


def test_first_transport_that_is_spoken_is_taken() -> None:
    offer = "RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=4-5,RTP/AVP;unicast;client_port=6000-6001"
    assert parse_transport(offer) == Transport(interleaved=(4, 5))
    assert parse_transport("RTP/AVP;unicast;client_port=6000-6001") == Transport(client_ports=(6000, 6001))
    assert parse_transport("RTP/AVP/TCP;interleaved=300-301") is None
    assert parse_transport("") is None
