"""What the simulated UHF reader says, against published frames and its manual."""

import pytest

from simulators.card import Card, CardUnreadable
from simulators.uhf_reader import UhfReader, check, epc_of

TAG = Card("EPC96", 0xE28068940000502C6FE618BB)


def asked(address: int, code: int, data: bytes = b"") -> bytes:
    body = bytes([len(data) + 4, address, code]) + data
    return body + check(body)


def test_reader_without_a_tag_says_the_published_answer() -> None:
    # A Rust driver of the CF-RU5102: 05 00 01 FB F2 3D.
    assert UhfReader().answer(bytes.fromhex("040001DB4B"), 0.0) == bytes.fromhex("050001FBF23D")


def test_reader_in_scan_mode_reports_the_published_frame() -> None:
    reader = UhfReader(scans=True)
    reader.show(epc_of(TAG), 1.0)
    assert reader.report(0.0) == bytes.fromhex("1100EE00E28068940000502C6FE618BB93DF")
    assert reader.report(1.0) == b""


def test_reader_in_scan_mode_refuses_to_be_asked_for_tags() -> None:
    assert UhfReader(scans=True).answer(asked(0, 0x01), 0.0)[2:4] == b"\x01\xfe"


def test_tags_that_do_not_fit_come_in_further_answers() -> None:
    reader = UhfReader()
    for number in range(9):
        reader.show(number.to_bytes(12, "big"), 1.0)
    said = reader.answer(asked(0xFF, 0x01), 0.0)
    first = said[: said[0] + 1]
    last = said[len(first) :]
    assert (first[3], first[4], last[3], last[4]) == (0x03, 6, 0x01, 3)
    assert len(last) == last[0] + 1


def test_what_is_written_to_its_memory_stays() -> None:
    reader = UhfReader()
    assert reader.answer(asked(0, 0x2F, b"\x14"), 0.0)[3] == 0
    assert reader.answer(asked(0, 0x21), 0.0)[-4:-2] == bytes([20, 10])


@pytest.mark.parametrize("question", [b"", asked(0, 0x01)[:-1], asked(0, 0x01)[:-1] + b"\x00"])
def test_what_is_no_command_is_answered_with_silence(question: bytes) -> None:
    reader = UhfReader()
    assert reader.answer(question, 0.0) == b""
    assert reader.bad == 1


def test_command_for_another_reader_is_answered_with_silence() -> None:
    assert UhfReader(address=1).answer(asked(2, 0x01), 0.0) == b""


@pytest.mark.parametrize(
    "card", [Card("EM4100", 1), Card("EPC", 1), Card("EPC7", 1), Card("EPC16", 1 << 16), Card("H10301", 1, 1)]
)
def test_other_cards_are_invisible_to_it(card: Card) -> None:
    with pytest.raises(CardUnreadable):
        epc_of(card)
