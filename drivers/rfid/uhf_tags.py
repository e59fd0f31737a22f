"""What UHF readers of the ZK-RFID102 family say of tags and of themselves, and which tags are in their field (pure)."""

from dataclasses import dataclass

from drivers.rfid.uhf_frames import Code, UhfFrame
from drivers.serial_reader import Card
from gateway.domain.credential import Identifier, Reading

MORE_FOLLOWS = 0x03
"""Status of an inventory whose further tags come in a further answer."""

_WITH_TAGS = frozenset({0x01, 0x02, MORE_FOLLOWS, 0x04})
_WITHOUT_TAGS = frozenset({0xF9, 0xFA, 0xFB, 0xFC})
"""The command was not carried out, poor communication, no tag, a tag's own error: nothing was read this time."""

MAX_EPC_BYTES = 62
"""A Gen2 tag tells its EPC's length as up to 31 words of two bytes."""

MAX_TAGS = 256
"""One answer counts up to 255 tags; beyond, the one that was seen longest ago is forgotten."""

SCAN_TIME_STEP_S = 0.1


class AnswerUnclear(Exception):
    """An answer that says nothing that can be used; the text is a short phrase without tags."""


@dataclass(frozen=True, slots=True)
class ReaderInformation:
    """Its output power, and how long it looks for tags at most."""

    power_dbm: int
    scan_time_s: float


def read_tags(frame: UhfFrame) -> tuple[bytes, ...]:
    """The EPCs of an inventory's answer, or the one that the reader reports by itself.

    An empty EPC names no tag and is left out. Raises AnswerUnclear.
    """
    if frame.code is Code.TAG_SEEN:
        if frame.status != 0x00 or not _is_epc(frame.data):
            raise AnswerUnclear("a report that names no tag")
        return (frame.data,)
    if frame.code is not Code.INVENTORY or frame.status not in _WITH_TAGS:
        return ()
    count, rest, found = frame.data[:1], frame.data[1:], []
    for _ in range(count[0] if count else 0):
        size = rest[0] if rest else MAX_EPC_BYTES
        epc, rest = rest[1 : 1 + size], rest[1 + size :]
        if len(epc) != size or (epc and not _is_epc(epc)):
            raise AnswerUnclear("tags that don't add up")
        if epc:
            found.append(epc)
    if rest or not count:
        raise AnswerUnclear("tags that don't add up")
    return tuple(found)


def refuses_inventory(frame: UhfFrame) -> bool:
    """Whether it won't look for tags when asked, as in its scan and trigger modes."""
    return frame.status not in _WITH_TAGS | _WITHOUT_TAGS


def read_information(frame: UhfFrame) -> ReaderInformation:
    """Version (2), type, protocols, highest and lowest frequency, power, scan time (8.4.1). Raises AnswerUnclear."""
    if frame.status != 0x00 or len(frame.data) < 8:
        raise AnswerUnclear("no information of the reader")
    return ReaderInformation(frame.data[6], frame.data[7] * SCAN_TIME_STEP_S)


def is_asked(frame: UhfFrame) -> bool:
    """Whether the reader waits to be asked (answer mode), by its work mode (8.4.10).

    A reader that doesn't know work modes is asked. Raises AnswerUnclear when it reports tags by itself, but not here or
    not their EPCs.
    """
    if frame.status != 0x00 or len(frame.data) < 7:
        return True
    read_mode, state, memory = frame.data[4:7]
    if read_mode & 0x03 == 0:
        return True
    if not state & 0x02:
        raise AnswerUnclear("it reports tags on its Wiegand wires: set it to answer mode, or to RS-232 output")
    if state & 0x01 or memory not in (0x04, 0x05):
        raise AnswerUnclear("it doesn't report EPCs: set it to answer mode, or to inventory of 18000-6C tags")
    return False


def tag_card(epc: bytes) -> Card:
    """The card that a tag is: `EPC96` and its 96 bits as a number, for other lengths likewise."""
    return Card((Reading(Identifier(f"EPC{len(epc) * 8}", None, int.from_bytes(epc, "big"))),))


class TagsInField:
    """Each tag counts once for as long as it stays: again only when it wasn't seen for `absence_s`."""

    def __init__(self, absence_s: float) -> None:
        self._absence_s = absence_s
        self._seen_s: dict[bytes, float] = {}
        self._heard_s = float("-inf")

    def enters(self, epc: bytes, now_s: float) -> bool:
        """Note a tag; True when it has just come."""
        last_s = self._seen_s.pop(epc, float("-inf"))
        self._seen_s[epc] = now_s
        if len(self._seen_s) > MAX_TAGS:
            del self._seen_s[next(iter(self._seen_s))]
        return now_s - last_s >= self._absence_s

    def hear(self, now_s: float) -> None:
        """The reader said something: it was looking until now."""
        self._heard_s = now_s

    def look_again(self, now_s: float) -> None:
        """The reader was away until now: nobody knows what left meanwhile, so it counts as having stayed.

        Else a reader that restarts would open the gate for a car that stands before it.
        """
        if self._seen_s:
            away_s = now_s - self._heard_s
            self._seen_s = {epc: seen_s + away_s for epc, seen_s in self._seen_s.items()}


def _is_epc(data: bytes) -> bool:
    return 0 < len(data) <= MAX_EPC_BYTES and len(data) % 2 == 0
