"""What answers of UHF readers mean, and when a tag counts as having come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.rfid.uhf_frames import Code, UhfFrame
from drivers.rfid.uhf_tags import (
    MAX_TAGS,
    AnswerUnclear,
    ReaderInformation,
    TagsInField,
    is_asked,
    read_information,
    read_tags,
    refuses_inventory,
    tag_card,
)
from gateway.domain.credential import Identifier

A, B = bytes.fromhex("E28068940000502C6FE618BB"), bytes.fromhex("E2000017001402661670")


def inventory(data: bytes, status: int = 0x01) -> UhfFrame:
    return UhfFrame(0, Code.INVENTORY, status, data)


def report(data: bytes, status: int = 0x00) -> UhfFrame:
    return UhfFrame(0, Code.TAG_SEEN, status, data)


def said(*epcs: bytes) -> bytes:
    return bytes([len(epcs)]) + b"".join(bytes([len(epc)]) + epc for epc in epcs)


class TestTags:
    @pytest.mark.parametrize("status", [0x01, 0x02, 0x03, 0x04])
    def test_all_tags_of_an_answer_are_read(self, status: int) -> None:
        assert read_tags(inventory(said(A, B), status)) == (A, B)

    @pytest.mark.parametrize("status", [0xF9, 0xFA, 0xFB, 0xFC, 0xFE])
    def test_answer_without_tags_has_none(self, status: int) -> None:
        assert read_tags(inventory(b"", status)) == ()

    def test_report_is_its_tag(self) -> None:
        assert read_tags(report(A)) == (A,)

    def test_empty_epc_names_nobody(self) -> None:
        assert read_tags(inventory(said(b"", A))) == (A,)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            said(A)[:-1],
            said(A) + b"\x00",
            b"\x02" + said(A)[1:],
            b"\x00" + said(A)[1:],
            said(A[:-1]),
            said(b"\x01" * 64),
        ],
        ids=["empty", "cut", "too long", "one of two", "none", "odd", "longer than a tag can say"],
    )
    def test_answer_that_does_not_add_up_is_unclear(self, data: bytes) -> None:
        with pytest.raises(AnswerUnclear):
            read_tags(inventory(data))

    @pytest.mark.parametrize("frame", [report(b""), report(A[:-1]), report(A, 0xEE), report(b"\x01" * 64)])
    def test_report_without_an_epc_is_unclear(self, frame: UhfFrame) -> None:
        with pytest.raises(AnswerUnclear):
            read_tags(frame)

    @given(st.lists(st.integers(1, 31).flatmap(lambda n: st.binary(min_size=2 * n, max_size=2 * n)), max_size=4))
    def test_any_tags_are_read_as_said(self, epcs: list[bytes]) -> None:
        assert read_tags(inventory(said(*epcs))) == tuple(epcs)

    @given(st.binary(max_size=250), st.integers(0, 255), st.sampled_from(Code))
    def test_any_answer_is_tags_or_unclear(self, data: bytes, status: int, code: Code) -> None:
        try:
            found = read_tags(UhfFrame(0, code, status, data))
        except AnswerUnclear:
            return
        assert sum(map(len, found)) <= len(data)

    @pytest.mark.parametrize(
        ("epc", "identifier"),
        [
            (A, Identifier("EPC96", None, 0xE28068940000502C6FE618BB)),
            (B, Identifier("EPC80", None, 0xE2000017001402661670)),
            (b"\x00" * 12, Identifier("EPC96", None, 0)),
            (b"\x00\x01", Identifier("EPC16", None, 1)),
        ],
    )
    def test_tag_is_named_by_all_bits_of_its_epc_and_their_number(self, epc: bytes, identifier: Identifier) -> None:
        assert [reading.identifier for reading in tag_card(epc).readings] == [identifier]


class TestReader:
    def test_information_tells_power_and_scan_time(self) -> None:
        data = bytes([2, 0x36, 9, 3, 0x62, 0, 26, 10])
        assert read_information(UhfFrame(0, Code.INFORMATION, 0, data)) == ReaderInformation(26, 1.0)

    @pytest.mark.parametrize(("status", "data"), [(0xFE, b"\x00" * 8), (0, b"\x00" * 7)])
    def test_information_that_says_nothing_is_unclear(self, status: int, data: bytes) -> None:
        with pytest.raises(AnswerUnclear):
            read_information(UhfFrame(0, Code.INFORMATION, status, data))

    @pytest.mark.parametrize(("read_mode", "asked"), [(0, True), (1, False), (2, False), (3, False), (4, True)])
    def test_reader_is_asked_in_answer_mode_alone(self, read_mode: int, asked: bool) -> None:
        data = bytes([0, 30, 10, 15, read_mode, 2, 4, 0, 1, 0, 8, 0])
        assert is_asked(UhfFrame(0, Code.WORK_MODE, 0, data)) is asked

    def test_reader_that_knows_no_work_modes_is_asked(self) -> None:
        assert is_asked(UhfFrame(0, Code.UNKNOWN, 0xFE, b""))

    @pytest.mark.parametrize(
        ("state", "memory", "remedy"), [(0, 4, "RS-232 output"), (3, 4, "18000-6C"), (2, 2, "18000-6C"), (2, 1, "EPCs")]
    )
    def test_reader_that_reports_elsewhere_or_something_else_is_of_no_use(
        self, state: int, memory: int, remedy: str
    ) -> None:
        data = bytes([0, 30, 10, 15, 1, state, memory, 0, 1, 0, 8, 0])
        with pytest.raises(AnswerUnclear, match=remedy):
            is_asked(UhfFrame(0, Code.WORK_MODE, 0, data))

    @pytest.mark.parametrize(
        ("status", "refused"), [(0x01, False), (0xFB, False), (0xFA, False), (0xFE, True), (0, True)]
    )
    def test_refusal_is_told_from_no_tag(self, status: int, refused: bool) -> None:
        assert refuses_inventory(inventory(b"", status)) is refused


class TestField:
    def test_tag_that_stays_comes_once(self) -> None:
        field = TagsInField(3.0)
        assert [field.enters(A, number * 0.5) for number in range(100)] == [True] + [False] * 99

    def test_tag_that_was_away_long_enough_comes_again(self) -> None:
        field = TagsInField(3.0)
        assert field.enters(A, 0.0)
        assert not field.enters(A, 2.9)
        assert field.enters(A, 5.9)

    def test_each_tag_comes_for_itself(self) -> None:
        field = TagsInField(3.0)
        assert [field.enters(epc, 0.0) for epc in (A, B, A, B)] == [True, True, False, False]

    def test_reader_that_was_away_does_not_make_a_parked_car_come_again(self) -> None:
        field = TagsInField(3.0)
        field.enters(A, 10.0)
        field.hear(11.0)
        field.look_again(500.0)
        assert not field.enters(A, 500.1)
        assert field.enters(A, 503.2)

    def test_so_many_tags_are_remembered_and_the_oldest_is_forgotten_first(self) -> None:
        field = TagsInField(1000.0)
        epcs = [number.to_bytes(12, "big") for number in range(MAX_TAGS)]
        for epc in epcs:
            assert field.enters(epc, 0.0)
        assert not field.enters(epcs[0], 1.0)
        assert field.enters(A, 1.0)
        assert not field.enters(epcs[0], 1.0)
        assert field.enters(epcs[1], 1.0)
