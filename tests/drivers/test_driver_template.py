"""The driver template of the docs, built and installed as somebody else's package would be."""

import asyncio
import json
import os
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contracts import Framer
from drivers.serial_reader import Card, Rejected
from tests.drivers.ptys import PtyPort

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "docs" / "driver-template"
FRAME = b"#007B11D7\r"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the template's wheel unpacked, with its entry point."""
    folder = tmp_path_factory.mktemp("template")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=TEMPLATE, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[PtyPort]:
    made = PtyPort(tmp_path / "port")
    yield made
    made.close()


def environment(installed: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"}


async def test_its_reads_are_learned_like_a_built_in_drivers(installed: Path, port: PtyPort) -> None:
    learning = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "learn", "--driver", "hash-reader", "--set", f"port={port.path}"),
        *("--reads", "1", "--json"),
        env=environment(installed),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert learning.stderr is not None
    while b"online" not in await asyncio.wait_for(learning.stderr.readline(), 20):
        assert learning.returncode is None
    port.write(FRAME)
    out, _ = await asyncio.wait_for(learning.communicate(), 20)
    (read,) = [json.loads(line) for line in out.splitlines()]
    (reading,) = read["readings"]
    assert (reading["format"], reading["card_number"]) == ("UID32", 0x007B11D7)


def test_site_config_may_name_it(installed: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    text = (ROOT / "config" / "demo.toml").read_text(encoding="utf-8")
    site.write_text(text.replace('driver = "rdm6300"', 'driver = "hash-reader"'), encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "check", str(site)],
        env=environment(installed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@given(chunks=st.lists(st.binary(max_size=20), max_size=20))
def test_its_framer_says_cards_and_rejects_only(installed: Path, chunks: list[bytes]) -> None:
    module = runpy.run_path(str(installed / "gatehouse_hash_reader" / "driver.py"))
    framer: Framer = module["HashFramer"]()
    values: list[object] = []
    for number, chunk in enumerate(chunks):
        values += framer.feed(chunk, number * 0.01)
    values += framer.feed(b"", 10.0)
    assert all(isinstance(value, Card | Rejected) for value in values)
    assert framer.deadline() is None
    assert isinstance(framer.feed(FRAME, 11.0)[0], Card)
