"""The framer of readers whose frames a site describes: bytes to `Card`, `Key` and `Rejected`."""

from collections.abc import Callable
from enum import Enum, auto

from drivers.serial_frame.shape import FrameShape
from drivers.serial_reader import Card, Key, Rejected

MAX_BODY = 255
"""What a length byte can say; no reader here says more of a card."""

FRAME_PATIENCE_S = 0.5
"""After this silence a begun frame's rest won't come. The kernel of a busy machine can hold bytes back for longer than
0.1 s; waiting costs little, as a card held to the reader again is read anyway."""

GAP_S = 0.06
"""The silence that makes frames without marks whole, and a lone byte a key. Bytes of a frame follow each other within
8.4 ms even at 1200 baud, and a USB adapter may group them in 16 ms."""


class _At(Enum):
    """What the next byte belongs to."""

    START = auto()
    BODY = auto()
    TAIL = auto()


class _Lost(Enum):
    """Bytes are skipped up to where a frame may begin."""

    BETWEEN = auto()
    """What came was no start of a frame."""
    WITHIN = auto()
    """A frame broke off: what follows may be the rest of it."""


class FrameFramer:
    """Holds at most one frame of 255 bytes, and without marks another one.

    What isn't a frame is skipped up to the next silence. Where the body is digits no mark can stand in it, so a start
    (or an end where there is no start) also ends the skipping. A start is looked for in binary noise between frames as
    well, but not in the rest of a broken frame, where its bytes may stand for anything. Frames without marks are whole
    once silence follows them, and are one read when they are said several times in a row.
    """

    def __init__(self, shape: FrameShape, read: Callable[[bytes, bytes], Card | Rejected]) -> None:
        self._shape, self._read = shape, read
        self._tail_size = len(shape.end) + shape.trailer
        self._lost: _Lost | None = None
        self._unread: bytes | None = None
        self._last_s = 0.0
        self._begin_anew()

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if not data and due is not None and now_s >= due:
            self._end_of_silence(values)
        for byte in data:
            if self._lost is None or self._finds_again(byte):
                self._take(byte, values)
        if data:
            self._last_s = now_s
        return values

    def deadline(self) -> float | None:
        """When half a frame counts as dead, what is skipped as over, frames without marks as whole, a byte as a key."""
        if self._lone_key() is not None or (self._unread is not None and not self._body):
            return self._last_s + GAP_S
        return self._last_s + FRAME_PATIENCE_S if self._lost or self._is_begun() else None

    def _begin_anew(self) -> None:
        self._at = _At.START
        self._matched = 0
        self._body, self._tail = bytearray(), bytearray()

    def _is_begun(self) -> bool:
        return self._matched > 0 or self._at is not _At.START

    def _lone_key(self) -> str | None:
        """The key that the only byte of a frame without a start would be."""
        alone = not self._shape.start and len(self._body) == 1 and self._at is _At.BODY and self._unread is None
        return self._shape.keys.get(self._body[0]) if alone else None

    def _end_of_silence(self, values: list[object]) -> None:
        key = self._lone_key()
        if self._lost is None and key is not None:
            values.append(Key(key))
        elif self._is_begun():
            values.append(Rejected("half a frame"))
        elif self._unread is not None:
            values.append(self._read(self._unread, b""))
        self._lost, self._unread = None, None
        self._begin_anew()

    def _finds_again(self, byte: int) -> bool:
        """Whether a frame may begin with this byte after what was skipped."""
        shape = self._shape
        if shape.start:
            if byte == shape.start[0] and (shape.digits is not None or self._lost is _Lost.BETWEEN):
                self._lost = None
        elif shape.end and shape.digits is not None and byte == shape.end[-1]:
            self._lost = None
            return False
        return self._lost is None

    def _take(self, byte: int, values: list[object]) -> None:
        match self._at:
            case _At.START if self._shape.start:
                self._match_start(byte, values)
            case _At.START | _At.BODY:
                self._at = _At.BODY
                self._take_body(byte, values)
            case _At.TAIL:
                self._take_tail(byte, values)

    def _match_start(self, byte: int, values: list[object]) -> None:
        if byte == self._shape.start[self._matched]:
            self._matched += 1
            if self._matched == len(self._shape.start):
                self._at = _At.BODY
        elif self._matched == 0 and byte in self._shape.keys:
            values.append(Key(self._shape.keys[byte]))
        else:
            self._fail("noise between frames", byte, values)

    def _take_body(self, byte: int, values: list[object]) -> None:
        shape = self._shape
        if shape.digits is not None and byte not in shape.digits:
            if self._body and shape.length is None and byte == shape.end[0]:
                self._at = _At.TAIL
                self._take_tail(byte, values)
            elif not self._body and not shape.start and byte in shape.keys:
                self._begin_anew()
                values.append(Key(shape.keys[byte]))
            else:
                self._fail("a byte that is no digit", byte, values)
            return
        self._body.append(byte)
        wanted = self._wanted()
        if wanted is not None and not len(self._body) <= wanted <= MAX_BODY:
            self._fail("a length that can't be", byte, values)
        elif len(self._body) > MAX_BODY:
            self._fail("a frame that is too long", byte, values)
        elif wanted == len(self._body):
            self._at = _At.TAIL
            if self._tail_size == 0:
                self._complete(values)

    def _wanted(self) -> int | None:
        """How many bytes the body has, once that is known."""
        at = self._shape.length_at
        if at is None:
            return self._shape.length
        return self._body[at] + self._shape.length_adds if at < len(self._body) else None

    def _take_tail(self, byte: int, values: list[object]) -> None:
        place, end = len(self._tail), self._shape.end
        if place < len(end) and byte != end[place]:
            self._fail("no end of frame", byte, values)
            return
        self._tail.append(byte)
        if len(self._tail) == self._tail_size:
            self._complete(values)

    def _complete(self, values: list[object]) -> None:
        body, trailer = bytes(self._body), bytes(self._tail[len(self._shape.end) :])
        self._begin_anew()
        if self._shape.is_marked:
            found = self._read(body, trailer)
            values.append(found)
            if isinstance(found, Rejected) and self._shape.digits is None:
                self._lost = _Lost.WITHIN
        elif self._unread not in (None, body):
            self._fail("frames that differ", body[-1], values)
        else:
            self._unread = body

    def _fail(self, reason: str, byte: int, values: list[object]) -> None:
        values.append(Rejected(reason))
        self._lost = _Lost.WITHIN if self._at is not _At.START else _Lost.BETWEEN
        self._unread = None
        self._begin_anew()
        if self._finds_again(byte):
            self._take(byte, values)
