"""Where a key stands in a TOML text: the standard parser gives values but no lines."""

import re

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-\"'.]+)\s*=")


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line (from 1) of the key at `path` or the first one in it, else of the nearest around it that is found."""
    wanted = tuple(part.strip("\"'") for part in path)
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = _parts(header.group(1))
            here = table
        else:
            key = _KEY.match(line)
            if key is None:
                continue
            here = table + _parts(key.group(1))
        shared = min(len(here), len(wanted))
        if here[:shared] == wanted[:shared] and (best is None or shared > best[0]):
            best = (shared, number)
    return None if best is None else best[1]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
