"""A reader in clear that keeps to the standard where libosdp's peripheral doesn't: it repeats its last answer.

Its frames are made with the standard library's CRC, by nothing of the driver's.
"""

import asyncio
import binascii
from collections import deque
from collections.abc import Callable, Sequence

from simulators.pty_line import PtyLine

POLL, ID, CAP, LSTAT, ISTAT, OSTAT, OUT, LED, BUZ = 0x60, 0x61, 0x62, 0x64, 0x65, 0x66, 0x68, 0x69, 0x6A
ACK, NAK, PDID, PDCAP, LSTATR, ISTATR, OSTATR, RAW, FMT = 0x40, 0x41, 0x45, 0x46, 0x48, 0x49, 0x4A, 0x50, 0x51
BUSY = 0x79
UNKNOWN_COMMAND = b"\x03"


def frame(address: int, sequence: int, body: bytes) -> bytes:
    """An answer with a CRC."""
    head = bytes((0x53, address | 0x80)) + (len(body) + 7).to_bytes(2, "little") + bytes((4 | sequence,))
    return head + body + binascii.crc_hqx(head + body, 0x1D0F).to_bytes(2, "little")


class ClearReader:
    """One reader; what it claims to have it also answers for."""

    def __init__(self, address: int, *, outputs: int = 0, inputs: int = 0, refuses: Sequence[int] = ()) -> None:
        self.address, self.refuses = address, tuple(refuses)
        self.outputs, self.inputs = [False] * outputs, [False] * inputs
        self.condition = (False, False)
        self.waiting: deque[bytes] = deque()
        self.heard: list[int] = []
        """Codes of the commands that were new to it."""
        self.repeated = 0
        self.busy = 0
        """To how many commands yet it says that it has no time for them."""
        self.plugged = True
        self.card_data_format = 1
        """What it claims: cards as bits (1), as characters (2), or either (3)."""
        self.delay_s = 0.002
        self._last: tuple[int, bytes, bytes] = (-1, b"", b"")

    def show_bits(self, bits: int, length: int) -> None:
        """Say a card at the next poll."""
        count = (length + 7) // 8
        data = (bits << count * 8 - length).to_bytes(count, "big")
        self.waiting.append(bytes((RAW, 0, 1)) + length.to_bytes(2, "little") + data)

    def answer(self, command: bytes) -> bytes:
        """The answer to a whole frame; the same again to the same."""
        sequence, body = command[4] & 3, command[5:-2]
        if sequence and (sequence, body) == self._last[:2]:
            self.repeated += 1
            return self._last[2]
        if self.busy:
            self.busy -= 1
            return frame(self.address, 0, bytes((BUSY,)))
        self.heard.append(body[0])
        said = frame(self.address, sequence, self._body(body[0], body[1:]))
        self._last = (sequence, body, said)
        return said

    def _body(self, code: int, data: bytes) -> bytes:
        if code in self.refuses:
            return bytes((NAK,)) + UNKNOWN_COMMAND
        if code == POLL:
            return self.waiting.popleft() if self.waiting else bytes((ACK,))
        if code == OUT:
            output, control = data[:2]
            self.outputs[output] = control in (2, 5) or (control in (3, 4) and self.outputs[output])
        answers = {
            ID: bytes((PDID,)) + bytes.fromhex("314847 01 01 2a000000 010203"),
            CAP: bytes((PDCAP,)) + self._capabilities(),
            LSTAT: bytes((LSTATR, *self.condition)),
            ISTAT: bytes((ISTATR, *self.inputs)),
            OSTAT: bytes((OSTATR, *self.outputs)),
            OUT: bytes((OSTATR, *self.outputs)),
        }
        return answers.get(code, bytes((ACK,)))

    def _capabilities(self) -> bytes:
        rows = [(3, self.card_data_format, 0), (4, 4, 1), (5, 2, 1), (8, 1, 0), (9, 0, 0), (13, 1, 1)]
        rows += [(1, 1, len(self.inputs))] if self.inputs else []
        rows += [(2, 1, len(self.outputs))] if self.outputs else []
        return bytes(value for row in rows for value in row)


class ClearLine:
    """A line with such readers. `meddle` may change what goes back."""

    def __init__(self, line: PtyLine, readers: Sequence[ClearReader]) -> None:
        self.line, self.readers = line, readers
        self.meddle: Callable[[bytes], bytes] = lambda said: said
        self._heard = bytearray()
        line.receive = self._hear

    def _hear(self, data: bytes) -> None:
        self._heard += data
        while (start := self._heard.find(0x53)) >= 0 and len(self._heard) >= start + 4:
            length = int.from_bytes(self._heard[start + 2 : start + 4], "little")
            if len(self._heard) < start + length:
                return
            command = bytes(self._heard[start : start + length])
            del self._heard[: start + length]
            for reader in self.readers:
                if reader.plugged and command[1] in (reader.address, 0x7F):
                    said = self.meddle(reader.answer(command))
                    asyncio.get_running_loop().call_later(reader.delay_s, self.line.send, said)
