"""The numbers that may be printed on a card, worked out from its bits (pure): for learn mode.

Card printers name them by hex and decimal digits, from the number's end: `8H10D` is its last eight hex digits as
ten decimal ones; `2H3D,4H5D` is two and then four hex digits, as three and five decimal ones (their order forms).
"""

REVERSED = " reversed"


def printed_forms(bits: int, length: int) -> dict[str, str]:
    """Form -> digits, of a message of `length` bits. A form that needs more bytes than were sent isn't there.

    A message of whole bytes and two bits more is taken to stand between parities, any other as a whole.
    """
    stripped = length > 2 and length % 8 == 2
    payload = bits >> 1 & (1 << length - 2) - 1 if stripped else bits
    size = (length - 2 if stripped else length) + 7 >> 3
    data = payload.to_bytes(size, "big")
    found = {"hex": data.hex().upper(), "decimal": str(payload)}
    found |= _forms(data, "")
    if size > 1:
        found |= {"hex" + REVERSED: data[::-1].hex().upper(), "decimal" + REVERSED: str(int.from_bytes(data, "little"))}
        found |= _forms(data[::-1], REVERSED)
    return found


def _forms(data: bytes, suffix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(data) >= 3:
        byte, pair = data[-3], int.from_bytes(data[-2:], "big")
        found["6H8D"] = f"{byte << 16 | pair:08d}"
        found["2H3D,4H5D"] = f"{byte:03d},{pair:05d}"
        found["2.4H"] = f"{byte:02X}.{pair:04X}"
    if len(data) >= 4:
        high, low = int.from_bytes(data[-4:-2], "big"), int.from_bytes(data[-2:], "big")
        found["8H10D"] = f"{high << 16 | low:010d}"
        found["4H5D,4H5D"] = f"{high:05d},{low:05d}"
    if len(data) >= 5:
        found["10H13D"] = f"{int.from_bytes(data[-5:], 'big'):013d}"
    return {form + suffix: digits for form, digits in found.items()}
