"""The clock's word on itself: what the kernel says, and how often it is asked."""

from datetime import UTC, datetime

from gateway.clock import SystemClock, is_synchronised, kernel_is_disciplined
from gateway.domain.moment import ClockQuality


def test_the_kernel_says_whether_its_clock_is_kept() -> None:
    disciplined = kernel_is_disciplined()
    assert disciplined in (True, False, None)
    if disciplined is not None:
        assert is_synchronised() is disciplined


def test_the_kernel_is_asked_once_a_second_at_most() -> None:
    asked: list[bool] = []

    def answer() -> bool:
        asked.append(True)
        return True

    clock = SystemClock(synchronised=answer)
    assert {clock.now().quality for _ in range(1000)} == {ClockQuality.SYNCHRONISED}
    assert len(asked) <= 2


def test_a_time_below_the_floor_is_suspect_whatever_the_kernel_says() -> None:
    clock = SystemClock(synchronised=lambda: True)
    clock.raise_floor(datetime(2999, 1, 1, tzinfo=UTC))
    assert clock.now().quality is ClockQuality.SUSPECT


def test_an_unkept_clock_is_unsynchronised() -> None:
    assert SystemClock(synchronised=lambda: False).now().quality is ClockQuality.UNSYNCHRONISED
