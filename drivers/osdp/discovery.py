"""Finding the readers on an OSDP line: speeds, addresses, who they are, and what is wrong with the wires.

Everything is asked in clear and changes nothing: a reader is asked who it is and what it can, never for a card.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from drivers.contracts import ByteLink
from drivers.osdp.frames import ADDRESS_MAX, BROADCAST, CAP, ID, PDCAP, PDID, Frame, encode, has_secure_channel
from drivers.osdp.identity import ReaderIdentity, read_identity
from drivers.osdp.line import SENDS_MAX, Answer, OsdpLine
from drivers.osdp.settings import BAUD_RATES
from gateway.clock import Clock

LOOK_S = 0.05
"""How long an address has to begin an answer while all are tried; readers mostly begin within 5 ms."""
ASK_S = 0.2
"""And one that is there (v2.2, section 5.9)."""
ASKS = 10
"""How often a reader that was found is asked again, for its error rate."""
SPOILT_PART = 0.3
"""Of a reader's answers: no cable spoils as many on one reader alone, but two readers of one address do."""

SPOILT_MOST = 4
"""Addresses with several readers each; more is no mistake that anybody makes."""


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A reader at an address. Of `asks` questions, `unanswered` had no answer and `damaged` answers were no frames.

    `shared`: several readers have this address: they say different things, or spoil each other's answers.
    """

    address: int
    identity: ReaderIdentity | None
    has_secure_channel: bool
    asks: int
    unanswered: int
    damaged: int
    shared: bool


@dataclass(frozen=True, slots=True)
class Discovery:
    """What is on the line. `baud` is None where no reader was found; `hint` is for whoever holds the screwdriver."""

    baud: int | None
    readers: tuple[FoundReader, ...]
    hint: str


@dataclass(slots=True)
class _Ear:
    """What a line said beside frames."""

    rubbish: int = 0

    def hear(self, _reason: str) -> None:
        self.rubbish += 1


def longest_s(bauds: Sequence[int], addresses: int) -> float:
    """How long the search of so many addresses takes where nobody answers, seconds."""
    return len(bauds) * SENDS_MAX * (ASK_S + addresses * LOOK_S)


async def discover(
    link_at: Callable[[int], ByteLink],
    clock: Clock,
    bauds: Sequence[int] = BAUD_RATES,
    addresses: Iterable[int] = range(ADDRESS_MAX + 1),
    progress: Callable[[int, int], None] = lambda _baud, _address: None,
) -> Discovery:
    """Look for readers. `link_at(baud)` makes the link; `progress` hears each speed and address that is tried.

    Every speed is first tried with the address that all answer: who does gives the speed away, also when several speak
    at once and nothing of it can be read. Then each address is asked; a line has one speed, so the first with readers
    ends it. Raises LinkError when the port is gone.
    """
    wanted, spoke = list(addresses), {}
    for baud in bauds:
        progress(baud, BROADCAST)
        spoke[baud] = await _call_all(link_at(baud), baud, clock)
    for baud in sorted(bauds, key=lambda each: -spoke[each]):
        readers = await _ask_each(link_at(baud), baud, wanted, clock, progress)
        if readers:
            return Discovery(baud, readers, _hint_for(readers))
    speeds = ", ".join(map(str, bauds))
    if any(spoke.values()):
        return Discovery(
            None,
            (),
            f"Something speaks, and nothing of it is a frame at {speeds}: A and B swapped at some of the readers, "
            "no biasing, another speed, or another protocol on the line.",
        )
    return Discovery(
        None,
        (),
        f"Silence at {speeds}: no power at the readers, A and B swapped, a wire off, another speed, or another port.",
    )


async def _call_all(link: ByteLink, baud: int, clock: Clock) -> int:
    """2: a reader answered; 1: something did that can't be read; 0: silence."""
    ear = _Ear()
    line = OsdpLine(link, baud, clock, ear.hear)
    await line.open()
    try:
        answer = await line.ask(encode(BROADCAST, 0, ID, b"\x00"), lambda reply: reply.is_reply, ASK_S)
    finally:
        await line.close()
    return 2 if answer.reply is not None else int(ear.rubbish > 0)


async def _ask_each(
    link: ByteLink, baud: int, addresses: list[int], clock: Clock, progress: Callable[[int, int], None]
) -> tuple[FoundReader, ...]:
    line = OsdpLine(link, baud, clock, lambda _reason: None)
    await line.open()
    clear, spoilt = [], []
    try:
        for address in addresses:
            progress(baud, address)
            answer = await _ask(line, address, ID, PDID, LOOK_S)
            if answer.reply is not None:
                clear.append(address)
            elif answer.damaged:
                spoilt.append(address)
        # Where more addresses answer with rubbish, the line hums.
        there = sorted(clear + (spoilt if len(spoilt) <= SPOILT_MOST else []))
        return tuple([await _get_to_know(line, address) for address in there])
    finally:
        await line.close()


async def _get_to_know(line: OsdpLine, address: int) -> FoundReader:
    """Ask it again and again who it is, and once what it can."""
    said: list[bytes] = []
    sends = unanswered = damaged = 0
    for _ in range(ASKS):
        answer = await _ask(line, address, ID, PDID, ASK_S)
        sends += answer.sends
        damaged += answer.damaged
        unanswered += answer.reply is None
        if answer.reply is not None:
            said.append(answer.reply.data)
    claims = (await _ask(line, address, CAP, PDCAP, ASK_S)).reply
    return FoundReader(
        address,
        read_identity(said[0]) if said else None,
        claims is not None and has_secure_channel(claims.data),
        sends,
        unanswered,
        damaged,
        shared=not said or len(set(said)) > 1 or damaged > SPOILT_PART * sends,
    )


async def _ask(line: OsdpLine, address: int, code: int, wanted: int, patience_s: float) -> Answer:
    def fits(reply: Frame) -> bool:
        return reply.is_reply and reply.address == address and reply.code == wanted

    return await line.ask(encode(address, 0, code, b"\x00"), fits, patience_s)


def _hint_for(readers: tuple[FoundReader, ...]) -> str:
    shared = [str(reader.address) for reader in readers if reader.shared]
    if shared:
        return f"More than one reader answers at {', '.join(shared)}: give each an address of its own, one at a time."
    if all(reader.damaged for reader in readers):
        return "Answers are damaged on every reader: look at the termination (120 ohm, both ends), biasing and screen."
    if any(reader.damaged or reader.unanswered for reader in readers):
        return "Some answers are damaged or missing: look at the wires and the power of those readers."
    return ""
