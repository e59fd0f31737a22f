"""Where the product waits: there machines die, and it can be said where not."""

import ast
from collections.abc import Collection
from functools import cache

from tests.sync.simulation.machine import ROOT

UP = ("sync/uplink.py",)
DOWN = ("sync/downlink.py", "sync/revocations.py")
OFFICE = ("sync/office/desk.py",)


@cache
def awaits(files: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The lines of each `await`, as `FILE:LINE`."""
    return tuple(
        frozenset(f"{name}:{line}" for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for name in files
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Await)
    )


def never_died_at(lines: Collection[str]) -> list[str]:
    """The awaits of both directions and of the office at which no machine died, of those lines at which one did."""
    return sorted(min(each) for each in awaits(UP + DOWN + OFFICE) if each.isdisjoint(lines))
