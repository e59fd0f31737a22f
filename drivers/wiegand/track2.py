"""ISO 7811 ABA Track 2, as magnetic stripe and clock-and-data readers send it (pure).

A character is four bits, the lightest first, and an odd parity; `;` begins, `?` ends, then follows the LRC: the
exclusive or of all characters from `;` to `?` (ISO/IEC 7811-2; HID MaxiProx manual 4.2.4). Zeros stand before and
after. A card drawn the other way sends everything backwards.
"""

from functools import reduce
from operator import xor

from drivers.wiegand.card_format import WHOLE_TRACK, Track2Layout
from drivers.wiegand.formats import TRACK2, TRACK2_DIGITS
from gateway.domain.credential import Identifier, Reading

CHARACTERS = "0123456789:;<=>?"
START, END, SEPARATOR = ";", "?", "="
DIGITS_MAX = TRACK2_DIGITS
BITS_MIN = 40
"""Shorter messages that happen to frame like a track are cards; a stripe has five digits at least."""
BITS_MAX = 1024
"""A track of 75 bits to the inch holds some 250; clocking zeros around it are no more than the stripe's length."""


class BadTrack(ValueError):
    """No sound track; says why, without digits."""


def read_track(bits: int, length: int) -> str:
    """What stands between `;` and `?` of a message as it was sent, in either direction. Raises BadTrack."""
    if not 0 < length <= BITS_MAX or bits < 0 or bits >> length:
        raise BadTrack("a track of an impossible length")
    message = f"{bits:0{length}b}"
    try:
        return _read(message)
    except BadTrack as forward:
        try:
            return _read(message[::-1])
        except BadTrack:
            raise forward from None


def read_text(text: str) -> str:
    """The same from characters, with or without `;`, `?` and LRC, as OSDP readers give them. Raises BadTrack."""
    body = text.strip()
    if any(sign not in CHARACTERS for sign in body):
        raise BadTrack("a sign that no track has")
    if body.startswith(START):
        body, end, rest = body[1:].partition(END)
        if not end or (rest and rest != lrc_of(body)):
            raise BadTrack("the LRC is wrong" if end else "no end")
    return _checked(body)


def write_track(digits: str) -> tuple[int, int]:
    """(bits, length) of a track with these digits, without zeros around it. Raises BadTrack."""
    body = _checked(digits)
    text = START + body + END + lrc_of(body)
    message = "".join(_character(CHARACTERS.index(sign)) for sign in text)
    return int(message, 2), len(message)


def read_card(digits: str, layout: Track2Layout = WHOLE_TRACK) -> Reading:
    """The reading of a track's digits: format `ABA`. Raises BadTrack where a field isn't there.

    Its parities and its LRC have been checked.
    """
    field = digits.partition(SEPARATOR)[0] if layout.number is None else _cut(digits, layout.number)
    facility = None if layout.facility is None else _digits(_cut(digits, layout.facility))
    return Reading(Identifier(TRACK2, facility, _digits(field)), True)


def card_digits(facility: int | None, number: int, layout: Track2Layout = WHOLE_TRACK) -> str:
    """The digits of a card, zeros where the layout leaves them open. Raises BadTrack where a field can't hold it."""
    if layout.number is None:
        if facility is not None or layout.facility is not None:
            raise BadTrack("a facility code needs a number of known places")
        return str(number)
    fields = [(layout.number, number), *([] if layout.facility is None else [(layout.facility, facility or 0)])]
    digits = ["0"] * (1 + max(place for places, _ in fields for place in places))
    for places, value in fields:
        text = f"{value:0{len(places)}d}"
        if len(text) != len(places) or not text.isdecimal():
            raise BadTrack("a field has too few digits for it")
        for place, digit in zip(places, text, strict=True):
            digits[place] = digit
    return "".join(digits)


def lrc_of(body: str) -> str:
    """The LRC's character for what stands between `;` and `?`."""
    return CHARACTERS[reduce(xor, (CHARACTERS.index(sign) for sign in START + body + END))]


def _read(message: str) -> str:
    start = message.find("1")
    if start < 0:
        raise BadTrack("no begin")
    values: list[int] = []
    for at in range(start, len(message) - 4, 5):
        group = message[at : at + 5]
        value = int(group[3::-1], 2)
        if values and CHARACTERS[values[-1]] == END:
            # The LRC, whose own parity isn't judged: HID's manual shows it both ways, and its four bits say it all.
            return _closed([*values, value], message[at + 5 :])
        if not values and CHARACTERS[value] != START:
            raise BadTrack("no begin")
        if group.count("1") % 2 == 0:
            raise BadTrack("wrong parity")
        values.append(value)
    raise BadTrack("no end")


def _closed(values: list[int], rest: str) -> str:
    """Everything up to the LRC has come."""
    if "1" in rest:
        raise BadTrack("something behind the end")
    if reduce(xor, values) != 0:
        raise BadTrack("the LRC is wrong")
    return _checked("".join(CHARACTERS[value] for value in values[1:-2]))


def _checked(body: str) -> str:
    if not 1 <= len(body) <= DIGITS_MAX:
        raise BadTrack(f"not 1 to {DIGITS_MAX} digits")
    if any(sign not in f"0123456789{SEPARATOR}" for sign in body):
        raise BadTrack("a sign that no track has")
    return body


def _cut(digits: str, places: tuple[int, ...]) -> str:
    if max(places) >= len(digits):
        raise BadTrack("too few digits for its fields")
    return "".join(digits[place] for place in places)


def _digits(text: str) -> int:
    if not text.isdecimal():
        raise BadTrack("no number in its field")
    return int(text)


def _character(value: int) -> str:
    """Four bits, the lightest first, and the parity that makes their ones odd."""
    bits = f"{value:04b}"[::-1]
    return bits + ("0" if bits.count("1") % 2 else "1")
