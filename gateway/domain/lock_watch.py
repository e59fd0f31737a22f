"""What boards say of the doors' locks: how outputs stand, that a board is back, and how commands ended."""

from gateway.domain.alarm import AlarmKind
from gateway.domain.door import RELEASE_GRACE_S, DoorMachine, DoorPhase
from gateway.domain.door_control import DoorControl
from gateway.domain.events import LockFoundReleased
from gateway.domain.moment import Moment

HOLD_RETRY_S = 2.0


class LockWatch:
    """Puts right what is not as the doors have it, and says again what was not taken."""

    def __init__(self, doors: DoorControl) -> None:
        self.doors = doors

    def output_read(self, device: str, output: int, energised: bool, moment: Moment) -> None:
        """A board says how an output stands: put right what nothing recorded explains."""
        for machine in self.doors.machines.values():
            terminal = machine.door.lock.output
            if (terminal.device, terminal.number) != (device, output):
                continue
            if energised == machine.door.lock.release_energised:
                self._found_released(machine, moment)
            else:
                self._found_secured(machine, moment)

    def outputs_unknown(self, device: str, moment: Moment) -> None:
        """A board that can't say how its outputs stand is connected: each lock on it is told what it should do.

        A gateway that died in the middle of a pulse which it timed itself leaves that lock released, and here nothing
        else would ever tell. A pulse that goes on is left alone, and its end is said in so many words.
        """
        for machine in self.doors.machines.values():
            state = machine.state
            if machine.door.lock.output.device != device:
                continue
            if state.release_ends_s is not None:
                state.retry_at_s = state.release_ends_s + RELEASE_GRACE_S
            else:
                self.doors.say_again(machine, moment)

    def device_returned(self, device: str, moment: Moment) -> None:
        """A relay board is back: say again what must last."""
        for machine in self.doors.machines.values():
            if machine.door.lock.output.device != device:
                continue
            if machine.state.phase is DoorPhase.FREE or machine.state.pulse_owed:
                self.doors.say_again(machine, moment)

    def is_untold(self, command_id: str) -> bool:
        """Is it one of a stuck exit button's releases that the journal was not told of?"""
        return any(machine.state.untold_command == command_id for machine in self.doors.machines.values())

    def pulse_unsent(self, command_id: str, moment: Moment, *, at_once: bool) -> bool:
        """A command never went out; True if it was one of a door's release. `at_once`: its board refused to take it."""
        for door, machine in self.doors.machines.items():
            if machine.forget_pulse(command_id):
                # A button that is still pressed asks again at its release's end: at once, it would do so for ever.
                renewed = machine.state.rex_pressed and (at_once or machine.state.pulse_ends_s)
                if not renewed:
                    self.doors.never_sent(door, command_id, moment)
                return True
        return False

    def command_done(self, command_id: str) -> None:
        """A device confirmed it: a lock that was found released is secured, if this was to secure it."""
        for door, machine in self.doors.machines.items():
            if machine.state.command_id == command_id and not machine.state.lock_released:
                self.doors.events += self.doors.alarms.normal(AlarmKind.LOCK_FOUND_RELEASED, door)

    def command_taken(self, command_id: str) -> None:
        """It went out to its device, confirmed or not: a barrier's pulse is owed no more."""
        for machine in self.doors.machines.values():
            if machine.state.command_id == command_id:
                machine.state.pulse_owed = False

    def command_failed(self, command_id: str, moment: Moment, *, undone: bool) -> str | None:
        """The door whose newest command this was; a lasting state is sent again until it is confirmed.

        `undone`: it was a release that its board refused at once, so that there is nothing to secure.
        """
        for door, machine in self.doors.machines.items():
            state = machine.state
            if state.command_id == command_id:
                rests = not state.lock_released and not undone
                if state.phase is DoorPhase.FREE or rests or state.pulse_owed:
                    state.retry_at_s, state.boot_id = moment.monotonic_s + HOLD_RETRY_S, moment.boot_id
                return door
        return None

    def _found_released(self, machine: DoorMachine, moment: Moment) -> None:
        state, door = machine.state, machine.door.id
        if state.phase is DoorPhase.FREE:
            return
        if state.release_ends_s is not None:
            # Whoever timed this pulse may be gone with it: at its end, secure the lock in so many words.
            state.retry_at_s = state.release_ends_s + RELEASE_GRACE_S
        elif not state.lock_released:
            command = self.doors.set_lock(machine.door, False, moment)
            if not self.doors.alarms.is_active(AlarmKind.LOCK_FOUND_RELEASED, door):
                self.doors.events.append(LockFoundReleased(door=door, command_id=command.command_id))
            self.doors.events += self.doors.alarms.raise_alarm(AlarmKind.LOCK_FOUND_RELEASED, door, moment, door=door)

    def _found_secured(self, machine: DoorMachine, moment: Moment) -> None:
        self.doors.events += self.doors.alarms.normal(AlarmKind.LOCK_FOUND_RELEASED, machine.door.id)
        if machine.state.phase is DoorPhase.FREE:
            self.doors.say_again(machine, moment)
