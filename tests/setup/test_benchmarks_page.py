"""docs/benchmarks.md names every part of `make bench` and everything that can be set, and nothing else."""

import re
from pathlib import Path

from tests.bench.__main__ import BENCHES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
SETTING = re.compile(r"environ\.get\(\s*\"([A-Z_]+)\"")


def test_every_part_and_every_setting_stands_in_its_table() -> None:
    sources = sorted((ROOT / "tests" / "bench").glob("*.py"))
    settings = {name for path in sources for name in SETTING.findall(path.read_text(encoding="utf-8"))}
    assert ROW.findall(PAGE) == [*BENCHES, *sorted(settings)]


def test_every_bench_module_is_run_by_make_bench() -> None:
    assert sorted(path.stem for path in (ROOT / "tests" / "bench").glob("*_bench.py")) == sorted(BENCHES)
