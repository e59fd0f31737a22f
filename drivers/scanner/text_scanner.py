"""Scanners of QR codes and plates on a serial line: each text is a line that ends in CR, LF or both."""

from functools import partial

from pydantic import Field, field_validator

from drivers.contracts import Framer
from drivers.links import BAUD_RATES, SerialLink
from drivers.registry import Driver, DriverContext, DriverSettings
from drivers.serial_reader import Rejected, SerialReader, Text

MAX_LINE_BYTES = 1024
"""A pass with its signature is about 300 bytes; the largest QR code holds 2953, of which nothing here makes use."""

LINE_PATIENCE_S = 0.5
"""A scanner says a line without a pause; after this silence its rest won't come."""

MAX_PREFIX = 16
"""Scanners offer a few characters, or the symbology's name such as ]Q1."""

_ENDS = frozenset(b"\r\n")


class TextFramer:
    """Bytes to `Text` and `Rejected`; holds at most one line. Empty lines say nothing."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
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
                values.append(read_text(bytes(self._line), self._prefix))
            self._line.clear()
            self._skipping = False
        elif not self._skipping:
            self._line.append(byte)
            if len(self._line) > MAX_LINE_BYTES:
                values.append(Rejected("a text that is too long"))
                self._line.clear()
                self._skipping = True


def read_text(data: bytes, prefix: str) -> Text | Rejected:
    """The text in UTF-8, without the prefix where it has it. What nobody can print is noise."""
    if len(data) > MAX_LINE_BYTES:
        return Rejected("a text that is too long")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Rejected("a text that is not UTF-8")
    text = text.removeprefix(prefix)
    if not text.isprintable():
        return Rejected("a text with control characters")
    return Text(text) if text.strip() else Rejected("no text")


class PrefixSettings(DriverSettings):
    """What a scanner puts before each text."""

    prefix: str = Field(default="", description="what the scanner says before each text; taken away")

    @field_validator("prefix")
    @classmethod
    def _short(cls, prefix: str) -> str:
        if len(prefix) > MAX_PREFIX or not prefix.isprintable():
            raise ValueError(
                f"give what the scanner says before each text, {MAX_PREFIX} characters at most, or nothing"
            )
        return prefix


class TextScannerSettings(PrefixSettings):
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
    return SerialReader(context.device_id, link, partial(make_framer, settings.prefix), context.sink, context.clock)


def make_framer(prefix: str = "") -> Framer:
    """A framer for a new connection."""
    return TextFramer(prefix)


DRIVER = Driver("text-scanner", "reader", TextScannerSettings, build, "Serial scanners of QR codes and plates")
