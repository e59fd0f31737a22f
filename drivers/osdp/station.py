"""One reader's place on an OSDP line: when it is spoken to, what it may answer, when it counts as lost. No I/O.

A reader that is away costs libosdp 200 ms of the line at each try, and makes it wait 300 s in the end. So a reader
that isn't there has no panel: it is asked who it is with a short patience, and gets a panel when it answers. (Not by a
poll, which a reader might answer with a card.)
"""

from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

from drivers.osdp.frames import (
    BUSY,
    CAP,
    CHALLENGE,
    FMT,
    ID,
    MARK,
    NAK,
    SERVER_CRYPTOGRAM,
    Frame,
    answers,
    decode,
    encode,
    has_secure_channel,
    may_answer,
)
from drivers.osdp.line import Answer
from drivers.osdp.panel import Buffers, Panel
from gateway.domain.signals import CommandOutcome

POLL_S = 0.051
"""libosdp polls a reader 50 ms after its last answer."""
STEP_S = 0.005
"""How soon a panel with nothing to say is asked again."""
PATIENCE_S = 0.2
"""How long a reader may take to begin an answer (v2.2, section 5.9)."""
LEAST_PATIENCE_S = 0.04
ABSENT_PATIENCE_S = 0.03
"""For a reader that isn't there: most begin within 5 ms, and all others wait meanwhile."""
LONG_LOOK_EVERY = 30
"""Every so many probes the full patience, for a reader that is slow and not away."""
QUICK_S = 0.06
"""Three such waits fit into the 200 ms that a reader may take."""
REPEAT_S = 0.2
"""How long after a silence the same command is said again; each time twice as long, so three times until the reader is
lost. libosdp is not told of it: it would wait for a second, and could take no answer meanwhile."""
LEARNT_AFTER = 10
"""Answers after which a reader's own pace is known."""
OFFLINE_AFTER_S = 3.0
"""A reader that was power-cycled is back within it; nobody is told of less."""
REFUSALS_TOLD_AFTER = 2
"""A reader that restarts in the middle of a handshake refuses once."""
REFUSED_FIRST_S, REFUSED_MOST_S = 1.0, 30.0
"""Keys don't mend by themselves: ask ever more rarely."""
STEADY_S = 2.0
"""A reader that ends a session sooner than that is not asked again at once: it would do nothing else all day."""
REFUSED = "the reader refused it"
_REFUSALS = (b"\x02", b"\x03", b"\x07", b"\x08", b"\x09")
"""NAK codes about the command itself: length, unknown, kind, format, record (v2.2, section 7.3)."""
ORDERS_MAX = 16
"""Two lights and two sounds for each of the last swipes; more means that nobody takes them."""


class State(Enum):
    """How far the reader is."""

    ABSENT = auto()
    CONNECTING = auto()
    ONLINE = auto()


@dataclass(frozen=True, slots=True)
class Order:
    """A command to the reader, never sent after `expires_s`. `done` hears how it ended, once."""

    command: Mapping[str, Any]
    expires_s: float
    done: Callable[[CommandOutcome, str], None]


class Listener(Protocol):
    """Who hears what becomes of a reader."""

    def connected(self, panel: Panel, now_s: float) -> None:
        """It is online: in a secure channel if it has a key."""

    def lost(self, reason: str) -> None:
        """It is not online, for so long that it must be told. Said again while it stays so."""

    def refused(self, reason: str) -> None:
        """It answers, but not as it must to be let in."""

    def rejected(self, reason: str) -> None:
        """It said something that can't be used."""

    def said_text(self) -> None:
        """It said a card as text (osdp_FMT): libosdp took that for an answer, and tells nothing of it."""

    def heard(self, event: Mapping[str, Any], now_s: float) -> None:
        """It said something."""


