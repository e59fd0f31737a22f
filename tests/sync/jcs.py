"""RFC 8785 from its text alone: how a program in a language with one kind of number writes JSON again."""

from decimal import Decimal
from typing import Any

ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def rendered(value: Any) -> str:
    """The value's canonical JSON."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return _number(float(value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{','.join(map(rendered, value))}]"
    members = sorted(value.items(), key=lambda member: list(member[0].encode("utf-16-be")))
    return "{" + ",".join(f"{_text(name)}:{rendered(each)}" for name, each in members) + "}"


def _text(value: str) -> str:
    return '"' + "".join(ESCAPES.get(c, f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'


def _number(value: float) -> str:
    """ECMAScript's Number::toString: k digits, the point after the n-th of them."""
    if value == 0:
        return "0"
    sign, figures, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits, k = "".join(map(str, figures)), len(figures)
    n = k + int(exponent)
    if k <= n <= 21:
        shown = digits + "0" * (n - k)
    elif 0 < n <= 21:
        shown = f"{digits[:n]}.{digits[n:]}"
    elif -6 < n <= 0:
        shown = "0." + "0" * -n + digits
    else:
        shown = digits[0] + (f".{digits[1:]}" if k > 1 else "") + f"e{n - 1:+d}"
    return ("-" if sign else "") + shown
