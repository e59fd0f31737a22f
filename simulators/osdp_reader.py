"""OSDP readers on an RS-485 line: libosdp's peripheral side over a pseudo-terminal, paced like the wire.

`python -m simulators.osdp_reader PORT --baud 9600 0:KEYHEX 1:install 2:clear` puts readers at those addresses on a line
of its own process; lines on standard input work it: `swipe ADDRESS FACILITY NUMBER`, `press ADDRESS KEYS`, `unplug
ADDRESS`, `plug ADDRESS`, `tamper ADDRESS on|off`.
"""

import argparse
import asyncio
import ctypes
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import osdp_sys

from simulators.card import Card, CardUnreadable, wiegand_message
from simulators.device import Surroundings
from simulators.plan import DevicePlan
from simulators.pty_line import PtyLine

REPLY_DELAY_S = 0.002
"""What a real reader takes to turn the line round and answer."""
STEPS = 4
"""libosdp takes a step a call; an answer is ready after at most so many."""
_START, _LONGEST, _EVERYBODY = 0x53, 1440, 0x7F
_SEQUENCE = 3
"""Bits of a frame's fifth byte: the sequence number, 0 for a new beginning."""
FORGET_S = 0.1
"""Half a command is forgotten after so much silence. Readers do after 20 ms (v2.2, section 5.7); this process may have
been kept waiting for some of it."""
KEYS = {"*": b"\x7f", "#": b"\x0d"} | {digit: digit.encode() for digit in "0123456789"}


class _Channel:
    id = 1

    def __init__(self) -> None:
        self.arrived, self.leaving = bytearray(), bytearray()

    def read(self, count: int) -> bytes:
        data = bytes(self.arrived[:count])
        del self.arrived[:count]
        return data

    def write(self, data: bytes) -> int:
        self.leaving += data
        return len(data)

    def flush(self) -> None:
        self.arrived.clear()


