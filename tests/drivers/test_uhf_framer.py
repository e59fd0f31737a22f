"""The framer of UHF readers: whole, byte by byte, corrupted, truncated, endless, and by property."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.rfid.uhf_frames import FRAME_PATIENCE_S, Code, UhfFrame, UhfFramer, command
from drivers.serial_reader import Rejected
from simulators.uhf_reader import check

NO_TAG = bytes.fromhex("050001FBF23D")
REPORT = bytes.fromhex("1100EE00E28068940000502C6FE618BB93DF")
FRAMES = {
    NO_TAG: UhfFrame(0, Code.INVENTORY, 0xFB, b""),
    REPORT: UhfFrame(0, Code.TAG_SEEN, 0x00, bytes.fromhex("E28068940000502C6FE618BB")),
}
each_frame = pytest.mark.parametrize("sent", FRAMES, ids=["answer", "report"])


def answer(address: int, code: int, status: int, data: bytes) -> bytes:
    body = bytes([len(data) + 5, address, code, status]) + data
    return body + check(body)


@each_frame
def test_whole_frame_is_understood(sent: bytes) -> None:
    framer = UhfFramer()
    assert framer.feed(sent, 0.0) == [FRAMES[sent]]
    assert framer.deadline() is None


@each_frame
def test_frame_byte_by_byte_is_the_same(sent: bytes) -> None:
    framer = UhfFramer()
    assert [value for byte in sent for value in framer.feed(bytes([byte]), 0.0)] == [FRAMES[sent]]


@each_frame
def test_only_silence_ends_a_half_frame(sent: bytes) -> None:
    """Late data may have waited in the kernel while the process stood still."""
    for length in range(1, len(sent)):
        framer = UhfFramer()
        assert framer.feed(sent[:length], 1.0) == []
        assert framer.deadline() == 1.0 + FRAME_PATIENCE_S
        assert framer.feed(sent[length:], 60.0) == [FRAMES[sent]]


@each_frame
def test_truncated_frame_dies_of_silence_and_the_next_is_read(sent: bytes) -> None:
    for length in range(1, len(sent)):
        framer = UhfFramer()
        framer.feed(sent[:length], 1.0)
        assert framer.feed(b"", 1.4) == []
        assert Rejected("half a frame") in framer.feed(b"", 1.5)
        assert framer.deadline() is None
        assert framer.feed(sent, 2.0) == [FRAMES[sent]]


def test_every_corrupted_byte_is_noticed_and_the_next_frame_is_read() -> None:
    for place in range(len(REPORT)):
        for value in range(256):
            if value == REPORT[place]:
                continue
            framer = UhfFramer()
            broken = bytes([*REPORT[:place], value, *REPORT[place + 1 :]])
            found = framer.feed(broken + NO_TAG, 0.0) + framer.feed(b"", FRAME_PATIENCE_S)
            assert [each for each in found if isinstance(each, UhfFrame)] == [FRAMES[NO_TAG]]


@pytest.mark.parametrize("noise", [b"\x00", b"\x04", b"\xff\xff", b"\x11\x07\xaa", b"\x00\x01\x02\x03"])
def test_noise_before_a_frame_costs_only_a_count(noise: bytes) -> None:
    framer = UhfFramer()
    found = framer.feed(noise + REPORT, 0.0)
    assert [type(each) for each in found] == [Rejected, UhfFrame]


def test_noise_that_looks_like_a_longer_frame_gives_the_frame_back_after_silence() -> None:
    framer = UhfFramer()
    assert framer.feed(b"\xfa\x00\xee" + REPORT, 0.0) == []
    assert framer.feed(b"", FRAME_PATIENCE_S) == [Rejected("half a frame"), FRAMES[REPORT]]


def test_own_command_that_comes_back_as_an_echo_is_no_answer() -> None:
    framer = UhfFramer()
    found = framer.feed(command(0xFF, Code.INVENTORY) + NO_TAG, 0.0) + framer.feed(b"", FRAME_PATIENCE_S)
    assert [each for each in found if isinstance(each, UhfFrame)] == [FRAMES[NO_TAG]]


def test_reader_of_another_address_is_not_heard() -> None:
    framer = UhfFramer(7)
    assert [type(each) for each in framer.feed(answer(3, 0x01, 0xFB, b""), 0.0)] == [Rejected]
    assert framer.feed(answer(7, 0x01, 0xFB, b""), 0.0) == [UhfFrame(7, Code.INVENTORY, 0xFB, b"")]


@given(
    st.integers(0, 254), st.sampled_from([code for code in Code if code]), st.integers(0, 255), st.binary(max_size=250)
)
def test_every_answer_is_understood(address: int, code: Code, status: int, data: bytes) -> None:
    assert UhfFramer().feed(answer(address, code, status, data), 0.0) == [UhfFrame(address, code, status, data)]


@given(st.binary(max_size=300), st.data())
def test_any_bytes_in_any_chunks_give_the_same_values(noise: bytes, data: st.DataObject) -> None:
    stream = noise + REPORT + noise + NO_TAG
    whole = UhfFramer()
    values = whole.feed(stream, 0.0) + whole.feed(b"", FRAME_PATIENCE_S)
    assert {type(value) for value in values} <= {UhfFrame, Rejected}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    framer = UhfFramer()
    pieces = [framer.feed(stream[a:b], 0.0) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a != b]
    assert [value for piece in pieces for value in piece] + framer.feed(b"", FRAME_PATIENCE_S) == values


@given(st.binary(max_size=300))
def test_after_any_bytes_and_silence_a_frame_is_read(noise: bytes) -> None:
    framer = UhfFramer()
    framer.feed(noise, 0.0)
    framer.feed(b"", FRAME_PATIENCE_S)
    assert framer.feed(REPORT, 5.0) == [FRAMES[REPORT]]


@pytest.mark.parametrize("rubbish", [b"\xff", b"\x00", b"\x00\x55\xaa", b"\xfe\x00\x01"])
def test_endless_rubbish_is_bounded(rubbish: bytes) -> None:
    framer = UhfFramer()
    framer.feed(rubbish * 1000, 0.0)
    tracemalloc.start()
    rejected = sum(len(framer.feed(rubbish * 1000, number / 1000)) for number in range(20))
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000
    assert rejected <= 20_000 * len(rubbish) // 10
    framer.feed(b"", 10.0)
    assert framer.feed(REPORT, 10.0) == [FRAMES[REPORT]]