class Station:
    """A reader at an address. The bus asks for `next_frame` when `due_s` has come, and tells what came back."""

    def __init__(self, address: int, key: bytes | None, listener: Listener) -> None:
        self.address, self._key, self._listener = address, key, listener
        self.probe_s = 1.0
        self.due_s = float("-inf")
        self.state = State.ABSENT
        self._panel: Panel | None = None
        self._buffers = Buffers()
        self._frame = b""
        """What was said to it last, while there is no answer to it."""
        self._command: Frame | None = None
        self._repeats = 0
        self._since_s: float | None = None
        """Since when it is its turn to speak: not since its last word, for this process may have stood still."""
        self._orders: deque[Order] = deque()
        self._order: Order | None = None
        self._well_s: float | None = None
        self._online_s = 0.0
        self._probes = 0
        self._refusals = 0
        self._answers, self._slowest_s = 0, 0.0
        self._pace_s = 0.0
        """How slow it was when it was last there."""
        self.counts = dict.fromkeys(("polls", "retries", "damaged", "unanswered", "late"), 0)

    @property
    def patience_s(self) -> float:
        """How long after a frame the line is kept for this reader's answer to begin."""
        if self.state is State.ABSENT:
            if self._probes % LONG_LOOK_EVERY == 1:
                return PATIENCE_S
            return min(PATIENCE_S, max(ABSENT_PATIENCE_S, 2 * self._pace_s))
        if self._answers < LEARNT_AFTER:
            return PATIENCE_S
        return min(PATIENCE_S, max(LEAST_PATIENCE_S, 4 * self._slowest_s))

    @property
    def insists(self) -> bool:
        """Is a command repeated at once when nothing came? Only to a reader whose answers surely come by then."""
        return self.state is State.ONLINE and self.patience_s <= QUICK_S and not self._repeats

    def next_frame(self, now_s: float) -> bytes:
        """What to send now; empty when there is nothing, and `due_s` says when to ask again."""
        if self._well_s is None:
            self._well_s = now_s
        self.expire(now_s)
        self._look_at_time(now_s)
        self._since_s = now_s if self._since_s is None else self._since_s
        if self._panel is None:
            self._probes += 1
            self._frame = encode(self.address, 0, ID, b"\x00")
        elif self._frame:
            self._repeats += 1
            self.counts["retries"] += 1
        else:
            self._hand_over(now_s)
            self._frame = self._panel.outgoing()
        self._command = _command_of(self._frame)
        self.due_s = now_s + (self.probe_s if self._panel is None else STEP_S)
        return self._frame

    def accepts(self, reply: Frame) -> bool:
        """May this frame be the answer that is waited for?"""
        if not self._frame or self._command is None or not answers(self._command, reply):
            return False
        return self._key is None or self._panel is None or may_answer(self._command, reply)

    def answered(self, answer: Answer, now_s: float) -> None:
        """What came back for the frame."""
        self.counts["polls"] += 1
        self.counts["retries"] += answer.sends - 1
        self.counts["damaged"] += answer.damaged
        if answer.reply is None:
            self.counts["unanswered"] += 1
            wait_s = self.probe_s if self._panel is None else REPEAT_S * 2**self._repeats
            self.due_s = max(self.due_s, now_s + wait_s)
            return
        self._hear(answer.reply, answer.delay_s, now_s)

    def answered_late(self, reply: Frame, now_s: float) -> None:
        """What `accepts` takes came when it was no longer waited for."""
        self.counts["late"] += 1
        self._hear(reply, PATIENCE_S, now_s)

    def give(self, order: Order) -> bool:
        """Queue an order; False when too many wait."""
        if len(self._orders) >= ORDERS_MAX:
            return False
        self._orders.append(order)
        if self.state is State.ONLINE and self._well_s is not None:
            self.due_s = min(self.due_s, self._well_s)
        return True

    def expire(self, now_s: float) -> None:
        """End what waits and is too late now."""
        for order in [each for each in self._orders if each.expires_s <= now_s]:
            self._orders.remove(order)
            order.done(CommandOutcome.EXPIRED, "the reader is offline" if self._panel is None else "too late")

    def cut_off(self, reason: str) -> None:
        """The line is gone: that is told at once."""
        self.drop()
        self._listener.lost(reason)

    def drop(self) -> None:
        """Forget the connection: the line is gone, or somebody else needs it."""
        order, self._order = self._order, None
        self._panel, self.state, self._command = None, State.ABSENT, None
        self._frame, self._repeats = b"", 0
        self._pace_s = self._slowest_s or self._pace_s
        self._answers, self._slowest_s = 0, 0.0
        if order is not None:
            order.done(CommandOutcome.FAILED, "the reader did not answer")

    def _hear(self, reply: Frame, delay_s: float, now_s: float) -> None:
        if reply.code == BUSY and self._panel is not None:
            # No answer yet, and no sign of life: whoever says nothing else, and needs no key for it, is not there.
            self._repeats, self.due_s = 0, now_s + POLL_S
            return
        self._frame, self._repeats = b"", 0
        if self._panel is None:
            self._connect(now_s)
            return
        self._since_s = None
        self._answers += 1
        self._slowest_s = max(self._slowest_s * 0.999, delay_s)
        self._take_in(self._panel, reply, now_s)

    def _take_in(self, panel: Panel, reply: Frame, now_s: float) -> None:
        events = panel.incoming(reply.raw)
        order_refused = self._settle_order(panel, reply)
        if panel.gave_up:
            self._given_up(reply, now_s, at_once=order_refused)
            return
        if reply.code == FMT:
            self._listener.said_text()
        if panel.is_online:
            self._well_s = now_s
            if self.state is not State.ONLINE:
                self.state, self._refusals, self._online_s = State.ONLINE, 0, now_s
                self._listener.connected(panel, now_s)
        for event in events:
            self._listener.heard(event, now_s)
        self.due_s = now_s + (POLL_S if self.state is State.ONLINE and not self._orders else 0.0)

    def _connect(self, now_s: float) -> None:
        self._panel, self.state, self.due_s = Panel(self.address, self._key, self._buffers), State.CONNECTING, now_s
        self._since_s = None

    def _hand_over(self, now_s: float) -> None:
        """The next order goes to libosdp, one at a time, so that none goes out late."""
        if self._panel is None or self.state is not State.ONLINE or self._order is not None or not self._orders:
            return
        order = self._orders.popleft()
        if self._panel.submit(order.command):
            self._order = order
        else:
            order.done(CommandOutcome.FAILED, "the reader can't be told now")

    def _settle_order(self, panel: Panel, reply: Frame) -> bool:
        """Tell how the order ended; would the reader not do it?"""
        refused = False
        for accepted in panel.take_outcomes():
            order, self._order = self._order, None
            refused = not accepted and _is_refusal(reply, self._key)
            if order is not None and accepted:
                order.done(CommandOutcome.DONE, "")
            elif order is not None:
                order.done(CommandOutcome.FAILED, REFUSED if refused else "the reader restarted")
        return refused

    def _look_at_time(self, now_s: float) -> None:
        """Silence, an order that would be repeated too late, or a panel that speaks no more."""
        late = self._order is not None and self._order.expires_s <= now_s
        silent = self._since_s is not None and now_s - self._since_s >= OFFLINE_AFTER_S
        if self._panel is not None and (late or silent):
            self.drop()
        if self.state is not State.ONLINE and self._well_s is not None and now_s - self._well_s >= OFFLINE_AFTER_S:
            self._listener.lost("no answer")

    def _given_up(self, reply: Frame, now_s: float, *, at_once: bool) -> None:
        """libosdp has given the reader up: at once once more, or later if it will not have our key.

        `at_once`: it refused an order, and nothing else is wrong.
        """
        command, was_online = self._command, self.state is State.ONLINE
        self.drop()
        if was_online:
            steady = at_once or now_s - self._online_s >= STEADY_S
            self.due_s = now_s if steady else now_s + REFUSED_FIRST_S
            return
        self._refusals += 1
        self.due_s = now_s + min(REFUSED_MOST_S, REFUSED_FIRST_S * 2.0 ** (self._refusals - 1))
        if self._refusals >= REFUSALS_TOLD_AFTER:
            self._listener.refused(_why(command, reply))


