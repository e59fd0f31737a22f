"""Where the product waits: there machines die, and it can be said where not."""

import ast
from collections.abc import Collection, Iterator
from functools import cache

from tests.sync.simulation.machine import ROOT

Await = frozenset[str]
"""The lines of one await, as `FILE:LINE`."""

UP = ("sync/uplink.py", "sync/office_client.py")
GATEWAY = (*UP, "sync/downlink.py", "sync/revocations.py", "sync/confirmations.py", "sync/worker.py")
OFFICE = tuple(
    f"sync/office/{name}.py" for name in ("desk", "requests", "callers", "app", "list_routes", "confirmation_routes")
)
NOT_PLAYED = {
    "report_no_office": "a site without an office has nothing to sync",
    "lifespan": "an office that ends in order",
    "read_record": "the calls of people: those of a play change the ledger by themselves",
    "_changed": "as above",
    "admin_": "as above; all that begin so",
    "await client.close()": "a process that ends in order, not one that is killed",
    "await self._http.aclose()": "as above",
    "await of_all(request)": "it compares two texts and waits for nothing",
    "await desk.do(lambda ledger: ledger.note_lost_token(site, where))": "no box is lost in a play",
}
"""Functions, and lines, whose awaits don't count, and why."""


@cache
def awaits(files: tuple[str, ...]) -> tuple[Await, ...]:
    """Each `await`, `async for` and `async with` of these files."""
    return tuple(dict.fromkeys(found for name in files for found in _in_file(name)))


def never_died_at(wanted: Collection[Await], lines: Collection[str]) -> list[Await]:
    """The awaits at which no machine died, of those lines at which one did."""
    return [each for each in wanted if each.isdisjoint(lines)]


def told(found: Collection[Await]) -> list[str]:
    """Where they begin, to be read."""
    return sorted(min(each, key=lambda line: (len(line), line)) for each in found)


def _in_file(name: str) -> Iterator[Await]:
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in _waiting(ast.parse(text)):
        if lines[node.lineno - 1].strip() not in NOT_PLAYED:
            last = node.body[0].lineno - 1 if isinstance(node, ast.AsyncFor | ast.AsyncWith) else node.end_lineno
            yield frozenset(f"{name}:{line}" for line in range(node.lineno, (last or node.lineno) + 1))


def _waiting(node: ast.AST) -> Iterator[ast.Await | ast.AsyncFor | ast.AsyncWith]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_not_played(node.name):
        return
    if isinstance(node, ast.Await | ast.AsyncFor) or (isinstance(node, ast.AsyncWith) and _may_wait(node)):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _waiting(child)


def _is_not_played(function: str) -> bool:
    return function in NOT_PLAYED or function.startswith("admin_")


def _may_wait(block: ast.AsyncWith) -> bool:
    """A time limit alone is set and lifted at once."""
    return any(not ast.unparse(item.context_expr).startswith("asyncio.timeout(") for item in block.items)
