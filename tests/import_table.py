"""A contract type for import-linter: one table says who may import whom, and whoever imports needs a row.

A row is ``importer | allowed allowed …``; a name stands for itself and all below it. The longest importer that
fits a module is its row. ``drivers.*`` gives each child of ``drivers`` that has no row of its own the same row,
so that children may not import each other. A module may always import what stands in its own row. Only direct
imports are judged: with a row for every importer, a chain is allowed exactly when each of its links is.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


@dataclass(frozen=True, slots=True)
class Row:
    """What the modules in `room` may import besides each other."""

    room: str
    allowed: tuple[str, ...]

    def permits(self, imported: str) -> bool:
        """Whether a module of this row may import `imported`."""
        return any(is_within(imported, name) for name in (self.room, *self.allowed))


@dataclass(frozen=True, slots=True)
class Breach:
    """One import that no row permits; `row` is None where the importer has no row at all."""

    importer: str
    imported: str
    row: Row | None


class ImportTable(Contract):
    """Options: `rows` (see the module); `pure`, rooms on the standard library only, without `pure_never`."""

    type_name = "import_table"

    rows = fields.ListField(subfield=fields.StringField())
    pure = fields.ListField(subfield=fields.StringField(), default=[])
    pure_never = fields.ListField(subfield=fields.StringField(), default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Judge every direct import of the product's packages."""
        rows = [read_row(str(text)) for text in self.rows]  # type: ignore[attr-defined]
        pure = tuple(str(name) for name in self.pure)  # type: ignore[attr-defined]
        never = frozenset(str(name) for name in self.pure_never)  # type: ignore[attr-defined]
        own = {module for module in graph.modules if not graph.is_module_squashed(module)}
        breaches = list(find_breaches(graph, own, rows)) + list(find_impurities(graph, own, pure, never))
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each breach, with what would have been allowed."""
        for breach in check.metadata["breaches"]:
            output.print_error(explain(breach), bold=False)


def read_row(text: str) -> Row:
    """A row from ``importer | allowed allowed``.

    Raises ValueError for a row without its bar.
    """
    room, bar, allowed = text.partition("|")
    if not bar or not room.strip():
        raise ValueError(f"a row reads 'importer | allowed allowed', not {text!r}")
    return Row(room.strip(), tuple(allowed.split()))


def row_of(module: str, rows: list[Row]) -> Row | None:
    """The row of the longest room that holds `module`; `parent.*` counts as the child that it stands for."""
    best: Row | None = None
    for row in rows:
        room = row.room
        if room.endswith(".*"):
            parent = room.removesuffix(".*")
            if not is_within(module, parent) or module == parent:
                continue
            room = ".".join(module.split(".")[: parent.count(".") + 2])
            # A child with a row of its own is not one of "the others".
            if any(other.room == room for other in rows):
                continue
        if is_within(module, room) and (best is None or len(room) > len(best.room)):
            best = Row(room, row.allowed)
    return best


def find_breaches(graph: ImportGraph, own: set[str], rows: list[Row]) -> Iterator[Breach]:
    """Imports between the product's modules that no row permits."""
    for importer in sorted(own):
        row = row_of(importer, rows)
        imported = sorted(graph.find_modules_directly_imported_by(importer) & own)
        if row is None:
            yield from (Breach(importer, name, None) for name in imported)
        else:
            yield from (Breach(importer, name, row) for name in imported if not row.permits(name))


def find_impurities(
    graph: ImportGraph, own: set[str], pure: tuple[str, ...], never: frozenset[str]
) -> Iterator[Breach]:
    """Imports by `pure` rooms from outside the standard library, or from its modules named in `never`."""
    for importer in sorted(own):
        room = next((room for room in pure if is_within(importer, room)), None)
        if room is None:
            continue
        for imported in sorted(graph.find_modules_directly_imported_by(importer) - own):
            top = imported.partition(".")[0]
            if top in never or top not in sys.stdlib_module_names:
                yield Breach(importer, imported, Row(room, ("the standard library without", *sorted(never))))


def explain(breach: Breach) -> str:
    """One line for a person."""
    if breach.row is None:
        return f"{breach.importer} has no row in the table (it imports {breach.imported})"
    allowed = " ".join(breach.row.allowed) or "nothing else of the product"
    return f"{breach.importer} imports {breach.imported}; {breach.row.room} may import: {allowed}"


def is_within(module: str, room: str) -> bool:
    """Whether `module` is `room` or below it."""
    return module == room or module.startswith(room + ".")
