"""`gatehouse card`: card numbers from bits, and to bits."""

import json
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from config.card_formats import format_table
from config.loader import load_config
from drivers.wiegand.card_commands import decode_line, encode_card
from drivers.wiegand.formats import BUILT_IN, FormatTable
from gateway.errors import ConfigError


def run_decode(bits: int, hex_text: str, site: Path | None, *, printed: bool) -> int:
    """Print every reading of one message. Raises ConfigError."""
    _tell(decode_line(bits, hex_text, _formats_of(site), printed=printed))
    return 0


def run_decode_many(lines: Iterable[str], site: Path | None, *, printed: bool) -> int:
    """The same for each `BITS HEX` line. Raises ConfigError with the line's number."""
    decode = partial(decode_line, formats=_formats_of(site), printed=printed)
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not words[0].isdecimal():
            raise ConfigError(
                "standard input", line.strip()[:80], "write one `BITS HEX` a line, such as 26 2F623AE", number
            )
        try:
            answer = decode(int(words[0][:9]), words[1])
        except ConfigError as error:
            raise ConfigError(error.key, error.value, error.remedy, number) from error
        _tell(answer)
    return 0


def run_encode(format_name: str, facility: int | None, number: int, site: Path | None) -> int:
    """Print a card's bits. Raises ConfigError."""
    print(json.dumps(encode_card(format_name, facility, number, _formats_of(site))))
    return 0


def _tell(answer: dict[str, Any]) -> None:
    """In lines to a person, in JSON to a program."""
    text = "\n".join(_in_words(answer)) if sys.stdout.isatty() else json.dumps(answer)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _in_words(answer: dict[str, Any]) -> Iterator[str]:
    readings = answer["readings"]
    yield f"{answer['bits']} bits {answer['hex']}" + ("" if readings else ": no known format has so many bits")
    for reading in readings:
        facility = "" if reading["facility_code"] is None else f"facility code {reading['facility_code']}, "
        wrong = "" if reading["parity_ok"] else ", parity wrong"
        yield f"  {reading['format']}: {facility}number {reading['card_number']}{wrong}"
    for form, digits in answer.get("printed", {}).items():
        yield f"  printed as {form}: {digits}"


def _formats_of(site: Path | None) -> FormatTable:
    """The built-in card formats, and the site's own."""
    return BUILT_IN if site is None else format_table(load_config(site))
