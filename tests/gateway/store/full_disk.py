"""Filling a disk to its last byte."""

from contextlib import suppress
from pathlib import Path


def fill_disk(filler: Path) -> None:
    """Take what room is left."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
