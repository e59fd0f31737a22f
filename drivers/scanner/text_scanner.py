"""Scanners of QR codes and plates on a serial line: each text is a line that ends in CR, LF or both."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from pydantic import Field, field_validator

from drivers.contracts import Framer
from drivers.links import BAUD_RATES, SerialLink
from drivers.registry import Driver, DriverContext, DriverSettings
from drivers.serial_reader import Rejected, SerialReader, Text

MAX_LINE_BYTES = 1024
"""A pass with its signature is about 300 bytes; the largest QR code holds 2953, of which nothing here makes use."""

LINE_PATIENCE_S = 0.5
"""A scanner says a line without a pause; after this silence its rest won't come."""

MAX_AROUND = 16
"""Scanners offer a few characters, or the symbology's name such as ]Q1."""

_ENDS = frozenset(b"\r\n")


class TextFramer:
    """Bytes to `Text` and `Rejected`; holds at most one line. Empty lines say nothing."""

    def __init__(self, read: Callable[[bytes], Text | Rejected]) -> None:
        self._read = read
        self._line = bytearray()
        self._skipping = False
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if not data and due is not None and now_s >= due:
            if not self._skipping:
                values.append(Rejected("half a line"))
            self._line.clear()
            self._skipping = False
        for byte in data:
            self._take(byte, values)
        if data:
            self._last_s = now_s
        return values

    def deadline(self) -> float | None:
        """When a begun line counts as lost."""
        return self._last_s + LINE_PATIENCE_S if self._line or self._skipping else None

    def _take(self, byte: int, values: list[object]) -> None:
        if byte in _ENDS:
            if self._line:
                values.append(self._read(bytes(self._line)))
            self._line.clear()
            self._skipping = False
        elif not self._skipping:
            self._line.append(byte)
            if len(self._line) > MAX_LINE_BYTES:
                values.append(Rejected("a text that is too long"))
                self._line.clear()
                self._skipping = True


class ScannedTextSettings(DriverSettings):
    """How a scanner writes a text, and what it puts around it."""

    prefix: str = Field(default="", description="what the scanner says before each text; taken away")
    suffix: str = Field(default="", description="what the scanner says after each text; taken away")
    encoding: Literal["utf-8", "gb18030"] = "utf-8"

    @field_validator("prefix", "suffix")
    @classmethod
    def _short(cls, text: str) -> str:
        if len(text) > MAX_AROUND or not text.isprintable():
            raise ValueError(
                f"give what the scanner says around each text, {MAX_AROUND} characters at most, or nothing"
            )
        return text

    def read(self, data: bytes) -> Text | Rejected:
        """The text, without prefix and suffix where it has them. What nobody can print is noise."""
        if len(data) > MAX_LINE_BYTES:
            return Rejected("a text that is too long")
        try:
            text = data.decode(self.encoding)
        except UnicodeDecodeError:
            return Rejected(f"a text that is not {self.encoding.upper()}")
        text = text.removeprefix(self.prefix).removesuffix(self.suffix)
        if not text.isprintable():
            return Rejected("a text with control characters")
        return Text(text) if text.strip() else Rejected("no text")


class TextScannerSettings(ScannedTextSettings):
    """Settings of `driver = "text-scanner"`."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; scanners come with 9600 or 115200")
        return baud


def build(settings: TextScannerSettings, context: DriverContext) -> SerialReader:
    """The scanner for one device of the site config."""
    link = SerialLink(settings.port, settings.baud)
    return SerialReader(context.device_id, link, partial(TextFramer, settings.read), context.sink, context.clock)


def make_framer(prefix: str = "") -> Framer:
    """A framer for a new connection to a scanner that says UTF-8."""
    return TextFramer(ScannedTextSettings(prefix=prefix).read)


DRIVER = Driver("text-scanner", "reader", TextScannerSettings, build, "Serial scanners of QR codes and plates")
