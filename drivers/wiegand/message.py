"""What a reader that says raw bits has said: a card, keys of its keypad, or nothing of use (pure)."""

from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import FormatTable
from drivers.wiegand.keypad import BURST_KEYPAD, BadKey, Keypad, read_keys


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
    sound = tuple(reading for reading in readings if reading.parity_ok is not False)
    if sound:
        return [Card(sound)]
    return [Rejected("wrong parity" if readings else f"no format of {length} bits")]
