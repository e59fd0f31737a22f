"""Whether what names a credential of LIST.json can name one: a card, a PIN, a number plate."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.domain.credential import PLATE_FORMAT, is_pin_format

PIN_DIGITS = range(4, 13)
"""`PIN4` to `PIN12`: shorter ones are guessed, longer ones nobody types."""

Fits: TypeAlias = Callable[[str, int | None, int], str | None]
"""(format, facility code, number) -> why no card of that format has that number, as `.field: words`; None if one may.

Asked of cards only. Digits are never repeated in a fault.
"""


def any_number(format_: str, facility_code: int | None, number: int) -> None:
    """Where nobody knows the formats, each number fits each."""


def identifier_fault(name: str, facility_code: int | None, number: int | str, fits: Fits) -> str | None:
    """What is wrong with a credential's identifier, as `.field: words`. Digits are never repeated in a fault."""
    digits = int(name[3:]) if is_pin_format(name) else None
    if isinstance(number, str):
        if name != PLATE_FORMAT:
            return ".number: must be integer; only a plate's is text"
        if number != number.upper():
            return ".number: a plate's is in capitals"
    elif name == PLATE_FORMAT:
        return ".number: must be string; a plate's is its text"
    elif digits is not None and digits not in PIN_DIGITS:
        return f".format: {name} is none of PIN{PIN_DIGITS[0]} to PIN{PIN_DIGITS[-1]}"
    elif digits is not None and number >= 10**digits:
        return f".number: has more digits than {name}"
    elif digits is None:
        return fits(name, facility_code, number)
    if facility_code is not None:
        return f".facility_code: {name} has none"
    return None
