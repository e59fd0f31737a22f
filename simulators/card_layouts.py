"""What the bits of a simulated card's message are, drawn as makers draw them: one sign a bit, the first one sent first.

In a layout: P a parity, F the facility code, N the number, 1 a bit that is always set, a dot one that never is. Each
mask after it is one parity, in the order of setting: E (even) or O (odd) is its own bit, X marks the bits under it.
There is one format of each length that readers send, apart from what any driver knows of them.
"""

_CORPORATE_35 = "PP" + "F" * 12 + "N" * 20 + "P"
_CORPORATE_48 = "PP" + "F" * 22 + "N" * 23 + "P"


def _between(layout: str, first: int) -> tuple[str, ...]:
    """A parity at each end: even over the `first` bits after it, odd over the rest before it."""
    inside = len(layout) - 2
    even = "E" + "X" * first + "." * (inside - first + 1)
    odd = "." * (first + 1) + "X" * (inside - first) + "O"
    return layout, even, odd


LAYOUTS: dict[str, tuple[str, ...]] = {
    "H10301": _between("P" + "F" * 8 + "N" * 16 + "P", 12),
    "ind27": ("F" * 13 + "N" * 14,),
    "2804W": (
        "P.P." + "F" * 8 + "N" * 15 + "P",
        "..O." + "XX." * 8,
        "E" + "X" * 13 + "." * 14,
        "X" * 27 + "O",
    ),
    "ind29": ("F" * 13 + "N" * 16,),
    "ATSW30": _between("P" + "F" * 12 + "N" * 16 + "P", 12),
    "ADT31": ("." + "F" * 4 + "N" * 23 + "...",),
    "WIE32": ("." * 4 + "F" * 12 + "N" * 16,),
    "UID32": ("N" * 32,),
    "D10202": ("P" + "F" * 7 + "N" * 24 + "P", "E" + "X" * 16 + "." * 16, "." * 16 + "X" * 16 + "O"),
    "H10306": _between("P" + "F" * 16 + "N" * 16 + "P", 16),
    "C1k35s": (_CORPORATE_35, ".E" + "XX." * 11, "." + "XX." * 11 + "O", "O" + "X" * 34),
    "C15001": _between("P" + "1110000100" + "F" * 8 + "N" * 16 + "P", 17),
    "H10304": ("P" + "F" * 16 + "N" * 19 + "P", "E" + "X" * 18 + "." * 18, "." * 18 + "X" * 18 + "O"),
    "BQT38": _between("P" + "N" * 19 + "...." + "F" * 13 + "P", 18),
    "PW39": _between("P" + "F" * 17 + "N" * 20 + "P", 18),
    "Casi40": ("." + "N" * 38 + ".",),
    "UID42": _between("P" + "N" * 40 + "P", 20),
    "CDVI44": (
        "N" * 40 + "PPPP",
        "X..." * 10 + "E...",
        ".X.." * 10 + ".E..",
        "..X." * 10 + "..E.",
        "...X" * 10 + "...E",
    ),
    "H800002": ("P" + "F" * 14 + "N" * 30 + "P", "E" + "X" * 44 + ".", "." + "X" * 44 + "O"),
    "C1k48s": (_CORPORATE_48, ".E." + "XX." * 15, ".." + "XX." * 15 + "O", "O" + "X" * 47),
    "W50": _between("P" + "F" * 16 + "N" * 32 + "P", 24),
    "UID56": ("N" * 56,),
    "UID58": _between("P" + "N" * 56 + "P", 28),
    "UID64": ("N" * 64,),
}
