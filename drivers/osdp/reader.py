"""An OSDP reader: cards, keys, how it is, its light and sound, and the relays and inputs that some have."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import osdp_sys

from drivers.osdp import indications
from drivers.osdp.entropy import stir
from drivers.osdp.panel import Panel
from drivers.osdp.reads import read_card, read_keys
from drivers.osdp.settings import ReaderSettings, read_key
from drivers.osdp.station import REFUSED, Order, Station, stations_of
from drivers.outputs import ExpectedOutputs
from drivers.registry import Driver, DriverContext
from drivers.serial_reader import Card, Key, Rejected, RejectedTally
from drivers.wiegand.formats import FormatTable
from drivers.wiegand.keypad import KeypadKind
from gateway.clock import Clock
from gateway.domain.commands import DeviceCommand, IndicateAtReader, PulseOutput
from gateway.domain.ports import SignalSink
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    DeviceFlagged,
    InputsChanged,
    KeyPressed,
    LinkChanged,
    LinkState,
    OutputsRead,
    ReaderConditionChanged,
)

ASK_EVERY_S = 10.0
"""Readers say a change by themselves at the next poll; those that don't are asked. A question takes a poll's place."""
ASK_SPREAD = 8
"""The readers of a line are asked one after the other, so that a card waits for one question at most."""
ASK_EXPIRES_S = 2.0
TEXT_CARDS = (
    "it says cards as text (osdp_FMT), which can't be read: set its card data format to raw bits (osdp_RAW, Wiegand), "
    "by its maker's tool or configuration card"
)
CHARACTERS_ONLY = 2
"""Capability 3 (v2.2, annex B.4): cards as an array of characters; 1 is bits, 3 is both."""

_LOCAL, _INPUTS, _OUTPUTS = (
    osdp_sys.STATUS_REPORT_LOCAL,
    osdp_sys.STATUS_REPORT_INPUT,
    osdp_sys.STATUS_REPORT_OUTPUT,
)


class OsdpReader:
    """Implements `Reader` and `Indicator`, and `RelayBoard` and `InputBoard` for the relays and inputs in a reader."""

    def __init__(
        self,
        device_id: str,
        settings: ReaderSettings,
        key: bytes | None,
        sink: SignalSink,
        clock: Clock,
        formats: FormatTable,
    ) -> None:
        self._device_id, self._settings, self._keypad = device_id, settings, settings.make_keypad()
        self._sink, self._clock, self._formats = sink, clock, formats
        self.station = Station(settings.address, key, self)
        self._tally = RejectedTally(device_id, sink)
        self._state: LinkState | None = None
        self._flagged = ""
        self._says_text = False
        self._panel: Panel | None = None
        self._refused: set[str] = set()
        self._expected = ExpectedOutputs()
        self._outputs_told = False
        self._inputs: dict[int, bool] = {}
        self._condition: tuple[bool, bool] | None = None
        self._counts = dict.fromkeys(("frames", "keys", "connects", "refused", "commands"), 0)

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._device_id

    def counters(self) -> dict[str, int]:
        """Totals since start; `refused` are handshakes that failed, and commands that the reader would not do."""
        return {**self._counts, **self.station.counts, "rejected": self._tally.total}

    async def run(self) -> None:
        """Ask the reader what it doesn't say by itself, until cancelled. Its bus speaks with it."""
        await asyncio.sleep(ASK_EVERY_S * (self._settings.address % ASK_SPREAD) / ASK_SPREAD)
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            self._tally.tell(self._now_s())
            if self._panel is not None:
                self._ask(self._panel)

    # What it is told

    def indicate(self, command: IndicateAtReader) -> None:
        """Show it by light and sound, as the reader has them; nothing while it is away or too late."""
        if self._panel is None or command.expires_s <= self._now_s():
            return
        shows = (
            ("lights", self._settings.lights, osdp_sys.CAP_READER_LED_CONTROL, indications.light),
            ("sounds", self._settings.sounds, osdp_sys.CAP_READER_AUDIBLE_OUTPUT, indications.sound),
        )
        for name, wanted, function, make in shows:
            if wanted and name not in self._refused and self._panel.capability(function)[0]:
                self.station.give(Order(make(command.indication), command.expires_s, partial(self._noted, name)))

    def submit(self, command: DeviceCommand) -> None:
        """Queue a command to a relay in the reader. An unknown output or an impossible time fails at once."""
        if not 0 <= command.output < self._settings.outputs:
            detail = f"the reader has {self._settings.outputs} outputs"
            self._complete(command, CommandOutcome.FAILED, detail, never_sent=True)
            return
        try:
            steps = self._steps(command)
        except ValueError as error:
            self._complete(command, CommandOutcome.FAILED, str(error), never_sent=True)
            return
        first, *rest = steps
        done = partial(self._done, command)
        if not self.station.give(Order(first, command.expires_s, done)):
            self._complete(command, CommandOutcome.FAILED, "too many commands wait for this reader", never_sent=True)
            return
        for step in rest:
            self.station.give(Order(step, command.expires_s, partial(self._noted, "outputs")))

    def _steps(self, command: DeviceCommand) -> list[dict[str, Any]]:
        if isinstance(command, PulseOutput):
            return list(indications.pulse(command.output, command.energise, command.duration_s))
        return [indications.hold(command.output, command.energise)]

    def _done(self, command: DeviceCommand, outcome: CommandOutcome, detail: str) -> None:
        if outcome is CommandOutcome.DONE:
            self._counts["commands"] += 1
            if isinstance(command, PulseOutput):
                self._expected.pulse(command.output, command.energise, command.duration_s, self._now_s())
            else:
                self._expected.hold(command.output, command.energise)
        else:
            self._expected.forget(command.output)
        self._complete(command, outcome, detail)

    def _noted(self, name: str, _outcome: CommandOutcome, detail: str) -> None:
        """A reader that will not do a thing is not asked for it again: each refusal costs it its connection."""
        if detail == REFUSED:
            self._counts["refused"] += 1
            self._refused.add(name)

    def _ask(self, panel: Panel) -> None:
        """Tamper and power; inputs and outputs where they are used and the reader claims to have them."""
        reports = [("local", _LOCAL, True)]
        reports += [("inputs", _INPUTS, bool(self._settings.inputs and panel.capability(_CAP_INPUTS)[1]))]
        reports += [("outputs", _OUTPUTS, bool(self._settings.outputs and panel.capability(_CAP_OUTPUTS)[1]))]
        for name, kind, wanted in reports:
            if wanted and name not in self._refused:
                expires_s = self._now_s() + ASK_EXPIRES_S
                self.station.give(Order(indications.status(kind), expires_s, partial(self._noted, name)))

    # What becomes of it (`drivers.osdp.station.Listener`)

    def connected(self, panel: Panel, now_s: float) -> None:
        """It is online."""
        self._panel = panel
        self._counts["connects"] += 1
        self._inputs, self._outputs_told = {}, False
        self._says_text |= panel.capability(osdp_sys.CAP_CARD_DATA_FORMAT)[0] == CHARACTERS_ONLY
        self._say(LinkState.ONLINE)
        self._flag(TEXT_CARDS if self._says_text else "")
        self._ask(panel)

    def lost(self, reason: str) -> None:
        """It has been away for so long that it must be told."""
        self._panel = None
        self._say(LinkState.OFFLINE, reason)

    def refused(self, reason: str) -> None:
        """It is there, and can't be let in: offline, with the reason."""
        self._counts["refused"] += 1
        self._panel = None
        self._say(LinkState.OFFLINE, reason)
        self._flag(reason)

    def rejected(self, reason: str) -> None:
        """It said something that can't be used."""
        self._tally.add(reason, self._now_s())

    def said_text(self) -> None:
        """It is set up so that no card of its is ever read: a fault until it says one as bits."""
        self._says_text = True
        self._tally.add(TEXT_CARDS, self._now_s())
        self._flag(TEXT_CARDS)

    def heard(self, event: Mapping[str, Any], now_s: float) -> None:
        """It said something."""
        kind = event.get("event")
        if kind == osdp_sys.EVENT_CARDREAD:
            if self._says_text:
                self._says_text = False
                self._flag("")
            for read in read_card(event, self._formats, self._settings.formats, self._keypad):
                self._tell_read(read, now_s)
        elif kind == osdp_sys.EVENT_KEYPRESS and self._keypad.kind is not KeypadKind.NONE:
            for key in read_keys(event):
                self._tell_read(key, now_s)
        elif kind == osdp_sys.EVENT_STATUS and isinstance(report := event.get("report"), bytes):
            self._tell_report(event.get("type"), report, now_s)

    # What is told

    def _tell_read(self, value: Card | Key | Rejected, now_s: float) -> None:
        match value:
            case Card(readings):
                self._counts["frames"] += 1
                self._sink.put(CardRead(self._device_id, readings, now_s))
            case Key(key):
                self._counts["keys"] += 1
                self._sink.put(KeyPressed(self._device_id, key, now_s))
            case Rejected(reason):
                self._tally.add(reason, now_s)

    def _tell_report(self, kind: object, report: bytes, now_s: float) -> None:
        if kind == _LOCAL and len(report) >= 2:
            self._tell_condition((bool(report[0]), bool(report[1])))
        elif kind == _INPUTS:
            self._tell_inputs(report[: self._settings.inputs], now_s)
        elif kind == _OUTPUTS:
            self._tell_outputs(report[: self._settings.outputs], now_s)

    def _tell_condition(self, condition: tuple[bool, bool]) -> None:
        if condition != self._condition and self._sink.put(ReaderConditionChanged(self._device_id, *condition)):
            self._condition = condition

    def _tell_inputs(self, report: bytes, now_s: float) -> None:
        changed = tuple((n, bool(v)) for n, v in enumerate(report) if self._inputs.get(n) is not bool(v))
        if changed and self._sink.put(InputsChanged(self._device_id, changed, now_s)):
            self._inputs.update(changed)

    def _tell_outputs(self, report: bytes, now_s: float) -> None:
        outputs = tuple((number, bool(value)) for number, value in enumerate(report))
        if not self._outputs_told:
            self._outputs_told = self._sink.put(OutputsRead(self._device_id, outputs))
            self._expected.start_over(outputs if self._outputs_told else ())
            return
        astray = self._expected.surprises(outputs, now_s)
        if astray:
            self._sink.put(OutputsRead(self._device_id, astray))

    def _flag(self, fault: str) -> None:
        if fault != self._flagged:
            self._flagged = fault
            self._sink.put(DeviceFlagged(self._device_id, (fault,) if fault else ()))

    def _complete(
        self, command: DeviceCommand, outcome: CommandOutcome, detail: str, *, never_sent: bool = False
    ) -> None:
        self._sink.put(CommandCompleted(command.command_id, self._device_id, outcome, detail, never_sent))

    def _say(self, state: LinkState, detail: str = "") -> None:
        if state is not self._state:
            self._state = state
            self._sink.put(LinkChanged(self._device_id, state, detail))

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s


_CAP_INPUTS, _CAP_OUTPUTS = osdp_sys.CAP_CONTACT_STATUS_MONITORING, osdp_sys.CAP_OUTPUT_CONTROL


def build(settings: ReaderSettings, context: DriverContext) -> OsdpReader:
    """The reader for one device of the site config, attached to its bus. Raises ConfigError."""
    key = None if settings.key is None else read_key(context.secret(settings.key), settings.key)
    if key is not None:
        stir()  # Where that can't be done, nobody shall find out at the door.
    reader = OsdpReader(context.device_id, settings, key, context.sink, context.clock, context.formats)
    stations_of(context.lines, settings.bus).append(reader.station)
    return reader


DRIVER = Driver("osdp-reader", "reader", ReaderSettings, build, "OSDP reader, with a secure channel")
