"""What is said to a UHF reader of the ZK-RFID102 family, and when (pure): it is asked who it is, then for its tags."""

from dataclasses import dataclass

from drivers.rfid.uhf_frames import Code, UhfFrame, UhfFramer, command
from drivers.rfid.uhf_tags import (
    MORE_FOLLOWS,
    SCAN_TIME_STEP_S,
    AnswerUnclear,
    TagsInField,
    is_asked,
    read_information,
    read_tags,
    refuses_inventory,
    tag_card,
)
from drivers.serial_reader import Answered, Rejected, Unanswered

ANSWER_S = 0.6
"""An answer that needs no looking for tags comes within 0.1 s, and the kernel of a busy machine may hold it back."""

LONGEST_SCAN_S = 25.5
"""What one byte of tenths can say. Until the reader has said its own, an inventory may take so long."""

SCAN_OVERRUN_S = 0.075
"""So much longer than its scan time may an inventory take (manual, 8.2.1)."""

ALIVE_S = 5.0
"""A reader that reports tags by itself is asked so often whether it is there."""

MISSES = 3
"""So many questions in a row without an answer: it is away."""


@dataclass(frozen=True, slots=True)
class UhfPlan:
    """How a reader is asked. None leaves its own value; one that differs is written to its memory when connecting."""

    address: int
    poll_s: float
    power_dbm: int | None = None
    scan_time_s: float | None = None


class UhfListener:
    """Bytes to `Card` and `Rejected`. It asks nothing, and so never knows whether a reader is there."""

    def __init__(self, address: int, field: TagsInField) -> None:
        self._framer, self._field = UhfFramer(address), field
        self._heard = False

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        for found in self._framer.feed(data, now_s):
            if isinstance(found, UhfFrame):
                values += self._hear(found, now_s)
            else:
                values.append(found)
        return values

    def deadline(self) -> float | None:
        """When half a frame counts as dead."""
        return self._framer.deadline()

    def _hear(self, frame: UhfFrame, now_s: float) -> list[object]:
        if not self._heard:
            self._heard = True
            self._field.look_again(now_s)
        self._field.hear(now_s)
        try:
            return [tag_card(epc) for epc in read_tags(frame) if self._field.enters(epc, now_s)]
        except AnswerUnclear as error:
            return [Rejected(str(error))]


class UhfConversation(UhfListener):
    """A `drivers.serial_reader.Asking`: also gives `Answered` and `Unanswered`.

    In answer mode the reader is asked for its tags, over and over. In scan and trigger mode it reports them by itself,
    and is asked only whether it is there.
    """

    def __init__(self, plan: UhfPlan, field: TagsInField) -> None:
        super().__init__(plan.address, field)
        self._plan = plan
        self._to_ask: list[tuple[Code, bytes]] = [(Code.INFORMATION, b""), (Code.WORK_MODE, b"")]
        self._asked: Code | None = None
        self._due_s = float("-inf")
        self._misses = 0
        self._by_itself = False
        self._scan_s = LONGEST_SCAN_S

    def take_question(self, now_s: float) -> bytes:
        """What is to be written now; empty while an answer or the next question's time is waited for."""
        if self._asked is not None or now_s < self._due_s:
            return b""
        idle = (Code.INFORMATION if self._by_itself else Code.INVENTORY, b"")
        self._asked, data = self._to_ask[0] if self._to_ask else idle
        looks_s = self._scan_s + SCAN_OVERRUN_S if self._asked is Code.INVENTORY else 0.0
        self._due_s = now_s + looks_s + ANSWER_S
        return command(self._plan.address, self._asked, data)

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values = super().feed(data, now_s)
        if not data and self._asked is not None and now_s >= self._due_s:
            self._asked, self._due_s = None, now_s
            self._misses += 1
            if self._misses == MISSES:
                values.append(Unanswered("the reader does not answer"))
        return values

    def deadline(self) -> float | None:
        """When half a frame counts as dead, an answer as missing, or the next question is due."""
        half_s = super().deadline()
        return self._due_s if half_s is None else min(half_s, self._due_s)

    def _hear(self, frame: UhfFrame, now_s: float) -> list[object]:
        self._misses = 0
        if frame.code is Code.TAG_SEEN and self._to_ask:
            # Before its work mode is known, what it reports may be another memory than the EPC.
            return []
        values = super()._hear(frame, now_s)
        if frame.code is Code.INVENTORY and frame.status == MORE_FOLLOWS:
            self._due_s = max(self._due_s, now_s + ANSWER_S)
        elif self._asked is not None and frame.code in (self._asked, Code.UNKNOWN):
            values += self._settle(self._asked, frame, now_s)
        return values

    def _settle(self, asked: Code, frame: UhfFrame, now_s: float) -> list[object]:
        """The answer to what was asked is there."""
        self._asked = None
        if self._to_ask:
            del self._to_ask[0]
        try:
            values = self._learn(asked, frame)
        except AnswerUnclear as error:
            return [Unanswered(str(error))]
        if not self._to_ask:
            values.append(Answered())
        pause_s = ALIVE_S if self._by_itself else self._plan.poll_s
        self._due_s = now_s if self._to_ask else now_s + pause_s
        return values

    def _learn(self, asked: Code, frame: UhfFrame) -> list[object]:
        """What the answer says of the reader. Raises AnswerUnclear when it can't be worked with."""
        match asked:
            case Code.INFORMATION if not self._by_itself:
                found = read_information(frame)
                self._scan_s = found.scan_time_s
                self._wish(Code.POWER, self._plan.power_dbm, found.power_dbm)
                self._wish(Code.SCAN_TIME, _steps(self._plan.scan_time_s), _steps(found.scan_time_s))
            case Code.WORK_MODE:
                self._by_itself = not is_asked(frame)
            case Code.POWER | Code.SCAN_TIME if frame.status != 0x00:
                raise AnswerUnclear("it takes no power or no scan time: leave it out here, and set it in the reader")
            case Code.SCAN_TIME:
                self._scan_s = self._plan.scan_time_s or self._scan_s
            case Code.INVENTORY if refuses_inventory(frame):
                # Somebody may have set it to another mode meanwhile.
                self._to_ask = [(Code.WORK_MODE, b"")]
                return [Rejected("the reader refused to look for tags")]
        return []

    def _wish(self, code: Code, wanted: int | None, is_so: int | None) -> None:
        if wanted is not None and wanted != is_so:
            self._to_ask.append((code, bytes([wanted])))


def _steps(scan_time_s: float | None) -> int | None:
    """A scan time as the reader holds it, in tenths of a second."""
    return None if scan_time_s is None else round(scan_time_s / SCAN_TIME_STEP_S)
