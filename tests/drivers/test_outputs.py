"""What counts as an output that is not as it was told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.outputs import PULSE_DRIFT, PULSE_GRACE_S, ExpectedOutputs


@pytest.fixture
def outputs() -> ExpectedOutputs:
    """Two outputs that were read as off and on when the board was connected."""
    expected = ExpectedOutputs()
    expected.start_over([(0, False), (1, True)])
    return expected


def test_outputs_that_read_as_before_are_no_news(outputs: ExpectedOutputs) -> None:
    assert outputs.surprises([(0, False), (1, True)], 5.0) == ()


def test_only_the_output_that_differs_is_told_and_only_once(outputs: ExpectedOutputs) -> None:
    assert outputs.surprises([(0, False), (1, False)], 5.0) == ((1, False),)
    assert outputs.surprises([(0, False), (1, False)], 7.0) == ()
    assert outputs.surprises([(0, False), (1, True)], 9.0) == ((1, True),)


def test_output_that_is_held_and_reads_off_is_told(outputs: ExpectedOutputs) -> None:
    outputs.hold(0, True)
    assert outputs.surprises([(0, True)], 5.0) == ()
    assert outputs.surprises([(0, False)], 7.0) == ((0, False),)


@pytest.mark.parametrize("energise", [True, False])
def test_output_is_no_surprise_during_its_pulse_and_is_one_well_after_it(
    outputs: ExpectedOutputs, energise: bool
) -> None:
    outputs.pulse(0, energise, 10.0, 100.0)
    over_s = 100.0 + 10.0 * (1 + PULSE_DRIFT) + PULSE_GRACE_S
    for asked_s in (100.0, 105.0, over_s - 0.001):
        assert outputs.surprises([(0, energise)], asked_s) == ()
        assert outputs.surprises([(0, not energise)], asked_s) == ()
    assert outputs.surprises([(0, not energise)], over_s) == ()
    assert outputs.surprises([(0, energise)], over_s) == ((0, energise),)


def test_command_that_stays_ends_a_pulse(outputs: ExpectedOutputs) -> None:
    outputs.pulse(0, True, 10.0, 100.0)
    outputs.hold(0, False)
    assert outputs.surprises([(0, True)], 101.0) == ((0, True),)


def test_output_of_which_nothing_is_known_is_told_as_it_is_read(outputs: ExpectedOutputs) -> None:
    outputs.forget(0)
    assert outputs.surprises([(0, False), (7, True)], 5.0) == ((0, False), (7, True))
    assert outputs.surprises([(0, False), (7, True)], 7.0) == ()


def test_connecting_again_forgets_pulses(outputs: ExpectedOutputs) -> None:
    outputs.pulse(0, True, 10.0, 100.0)
    outputs.start_over([(0, True), (1, True)])
    assert outputs.surprises([(0, False)], 101.0) == ((0, False),)


@given(st.lists(st.booleans(), max_size=50))
def test_what_was_told_last_is_what_was_read_last(readings: list[bool]) -> None:
    expected, told = ExpectedOutputs(), None
    for at_s, reading in enumerate(readings):
        for _, energised in expected.surprises([(0, reading)], float(at_s)):
            assert energised is not told
            told = energised
        assert told is reading
