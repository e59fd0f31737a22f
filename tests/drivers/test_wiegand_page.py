"""docs/drivers/wiegand.md lists the formats as the table has them. Run as a module, this writes the list anew."""

import re
from pathlib import Path

import pytest

from drivers.wiegand.card_format import CardFormat, Field, Parity
from drivers.wiegand.formats import BUILT_IN

PAGE = Path(__file__).parents[2] / "docs" / "drivers" / "wiegand.md"
BEGIN, END = "<!-- formats: written by `python -m tests.drivers.test_wiegand_page` -->\n", "<!-- end of formats -->"


def runs(bits: tuple[int, ...]) -> str:
    """`1-12` for neighbours, `24-17` backwards, else one by one."""
    texts: list[str] = []
    start = 0
    for at in range(1, len(bits) + 1):
        step = bits[at] - bits[at - 1] if at < len(bits) else 0
        if step != 1 or at == len(bits):
            texts.append(str(bits[start]) if at - start == 1 else f"{bits[start]}-{bits[at - 1]}")
            start = at
    return ", ".join(texts)


def field(value: Field | None) -> str:
    if value is None:
        return "—"
    return runs(value.bits) + (", decimal digits" if value.decimal else "")


def parity(value: Parity) -> str:
    return f"{'O' if value.odd else 'E'}@{value.at}({runs(value.over)})"


def extras(row: CardFormat) -> str:
    named = [f"{each.name} {runs(each.field.bits)}" for each in row.extras]
    fixed = [f"bit {bit} is {value}" for bit, value in row.fixed]
    return ", ".join(named + fixed) or "—"


def table() -> str:
    lines = ["| bits | format | facility code | number | parities | else | |", "|---|---|---|---|---|---|---|"]
    for row in BUILT_IN.rows:
        cells = (field(row.facility), field(row.number), " ".join(map(parity, row.parities)) or "—", extras(row))
        lines.append(f"| {row.length} | `{row.name}` | {' | '.join(cells)} | {row.summary} |")
    return "\n" + "\n".join(lines) + "\n\n"


def test_the_page_lists_every_format_as_the_table_has_it() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    listed, _, _ = rest.partition(END)
    assert before
    assert listed == table()


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_counts_the_formats(name: str) -> None:
    text = (PAGE.parents[2] / name).read_text(encoding="utf-8")
    assert re.search(rf"\[{len(BUILT_IN.names)} ", text)


def test_every_format_says_what_it_is() -> None:
    assert all(row.summary for row in BUILT_IN.rows)


if __name__ == "__main__":
    head, _, tail = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(head + BEGIN + table() + END + tail.partition(END)[2], encoding="utf-8")
