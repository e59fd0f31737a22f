"""ARCHITECTURE.md walks the real path: every file that it names is there, and every name that it uses is defined."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CODE = re.compile(r"`([^`\n]+)`")
_NAME = re.compile(r"(?:[A-Za-z_]+\.)*[A-Za-z_]*[A-Za-z]")
_ROOMS = ("gateway", "drivers", "analytics", "sync", "config")
_FILE_MARK = ("/", ".py", ".md", ".toml")
NOT_OURS = {"pyproject.toml", "docs/", "synchronous=FULL"}
"""Written in the same type, but no name of the product's code."""


def test_every_file_that_the_walk_names_is_there() -> None:
    missing = [name for name in _spoken() if name.endswith((".py", ".md", "/")) and not _found(name)]
    assert missing == []


def test_every_function_and_class_that_the_walk_names_is_defined() -> None:
    defined = _defined()
    names = [name for name in _spoken() if _NAME.fullmatch(name) and not name.endswith(_FILE_MARK)]
    unknown = [name for name in names if not _known(name, defined)]
    assert len(names) > 30
    assert unknown == []


def _spoken() -> list[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    walk = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    parts = (found.split("(")[0].split(" ->")[0].strip() for found in _CODE.findall(walk))
    return [part for part in parts if part and part not in NOT_OURS]


def _found(name: str) -> bool:
    if (ROOT / name).exists():
        return True
    return any(path.as_posix().endswith(f"/{name.rstrip('/')}") for room in (*_ROOMS, "tests") for path in _paths(room))


def _paths(room: str) -> list[Path]:
    return [path for path in (ROOT / room).rglob("*") if "__pycache__" not in path.parts]


def _defined() -> set[str]:
    found = {"tests.bench"}
    for room in _ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            found.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
            text = path.read_text(encoding="utf-8")
            found.update(re.findall(r"(?:def|class) (\w+)", text))
            found.update(re.findall(r"^    (\w+):", text, flags=re.MULTILINE))
            found.update(re.findall(r'add_parser\("(\w+)"', text))
    return found


def _known(name: str, defined: set[str]) -> bool:
    """A module by its dotted path, or the last part of a dotted name that some module defines."""
    return name in defined or name.rpartition(".")[2] in defined or (ROOT / name.replace(".", "/")).is_dir()
