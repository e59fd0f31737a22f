"""The settings that Wiegand converters share, and the reader that they make."""

from typing import Annotated

from pydantic import Field, field_validator

from drivers.links import BAUD_RATES, SerialLink
from drivers.registry import DriverContext, DriverSettings, FormatNames
from drivers.serial_reader import SerialReader
from drivers.wiegand.converter import ConverterFramer, LineShape, number_reader
from drivers.wiegand.formats import FormatTable


class ConverterSettings(DriverSettings):
    """A converter on a serial port; `formats` say what its number means, the first one first."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600
    formats: Annotated[FormatNames, Field(min_length=1)] = ("H10301",)

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; these converters speak 9600")
        return baud

    def make_framer(self, shape: LineShape, table: FormatTable) -> ConverterFramer:
        """A framer for a new connection."""
        return ConverterFramer(shape, number_reader(table, self.formats))


def build_converter(settings: ConverterSettings, shape: LineShape, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    link = SerialLink(settings.port, settings.baud)
    return SerialReader(
        context.device_id, link, lambda: settings.make_framer(shape, context.formats), context.sink, context.clock
    )
