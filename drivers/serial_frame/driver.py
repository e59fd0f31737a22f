"""Readers on a serial line that no driver here knows: the site describes what their frames look like."""

from drivers.links import SerialLink
from drivers.registry import Driver, DriverContext
from drivers.serial_frame.framer import FrameFramer
from drivers.serial_frame.settings import SerialFrameSettings
from drivers.serial_reader import SerialReader
from drivers.wiegand.formats import BUILT_IN, FormatTable


def build(settings: SerialFrameSettings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    link = SerialLink(settings.port, settings.baud)
    table = context.formats
    return SerialReader(context.device_id, link, lambda: make_framer(settings, table), context.sink, context.clock)


def make_framer(settings: SerialFrameSettings, table: FormatTable = BUILT_IN) -> FrameFramer:
    """A framer for a new connection."""
    meaning = settings.meaning(table)
    return FrameFramer(meaning.shape, meaning.read)


DRIVER = Driver("serial-frame", "reader", SerialFrameSettings, build, "Serial readers whose frames the site describes")
