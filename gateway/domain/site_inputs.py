"""What inputs say: fire, exits, the site's other inputs and the doors' contacts; and supervised loops at fault.

A loop at fault says nothing of what is at its end: a contact is then neither open nor closed, an exit button isn't
pressed (the wiring still opens), and a fire input releases nothing, while a fire that is latched stays latched.
"""

from dataclasses import dataclass
from enum import IntEnum

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.door_control import DoorControl
from gateway.domain.moment import Moment
from gateway.domain.site import InputPurpose, Site, Terminal
from gateway.domain.snapshot import ControllerState, DueAlarm

ALARMS: dict[InputPurpose, AlarmKind] = {
    InputPurpose.FIRE: AlarmKind.FIRE,
    InputPurpose.PANIC: AlarmKind.PANIC,
    InputPurpose.TAMPER: AlarmKind.TAMPER,
    InputPurpose.MAINS: AlarmKind.MAINS_LOST,
    InputPurpose.BATTERY: AlarmKind.BATTERY_LOW,
    InputPurpose.LIFT_FAULT: AlarmKind.LIFT_FAULT,
    InputPurpose.PUMP_FAULT: AlarmKind.PUMP_FAULT,
}
LASTING = (InputPurpose.FIRE, InputPurpose.PANIC)
"""The input's return to normal ends neither: a person clears the fire, and a panic button springs back by itself."""


class _Rank(IntEnum):
    """One poll's changes in this order: fire first, then exits, contacts last, so that no exit looks forced."""

    FIRE = 0
    REX = 1
    SITE = 2
    CONTACT = 3


@dataclass(frozen=True, slots=True)
class _Wire:
    """What an input is wired to: a door's exit button or contact, or a site input, by its id."""

    rank: _Rank
    id: str
    terminal: Terminal


