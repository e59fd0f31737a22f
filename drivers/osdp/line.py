"""The bytes on an OSDP line: a command goes out, its answer comes back, and nothing else is on the wire meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drivers.contracts import ByteLink
from drivers.links import drop
from drivers.osdp.frames import Frame, FrameFinder
from drivers.serial_reader import SECOND_LOOK_S
from gateway.clock import Clock

CHARACTER_GAP_S = 0.02
"""Within a frame no two characters are further apart (v2.2, section 5.7)."""
AFTER_DAMAGE_S = 2 * CHARACTER_GAP_S
"""A reader whose answer was damaged says no more; one whose answer is still to come, after noise, has begun by then."""
REPLY_MOST_S = 0.5
"""A line that never falls silent is noise; the longest answer of a reader takes less at 9600 baud."""
SENDS_MAX = 3
"""A command whose answer was damaged or lost is repeated as it was (v2.2, section 5.4): so is the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the reply, or None; how long after the command it began; how often that was sent, and spoilt."""

    reply: Frame | None
    delay_s: float
    sends: int
    damaged: int


class OsdpLine:
    """One line on a byte link. `rubbish` hears of what made no frame.

    `late` is given an answer that nobody waits for any more, and says whether somebody still wants it; the others are
    `strays`.
    """

    def __init__(
        self,
        link: ByteLink,
        baud: int,
        clock: Clock,
        rubbish: Callable[[str], None],
        late: Callable[[Frame], bool] = lambda _answer: False,
    ) -> None:
        self._link, self._baud, self._clock, self._rubbish, self._late = link, baud, clock, rubbish, late
        self._finder = FrameFinder()
        self._reading: asyncio.Task[bytes] | None = None
        self.strays = 0

    async def open(self) -> None:
        """Open the port. Raises LinkError."""
        await self._link.open()

    async def close(self) -> None:
        """Close it; closing twice is fine."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._finder.clear()
        await drop(self._link)

    async def ask(
        self, frame: bytes, accepts: Callable[[Frame], bool], patience_s: float, *, insists: bool = False
    ) -> Answer:
        """Send a command and hear its answer, which begins within `patience_s` of the command's last bit.

        Sent again when the answer was damaged, and if one `insists` also when there was none. Raises LinkError.
        """
        spoilt = 0
        for sends in range(1, SENDS_MAX + 1):
            await self._let_finish()
            await self._link.write(frame)
            sent_s = self._now_s() + self._wire_s(len(frame))
            reply, began_s, damaged = await self._hear_reply(accepts, sent_s + patience_s)
            if reply is not None:
                return Answer(reply, max(0.0, began_s - sent_s), sends, spoilt)
            spoilt += damaged
            if not (damaged or insists):
                break
        return Answer(None, 0.0, sends, spoilt)

    async def overhear(self, seconds: float) -> None:
        """Nobody is due: listen, so that a lost port is seen, and what comes late is no answer. Raises LinkError."""
        for found in self._finder.feed(await self._hear(seconds)):
            self._is_damage(found)

    async def _let_finish(self) -> None:
        """Whoever speaks late is heard out: to speak at the same time would spoil both."""
        until_s = self._now_s() + REPLY_MOST_S
        while (missing := self._finder.missing) and self._now_s() < until_s:
            data = await self._hear(CHARACTER_GAP_S + self._wire_s(missing))
            if not data:
                break
            for found in self._finder.feed(data):
                self._is_damage(found)
        self._finder.clear()

    async def _hear_reply(self, accepts: Callable[[Frame], bool], until_s: float) -> tuple[Frame | None, float, bool]:
        """(the answer, when it began, whether something came that was no frame)."""
        began_s, damaged, latest_s = 0.0, False, until_s + REPLY_MOST_S
        while (now_s := self._now_s()) < min(until_s, latest_s):
            data = await self._hear(until_s - now_s)
            if not data:
                break
            now_s = self._now_s()
            began_s = began_s or now_s
            reply = None
            for found in self._finder.feed(data):
                if reply is None and isinstance(found, Frame) and accepts(found):
                    reply = found
                else:
                    damaged |= self._is_damage(found)
            if reply is not None:
                return reply, began_s, damaged
            if self._finder.missing:
                until_s = max(until_s, now_s + CHARACTER_GAP_S + self._wire_s(self._finder.missing))
            elif damaged:
                until_s = min(until_s, now_s + AFTER_DAMAGE_S)
        if self._finder.clear():
            self._rubbish("half a frame")
            damaged = True
        return None, began_s, damaged

    def _is_damage(self, found: object) -> bool:
        """Take what was not waited for. Our own command comes back from adapters that echo; that is nothing."""
        if isinstance(found, Frame):
            self.strays += found.is_reply and not self._late(found)
            return False
        self._rubbish(getattr(found, "reason", ""))
        return True

    async def _hear(self, timeout_s: float) -> bytes:
        """The next bytes; none when there are none in time. Raises LinkError."""
        self._reading = self._reading or asyncio.ensure_future(self._link.read())
        await asyncio.wait({self._reading}, timeout=max(0.0, timeout_s))
        if not self._reading.done():
            # This process may have stood still until now: only a look at the kernel's buffer tells silence from bytes.
            await asyncio.wait({self._reading}, timeout=SECOND_LOOK_S)
        if not self._reading.done():
            return b""
        reading, self._reading = self._reading, None
        return reading.result()

    def _wire_s(self, count: int) -> float:
        """How long so many bytes take: ten bits each."""
        return count * 10 / self._baud

    def _now_s(self) -> float:
        return self._clock.now().monotonic_s