class OsdpReader:
    """One reader. Without a key it is in install mode (default key, once); `clear` also speaks without a channel.

    A command that comes again with its sequence number is one whose answer was lost: a reader says that answer again,
    and does nothing else (v2.2, section 5.4). libosdp 3.2.9's peripheral takes it for a new command. A card in the
    answer that was lost is lost then, and in a secure channel the channel, too: that reader is `forgetful`.
    """

    def __init__(
        self, address: int, key: bytes | None, *, clear: bool = False, outputs: int = 0, forgetful: bool = False
    ) -> None:
        self.address, self.key, self.clear, self.outputs = address, key, clear, outputs
        self.forgetful = forgetful
        self.plugged = False
        self.shown: list[dict[str, Any]] = []
        """Commands that it was given, newest last."""
        self.changed: Callable[[], None] = lambda: None
        self._channel = _Channel()
        self._peripheral: Any = None
        self._last = (b"", b"")
        """The last command, and its answer."""
        self._coils: dict[int, bool] = dict.fromkeys(range(outputs), False)

    @property
    def coils(self) -> list[bool]:
        """Its relays."""
        return [self._coils[number] for number in range(self.outputs)]

    def plug(self) -> None:
        """Give it power: it has forgotten every session, and remembers its key."""
        if self.plugged:
            return
        self.plugged, self._channel, self._last = True, _Channel(), (b"", b"")
        flags = 0
        if not self.clear:
            flags = osdp_sys.FLAG_INSTALL_MODE if self.key is None else osdp_sys.FLAG_ENFORCE_SECURE
        info = {
            "name": "reader",
            "address": self.address,
            "flags": flags,
            "scbk": None if self.clear else self.key,
            "channel": self._channel,
            "version": 1,
            "model": 1,
            "vendor_code": 0x474831,
            "serial_number": 1000 + self.address,
            "firmware_version": 0x010203,
        }
        osdp_sys.set_loglevel(osdp_sys.LOG_EMERG)
        self._peripheral = osdp_sys.PeripheralDevice(info, capabilities=self._capabilities())
        self._peripheral.set_command_callback(self._command)

    async def unplug(self) -> None:
        """Pull its plug."""
        self.plugged, self._peripheral = False, None

    def answer(self, data: bytes) -> bytes:
        """What it says to bytes on the line, if they were for it."""
        if self._peripheral is None:
            return b""
        asked, said = self._last
        if said and data == asked and data[4] & _SEQUENCE and not self.forgetful:
            return said
        self._channel.arrived += data
        for _ in range(STEPS):
            self._peripheral.refresh()
            if self._channel.leaving:
                break
        said = bytes(self._channel.leaving)
        self._channel.leaving.clear()
        self._last = (data, said)
        return said

    async def swipe(self, card: Card) -> bool:
        """Say the card's bits at the next poll. Raises CardUnreadable."""
        bits = wiegand_message(card)
        return self.show_bits(int(bits, 2), len(bits))

    def show_bits(self, bits: int, length: int) -> bool:
        """Say these bits at the next poll."""
        count = (length + 7) // 8
        data = (bits << count * 8 - length).to_bytes(count, "big")
        return self._say(
            event=osdp_sys.EVENT_CARDREAD,
            reader_no=0,
            direction=0,
            format=osdp_sys.CARD_FMT_RAW_WIEGAND,
            length=length,
            data=data,
        )

    async def press(self, key: str) -> bool:
        """Press keys. Raises CardUnreadable for one that it hasn't."""
        if any(each not in KEYS for each in key):
            raise CardUnreadable(f"the keypad has no key {key!r}; it has 0-9, * and #")
        data = b"".join(KEYS[each] for each in key)
        return self._say(event=osdp_sys.EVENT_KEYPRESS, reader_no=0, data=data)

    def report(self, *, tampered: bool = False, power_fault: bool = False) -> bool:
        """Say how it is at the next poll."""
        report = bytes((tampered, power_fault))
        return self._say(event=osdp_sys.EVENT_STATUS, type=osdp_sys.STATUS_REPORT_LOCAL, report=report)

    def _say(self, **event: Any) -> bool:
        return self._peripheral is not None and bool(self._peripheral.submit_event(event))

    def _command(self, command: dict[str, Any]) -> tuple[int, None]:
        self.shown.append(command)
        if command["command"] == osdp_sys.CMD_KEYSET:
            self.key = bytes(command["data"])
        elif command["command"] == osdp_sys.CMD_OUTPUT:
            self._switch(command["output_no"], command["control_code"], command["timer_count"])
        # libosdp 3.2.9 drops a reference to the second value that isn't its own: Python 3.11 runs out of None.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
        return 0, None

    def _switch(self, output: int, code: int, ticks: int) -> None:
        if code in (1, 2, 5, 6):
            self._coils[output] = code in (2, 5)
            self.changed()
        if code in (5, 6):
            asyncio.get_running_loop().call_later(ticks / 10, self._switch, output, 1 if code == 5 else 2, 0)

    def _capabilities(self) -> list[dict[str, int]]:
        claims = [
            (osdp_sys.CAP_READERS, 1, 1),
            (osdp_sys.CAP_CARD_DATA_FORMAT, 1, 1),
            (osdp_sys.CAP_READER_LED_CONTROL, 4, 1),
            (osdp_sys.CAP_READER_AUDIBLE_OUTPUT, 2, 1),
        ]
        if not self.clear:
            claims.append((osdp_sys.CAP_COMMUNICATION_SECURITY, 1, 1))
        if self.outputs:
            claims.append((osdp_sys.CAP_OUTPUT_CONTROL, 4, self.outputs))
        return [{"function_code": f, "compliance_level": level, "num_items": n} for f, level, n in claims]