def stations_of(lines: MutableMapping[str, Any], bus: str) -> list[Station]:
    """The readers on a bus, as those that are built put themselves there; the bus may be built before or after them."""
    stations: list[Station] = lines.setdefault(f"osdp-bus:{bus}", [])
    return stations


def _command_of(frame: bytes) -> Frame | None:
    found = decode(frame.lstrip(bytes((MARK,)))) if frame else None
    return found if isinstance(found, Frame) else None


def _is_refusal(reply: Frame, key: bytes | None) -> bool:
    """Will the reader not do it, rather than not know us any more? In a session only what carries a MAC says so."""
    if key is not None:
        return reply.in_session
    return reply.code == NAK and reply.data[:1] in _REFUSALS


def _why(command: Frame | None, reply: Frame) -> str:
    """Why a reader was not let in, by the exchange at which it ended."""
    code = 0 if command is None else command.code
    refusal = f" (NAK {reply.data[0]})" if reply.code == NAK and reply.data else ""
    if code == CAP and not refusal and not has_secure_channel(reply.data):
        return "it says that it has no secure channel"
    if code == CHALLENGE and refusal:
        return f"it refuses a secure channel with the site's key{refusal}"
    if code == CHALLENGE:
        return "it does not hold the site's key: never set, changed, or another reader"
    if code == SERVER_CRYPTOGRAM:
        return f"it does not accept the site's key{refusal}"
    return f"it does not answer as a reader must{refusal}"
