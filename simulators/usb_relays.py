"""USB relay boards that are no Modbus: LCUS-1 to LCUS-8, HW-667 and Numato's modules, byte by byte as they are told.

The boards are pure: bytes and times in, bytes out; `RelaysOnLine` puts one on a line.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from simulators.device import Surroundings
from simulators.loops import Loops
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice, PtyLine

LIVENESS_S = 10.0
COMMAND_MAX = 64
"""More text than any command of Numato's has; the module forgets the line then."""


class UsbRelays(Protocol):
    """What the line needs of a board."""

    coils: list[bool]
    frames: int
    bad_frames: int

    def hear(self, data: bytes, now_s: float) -> bytes:
        """Take what came; what it says to that."""
        ...

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        ...

    def deadline(self) -> float | None:
        """When something next changes by itself."""
        ...


@dataclass(slots=True)
class LcusBoard:
    """Commands of four bytes, the last the sum of the others; some answer FF: `says` is silence, bytes or lines."""

    coils: list[bool] = field(default_factory=lambda: [False])
    says: str = "silence"
    frames: int = 0
    bad_frames: int = 0
    _held: bytes = b""

    def hear(self, data: bytes, now_s: float) -> bytes:
        """Bytes before a start mark are nothing; a command that fails its sum is dropped whole."""
        self._held += data
        said = b""
        while self._held:
            if self._held[0] == 0xFF:
                self._held = self._held[1:]
                said += self._state()
            elif self._held[0] != 0xA0:
                self._held = self._held[1:]
                self.bad_frames += 1
            elif len(self._held) < 4:
                break
            else:
                self._do(self._held[:4])
                self._held = self._held[4:]
        return said

    def advance(self, now_s: float) -> None:
        """Nothing here passes with time."""

    def deadline(self) -> float | None:
        """Never."""
        return None

    def _do(self, frame: bytes) -> None:
        _, relay, state, total = frame
        if (0xA0 + relay + state) % 256 != total or state > 1 or not 1 <= relay <= len(self.coils):
            self.bad_frames += 1
            return
        self.frames += 1
        self.coils[relay - 1] = state == 1

    def _state(self) -> bytes:
        if self.says == "bytes":
            return bytes(self.coils)
        if self.says == "lines":
            return "".join(f"CH{n}: {'ON ' if on else 'OFF'}\r\n" for n, on in enumerate(self.coils, 1)).encode()
        return b""


@dataclass(slots=True)
class Hw667Board:
    """One byte, one deed: AA on, BB off, CC on for a second."""

    coils: list[bool] = field(default_factory=lambda: [False])
    frames: int = 0
    bad_frames: int = 0
    ends_s: float | None = None

    def hear(self, data: bytes, now_s: float) -> bytes:
        """It says nothing, ever."""
        for byte in data:
            if byte not in (0xAA, 0xBB, 0xCC):
                self.bad_frames += 1
                continue
            self.frames += 1
            self.coils[0] = byte != 0xBB
            self.ends_s = now_s + 1.0 if byte == 0xCC else None
        return b""

    def advance(self, now_s: float) -> None:
        """End the second."""
        if self.ends_s is not None and self.ends_s <= now_s:
            self.coils[0], self.ends_s = False, None

    def deadline(self) -> float | None:
        """When the second is over."""
        return self.ends_s


@dataclass(slots=True)
class NumatoBoard:
    """A command line: every byte is echoed, CR does it, `>` asks for the next."""

    coils: list[bool] = field(default_factory=lambda: [False] * 8)
    inputs: list[bool] = field(default_factory=lambda: [False] * 8)
    measured: dict[int, int] = field(default_factory=dict)
    frames: int = 0
    bad_frames: int = 0
    _line: str = ""

    def hear(self, data: bytes, now_s: float) -> bytes:
        """Echo it, and do each line that it ends."""
        said = b""
        for byte in data:
            if byte == 0x0D:
                answer = self._do(self._line.split()) if self._line.strip() else ""
                said += b"\n\r" + (answer.encode() + b"\n\r" if answer else b"") + b">"
                self._line = ""
            else:
                said += bytes([byte])
                self._line = (self._line + chr(byte))[-COMMAND_MAX:]
        return said

    def advance(self, now_s: float) -> None:
        """Nothing here passes with time."""

    def deadline(self) -> float | None:
        """Never."""
        return None

    def _do(self, words: list[str]) -> str:
        self.frames += 1
        match words:
            case ["relay" | "gpio" as what, "readall"]:
                bits = self.coils if what == "relay" else self.inputs
                return f"{sum(on << number for number, on in enumerate(bits)):0{(len(bits) + 3) // 4}X}"
            case ["relay", "on" | "off" as deed, name] if (relay := _number(name, len(self.coils))) is not None:
                self.coils[relay] = deed == "on"
                return ""
            case ["relay", "read", name] if (relay := _number(name, len(self.coils))) is not None:
                return "on" if self.coils[relay] else "off"
            case ["gpio", "read", name] if (pin := _number(name, len(self.inputs))) is not None:
                return str(int(self.inputs[pin]))
            case ["adc", "read", name] if (pin := _number(name, len(self.inputs))) is not None:
                return str(self.measured.get(pin, 1023 if self.inputs[pin] else 0))
            case ["reset"]:
                self.coils = [False] * len(self.coils)
                return ""
            case ["ver"]:
                return "00000008"
        self.frames -= 1
        self.bad_frames += 1
        return "Error"


