"""The drawn page and the tables it is drawn from."""

from gateway.domain.door import TABLE
from gateway.domain.door_mode import MODES
from tests.gateway.domain import tour_page
from tests.gateway.domain.diagrams import PAGE, diagram, page
from tests.gateway.domain.mode_pages import mode_diagram


def test_the_page_of_the_doors_is_drawn_from_the_tables_as_they_are_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.gateway.domain.diagrams"


def test_the_page_of_the_tours_is_drawn_from_the_table_as_it_is_now() -> None:
    assert tour_page.PAGE.read_text(encoding="utf-8") == tour_page.page(), (
        "run: python -m tests.gateway.domain.tour_page"
    )


def test_every_row_of_the_table_is_in_the_diagram() -> None:
    lines = diagram().splitlines()
    for (phase, stimulus), (following, _) in TABLE.items():
        assert any(line.startswith(f"    {phase} --> {following}:") and str(stimulus) in line for line in lines)


def test_every_row_of_the_table_of_modes_is_in_its_diagram() -> None:
    lines = mode_diagram().splitlines()
    for (mode, request), following in MODES.items():
        start = f"    {mode} --> {'beneath' if following is None else following}:"
        assert any(line.startswith(start) and str(request) in line for line in lines)
