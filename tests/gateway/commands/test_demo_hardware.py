"""The demo's hardware without the gateway: the ports are free for a technician, until Ctrl-C."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.technician.identify import identify
from gateway.technician.place import find_place

READY_S = 60.0
"""The camera's scene is drawn and encoded on the first start."""


@pytest.fixture
def short_path() -> Iterator[Path]:
    """The demo's sockets lie below it, and their paths may have some hundred bytes only."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _hear_ctrl_c() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and its children with it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_board_of_the_demo_is_there_for_a_technician_until_ctrl_c(short_path: Path) -> None:
    data = short_path / "try"
    words = ("demo", "--hardware-only", "--data", str(data), "--console-port", "0")
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.cli", *words, stderr=asyncio.subprocess.PIPE, preexec_fn=_hear_ctrl_c
    )
    assert demo.stderr is not None
    try:
        async with asyncio.timeout(READY_S):
            said = (await demo.stderr.readuntil(b"Stop      Ctrl-C")).decode()
        assert f"identify DEVICE --data {data}" in said
        assert f"sim --data {data} --help" in said
        assert await identify(find_place(None, data, None), "north-board", 3.0, None, door_may_open=False) == 0
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(READY_S):
            assert "Stopped." in (await demo.stderr.read()).decode()
            assert await demo.wait() == 0
    finally:
        if demo.returncode is None:
            demo.terminate()
            await demo.wait()