class OsdpLine:
    """A line with readers on it."""

    def __init__(self, line: PtyLine, readers: Sequence[OsdpReader]) -> None:
        self.line, self.readers = line, readers
        self._heard, self._heard_s = bytearray(), 0.0
        line.receive = self._hear

    @property
    def plugged(self) -> bool:
        """Whether the gateway's end is in."""
        return self.line.plugged

    def plug(self) -> None:
        """Put the cable in; the readers have their own power."""
        self.line.plug()

    async def unplug(self) -> None:
        """Pull the gateway's cable."""
        self.line.unplug()

    async def noise(self, data: bytes) -> None:
        """Put rubbish on the line, as the gateway hears it."""
        self.line.send(data)

    def answer(self, reader: OsdpReader, frame: bytes) -> bytes:
        """What goes back for a command: the reader's answer, unless somebody sits on the line."""
        return reader.answer(frame)

    def _hear(self, data: bytes) -> None:
        """Hand whole frames to the reader at their address: libosdp's peripheral wants them in one piece."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._heard_s > FORGET_S:
            self._heard.clear()
        self._heard_s = now_s
        self._heard += data
        while (frame := self._next_frame()) is not None:
            for reader in self.readers:
                if frame[1] in (reader.address, _EVERYBODY):
                    said = self.answer(reader, frame)
                    asyncio.get_running_loop().call_later(REPLY_DELAY_S, self.line.send, said)

    def _next_frame(self) -> bytes | None:
        """From the start byte on as many as the length says; a length that can't be is noise."""
        while (start := self._heard.find(_START)) >= 0:
            del self._heard[:start]
            if len(self._heard) < 4:
                return None
            length = int.from_bytes(self._heard[2:4], "little")
            if not 7 <= length <= _LONGEST:
                del self._heard[0]
                continue
            if len(self._heard) < length:
                return None
            frame = bytes(self._heard[:length])
            del self._heard[:length]
            return frame
        self._heard.clear()
        return None


def make_line(plan: DevicePlan, surroundings: Surroundings) -> OsdpLine:
    """`driver = "osdp-bus"`."""
    line = surroundings.line(plan.port, int(plan.settings.get("baud", 9600)))
    return OsdpLine(line, surroundings.members(plan.device))


def make_reader(plan: DevicePlan, surroundings: Surroundings) -> OsdpReader:
    """`driver = "osdp-reader"`: with the key that lies in the site's secrets."""
    settings = plan.settings
    clear = bool(settings.get("insecure"))
    key = None if clear else _key(surroundings.data, str(settings["key"]))
    reader = OsdpReader(int(settings["address"]), key, clear=clear, outputs=int(settings.get("outputs", 0)))
    reader.changed = surroundings.changed
    surroundings.members(str(settings["bus"])).append(reader)
    return reader


def _key(data: Path, reference: str) -> bytes | None:
    """The key in a secret's file; none yet is a reader as it comes from its box."""
    path = data / reference.removeprefix("file:")
    return bytes.fromhex(path.read_text(encoding="ascii").strip()) if path.exists() else None


async def _serve(port: Path, baud: int, readers: dict[int, OsdpReader]) -> None:
    line = OsdpLine(PtyLine(port, baud), list(readers.values()))
    for reader in readers.values():
        reader.plug()
    line.plug()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), sys.stdin)
    while text := (await stream.readline()).decode().split():
        await _work(readers, text)


async def _work(readers: dict[int, OsdpReader], text: list[str]) -> None:
    verb, reader = text[0], readers[int(text[1])]
    match verb:
        case "swipe":
            await reader.swipe(Card("H10301", int(text[3]), int(text[2])))
        case "press":
            await reader.press(text[2])
        case "plug":
            reader.plug()
        case "unplug":
            await reader.unplug()
        case "tamper":
            reader.report(tampered=text[2] == "on")


def _reader(text: str) -> OsdpReader:
    address, _, how = text.partition(":")
    key = None if how in ("install", "clear") else bytes.fromhex(how)
    return OsdpReader(int(address), key, clear=how == "clear")


def main() -> None:
    """A line of its own process."""
    parser = argparse.ArgumentParser(prog="python -m simulators.osdp_reader")
    parser.add_argument("port", type=Path)
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("readers", nargs="+", type=_reader)
    asked = parser.parse_args()
    asyncio.run(_serve(asked.port, asked.baud, {each.address: each for each in asked.readers}))


if __name__ == "__main__":
    main()
