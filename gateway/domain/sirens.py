"""Who listens when nobody does: sirens and lights, while no console page is live and an alarm waits for a person.

Duress works none: it must not show where the attacker stands. Each alarm works them once, for at most their limit; an
acknowledgement, a guard's silence or the limit ends them.
"""

from dataclasses import dataclass, field

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.commands import Command, PulseOutput, SetOutput
from gateway.domain.door_control import COMMAND_EXPIRY_S, HOLD_EXPIRY_S, DoorControl
from gateway.domain.moment import Moment
from gateway.domain.site import Site, SiteOutput, Terminal

UNWATCHED_AFTER_S = 60.0
"""A guard's page may reload, or be looked at on another machine, within a minute."""
TEST_S = 3.0
"""Long enough to be heard and seen, short enough to frighten nobody."""
LOUD_PRIORITY = 2
"""P1 and P2: what a person must end."""


@dataclass(slots=True)
class SirenState:
    """What a restart must bring back. `*_s` are monotonic seconds of the boot `boot_id`."""

    unwatched_since_s: float | None = None
    """None: a console page is live."""
    sounding: dict[str, float] = field(default_factory=dict)
    """Output -> when its limit ends."""
    sounded: list[str] = field(default_factory=list)
    """Alarms that have worked them already."""
    boot_id: str = ""


class Sirens:
    """The site's sirens and lights. Tells and commands through `doors`, as every room does."""

    def __init__(self, site: Site, state: SirenState, doors: DoorControl, alarms: AlarmBook) -> None:
        self.site, self.state, self.doors, self.alarms = site, state, doors, alarms
        state.sounding = {name: at_s for name, at_s in state.sounding.items() if name in site.outputs}

    def watched(self, signal: sg.ConsoleWatched, moment: Moment) -> None:
        """Somebody has a page open at a console, or nobody has any more."""
        if signal.live:
            self.state.unwatched_since_s = None
        elif self.state.unwatched_since_s is None:
            self.state.unwatched_since_s, self.state.boot_id = moment.monotonic_s, moment.boot_id

    def settle(self, moment: Moment) -> None:
        """At the end of each turn: begin for what nobody sees, end for what is acknowledged or lasted long enough."""
        if not self.site.outputs:
            return
        if self.state.boot_id != moment.boot_id:
            self._take_over(moment)
        waiting = self._waiting()
        # What was acknowledged and is back must be heard again.
        self.state.sounded = [alarm for alarm in self.state.sounded if alarm in waiting]
        if self.state.sounding and not waiting:
            self._stop("acknowledged", moment)
        for name in [name for name, ends_s in self.state.sounding.items() if ends_s <= moment.monotonic_s]:
            del self.state.sounding[name]
            self._tell(ev.SirenStopped(outputs=(name,), because="limit"))
        new = [alarm for alarm in waiting if alarm not in self.state.sounded]
        if new and self._unwatched(moment):
            self._start(new, moment)

    def deadline_s(self) -> float | None:
        """When to settle next, monotonic seconds."""
        if not self.site.outputs:
            return None
        times = list(self.state.sounding.values())
        if self.state.unwatched_since_s is not None and set(self._waiting()) - set(self.state.sounded):
            times.append(self.state.unwatched_since_s + UNWATCHED_AFTER_S)
        return min(times, default=None)

    def test(self, signal: sg.SirenTestRequested, moment: Moment, lost: list[str]) -> str | None:
        """Work one for a moment; None, or the code with which it is refused."""
        output = self.site.outputs.get(signal.output)
        if output is None:
            return "OutputUnknown"
        if output.terminal.device in lost:
            return "DeviceOffline"
        if output.id in self.state.sounding:
            return "SirenSounds"
        by = signal.operator
        self._tell(ev.SirenTested(output=output.id, actor=by.name, post=by.post, request_id=signal.request_id))
        self._pulse(output, TEST_S, moment)
        return None

    def silence(self, signal: sg.SirenSilenceRequested, moment: Moment) -> str | None:
        """End all of them; what has worked them so far works them no more."""
        if not self.site.outputs:
            return "OutputUnknown"
        self.state.sounded = sorted({*self.state.sounded, *self._waiting()})
        by = signal.operator
        self._tell(ev.SirensSilenced(actor=by.name, post=by.post, request_id=signal.request_id))
        self.state.sounding = {}
        for output in self.site.outputs.values():
            self._rest(output.terminal, moment)
        return None

    def output_read(self, device: str, number: int, energised: bool, moment: Moment) -> None:
        """A siren that works though nothing recorded says so, as after a crash, is ended. So is a floor's button."""
        for terminal, wanted in self._terminals():
            if (terminal.device, terminal.number) == (device, number) and energised != terminal.inverted and not wanted:
                command = self._rest(terminal, moment)
                self._tell(ev.OutputFoundActive(device=device, output=number, command_id=command.command_id))

    def outputs_unknown(self, device: str, moment: Moment) -> None:
        """A board that can't say how its outputs stand: each that should rest is told so."""
        for terminal, wanted in self._terminals():
            if terminal.device == device and not wanted:
                self._rest(terminal, moment)

    def _terminals(self) -> list[tuple[Terminal, bool]]:
        """Every output that is no lock, and whether it should work now. A floor's pulses are told of by no board."""
        sirens = [(each.terminal, each.id in self.state.sounding) for each in self.site.outputs.values()]
        return sirens + [(floor, False) for lift in self.site.lifts.values() for floor in lift.floors.values()]

    def _take_over(self, moment: Moment) -> None:
        """Another boot: nobody has been seen at a console yet, and what sounded has fallen silent with the power."""
        self.state.boot_id = moment.boot_id
        self.state.sounding = {}
        if self.state.unwatched_since_s is not None:
            self.state.unwatched_since_s = moment.monotonic_s

    def _waiting(self) -> list[str]:
        return [
            each.alarm
            for each in self.alarms.open.values()
            if each.priority <= LOUD_PRIORITY and not each.acknowledged and each.kind != AlarmKind.DURESS
        ]

    def _unwatched(self, moment: Moment) -> bool:
        since_s = self.state.unwatched_since_s
        return since_s is not None and moment.monotonic_s >= since_s + UNWATCHED_AFTER_S

    def _start(self, alarms: list[str], moment: Moment) -> None:
        self.state.sounded += alarms
        for output in self.site.outputs.values():
            self.state.sounding[output.id] = moment.monotonic_s + output.limit_s
            self._pulse(output, output.limit_s, moment)
        self._tell(ev.SirenStarted(outputs=tuple(self.site.outputs), alarms=tuple(alarms)))

    def _stop(self, because: str, moment: Moment) -> None:
        names, self.state.sounding = tuple(self.state.sounding), {}
        self._tell(ev.SirenStopped(outputs=names, because=because))
        for name in names:
            self._rest(self.site.outputs[name].terminal, moment)

    def _pulse(self, output: SiteOutput, seconds: float, moment: Moment) -> None:
        """Timed by the board where it can, so that none sounds for ever if the gateway dies."""
        terminal = output.terminal
        self.doors.commands.append(
            PulseOutput(
                self.doors.take_command_id(),
                terminal.device,
                terminal.number,
                not terminal.inverted,
                seconds,
                moment.monotonic_s + COMMAND_EXPIRY_S,
            )
        )

    def _rest(self, terminal: Terminal, moment: Moment) -> Command:
        command = SetOutput(
            self.doors.take_command_id(),
            terminal.device,
            terminal.number,
            terminal.inverted,
            moment.monotonic_s + HOLD_EXPIRY_S,
        )
        self.doors.commands.append(command)
        return command

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told
