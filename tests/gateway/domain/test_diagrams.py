"""The drawn page and the table it is drawn from."""

from gateway.domain.door import TABLE
from tests.gateway.domain.diagrams import PAGE, diagram, page


def test_the_page_of_the_doors_is_drawn_from_the_table_as_it_is_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.gateway.domain.diagrams"


def test_every_row_of_the_table_is_in_the_diagram() -> None:
    lines = diagram().splitlines()
    for (phase, stimulus), (following, _) in TABLE.items():
        assert any(line.startswith(f"    {phase} --> {following}:") and str(stimulus) in line for line in lines)
