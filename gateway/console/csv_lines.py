"""Tables for a spreadsheet."""

import csv
import io
from typing import Any

BYTE_ORDER_MARK = "\ufeff"
"""Without it a spreadsheet takes UTF-8 for something else."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_line(cells: list[Any]) -> str:
    """One line; a cell that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    csv.writer(out).writerow(["'" + str(c) if str(c).startswith(_FORMULA) else str(c) for c in cells])
    return out.getvalue()
