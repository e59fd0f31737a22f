"""What a reader that says raw bits has said: a card, keys of its keypad, or nothing of use (pure)."""

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import TRACK2, FormatTable
from drivers.wiegand.keypad import BURST_KEYPAD, BadKey, Keypad, read_keys
from drivers.wiegand.track2 import BITS_MIN, BadTrack, read_card, read_track
from gateway.domain.credential import Reading


def read_message(
    bits: int, length: int, formats: FormatTable, priority: tuple[str, ...] = (), keypad: Keypad = BURST_KEYPAD
) -> list[Card | Key | Rejected]:
    """The meaning of a message of `length` bits; `priority` as in `FormatTable.read`.

    Readings of wrong parity don't count; where no other is left the message is rejected.
    """
    if bits < 0 or bits >> length:
        return [Rejected(f"a number of more than {length} bits")]
    try:
        keys = read_keys(bits, length, keypad)
    except BadKey as error:
        return [Rejected(str(error))]
    if keys is not None:
        return [Key(key) for key in keys]
    readings = formats.read(bits, length, priority)
    if not priority or TRACK2 in priority:
        readings += read_stripe(bits, length, formats)
    sound = tuple(reading for reading in readings if reading.parity_ok is not False)
    if sound:
        return [Card(sound)]
    return [Rejected("wrong parity" if readings else f"no format of {length} bits")]


def read_stripe(bits: int, length: int, formats: FormatTable) -> tuple[Reading, ...]:
    """The reading of a message that is a sound Track 2, by the site's layout of it; else none."""
    if length < BITS_MIN:
        return ()
    try:
        return (read_card(read_track(bits, length), formats.track2),)
    except BadTrack:
        return ()
