"""The card formats that everybody's cards come in.

Sources, by name: `pm3` Proxmark3 client/src/wiegand_formats.c (and the same list in ChameleonUltra's wiegand.c); `hid`
HID's format documents; `cdvi`, `civintec`, `rosslare`, `zkteco` these makers' reader manuals; `fips` the FASC-N of PIV
and TWIC cards as their readers send it. Within a length the common formats come first: without a reader's own choice
that is their priority.
"""

from drivers.wiegand.card_format import EVEN, ODD, CardFormat, Extra, Field, Parity, bits_of, halves, span


def _pairs(first: int, last: int) -> tuple[int, ...]:
    """Two of every three bits, from `first`: first, first+1, first+3, first+4 …"""
    return tuple(bit for bit in range(first, last + 1) if (bit - first) % 3 != 2)


def _every(step: int, first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1, step))


def _bytes_reversed(first: int, last: int) -> Field:
    """Whole bytes, the last one sent being the weightiest."""
    starts = range(last - 7, first - 1, -8)
    return Field(tuple(bit for start in starts for bit in span(start, start + 7)))


def _columns(width: int, last: int) -> tuple[Parity, ...]:
    """A checksum of `width` bits after bit `last`: the exclusive or of all groups of so many bits before it."""
    return tuple(Parity(last + 1 + bit, _every(width, bit, last), EVEN) for bit in range(width))


def _issue(first: int, last: int) -> tuple[Extra, ...]:
    return (Extra("issue", bits_of(first, last)),)


def _oem(first: int, last: int, default: int = 0) -> tuple[Extra, ...]:
    return (Extra("oem", bits_of(first, last), default),)


_KEYSCAN = halves(36, 17, 18)