class SiteInputs:
    """The inputs of one site. What is active, at fault or not yet an alarm lies in the controller's state."""

    def __init__(self, site: Site, state: ControllerState, doors: DoorControl, alarms: AlarmBook) -> None:
        self.site, self.state, self.doors, self.alarms = site, state, doors, alarms
        self._wires: dict[tuple[str, int], tuple[_Wire, ...]] = {}
        for wire in _wires(site):
            place = (wire.terminal.device, wire.terminal.number)
            self._wires[place] = (*self._wires.get(place, ()), wire)
        known = frozenset(site.inputs)
        state.active_inputs = [name for name in state.active_inputs if name in known]
        state.input_faults = {name: fault for name, fault in state.input_faults.items() if name in known}
        state.inputs_due = {name: due for name, due in state.inputs_due.items() if name in known}

    def changed(self, signal: sg.InputsChanged, moment: Moment) -> bool:
        """True: an exit or fire, whose commands wait for nothing. What is told of an input says its loop is whole."""
        told = [(wire, energised) for number, energised in signal.inputs for wire in self._at(signal.device, number)]
        urgent = False
        for wire, energised in sorted(told, key=lambda pair: pair[0].rank):
            self._fault(wire, "", moment)
            active = energised != wire.terminal.inverted
            if wire.rank is _Rank.REX:
                urgent |= self._rex(wire.id, active, moment)
            elif wire.rank is _Rank.CONTACT:
                self.doors.contact(wire.id, active, moment)
            else:
                urgent |= self._site_input(wire.id, active, moment)
        return urgent

    def fault_changed(self, signal: sg.InputFaultChanged, moment: Moment) -> None:
        """A supervised loop is at fault, or whole again; what is known already is no news."""
        fault = "" if signal.fault is None else signal.fault.value
        for wire in self._at(signal.device, signal.input):
            self._fault(wire, fault, moment)

    def run_timers(self, moment: Moment) -> None:
        """Raise what has been active for long enough."""
        for input_id, due in list(self.state.inputs_due.items()):
            if due.is_over(moment):
                del self.state.inputs_due[input_id]
                self._raise(ALARMS[self.site.inputs[input_id].purpose], input_id, moment)

    def deadline_s(self) -> float | None:
        """When next an input has been active for long enough, monotonic seconds."""
        return min((due.at_s for due in self.state.inputs_due.values()), default=None)

    def _at(self, device: str, number: int) -> tuple[_Wire, ...]:
        return self._wires.get((device, number), ())

    def _fault(self, wire: _Wire, fault: str, moment: Moment) -> None:
        if wire.rank in (_Rank.REX, _Rank.CONTACT):
            self._door_input_fault(wire.id, wire.rank, fault, moment)
        else:
            self._site_input_fault(wire.id, fault, moment)

    def _rex(self, door: str, pressed: bool, moment: Moment) -> bool:
        if pressed and self.doors.machines[door].state.rex_pressed:
            return False
        if pressed:
            self._tell(ev.ExitPressed(door=door))
        self.doors.rex(door, pressed, moment)
        return pressed

    def _site_input(self, input_id: str, active: bool, moment: Moment) -> bool:
        if (input_id in self.state.active_inputs) == active:
            return False
        site_input = self.site.inputs[input_id]
        purpose = site_input.purpose
        if not active:
            self.state.active_inputs.remove(input_id)
            self.state.inputs_due.pop(input_id, None)
            self._tell(ev.InputNormal(input=input_id, purpose=purpose.value))
            if purpose not in LASTING:
                self._tell(*self.alarms.normal(ALARMS[purpose], input_id))
            return False
        self.state.active_inputs.append(input_id)
        self._tell(ev.InputActivated(input=input_id, purpose=purpose.value))
        if purpose is InputPurpose.FIRE:
            self._fire(input_id, moment)
        elif site_input.delay_s:
            self.state.inputs_due[input_id] = DueAlarm(moment.monotonic_s + site_input.delay_s, moment.boot_id)
        else:
            self._raise(ALARMS[purpose], input_id, moment)
        return purpose is InputPurpose.FIRE

    def _fire(self, input_id: str, moment: Moment) -> None:
        if not self.state.fire_latched:
            self.state.fire_latched = True
            self._tell(ev.FireDetected(input=input_id))
        self._raise(AlarmKind.FIRE, "fire", moment)
        self.doors.set_fire(True, moment)

    def _site_input_fault(self, input_id: str, fault: str, moment: Moment) -> None:
        if self.state.input_faults.get(input_id, "") == fault:
            return
        purpose = self.site.inputs[input_id].purpose
        self._tell(ev.InputFaultChanged(input=input_id, purpose=purpose.value, fault=fault or None))
        kind = AlarmKind.FIRE_INPUT_FAULT if purpose is InputPurpose.FIRE else AlarmKind.INPUT_FAULT
        if fault:
            self.state.input_faults[input_id] = fault
            self._raise(kind, input_id, moment)
        else:
            del self.state.input_faults[input_id]
            self._tell(*self.alarms.normal(kind, input_id))

    def _door_input_fault(self, door: str, rank: _Rank, fault: str, moment: Moment) -> None:
        state, rex = self.doors.machines[door].state, rank is _Rank.REX
        if (state.rex_fault if rex else state.contact_fault) == fault:
            return
        part, kind = ("rex", AlarmKind.REX_FAULT) if rex else ("contact", AlarmKind.CONTACT_FAULT)
        self._tell(ev.DoorInputFaultChanged(door=door, part=part, fault=fault or None))
        if rex:
            state.rex_fault = fault
            if fault and state.rex_pressed:
                self.doors.rex(door, False, moment)
        else:
            state.contact_fault = fault
        if fault:
            camera = next((c.id for c in self.site.cameras.values() if door in c.doors), None)
            self._tell(*self.alarms.raise_alarm(kind, door, moment, door=door, camera=camera))
        else:
            self._tell(*self.alarms.normal(kind, door))

    def _raise(self, kind: AlarmKind, source: str, moment: Moment) -> None:
        self._tell(*self.alarms.raise_alarm(kind, source, moment))

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told


def _wires(site: Site) -> list[_Wire]:
    wires = [
        _Wire(_Rank.FIRE if each.purpose is InputPurpose.FIRE else _Rank.SITE, each.id, each.terminal)
        for each in site.inputs.values()
    ]
    wires += [_Wire(_Rank.REX, door.id, door.rex) for door in site.doors.values() if door.rex is not None]
    wires += [_Wire(_Rank.CONTACT, door.id, door.contact) for door in site.doors.values() if door.contact is not None]
    return wires
