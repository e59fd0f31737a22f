"""Who listens when nobody does: sirens and lights, while no console page is live and an alarm waits for a person.

Duress works none: it must not show where the attacker stands. Each alarm works them once, for at most their limit; an
acknowledgement, a guard's silence or the limit ends them.

What should be on is said again, for the rest of its time, to a board that lost it (its power, a start, a command that
failed); what should rest likewise. How each is, is what its board has said since this process began.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.door_control import COMMAND_EXPIRY_S, HOLD_EXPIRY_S, DoorControl
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.site import Site, SiteOutput, Terminal

UNWATCHED_AFTER_S = 60.0
"""A guard's page may reload, or be looked at on another machine, within a minute."""
TEST_S = 3.0
"""Long enough to be heard and seen, short enough to frighten nobody."""
RETRY_S = 10.0
"""A board that refuses is asked again this often: a siren of half an hour comes to 180 records at most."""
SHORTEST_S = 1.0
"""A shorter rest of a call is worth no command."""
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
    seen: Moment | None = None
    """The last turn in which one called: by it another boot reckons what is left."""


@dataclass(frozen=True, slots=True)
class _Told:
    """The newest lasting word to an output: to call, or to rest."""

    command_id: str
    works: bool


class Sirens:
    """The site's sirens and lights. Tells and commands through `doors`, as every room does.

    `lost` are the devices that are away, kept by the controller: once one is back it says how its outputs are.
    """

    def __init__(
        self, site: Site, state: SirenState, doors: DoorControl, alarms: AlarmBook, lost: Sequence[str]
    ) -> None:
        self.site, self.state, self.doors, self.alarms, self.lost = site, state, doors, alarms, lost
        state.sounding = {name: at_s for name, at_s in state.sounding.items() if name in site.outputs}
        self._confirmed: dict[str, bool] = {}
        """Output -> whether it works, by its board; one whose board is away or has not said so is missing."""
        self._told: dict[str, _Told] = {}
        self._retries: dict[str, float] = {}
        """Output -> when it is told again, monotonic seconds."""

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
        self._say_again_what_failed(moment)
        waiting = self._waiting()
        # What was acknowledged and is back must be heard again.
        self.state.sounded = [alarm for alarm in self.state.sounded if alarm in waiting]
        if self.state.sounding and not waiting:
            self._stop("acknowledged", moment)
        for name in [name for name, ends_s in self.state.sounding.items() if ends_s <= moment.monotonic_s]:
            del self.state.sounding[name]
            self._tell(ev.SirenStopped(outputs=(name,), because="limit"))
            self._let_rest([name], moment)  # Whoever timed its pulse may be gone with it.
        new = [alarm for alarm in waiting if alarm not in self.state.sounded]
        if new and self._unwatched(moment):
            self._start(new, moment)
        self.state.seen = moment if self.state.sounding else None

    def deadline_s(self) -> float | None:
        """When to settle next, monotonic seconds."""
        if not self.site.outputs:
            return None
        times = [*self.state.sounding.values(), *self._retries.values()]
        if self.state.unwatched_since_s is not None and set(self._waiting()) - set(self.state.sounded):
            times.append(self.state.unwatched_since_s + UNWATCHED_AFTER_S)
        return min(times, default=None)

    def test(self, signal: sg.SirenTestRequested, moment: Moment) -> str | None:
        """Work one for a moment; None, or the code with which it is refused."""
        output = self.site.outputs.get(signal.output)
        if output is None:
            return "OutputUnknown"
        if output.terminal.device in self.lost:
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
        self._let_rest(self.site.outputs, moment)
        return None

    def working(self) -> list[str]:
        """Those that work, as their boards say."""
        return sorted(name for name, works in self._confirmed.items() if works)

    def unconfirmed(self) -> list[str]:
        """Those that should call and of which no board says that they do."""
        return sorted(name for name in self.state.sounding if not self._confirmed.get(name))

    def output_read(self, device: str, number: int, energised: bool, moment: Moment) -> None:
        """One that calls and doesn't work, as after a power cut, is told again.

        What works though nothing recorded says so, as after a crash, is ended. So is a floor's button.
        """
        for terminal, name in self._terminals():
            if (terminal.device, terminal.number) != (device, number):
                continue
            works, wanted = energised != terminal.inverted, name in self.state.sounding
            if name:
                self._confirmed[name] = works
            if works and not wanted:
                command = self._quieten(name, moment) if name else self._rest(terminal, moment)
                self._tell(ev.OutputFoundActive(device=device, output=number, command_id=command.command_id))
            elif wanted and not works:
                self._call(name, moment)

    def outputs_unknown(self, device: str, moment: Moment) -> None:
        """A board that can't say how its outputs stand: each is told what it should do."""
        for terminal, name in self._terminals():
            if terminal.device != device:
                continue
            if not name:
                self._rest(terminal, moment)
            else:
                self._say_again(name, moment)

    def board_lost(self, device: str) -> None:
        """Nobody knows how its outputs are; it says so when it is back."""
        for name, output in self.site.outputs.items():
            if output.terminal.device == device:
                self._confirmed.pop(name, None)
                self._retries.pop(name, None)

    def command_ended(self, command_id: str, failed: bool, moment: Moment) -> None:
        """A board has taken a command, or not; a lasting one that failed is said again in a while."""
        for name, told in self._told.items():
            if told.command_id != command_id:
                continue
            if not failed:
                self._confirmed[name] = told.works
            elif self.site.outputs[name].terminal.device not in self.lost:
                self._retries[name] = moment.monotonic_s + RETRY_S

    def _terminals(self) -> list[tuple[Terminal, str]]:
        """Every output that is no lock, with the siren's id; a floor's has none, and its pulses are told of nowhere."""
        sirens = [(each.terminal, each.id) for each in self.site.outputs.values()]
        return sirens + [(floor, "") for lift in self.site.lifts.values() for floor in lift.floors.values()]

    def _take_over(self, moment: Moment) -> None:
        """Another boot: nobody has been seen at a console yet, and what called goes on for the rest of its time.

        While the clock is suspect nobody knows how long the power was away: that time is not taken off.
        """
        self.state.boot_id = moment.boot_id
        if self.state.unwatched_since_s is not None:
            self.state.unwatched_since_s = moment.monotonic_s
        seen = self.state.seen
        if seen is None:
            self.state.sounding = {}
            return
        away_s = max(0.0, (moment.wall - seen.wall).total_seconds())
        away_s = 0.0 if moment.quality is ClockQuality.SUSPECT else away_s
        shift_s = moment.monotonic_s - seen.monotonic_s - away_s
        self.state.sounding = {name: ends_s + shift_s for name, ends_s in self.state.sounding.items()}

    def _say_again_what_failed(self, moment: Moment) -> None:
        for name in [name for name, at_s in self._retries.items() if at_s <= moment.monotonic_s]:
            self._say_again(name, moment)

    def _say_again(self, name: str, moment: Moment) -> None:
        if name in self.state.sounding:
            self._call(name, moment)
        else:
            self._quieten(name, moment)

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
            self._call(output.id, moment)
        self._tell(ev.SirenStarted(outputs=tuple(self.site.outputs), alarms=tuple(alarms)))

    def _stop(self, because: str, moment: Moment) -> None:
        names, self.state.sounding = tuple(self.state.sounding), {}
        self._tell(ev.SirenStopped(outputs=names, because=because))
        self._let_rest(names, moment)

    def _let_rest(self, names: Iterable[str], moment: Moment) -> None:
        """Those whose boards are there: a command that fails would be an alarm, which calls."""
        for name in names:
            if self.site.outputs[name].terminal.device not in self.lost:
                self._quieten(name, moment)

    def _call(self, name: str, moment: Moment) -> None:
        """Have it work until its time is over."""
        self._retries.pop(name, None)
        left_s = self.state.sounding[name] - moment.monotonic_s
        if left_s >= SHORTEST_S:
            command = self._pulse(self.site.outputs[name], left_s, moment)
            self._told[name] = _Told(command.command_id, works=True)

    def _quieten(self, name: str, moment: Moment) -> SetOutput:
        """Have it rest, and go on until its board has taken that."""
        self._retries.pop(name, None)
        command = self._rest(self.site.outputs[name].terminal, moment)
        self._told[name] = _Told(command.command_id, works=False)
        return command

    def _pulse(self, output: SiteOutput, seconds: float, moment: Moment) -> PulseOutput:
        """Timed by the board where it can, so that none sounds for ever if the gateway dies."""
        terminal = output.terminal
        command = PulseOutput(
            self.doors.take_command_id(),
            terminal.device,
            terminal.number,
            not terminal.inverted,
            seconds,
            moment.monotonic_s + COMMAND_EXPIRY_S,
        )
        self.doors.commands.append(command)
        return command

    def _rest(self, terminal: Terminal, moment: Moment) -> SetOutput:
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
