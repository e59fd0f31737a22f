"""What a board's own protocol must offer to the shell (`drivers.relay.board`)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

InputValue = bool | int
"""True or False: energised. A number: what an analogue input measured, in the board's own steps."""

InputQuestion = Callable[[], Awaitable[dict[int, InputValue]]]
"""Asks once; what it says of some inputs, by number. Raises as `BoardLine` does."""


class BoardLine(Protocol):
    """One board behind its port; one question or command at a time.

    Every method but `close` raises LinkError (the port is gone), RemoteProtocolError (no answer or a wrong one: it is
    asked again) or CommandFailed (the board refused).
    """

    async def open(self) -> None:
        """Open the port; switches nothing."""
        ...

    async def close(self) -> None:
        """Close the port; writes nothing. Closing twice is fine."""
        ...

    async def read_outputs(self) -> tuple[bool, ...] | None:
        """All outputs; None from a board that can't say, after a look whether its port is still there."""
        ...

    def input_questions(self) -> Sequence[InputQuestion]:
        """The questions of one poll; a command that comes meanwhile goes between two of them."""
        ...

    async def switch(self, output: int, energise: bool) -> bool:
        """Switch an output until told otherwise. True: the board has confirmed it."""
        ...

    async def pulse(self, output: int, energise: bool, duration_s: float) -> bool:
        """A pulse that the board times (`BoardSettings.times_pulse`). True: the board has confirmed it."""
        ...
