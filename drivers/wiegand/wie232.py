"""Priority1 WIE232, Wiegand to RS-232 (9600 8N1): six hex digits (facility code XX, number YYZZ), CR."""

from drivers.registry import Driver, DriverContext
from drivers.serial_reader import SerialReader
from drivers.wiegand.converter import ConverterFramer, LineShape
from drivers.wiegand.formats import BUILT_IN
from drivers.wiegand.settings import ConverterSettings, build_converter

SHAPE = LineShape(digits=6, base=16, suffix=b"\r")


class Wie232Settings(ConverterSettings):
    """Settings of `driver = "wie232"`."""


def build(settings: Wie232Settings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    return build_converter(settings, SHAPE, context)


def make_framer(*formats: str) -> ConverterFramer:
    """A framer that reads numbers as cards of these built-in formats; of H10301 where none is named."""
    return Wie232Settings(port="-", formats=formats or ("H10301",)).make_framer(SHAPE, BUILT_IN)


DRIVER = Driver("wie232", "reader", Wie232Settings, build, "Priority1 WIE232 Wiegand to RS-232 converter")
