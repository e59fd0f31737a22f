"""S4A Wiegand to RS-232 (9600 8N1): ten decimal digits, CR LF; a key of the keypad is one byte without a suffix."""

from drivers.registry import Driver, DriverContext
from drivers.serial_reader import SerialReader
from drivers.wiegand.converter import ConverterFramer, LineShape
from drivers.wiegand.formats import BUILT_IN
from drivers.wiegand.settings import ConverterSettings, build_converter

SHAPE = LineShape(digits=10, base=10, suffix=b"\r\n")


class S4aSettings(ConverterSettings):
    """Settings of `driver = "s4a"`."""


def build(settings: S4aSettings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    return build_converter(settings, SHAPE, context)


def make_framer(*formats: str) -> ConverterFramer:
    """A framer that reads numbers as cards of these built-in formats; of H10301 where none is named."""
    return S4aSettings(port="-", formats=formats or ("H10301",)).make_framer(SHAPE, BUILT_IN)


DRIVER = Driver("s4a", "reader", S4aSettings, build, "S4A Wiegand to RS-232 converter, with keypad")