def _number(name: str, count: int) -> int | None:
    """The modules read one character, and only capitals."""
    number = "0123456789ABCDEFGHIJKLMNOPQRSTUV".find(name[:1])
    return number if 0 <= number < count else None


class RelaysOnLine(LineDevice):
    """A board behind a line. `changed` is called after anything that may have moved a relay."""

    def __init__(self, board: UsbRelays, line: PtyLine, changed: Callable[[], None]) -> None:
        super().__init__(line)
        self.board, self._changed = board, changed
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._heard_s: float | None = None
        line.receive = self._receive

    async def unplug(self) -> None:
        """Pull the cable, and with it the power: the relays drop."""
        self.line.unplug()
        self.board.coils[:] = [False] * len(self.board.coils)
        self._changed()

    @property
    def coils(self) -> list[bool]:
        """Which are energised."""
        return self.board.coils

    def frames(self) -> dict[str, int]:
        """How many commands it has heard."""
        return {"frames": self.board.frames, "bad_frames": self.board.bad_frames}

    def _receive(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        said = self.board.hear(data, self._heard_s)
        if said:
            self.line.send(said)
        self._settle()

    def _settle(self) -> None:
        self.board.advance(self._loop.time())
        if self._timer is not None:
            self._timer.cancel()
        due = self.board.deadline()
        self._timer = None if due is None else self._loop.call_at(due, self._settle)
        self._changed()


class NumatoOnLine(RelaysOnLine):
    """Numato's have inputs too, and are asked all the time."""

    def __init__(self, board: NumatoBoard, line: PtyLine, changed: Callable[[], None]) -> None:
        super().__init__(board, line, changed)
        self._numato = board
        self.loops = Loops()
        """Of its supervised inputs."""

    @property
    def inputs(self) -> list[bool]:
        """Which are energised."""
        return self._numato.inputs

    def set_input(self, number: int, energised: bool) -> None:
        """What the wire shows now."""
        self._numato.inputs[number] = energised
        measured = self.loops.measured(number, energised)
        if measured is not None:
            self._numato.measured[number] = measured

    def is_polled(self) -> bool:
        """Whether somebody asked the module within the last ten seconds."""
        return self._heard_s is not None and self._loop.time() - self._heard_s < LIVENESS_S


def make_lcus(plan: DevicePlan, surroundings: Surroundings) -> RelaysOnLine:
    """`driver = "lcus"`: those with eight relays answer in bytes, smaller ones in lines, where they answer."""
    outputs = int(plan.settings.get("outputs", 1))
    says = ("bytes" if outputs == 8 else "lines") if plan.settings.get("answers") else "silence"
    return RelaysOnLine(LcusBoard([False] * outputs, says), surroundings.line(plan.port), surroundings.changed)


def make_hw667(plan: DevicePlan, surroundings: Surroundings) -> RelaysOnLine:
    """`driver = "hw-667"`."""
    return RelaysOnLine(Hw667Board(), surroundings.line(plan.port), surroundings.changed)


def make_numato(plan: DevicePlan, surroundings: Surroundings) -> NumatoOnLine:
    """`driver = "numato"`: a USB CDC device, whose line is as fast as USB."""
    outputs, inputs = int(plan.settings.get("outputs", 8)), int(plan.settings.get("inputs", 0))
    board = NumatoBoard([False] * outputs, [False] * inputs)
    on_line = NumatoOnLine(board, surroundings.line(plan.port, baud=1_000_000), surroundings.changed)
    on_line.loops = Loops(plan.loops)
    for number in plan.loops:
        on_line.set_input(number, False)
    return on_line
