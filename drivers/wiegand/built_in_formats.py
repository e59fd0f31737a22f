"""The card formats that everybody's cards come in (Proxmark3's list and HID's format documents)."""

from drivers.wiegand.card_format import EVEN, ODD, CardFormat, Extra, Parity, bits_of, halves, span


def _pairs(first: int, last: int) -> tuple[int, ...]:
    """Two of every three bits, from `first`: first, first+1, first+3, first+4 …"""
    return tuple(bit for bit in range(first, last + 1) if (bit - first) % 3 != 2)


BUILT_IN_FORMATS: tuple[CardFormat, ...] = (
    CardFormat("H10301", 26, bits_of(1, 8), bits_of(9, 24), halves(26, 12, 13)),
    CardFormat("ind26", 26, bits_of(1, 12), bits_of(13, 24), halves(26, 12, 13)),
    CardFormat("WIE32", 32, bits_of(4, 15), bits_of(16, 31)),
    CardFormat("UID32", 32, None, bits_of(0, 31)),
    CardFormat("D10202", 33, bits_of(1, 7), bits_of(8, 31), halves(33, 16, 16)),
    CardFormat("H10306", 34, bits_of(1, 16), bits_of(17, 32), halves(34, 16, 17)),
    CardFormat("N10002", 34, bits_of(1, 16), bits_of(17, 32), halves(34, 16, 17)),
    CardFormat("BQT34", 34, bits_of(1, 8), bits_of(9, 32), halves(34, 16, 17)),
    CardFormat(
        "C1k35s",
        35,
        bits_of(2, 13),
        bits_of(14, 33),
        # HID Corporate 1000: the first bit is set last, for it covers the other two.
        (
            Parity(1, (2, 3, *_pairs(5, 33)), EVEN),
            Parity(34, _pairs(1, 32), ODD),
            Parity(0, span(1, 34), ODD),
        ),
    ),
    CardFormat("H10302", 37, None, bits_of(1, 35), halves(37, 18, 18)),
    CardFormat("H10304", 37, bits_of(1, 16), bits_of(17, 35), halves(37, 18, 18)),
    CardFormat("EM4100", 40, None, bits_of(8, 39), extras=(Extra("version", bits_of(0, 7)),)),
    CardFormat("UID40", 40, None, bits_of(0, 39)),
    CardFormat(
        "C1k48s",
        48,
        bits_of(2, 23),
        bits_of(24, 46),
        (
            Parity(1, _pairs(3, 46), EVEN),
            Parity(47, _pairs(2, 45), ODD),
            Parity(0, span(1, 47), ODD),
        ),
    ),
    CardFormat("UID56", 56, None, bits_of(0, 55)),
    CardFormat("UID64", 64, None, bits_of(0, 63)),
    CardFormat("UID80", 80, None, bits_of(0, 79)),
)
