"""Modbus RTU answers among whatever else comes with them. Pure.

pymodbus's own framer takes all that is there for one frame: another unit's answer that came late, or the rest of one,
goes and takes the true answer with it.
"""

from pymodbus.framer import FramerRTU

_READS = (0x01, 0x02, 0x04)
_WRITES = (0x05, 0x10)
_REFUSED = 0x80


class AnswerFramer(FramerRTU):
    """Finds the answers to the questions that are asked here, wherever they begin (serial line 1.02, 2.5.1)."""

    def decode(self, data: bytes) -> tuple[int, int, int, bytes]:
        """The first whole frame: (bytes used with what lies before it, unit, 0, frame without unit and CRC).

        Without one nothing is used: the rest may be still to come. The client forgets all at its next question.
        """
        for start in range(len(data) - self.MIN_SIZE):
            end = start + _size(data[start + 1], data[start + 2])
            crc = int.from_bytes(data[end - 2 : end], "big")
            if start < end <= len(data) and self.check_CRC(data[start : end - 2], crc):
                return end, data[start], 0, data[start + 1 : end - 2]
        return 0, 0, 0, b""


def _size(function: int, count: int) -> int:
    """An answer's length, unit and CRC included; below none where no question is answered so."""
    if function in _READS:
        return 5 + count
    if function in _WRITES:
        return 8
    return 5 if function ^ _REFUSED in (*_READS, *_WRITES) else -1
