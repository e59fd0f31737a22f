"""RTP packets, taken apart again by the letter of the RFCs."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from simulators.camera.picture import AccessUnit, split_annexb
from simulators.camera.rtp import MAX_PAYLOAD, RtpSender, payloads

_NALS = st.lists(
    st.tuples(st.sampled_from([0x61, 0x65, 0x67, 0x68]), st.binary(min_size=1, max_size=6000)).map(
        lambda parts: bytes((parts[0],)) + parts[1]
    ),
    min_size=1,
    max_size=5,
)


def _reassemble(parts: list[bytes]) -> list[bytes]:
    nals: list[bytes] = []
    for part in parts:
        if part[0] & 0x1F != 28:
            nals.append(part)
        elif part[1] & 0x80:
            nals.append(bytes(((part[0] & 0xE0) | (part[1] & 0x1F),)) + part[2:])
        else:
            nals[-1] += part[2:]
    return nals


@given(_NALS)
def test_fragments_put_together_are_the_picture_again(nals: list[bytes]) -> None:
    made = payloads(AccessUnit(tuple(nals)))
    assert _reassemble([part for part, _ in made]) == nals
    assert all(len(part) <= MAX_PAYLOAD for part, _ in made)
    assert [last for _, last in made] == [False] * (len(made) - 1) + [True]


def test_sequence_numbers_wrap_and_the_clock_runs_at_90_khz() -> None:
    sender = RtpSender(ssrc=7, first_sequence=0xFFFF, time_offset=0xFFFFFFFF)
    first, second = sender.packets([(b"\x61a", False), (b"\x61b", True)], 0.1)
    assert struct.unpack(">BBHII", first[:12]) == (0x80, 96, 0xFFFF, 8999, 7)
    assert struct.unpack(">BBHII", second[:12]) == (0x80, 0x80 | 96, 0, 8999, 7)


def test_sender_report_ties_wall_clock_to_rtp_time_and_counts() -> None:
    sender = RtpSender(ssrc=7, first_sequence=1, time_offset=0)
    sender.packets([(b"abc", True)], 0.0)
    report = sender.sender_report(unix_s=1.5, media_s=2.0)
    assert struct.unpack(">BBHIIIIII", report[:28]) == (0x80, 200, 6, 7, 2_208_988_801, 1 << 31, 180_000, 1, 3)
    description = report[28:]
    assert description[1] == 202
    assert len(description) == 4 * (struct.unpack(">H", description[2:4])[0] + 1)


def test_annexb_is_cut_at_both_lengths_of_start_code_and_loses_its_sei() -> None:
    assert split_annexb(b"\0\0\0\1\x67s\0\0\1\x68p\0\0\1\x06sei\0\0\0\1\x65i") == (b"\x67s", b"\x68p", b"\x65i")
