"""The relay boards' parsers against anything: an answer, "not yet", or the declared error; never another."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.relay.lcus import read_state, switch_frame
from drivers.relay.modbus_profiles import flash_coil, flash_registers, pulse_units
from drivers.relay.numato import MEASURED_MAX, read_mask, read_measured, read_reply, read_word
from drivers.relay.supervised import LoopState, SupervisedInput
from gateway.errors import RemoteProtocolError
from simulators.usb_relays import LcusBoard, NumatoBoard

TEXTS = st.lists(
    st.sampled_from(
        [b"CH1: ON", b"CH2: OFF", b"\r\n", b"\n\r", b">", b"relay read 0", b"on", b"off", b"0F", b"\x00", b"\x01"]
    )
    | st.binary(max_size=4)
).map(b"".join)
LOOP = SupervisedInput(short=(0, 99), active=(300, 399), normal=(600, 699), open_circuit=(900, 1023))


@given(TEXTS, st.integers(1, 8))
def test_lcus_answer_is_state_or_not_whole_or_wrong(data: bytes, outputs: int) -> None:
    with suppress(RemoteProtocolError):
        state = read_state(data, outputs)
        assert state is None or len(state) == outputs


@given(TEXTS)
def test_numato_reply_is_text_or_not_whole_or_wrong(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        answer = read_reply(data, "relay read 0")
        assert answer is None or ">" not in answer


@given(st.text(max_size=20), st.integers(0, 32))
def test_numato_words_are_values_or_wrong(answer: str, count: int) -> None:
    with suppress(RemoteProtocolError):
        assert len(read_mask(answer, count)) == count
    with suppress(RemoteProtocolError):
        assert 0 <= read_measured(answer) <= MEASURED_MAX
    with suppress(RemoteProtocolError):
        assert read_word(answer, {"on": True, "off": False}) is (answer == "on")


@pytest.mark.parametrize("answer", ["", "1024", "-1", "1.0", "٣", "12345"])
def test_what_the_converter_cannot_say_is_wrong(answer: str) -> None:
    with pytest.raises(RemoteProtocolError):
        read_measured(answer)


@pytest.mark.parametrize(("answer", "count"), [("", 1), ("G", 4), ("F", 8), ("0x0F", 8), ("ON", 1)])
def test_mask_that_is_short_or_no_number_is_wrong(answer: str, count: int) -> None:
    with pytest.raises(RemoteProtocolError):
        read_mask(answer, count)


@pytest.mark.parametrize(
    "data", [b"CH2: ON\r\nCH1: ON\r\n", b"CH1: MAYBE\r\n", b"\x00\x02", b"\x00\xff", b"HELLO", b"CH1: ON\r\nX"]
)
def test_state_of_other_relays_or_none_is_wrong(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_state(data, 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=20), st.sampled_from(["bytes", "lines"]))
def test_lcus_board_stands_as_it_was_told_last(orders: list[tuple[int, bool]], says: str) -> None:
    board = LcusBoard([False] * 4, says)
    expected = [False] * 4
    for output, on in orders:
        expected[output] = on
        assert board.hear(switch_frame(output, on), 0.0) == b""
    assert read_state(board.hear(b"\xff", 0.0), 4) == tuple(expected)
    assert board.bad_frames == 0


@given(st.integers(1, 32), st.data())
def test_numato_module_says_every_relay_by_number_and_all_at_once(count: int, data: st.DataObject) -> None:
    coils = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    module = NumatoBoard(coils)
    answer = read_reply(module.hear(b"relay readall\r", 0.0), "relay readall")
    assert answer is not None
    assert read_mask(answer, count) == tuple(coils)


@given(st.floats(0.001, 3276.7), st.integers(0, 63), st.booleans())
def test_pulse_is_told_in_tenths_of_a_second_in_both_dialects(seconds: float, output: int, energise: bool) -> None:
    units = pulse_units(seconds)
    assert 1 <= units <= 0x7FFF
    assert abs(units / 10 - seconds) <= 0.1
    coil, value = flash_coil(output, energise, seconds)
    register, values = flash_registers(output, energise, seconds)
    assert (coil & 0xFF, value, (register - 3) // 5, values[1]) == (output, units, output, units)


@given(st.integers(0, 0xFFFF), st.sampled_from([None, *LoopState]))
def test_every_measured_value_is_one_state(measured: int, before: LoopState | None) -> None:
    state = LOOP.judge(measured, before)
    low, high = getattr(LOOP, state.value)
    in_its_range = low <= measured <= high
    in_a_gap = not any(getattr(LOOP, each.value)[0] <= measured <= getattr(LOOP, each.value)[1] for each in LoopState)
    assert in_its_range or in_a_gap


@given(st.lists(st.integers(400, 599)))
def test_value_between_two_states_leaves_the_state_of_before(wanders: list[int]) -> None:
    for begin in (LoopState.ACTIVE, LoopState.NORMAL):
        state = begin
        for measured in wanders:
            state = LOOP.judge(measured, state)
            assert state is begin


@pytest.mark.parametrize("before", [None, LoopState.SHORT, LoopState.OPEN_CIRCUIT])
def test_value_that_no_loop_can_have_is_a_fault_and_never_active_or_normal(before: LoopState | None) -> None:
    assert LOOP.judge(500, before) is LoopState.OPEN_CIRCUIT


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"active": (50, 399)}, "overlap"),
        ({"active": (399, 300)}, "ascending"),
        ({"open_circuit": (900, 70000)}, "within 0 and 65535"),
        ({"short": (500, 550)}, "two ends"),
    ],
)
def test_ranges_that_could_mean_two_things_are_refused(change: dict[str, tuple[int, int]], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        SupervisedInput.model_validate(LOOP.model_dump() | change)