BUILT_IN_FORMATS: tuple[CardFormat, ...] = (
    CardFormat("H10301", 26, bits_of(1, 8), bits_of(9, 24), halves(26, 12, 13), summary="26 bits, the open format"),
    CardFormat("ind26", 26, bits_of(1, 12), bits_of(13, 24), halves(26, 12, 13), summary="Indala 26 bits"),
    CardFormat("ind27", 27, bits_of(0, 12), bits_of(13, 26), summary="Indala 27 bits"),
    CardFormat(
        "indasc27",
        27,
        Field((9, 4, 6, 5, 0, 7, 19, 8, 10, 16, 24, 12, 22)),
        Field((26, 1, 3, 15, 14, 17, 20, 13, 25, 2, 18, 21, 11, 23)),
        summary="Indala ASC 27 bits",
    ),
    CardFormat(
        "Tecom27",
        27,
        Field((15, 19, 24, 23, 22, 18, 6, 10, 14, 3, 2)),
        Field((0, 1, 13, 12, 9, 26, 20, 16, 17, 21, 25, 7, 8, 11, 4, 5)),
        summary="Tecom 27 bits",
    ),
    CardFormat(
        "2804W",
        28,
        bits_of(4, 11),
        bits_of(12, 26),
        (
            Parity(2, _pairs(4, 26), ODD),
            Parity(0, span(1, 13), EVEN),
            Parity(27, span(0, 26), ODD),
        ),
        summary="2804 Wiegand 28 bits",
    ),
    CardFormat("ind29", 29, bits_of(0, 12), bits_of(13, 28), summary="Indala 29 bits"),
    CardFormat("ATSW30", 30, bits_of(1, 12), bits_of(13, 28), halves(30, 12, 13), summary="ATS Wiegand 30 bits"),
    CardFormat("CDVI30", 30, None, bits_of(1, 28), halves(30, 14, 15), summary="CDVI 30 bits: seven hex digits"),
    CardFormat("ADT31", 31, bits_of(1, 4), bits_of(5, 27), summary="HID ADT 31 bits, parity not published"),
    CardFormat("WIE32", 32, bits_of(4, 15), bits_of(16, 31), summary="Wiegand 32 bits"),
    CardFormat("HCP32", 32, None, bits_of(1, 24), summary="HID Check Point 32 bits"),
    CardFormat("HPP32", 32, bits_of(1, 12), bits_of(13, 31), summary="HID Hewlett-Packard 32 bits"),
    CardFormat("B32", 32, bits_of(1, 14), bits_of(15, 30), halves(32, 16, 15), summary="32-B 32 bits"),
    CardFormat(
        "Kastle",
        32,
        bits_of(7, 14),
        bits_of(15, 30),
        (Parity(0, span(1, 16), EVEN), Parity(31, span(14, 30), ODD)),
        fixed=((1, 1),),
        extras=_issue(2, 6),
        summary="Kastle 32 bits",
    ),
    CardFormat("Kantech", 32, bits_of(7, 14), bits_of(15, 30), summary="Indala/Kantech KFS 32 bits"),
    CardFormat("W32", 32, None, bits_of(1, 30), halves(32, 15, 16), summary="30 bits between parities"),
    CardFormat("UID32", 32, None, bits_of(0, 31), summary="UID of 4 bytes"),
    CardFormat("UID32R", 32, None, _bytes_reversed(0, 31), summary="UID of 4 bytes, its last byte sent first"),
    CardFormat("D10202", 33, bits_of(1, 7), bits_of(8, 31), halves(33, 16, 16), summary="HID D10202 33 bits"),
    CardFormat("H10306", 34, bits_of(1, 16), bits_of(17, 32), halves(34, 16, 17), summary="HID H10306 34 bits"),
    CardFormat("N10002", 34, bits_of(1, 16), bits_of(17, 32), halves(34, 16, 17), summary="Honeywell/Northern 34 bits"),
    CardFormat("BQT34", 34, bits_of(1, 8), bits_of(9, 32), halves(34, 16, 17), summary="BQT 34 bits"),
    CardFormat("Optus34", 34, bits_of(22, 32), bits_of(1, 16), summary="Indala Optus 34 bits"),
    CardFormat(
        "SMP34", 34, bits_of(1, 13), bits_of(17, 32), extras=_issue(14, 16), summary="Cardkey Smartpass 34 bits"
    ),
    CardFormat("UID34", 34, None, bits_of(1, 32), halves(34, 16, 17), summary="UID of 4 bytes between parities"),
    CardFormat(
        "UID34R",
        34,
        None,
        _bytes_reversed(1, 32),
        halves(34, 16, 17),
        summary="the same, the UID's last byte sent first",
    ),
    CardFormat(
        "C1k35s",
        35,
        bits_of(2, 13),
        bits_of(14, 33),
        # The first bit is set last, for it covers the other two.
        (
            Parity(1, _pairs(2, 33), EVEN),
            Parity(34, _pairs(1, 32), ODD),
            Parity(0, span(1, 34), ODD),
        ),
        summary="HID Corporate 1000, 35 bits",
    ),
    CardFormat(
        "C15001", 36, bits_of(11, 18), bits_of(19, 34), _KEYSCAN, extras=_oem(1, 10, 900), summary="Keyscan 36 bits"
    ),
    CardFormat(
        "ACTPHID", 36, bits_of(11, 18), bits_of(19, 34), _KEYSCAN, extras=_oem(1, 10, 900), summary="ACTProx 36 bits"
    ),
    CardFormat(
        "S12906",
        36,
        bits_of(1, 8),
        bits_of(11, 34),
        (Parity(0, span(1, 17), ODD), Parity(35, span(17, 34), ODD)),
        extras=_issue(9, 10),
        summary="HID Simplex 36 bits",
    ),
    CardFormat(
        "Sie36",
        36,
        bits_of(1, 18),
        bits_of(19, 34),
        (
            Parity(0, (1, *_pairs(3, 34)), ODD),
            Parity(35, (*_pairs(1, 33), 34), EVEN),
        ),
        summary="HID Siemens 36 bits",
    ),
    CardFormat(
        "H10320",
        36,
        None,
        Field(span(0, 31), decimal=True),
        (
            Parity(32, _every(4, 0, 31), EVEN),
            Parity(33, _every(4, 1, 31), ODD),
            Parity(34, _every(4, 2, 31), EVEN),
            Parity(35, _every(4, 3, 31), EVEN),
        ),
        summary="HID H10320, eight decimal digits",
    ),
    CardFormat("W36", 36, bits_of(1, 18), bits_of(19, 34), halves(36, 17, 18), summary="ZKTeco 36 bits"),
    CardFormat("H10302", 37, None, bits_of(1, 35), halves(37, 18, 18), summary="HID H10302 37 bits"),
    CardFormat("H10304", 37, bits_of(1, 16), bits_of(17, 35), halves(37, 18, 18), summary="HID H10304 37 bits"),
    CardFormat("P10004", 37, bits_of(1, 13), bits_of(14, 31), summary="HID P10004 37 bits, parity not published"),
    CardFormat(
        "HGen37",
        37,
        None,
        bits_of(4, 35),
        (
            Parity(0, _every(4, 4, 35), EVEN),
            Parity(2, _every(4, 6, 35), ODD),
            Parity(3, _every(4, 7, 35), EVEN),
        ),
        fixed=((36, 1),),
        summary="HID generic 37 bits",
    ),
    CardFormat("MDI37", 37, bits_of(3, 6), bits_of(7, 35), halves(37, 18, 18), summary="PointGuard MDI 37 bits"),
    CardFormat(
        "BQT38", 38, bits_of(24, 36), bits_of(1, 19), halves(38, 18, 19), extras=_issue(20, 23), summary="BQT 38 bits"
    ),
    CardFormat(
        "ISCS", 38, bits_of(5, 14), bits_of(15, 36), halves(38, 18, 19), extras=_oem(1, 4), summary="ISCS 38 bits"
    ),
    CardFormat("PW39", 39, bits_of(1, 17), bits_of(18, 37), halves(39, 18, 19), summary="Pyramid 39 bits"),
    CardFormat(
        "P10001",
        40,
        bits_of(4, 15),
        bits_of(16, 31),
        _columns(8, 31),
        fixed=((0, 1), (1, 1), (2, 1), (3, 1)),
        summary="Honeywell 40 bits, with a checksum byte",
    ),
    CardFormat("Casi40", 40, None, bits_of(1, 38), summary="Casi-Rusco 40 bits"),
    CardFormat(
        "BC40",
        40,
        bits_of(7, 18),
        bits_of(19, 37),
        (Parity(39, span(19, 37), ODD),),
        extras=_oem(0, 6),
        summary="Bundy TimeClock 40 bits",
    ),
    CardFormat(
        "EM4100", 40, None, bits_of(8, 39), extras=(Extra("version", bits_of(0, 7)),), summary="125 kHz tag, whole"
    ),
    CardFormat("UID40", 40, None, bits_of(0, 39), summary="UID of 5 bytes"),
    CardFormat("UID42", 42, None, bits_of(1, 40), halves(42, 20, 21), summary="UID of 5 bytes between parities"),
    CardFormat(
        "CDVI44", 44, None, bits_of(0, 39), _columns(4, 39), summary="CDVI 44 bits: ten hex digits and their sum"
    ),
    CardFormat(
        "H800002",
        46,
        bits_of(1, 14),
        bits_of(15, 44),
        (Parity(0, span(1, 44), EVEN), Parity(45, span(1, 44), ODD)),
        summary="HID H800002 46 bits",
    ),
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
        summary="HID Corporate 1000, 48 bits",
    ),
    CardFormat("W50", 50, bits_of(1, 16), bits_of(17, 48), halves(50, 24, 25), summary="ZKTeco 50 bits"),
    CardFormat("Avig56", 56, bits_of(1, 20), bits_of(21, 54), halves(56, 27, 28), summary="Avigilon 56 bits"),
    CardFormat("IR56", 56, bits_of(0, 23), bits_of(24, 55), summary="Inner Range 56 bits"),
    CardFormat("UID56", 56, None, bits_of(0, 55), summary="UID of 7 bytes"),
    CardFormat("UID56R", 56, None, _bytes_reversed(0, 55), summary="UID of 7 bytes, its last byte sent first"),
    CardFormat("UID58", 58, None, bits_of(1, 56), halves(58, 28, 29), summary="UID of 7 bytes between parities"),
    CardFormat(
        "FASCN58",
        58,
        bits_of(1, 28),
        bits_of(29, 48),
        halves(58, 28, 29),
        extras=(Extra("series", bits_of(49, 52)), Extra("issue", bits_of(53, 56))),
        summary="TWIC and CAC: agency and system, credential",
    ),
    CardFormat("UID64", 64, None, bits_of(0, 63), summary="UID of 8 bytes"),
    CardFormat("UID64R", 64, None, _bytes_reversed(0, 63), summary="UID of 8 bytes, its last byte sent first"),
    CardFormat(
        "PIV75",
        75,
        bits_of(1, 28),
        bits_of(29, 48),
        halves(75, 37, 38),
        extras=(Extra("expiry", bits_of(49, 73)),),
        summary="PIV: agency and system, credential",
    ),
    CardFormat("UID80", 80, None, bits_of(0, 79), summary="UID of 10 bytes"),
)
