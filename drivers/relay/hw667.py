"""HW-667: a USB relay board with one relay (CH340, 9600 8N1): AA on, BB off, CC on for one second. It says nothing."""

from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext
from drivers.relay.board import SerialBoard
from drivers.relay.board_line import InputQuestion
from drivers.relay.serial_talk import SerialTalk
from drivers.relay.settings import Hw667Settings

ON, OFF, ON_FOR_ONE_SECOND = b"\xaa", b"\xbb", b"\xcc"


class Hw667Line:
    """Implements `drivers.relay.board_line.BoardLine`."""

    def __init__(self, talk: SerialTalk) -> None:
        self._talk = talk

    async def open(self) -> None:
        """Open the port. Raises LinkError."""
        await self._talk.open()

    async def close(self) -> None:
        """Close the port."""
        await self._talk.close()

    async def read_outputs(self) -> None:
        """It can't say. Raises LinkError when the port is gone."""
        self._talk.check()

    def input_questions(self) -> tuple[InputQuestion, ...]:
        """It has no inputs."""
        return ()

    async def switch(self, output: int, energise: bool) -> bool:
        """Send it; the board says nothing of it. Raises LinkError."""
        await self._talk.tell(ON if energise else OFF)
        return False

    async def pulse(self, output: int, energise: bool, duration_s: float) -> bool:
        """One second, timed by the board. Raises LinkError."""
        await self._talk.tell(ON_FOR_ONE_SECOND)
        return False


def build(settings: Hw667Settings, context: DriverContext) -> SerialBoard:
    """The board for one device of the site config."""
    line = Hw667Line(SerialTalk(SerialLink(settings.port, settings.baud)))
    return SerialBoard(context.device_id, line, settings, context.sink, context.clock)


DRIVER = Driver("hw-667", "relay_board", Hw667Settings, build, "USB relay HW-667 with its one-second pulse")
