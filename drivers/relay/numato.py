"""Numato Lab's USB relay and GPIO modules: commands as text that ends with CR, echoed, answered, and ended by `>`.

Relays and inputs from 10 are capital letters. Source: Numato's user guides of the 2, 8, 16 and 32 channel modules. What
a broken connection left half-typed is ended by the first CR; `reset` is never sent, for it drops every relay. None of
these modules can time a pulse.
"""

import re
import string
from functools import partial

from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext
from drivers.relay.board import SerialBoard
from drivers.relay.board_line import InputQuestion, InputValue
from drivers.relay.serial_talk import SerialTalk
from drivers.relay.settings import NumatoSettings
from gateway.errors import RemoteProtocolError

PROMPT = b">"
MEASURED_MAX = 1023
"""Its converter has 10 bits."""

_NAMES = string.digits + string.ascii_uppercase
_HEX = re.compile(r"[0-9A-Fa-f]{1,16}")


def channel_name(number: int) -> str:
    """How a relay or input is called: 0 to 9, then A to V."""
    return _NAMES[number]


def read_reply(data: bytes, command: str) -> str | None:
    """What answers `command`, without echo and prompt ("" where nothing does); None while the prompt is missing.

    What comes before the command's own echo, such as a prompt that is late, is passed over. Raises RemoteProtocolError.
    """
    *whole, _ = data.split(PROMPT)
    for text in whole:
        lines = [line for line in re.split(rb"[\r\n]+", text) if line.strip()]
        if not lines or " ".join(lines[0].decode("ascii", "replace").split()) != command:
            continue
        if len(lines) > 2:
            raise RemoteProtocolError("the board answered more than one line")
        return lines[1].decode("ascii", "replace").strip() if len(lines) == 2 else ""
    return None


def read_mask(answer: str, count: int) -> tuple[bool, ...]:
    """The bits of a `readall`, the lowest first. Raises RemoteProtocolError."""
    if not _HEX.fullmatch(answer) or 4 * len(answer) < count:
        raise RemoteProtocolError(f"the board answered no {count} bits")
    mask = int(answer, 16)
    return tuple(bool(mask >> number & 1) for number in range(count))


def read_word(answer: str, words: dict[str, bool]) -> bool:
    """An answer of one word. Raises RemoteProtocolError."""
    if answer not in words:
        raise RemoteProtocolError(f"the board answered none of {', '.join(words)}")
    return words[answer]


def read_measured(answer: str) -> int:
    """A converter's value. Raises RemoteProtocolError."""
    if not answer.isascii() or not answer.isdigit() or len(answer) > 4 or int(answer) > MEASURED_MAX:
        raise RemoteProtocolError(f"the board measured nothing from 0 to {MEASURED_MAX}")
    return int(answer)


class NumatoLine:
    """Implements `drivers.relay.board_line.BoardLine`."""

    def __init__(self, talk: SerialTalk, settings: NumatoSettings) -> None:
        self._talk, self._settings = talk, settings

    async def open(self) -> None:
        """Open the port, and end what may lie half-typed in the board. Raises LinkError, RemoteProtocolError."""
        await self._talk.open()
        await self._talk.ask(b"\r", lambda data: PROMPT in data or None, self._settings.timeout_s)

    async def close(self) -> None:
        """Close the port."""
        await self._talk.close()

    async def read_outputs(self) -> tuple[bool, ...]:
        """All relays: one `relay readall`, or one by one. Raises LinkError, RemoteProtocolError."""
        count = self._settings.outputs
        if count and self._settings.readall:
            return read_mask(await self._ask("relay readall"), count)
        for ask in () if count else self.input_questions()[:1]:
            await ask()
        words = {"on": True, "off": False}
        return tuple([read_word(await self._ask(f"relay read {channel_name(n)}"), words) for n in range(count)])

    def input_questions(self) -> list[InputQuestion]:
        """One `gpio readall`, or a `gpio read` for each input; an `adc read` for each supervised one."""
        supervised = sorted(self._settings.supervised_inputs)
        plain = [number for number in range(self._settings.inputs) if number not in supervised]
        questions: list[InputQuestion] = [partial(self._measure, number) for number in supervised]
        if self._settings.gpio_readall:
            return [partial(self._read_all, plain), *questions] if plain else questions
        return [partial(self._read_one, number) for number in plain] + questions

    async def _read_all(self, numbers: list[int]) -> dict[int, InputValue]:
        mask = read_mask(await self._ask("gpio readall"), numbers[-1] + 1)
        return {number: mask[number] for number in numbers}

    async def _read_one(self, number: int) -> dict[int, InputValue]:
        return {number: read_word(await self._ask(f"gpio read {channel_name(number)}"), {"1": True, "0": False})}

    async def _measure(self, number: int) -> dict[int, InputValue]:
        return {number: read_measured(await self._ask(f"adc read {channel_name(number)}"))}

    async def switch(self, output: int, energise: bool) -> bool:
        """The board echoes it, which confirms nothing: the shell reads it back. Raises as above."""
        answer = await self._ask(f"relay {'on' if energise else 'off'} {channel_name(output)}")
        if answer:
            raise RemoteProtocolError("the board answered a command that has no answer")
        return False

    async def pulse(self, output: int, energise: bool, duration_s: float) -> bool:
        """Never asked for: `times_pulse` is false."""
        raise NotImplementedError

    async def _ask(self, command: str) -> str:
        data = command.encode("ascii") + b"\r"
        return await self._talk.ask(data, lambda held: read_reply(held, command), self._settings.timeout_s)


def build(settings: NumatoSettings, context: DriverContext) -> SerialBoard:
    """The board for one device of the site config."""
    line = NumatoLine(SerialTalk(SerialLink(settings.port, settings.baud)), settings)
    return SerialBoard(context.device_id, line, settings, context.sink, context.clock)


DRIVER = Driver("numato", "relay_board", NumatoSettings, build, "Numato Lab USB relay modules with GPIO and converter")
