"""Facts about the table of who may import whom: it finds what it forbids."""

from grimp import ImportGraph

from tests.import_table import Row, explain, find_breaches, find_impurities, read_row, row_of

_ROWS = [
    read_row("gateway.domain |"),
    read_row("gateway.store | gateway.domain"),
    read_row("drivers.contracts | gateway.domain"),
    read_row("drivers.* | gateway.domain drivers.contracts"),
]


def _graph(*imports: tuple[str, str]) -> ImportGraph:
    graph = ImportGraph()
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported)
    return graph


def _breaches(*imports: tuple[str, str]) -> list[tuple[str, str]]:
    graph = _graph(*imports)
    return [(breach.importer, breach.imported) for breach in find_breaches(graph, graph.modules, _ROWS)]


def test_a_permitted_import_is_no_breach() -> None:
    assert _breaches(("gateway.store.journal", "gateway.domain.events"), ("drivers.rfid.em", "drivers.contracts")) == []


def test_an_import_that_the_row_does_not_name_is_a_breach() -> None:
    assert _breaches(("gateway.domain.door", "gateway.store.journal")) == [
        ("gateway.domain.door", "gateway.store.journal")
    ]


def test_one_family_of_drivers_may_not_import_another_but_may_import_itself() -> None:
    assert _breaches(("drivers.rfid.em", "drivers.rfid.framing")) == []
    assert _breaches(("drivers.rfid.em", "drivers.wiegand.formats")) == [("drivers.rfid.em", "drivers.wiegand.formats")]


def test_a_child_with_a_row_of_its_own_does_not_get_the_row_of_the_others() -> None:
    assert row_of("drivers.contracts", _ROWS) == Row("drivers.contracts", ("gateway.domain",))
    assert row_of("drivers.osdp.frames", _ROWS) == Row("drivers.osdp", ("gateway.domain", "drivers.contracts"))


def test_an_importer_without_a_row_is_a_breach() -> None:
    graph = _graph(("gateway.newcomer", "gateway.domain.door"))
    (breach,) = find_breaches(graph, graph.modules, _ROWS)
    assert explain(breach) == "gateway.newcomer has no row in the table (it imports gateway.domain.door)"


def test_a_name_that_only_begins_alike_is_another_room() -> None:
    assert row_of("gateway.domains", _ROWS) is None


def test_a_pure_room_lives_on_the_standard_library_without_the_clock() -> None:
    graph = _graph(
        ("gateway.domain.door", "datetime"), ("gateway.domain.door", "time"), ("gateway.domain.door", "msgspec")
    )
    found = find_impurities(graph, {"gateway.domain.door"}, ("gateway.domain",), frozenset({"time"}))
    assert [breach.imported for breach in found] == ["msgspec", "time"]
