"""thingsboard-gateway in a scratch environment: installed when first asked for, never into ours."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "3.8.5"
SAFEST = {
    "file": {
        "max_records_between_fsync": 1,
        "max_records_per_file": 10_000,
        "max_read_records_count": 10_000,
        "max_file_count": 1_000,
    },
    "sqlite": {"writing_batch_size": 1, "max_read_records_count": 1_000, "messages_ttl_in_days": 3_650},
}
"""Of what its settings offer, what loses least: each event flushed or committed by itself, and room for many.

Its file storage goes on to the next file after a pack, read to the end or not: a pack as large as a file loses none.
"""
INSTALL_S = 600


class NotInstalled(Exception):
    """It can't be installed here; the message is what the installer said last."""


def environment() -> str:
    """The Python that has it. In GATEHOUSE_BENCH_ENVS, or a folder of this user in the temp directory.

    Raises NotInstalled.
    """
    otherwise = Path(tempfile.gettempdir()) / f"gatehouse-bench-{os.getuid()}"
    folder = Path(os.environ.get("GATEHOUSE_BENCH_ENVS", otherwise))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise NotInstalled(f"{folder} is another user's: name a folder of yours in GATEHOUSE_BENCH_ENVS")
    place = folder / f"thingsboard-gateway-{VERSION}"
    python, done = place / "bin" / "python", place / "installed"
    if not done.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        _run([str(python), "-m", "pip", "install", "--quiet", f"thingsboard-gateway=={VERSION}"])
        done.touch()
    return str(python)


def _run(words: list[str]) -> None:
    try:
        ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=INSTALL_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise NotInstalled(said[-1] if said else f"{words[1:4]} ended with {ended.returncode}")
