"""Facts about the packet ring, parameter sets and stamps."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analytics.packets import PacketRing, StampLine, StoredPacket, StreamFormat, find_parameter_sets, from_keyframe

SHAPE = StreamFormat("h264", 640, 480, 10.0, b"\0\0\0\1\x67\1")
_BASE = Fraction(1, 90_000)


def _packet(number: int, *, gop: int = 10, size: int = 100, shape: StreamFormat = SHAPE) -> StoredPacket:
    return StoredPacket(bytes(size), number * 9000, number * 9000, _BASE, number % gop == 0, number / 10, shape)


def _filled(ring: PacketRing, count: int, *, first: int = 0, size: int = 100) -> list[StoredPacket]:
    for number in range(first, first + count):
        ring.append(_packet(number, size=size))
    return ring.follow(lambda packet: None)


def test_the_ring_reaches_back_far_enough_and_begins_with_a_keyframe() -> None:
    held = _filled(PacketRing(5.0, 10**6), 200)
    assert held[0].keyframe
    assert held[-1].at_s - held[0].at_s >= 5.0
    assert held[-1].at_s - held[0].at_s <= 6.1


def test_packets_before_the_first_keyframe_are_left_out() -> None:
    assert _filled(PacketRing(5.0, 10**6), 5, first=3) == []


def test_too_many_bytes_drop_the_oldest_group() -> None:
    ring = PacketRing(60.0, 10_000)
    held = _filled(ring, 95, size=200)
    assert ring.size_bytes <= 10_000
    assert held[0].keyframe


def test_a_group_larger_than_the_bound_is_dropped_whole() -> None:
    ring = PacketRing(60.0, 500)
    ring.append(_packet(0, size=400))
    ring.append(_packet(1, size=400))
    assert len(ring) == 0
    assert ring.size_bytes == 0


def test_another_format_empties_the_ring() -> None:
    ring = PacketRing(60.0, 10**6)
    _filled(ring, 15)
    ring.append(_packet(20, shape=replace(SHAPE, width_px=320)))
    assert len(ring) == 1


def test_a_follower_gets_what_is_there_and_all_that_follows() -> None:
    ring = PacketRing(60.0, 10**6)
    _filled(ring, 12)
    later: list[StoredPacket] = []
    earlier = ring.follow(later.append)
    for number in range(12, 20):
        ring.append(_packet(number))
    ring.unfollow(later.append)
    ring.append(_packet(20))
    assert [p.pts for p in earlier + later] == [n * 9000 for n in range(20)]


def test_a_clip_begins_at_the_keyframe_before_its_time() -> None:
    packets = [_packet(number) for number in range(60)]
    assert from_keyframe(packets, 2.5)[0].at_s == 2.0
    assert from_keyframe(packets, -5.0)[0].at_s == 0.0
    assert from_keyframe(packets[1:9], 0.5) == []


def test_parameter_sets_are_found_before_the_slice() -> None:
    sps, pps, idr = b"\0\0\0\1\x67\x64\x00", b"\0\0\1\x68\xeb", b"\0\0\1\x65" + bytes(2000)
    assert find_parameter_sets("h264", sps + pps + idr) == b"\0\0\0\1\x67\x64" + b"\0\0\0\1\x68\xeb"
    assert find_parameter_sets("h264", idr) == b""
    vps = b"\0\0\0\1\x40\x01\x0c"
    assert find_parameter_sets("hevc", vps + b"\0\0\1\x26\x01\x05") == vps


@given(st.binary(max_size=800))
def test_any_bytes_are_searched_without_an_error(data: bytes) -> None:
    find_parameter_sets("h264", data)
    find_parameter_sets("hevc", data)


@given(
    st.lists(st.tuples(st.none() | st.integers(-(2**40), 2**40), st.none() | st.integers(-(2**40), 2**40)), max_size=50)
)
def test_stamps_rise_whatever_the_camera_sends(given_stamps: list[tuple[int | None, int | None]]) -> None:
    line = StampLine(_BASE)
    stamped = [line.stamp(pts, dts) for pts, dts in given_stamps]
    decode = [dts for _, dts in stamped]
    assert all(later > earlier for earlier, later in pairwise(decode))
    assert all(pts >= dts for pts, dts in stamped)


def test_good_stamps_keep_their_distances() -> None:
    line = StampLine(_BASE)
    assert [line.stamp(n * 9000 + 77, n * 9000 + 77)[1] for n in range(5)] == [0, 9000, 18000, 27000, 36000]
