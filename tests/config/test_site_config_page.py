"""docs/site-config.md and docs/drivers/ have every table and key of the site config, with its default."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.loader import MANY_TABLES, SINGLE_TABLES
from config.model import CameraTable
from drivers.registry import driver_names, find_driver

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (DOCS / "site-config.md", *sorted((DOCS / "drivers").glob("*.md")))
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (.+?) \| .+ \|$")


def driver_tables() -> dict[str, type[BaseModel]]:
    """The settings of every driver that comes along, under its name."""
    drivers = {name: find_driver(name) for name in driver_names()}
    return {f"### {name}": driver.settings for name, driver in drivers.items() if driver is not None}


TABLES: dict[str, type[BaseModel]] = {
    **{
        f"## [{name}.{'NAME' if name == 'wiegand_format' else 'ID'}]": model
        for name, model in (MANY_TABLES | {"camera": CameraTable}).items()
    },
    **{f"## [{name}]": model for name, model in SINGLE_TABLES.items()},
    **driver_tables(),
}


def sections() -> dict[str, dict[str, str]]:
    """Heading -> key -> default, of every table on the pages. A key that stands twice under a heading fails."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in [line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines()]:
        row = ROW.match(line)
        if line.startswith("#"):
            heading = line
        elif row is not None:
            assert row.group(1) not in found.setdefault(heading, {}), (heading, line)
            found[heading][row.group(1)] = row.group(2)
    return found


def in_toml(value: Any) -> str:
    """A default as it would be written."""
    if isinstance(value, BaseModel):
        return "{ " + ", ".join(f"{key} = {in_toml(each)}" for key, each in value) + " }"
    if isinstance(value, (tuple, dict)):
        assert not value or isinstance(value, tuple)
        return "[" + ", ".join(map(in_toml, value)) + "]" if isinstance(value, tuple) else "{}"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    return "—" if field.default is None else f"`{in_toml(field.default)}`"


def test_the_pages_have_every_table_and_no_other() -> None:
    assert set(sections()) - {"## [device.ID]"} == set(TABLES)


@pytest.mark.parametrize("heading", sorted(TABLES))
def test_the_pages_have_every_key_of_a_table_with_its_default(heading: str) -> None:
    expected = {field.alias or name: default_of(field) for name, field in TABLES[heading].model_fields.items()}
    assert sections()[heading] == expected
