"""A disk that can be filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_disk import NoSmallDisk
from tests.small_disk import small_disk as mounted


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    try:
        with mounted(tmp_path / "disk", 2) as folder:
            yield folder
    except NoSmallDisk as why:
        pytest.skip(str(why))
