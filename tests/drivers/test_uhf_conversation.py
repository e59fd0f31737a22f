"""What is asked of a UHF reader and when, against the simulated reader at a clock of the test's own."""

from typing import Any

import pytest

from drivers.rfid.uhf_conversation import ALIVE_S, ANSWER_S, UhfConversation, UhfListener, UhfPlan
from drivers.rfid.uhf_frames import ANY_ADDRESS
from drivers.rfid.uhf_tags import TagsInField
from drivers.serial_reader import Answered, Asking, Card, Rejected, Unanswered
from gateway.domain.credential import Identifier
from simulators.uhf_reader import UhfReader

A, B = bytes.fromhex("E28068940000502C6FE618BB"), bytes.fromhex("E20000170014026616706B48")
TAG_A = Identifier("EPC96", None, int.from_bytes(A, "big"))
TAG_B = Identifier("EPC96", None, int.from_bytes(B, "big"))


class Talk:
    """A conversation with a reader; `mute` takes the reader's power."""

    def __init__(self, reader: UhfReader, field: TagsInField | None = None, **plan: Any) -> None:
        self.reader, self.mute = reader, False
        self.field = field or TagsInField(3.0)
        wanted = UhfPlan(**{"address": ANY_ADDRESS, "poll_s": 0.05, **plan})
        self.conversation = UhfConversation(wanted, self.field)
        self.now_s = 100.0
        self.asked: list[int] = []
        self.values: list[object] = []

    def until(self, end_s: float) -> list[object]:
        """Let the time pass; the values of that time."""
        before = len(self.values)
        while self.now_s < end_s:
            question = self.conversation.take_question(self.now_s)
            if question:
                self.asked.append(question[2])
            answer = self.reader.answer(question, self.now_s) if question and not self.mute else b""
            if answer:
                self.now_s += 0.01
            else:
                due = self.conversation.deadline()
                assert due is not None
                self.now_s = max(self.now_s, min(due, end_s))
            self.values += self.conversation.feed(answer, self.now_s)
        return self.values[before:]

    def cards(self) -> list[object]:
        return [value.readings[0].identifier for value in self.values if isinstance(value, Card)]


def test_conversation_is_one_that_the_shell_asks() -> None:
    assert isinstance(UhfConversation(UhfPlan(0, 0.05), TagsInField(3.0)), Asking)
    assert not isinstance(UhfListener(0, TagsInField(3.0)), Asking)


def test_reader_is_asked_who_it_is_and_how_it_works_before_its_tags() -> None:
    talk = Talk(UhfReader())
    values = talk.until(101.0)
    assert talk.asked[:3] == [0x21, 0x36, 0x01]
    assert set(talk.asked[2:]) == {0x01}
    assert 10 <= len(talk.asked) <= 20
    assert {type(value) for value in values} == {Answered}


def test_tag_in_the_field_is_read_once_while_it_stays_and_again_when_it_returns() -> None:
    talk = Talk(UhfReader())
    talk.until(101.0)
    talk.reader.show(A, 111.0)
    talk.until(113.5)
    assert talk.cards() == [TAG_A]
    talk.until(115.0)
    talk.reader.show(A, 116.0)
    talk.until(117.0)
    assert talk.cards() == [TAG_A, TAG_A]


def test_many_tags_in_several_answers_are_all_read() -> None:
    talk = Talk(UhfReader())
    epcs = [number.to_bytes(12, "big") for number in range(40)]
    for epc in epcs:
        talk.reader.show(epc, 200.0)
    talk.until(101.0)
    assert talk.cards() == [Identifier("EPC96", None, number) for number in range(40)]


def test_answer_with_more_to_follow_is_waited_for() -> None:
    talk = Talk(UhfReader())
    talk.until(100.1)
    for number in range(12):
        talk.reader.show(number.to_bytes(12, "big"), 200.0)
    question = b""
    while not question:
        talk.now_s += 0.01
        question = talk.conversation.take_question(talk.now_s)
    answers = talk.reader.answer(question, talk.now_s)
    first, rest = answers[: answers[0] + 1], answers[answers[0] + 1 :]
    talk.conversation.feed(first, talk.now_s)
    assert talk.conversation.take_question(talk.now_s + 0.3) == b""
    found = talk.conversation.feed(rest, talk.now_s + 0.3)
    assert sum(isinstance(value, Card) for value in found) == 6
    assert talk.conversation.take_question(talk.now_s + 0.4) != b""


def test_three_questions_without_an_answer_say_that_it_is_away() -> None:
    talk = Talk(UhfReader())
    talk.until(101.0)
    talk.mute = True
    values = talk.until(108.0)
    assert values == [Unanswered("the reader does not answer")]


