"""What was last told of a board's inputs, and what is news."""

from collections.abc import Mapping

from drivers.relay.board_line import InputValue
from drivers.relay.supervised import LoopState, SupervisedInput
from gateway.domain.ports import SignalSink
from gateway.domain.signals import InputFault, InputFaultChanged, InputsChanged

_FAULTS = {LoopState.SHORT: InputFault.SHORT, LoopState.OPEN_CIRCUIT: InputFault.OPEN_CIRCUIT}


class InputStates:
    """Turns one poll's values into `InputsChanged` and `InputFaultChanged`. A faulty input has no state to tell."""

    def __init__(self, device_id: str, supervised: Mapping[int, SupervisedInput], sink: SignalSink) -> None:
        self._device_id, self._supervised, self._sink = device_id, supervised, sink
        self._told: dict[int, bool] = {}
        self._loops: dict[int, LoopState] = {}
        self._faults: dict[int, InputFault | None] = {}

    def start_over(self) -> None:
        """The board was away: everything is news."""
        self._told, self._loops, self._faults = {}, {}, {}

    def take(self, values: Mapping[int, InputValue], now_s: float) -> None:
        """One poll. Its changes travel together; a fault that comes or goes is told before them."""
        states = [(number, self._state(number, value)) for number, value in sorted(values.items())]
        changed = tuple((n, state) for n, state in states if state is not None and self._told.get(n) is not state)
        if changed:
            self._told |= changed
            self._sink.put(InputsChanged(self._device_id, changed, now_s))

    def _state(self, number: int, value: InputValue) -> bool | None:
        """Energised or not; a supervised input is energised while it is active, and neither while it is faulty."""
        supervised = self._supervised.get(number)
        if supervised is None:
            return bool(value)
        loop = self._loops[number] = supervised.judge(int(value), self._loops.get(number))
        fault = _FAULTS.get(loop)
        if number not in self._faults or self._faults[number] is not fault:
            self._faults[number] = fault
            self._sink.put(InputFaultChanged(self._device_id, number, fault))
            if fault is not None:
                self._told.pop(number, None)
        return None if fault is not None else loop is LoopState.ACTIVE
