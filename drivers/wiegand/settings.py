"""The settings that Wiegand converters share, and the reader that they make."""

from pydantic import Field, field_validator

from drivers.links import BAUD_RATES, SerialLink
from drivers.registry import DriverContext, DriverSettings
from drivers.serial_reader import SerialReader
from drivers.wiegand.converter import ConverterFramer, LineShape, number_reader
from drivers.wiegand.formats import BUILT_IN


class ConverterSettings(DriverSettings):
    """A converter on a serial port; `format` says what its number means."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600
    format: str = "H10301"

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; these converters speak 9600")
        return baud

    @field_validator("format")
    @classmethod
    def _known_format(cls, name: str) -> str:
        if name not in BUILT_IN.names:
            raise ValueError(f"use one of {', '.join(BUILT_IN.names)}")
        return name

    def make_framer(self, shape: LineShape) -> ConverterFramer:
        """A framer for a new connection."""
        return ConverterFramer(shape, number_reader(BUILT_IN.find(self.format)))


def build_converter(settings: ConverterSettings, shape: LineShape, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    link = SerialLink(settings.port, settings.baud)
    return SerialReader(context.device_id, link, lambda: settings.make_framer(shape), context.sink, context.clock)
