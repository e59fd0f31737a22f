"""A disk of a few megabytes, and filling it to its last byte."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NoSmallDisk(Exception):
    """This user or this machine mounts none; the message says why."""


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    """A tmpfs of `size_mb`, mounted at the new `folder` until the block ends. Raises NoSmallDisk."""
    if os.geteuid() != 0:
        raise NoSmallDisk("needs root to mount a small file system")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise NoSmallDisk(f"this machine mounts no tmpfs: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_disk(filler: Path) -> None:
    """Take what room is left."""
    with filler.open("wb", buffering=0) as file:
        size = 65536
        while size:
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
            size //= 2