def test_one_lost_answer_is_asked_for_again_and_told_to_nobody() -> None:
    talk = Talk(UhfReader())
    talk.until(101.0)
    talk.mute = True
    talk.until(101.2)
    talk.mute = False
    talk.reader.show(A, 200.0)
    values = talk.until(104.0)
    assert talk.cards() == [TAG_A]
    assert not [value for value in values if isinstance(value, Unanswered)]


def test_reader_may_look_for_tags_as_long_as_it_says() -> None:
    talk = Talk(UhfReader(scan_time=100))
    talk.until(101.0)
    talk.mute = True
    asked = len(talk.asked)
    talk.until(111.0)
    assert len(talk.asked) == asked + 1


def test_reader_in_scan_mode_is_listened_to_and_asked_only_whether_it_is_there() -> None:
    talk = Talk(UhfReader(scans=True))
    assert talk.until(116.0).count(Answered()) >= 2
    assert talk.asked[:2] == [0x21, 0x36]
    assert set(talk.asked) == {0x21, 0x36}
    assert len(talk.asked) <= 2 + 16 / ALIVE_S
    talk.reader.show(A, 200.0)
    talk.values += talk.conversation.feed(talk.reader.report(117.0) * 3, 117.0)
    assert talk.cards() == [TAG_A]


def test_reader_that_falls_silent_in_scan_mode_is_noticed() -> None:
    talk = Talk(UhfReader(scans=True))
    talk.until(101.0)
    talk.mute = True
    assert talk.until(101.0 + ALIVE_S + 3 * ANSWER_S + 0.1) == [Unanswered("the reader does not answer")]


@pytest.mark.parametrize(
    ("reader", "remedy"),
    [
        (UhfReader(scans=True, output_serial=False), "Wiegand"),
        (UhfReader(scans=True, memory=0x02), "EPC"),
    ],
)
def test_reader_that_reports_nothing_of_use_never_counts_as_there(reader: UhfReader, remedy: str) -> None:
    talk = Talk(reader)
    talk.reader.show(A, 200.0)
    values = talk.until(100.1)
    assert not [value for value in values if isinstance(value, Answered | Card)]
    assert remedy in next(value.detail for value in values if isinstance(value, Unanswered))


def test_report_before_the_work_mode_is_known_is_no_tag() -> None:
    """It may be the tag's TID or user memory."""
    talk = Talk(UhfReader(scans=True, memory=0x02))
    talk.reader.show(A, 200.0)
    assert talk.conversation.feed(talk.reader.report(100.0), 100.0) == []


def test_reader_that_knows_no_work_modes_is_asked() -> None:
    talk = Talk(UhfReader(knows_work_mode=False))
    talk.reader.show(A, 200.0)
    talk.until(101.0)
    assert talk.cards() == [TAG_A]


def test_reader_that_is_set_to_scan_mode_meanwhile_is_listened_to() -> None:
    talk = Talk(UhfReader())
    talk.until(101.0)
    talk.reader.scans = True
    values = talk.until(110.0)
    assert values.count(Rejected("the reader refused to look for tags")) == 1
    assert talk.asked[-1] == 0x21


def test_power_and_scan_time_are_written_only_where_they_differ() -> None:
    talk = Talk(UhfReader(power=30, scan_time=10), power_dbm=20, scan_time_s=0.3)
    talk.until(102.0)
    assert talk.reader.written == [(0x2F, 20), (0x25, 3)]
    again = Talk(talk.reader, power_dbm=20, scan_time_s=0.3)
    again.until(102.0)
    assert talk.reader.written == [(0x2F, 20), (0x25, 3)]
    assert Answered() in again.values


def test_nothing_is_written_where_nothing_is_wanted() -> None:
    talk = Talk(UhfReader())
    talk.until(105.0)
    assert talk.reader.written == []


def test_reader_of_the_configured_address_alone_is_asked() -> None:
    talk = Talk(UhfReader(address=7), address=7)
    talk.until(101.0)
    assert talk.reader.asked > 5
    other = Talk(UhfReader(address=7), address=3)
    assert other.until(103.0) == [Unanswered("the reader does not answer")]


def test_car_that_stood_there_through_an_outage_is_not_read_again() -> None:
    talk = Talk(UhfReader())
    talk.reader.show(A, 500.0)
    talk.until(102.0)
    after = Talk(talk.reader, talk.field)
    after.now_s = 400.0
    after.reader.show(B, 500.0)
    after.until(401.0)
    assert after.cards() == [TAG_B]


def test_listener_hears_reports_and_never_asks() -> None:
    reader = UhfReader(scans=True)
    reader.show(A, 200.0)
    reader.show(B, 200.0)
    listener = UhfListener(ANY_ADDRESS, TagsInField(3.0))
    assert listener.deadline() is None
    values = listener.feed(reader.report(100.0) * 2, 100.0)
    assert [value.readings[0].identifier for value in values if isinstance(value, Card)] == [TAG_A, TAG_B]
