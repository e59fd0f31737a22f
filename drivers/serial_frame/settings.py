"""How a site describes a reader's frames, checked so that what is left can be read."""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from drivers.links import BAUD_RATES
from drivers.registry import DriverSettings, FormatNames, to_tuple
from drivers.serial_frame.checksums import CHECKSUMS
from drivers.serial_frame.framer import MAX_BODY
from drivers.serial_frame.shape import DIGITS, Encoding, FrameMeaning, FrameShape, Order
from drivers.wiegand.formats import FormatTable

MAX_MARK = 8
"""Bytes of a start or an end; readers have one to three."""

MAX_BITS = 256
"""Twice the longest number that a list takes."""

KEYS = "0123456789*#"

_PLACES = re.compile(r"([0-9]{1,3})-([0-9]{1,3})")

Part = Literal["start", "body", "text", "end"]


class SerialFrameSettings(DriverSettings):
    """Settings of `driver = "serial-frame"`."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 9600
    start: str = ""
    end: str = ""
    length: int | None = Field(default=None, ge=1, le=MAX_BODY)
    length_at: int | None = Field(default=None, ge=0, lt=MAX_BODY)
    length_adds: int = Field(default=0, ge=-MAX_BODY, le=MAX_BODY)
    encoding: Encoding = "hex"
    number: str = ""
    byte_order: Order = "big"
    checksum: Literal["none", "xor", "sum", "crc16-ccitt", "crc16-xmodem", "crc16-modbus"] = "none"
    checksum_over: Annotated[tuple[Part, ...], BeforeValidator(to_tuple)] = ("body",)
    checksum_after_end: bool = False
    checksum_order: Order = "big"
    bits: int | None = Field(default=None, ge=1, le=MAX_BITS)
    formats: Annotated[FormatNames, Field(min_length=1)]
    keys: str = ""

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}, as the reader's data sheet says")
        return baud

    @field_validator("start", "end")
    @classmethod
    def _few_bytes(cls, text: str) -> str:
        if len(_bytes(text)) > MAX_MARK:
            raise ValueError(f"give {MAX_MARK} bytes at most")
        return text

    @field_validator("number")
    @classmethod
    def _places(cls, text: str) -> str:
        found = _PLACES.fullmatch(text)
        if text and (found is None or int(found[1]) > int(found[2])):
            raise ValueError(
                "give the first and the last place, counted from 0, such as 1-4, or nothing for all of them"
            )
        return text

    @field_validator("keys")
    @classmethod
    def _twelve_keys(cls, text: str) -> str:
        found = _bytes(text)
        if text and (len(found) != len(KEYS) or len(set(found)) != len(KEYS)):
            raise ValueError(f"give twelve different bytes, those of {' '.join(KEYS)} in this order, or nothing")
        return text

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        """Every frame ends somewhere, its marks can't be its body, and no lost byte makes another card of it."""
        for key, remedy in (*self._flaws_of_length(), *self._flaws_of_marks(), *self._flaws_of_checksum()):
            raise ValueError(f"{key} = {getattr(self, key)!r}: {remedy}")
        return self

    def _flaws_of_length(self) -> list[tuple[str, str]]:
        binary, found = self.encoding == "binary", []
        if self.length is not None and self.length_at is not None:
            found.append(("length_at", "give length or length_at, not both"))
        if binary and self.length is None and self.length_at is None:
            found.append(("length", "give it or length_at: an end can't be told from binary bytes before it"))
        if not binary and self.length_at is not None:
            found.append(("length_at", 'a length byte goes with encoding = "binary"; give length or end'))
        if not binary and self.length is None and not self.end:
            found.append(("end", "give it or length: nothing else tells where the digits end"))
        if self.length_at is None and self.length_adds:
            found.append(("length_adds", "it goes with length_at; leave it out"))
        if self.encoding == "hex" and self.length is not None and self.length % 2:
            found.append(("length", f"{self.length} hex digits are no whole bytes; give an even number"))
        longest = self._data_size(MAX_BODY if self.length is None else self.length)
        if longest <= self._last_place():
            found.append(("number", "its last place lies behind the body, or in the checksum"))
        if self.places is not None and self.bits is not None and self.encoding != "decimal":
            given, needed = self.places[1] - self.places[0] + 1, (self.bits + 7) // 8
            if given > needed:
                remedy = f"names {given} bytes; {self.bits} bits take {needed}: name those that hold the card"
                found.append(("number", remedy))
        return found

    def _flaws_of_marks(self) -> list[tuple[str, str]]:
        digits, found = DIGITS[self.encoding], list[tuple[str, str]]()
        remedy = f"it holds bytes that are {self.encoding} digits; marks must be other bytes"
        marks = (("start", self.start), ("end", self.end)) if digits is not None else ()
        found += [(key, remedy) for key, mark in marks if digits is not None and digits & set(_bytes(mark))]
        if self.keys and self.start and _bytes(self.start)[0] in _bytes(self.keys):
            found.append(("keys", "the byte that begins a frame can't be a key"))
        if self.checksum == "none" and self.encoding == "binary" and not self.end:
            found.append(("checksum", "give end or a checksum: else a lost byte makes another card of two frames"))
        if self.checksum == "none" and self.encoding != "binary" and self.length is None:
            found.append(("length", "give it or a checksum: else a lost digit makes another card"))
        return found

    def _flaws_of_checksum(self) -> list[tuple[str, str]]:
        found, over = [], self.checksum_over
        order = [part for part in ("start", "body", "text", "end") if part in over]
        if self.checksum == "none":
            if self.checksum_after_end or over != ("body",):
                found.append(("checksum", "name one, or leave out what belongs to it"))
            return found
        if list(over) != order or len({"body", "text"} & set(over)) != 1:
            found.append(("checksum_over", "name body or text, with start before and end after it where they count"))
        if ("start" in over and not self.start) or ("end" in over and not self.end):
            found.append(("checksum_over", "it names a start or an end that the frame doesn't have"))
        if self.encoding == "decimal" and (not self.checksum_after_end or "body" in over):
            found.append(("checksum", "decimal digits have one after the end and over text only"))
        if self.checksum_after_end and not self.end:
            found.append(
                ("checksum_after_end", "without an end the checksum stands at the end of the body; leave it out")
            )
        return found

    def _data_size(self, length: int) -> int:
        """How many bytes (decimal: digits) a body of that length leaves for the number."""
        size = length // 2 if self.encoding == "hex" else length
        return size if self.checksum_after_end else size - CHECKSUMS[self.checksum].width

    def _last_place(self) -> int:
        return self.places[1] if self.places is not None else 0

    @property
    def places(self) -> tuple[int, int] | None:
        """First and last place of the number; None is all."""
        found = _PLACES.fullmatch(self.number)
        return None if found is None else (int(found[1]), int(found[2]))

    def meaning(self, table: FormatTable) -> FrameMeaning:
        """The description ready for reading; `table` are the site's formats."""
        checksum = CHECKSUMS[self.checksum]
        shape = FrameShape(
            start=_bytes(self.start),
            end=_bytes(self.end),
            trailer=checksum.width if self.checksum_after_end else 0,
            length=self.length,
            length_at=self.length_at,
            length_adds=self.length_adds,
            digits=DIGITS[self.encoding],
            keys=dict(zip(_bytes(self.keys), KEYS, strict=False)),
        )
        return FrameMeaning(
            shape=shape,
            encoding=self.encoding,
            order=self.byte_order,
            checksum=checksum,
            checksum_order=self.checksum_order,
            covers=self.checksum_over,
            number=self.places,
            bits=self.bits,
            formats=self.formats,
            table=table,
        )


def _bytes(text: str) -> bytes:
    """Bytes written in hex, with or without spaces. Raises ValueError with the remedy."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("give bytes in hex, two digits each, such as 02 or 0D 0A") from None
