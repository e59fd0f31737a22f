"""What the operator's log says of devices that are away: each loss and each return, once."""

import asyncio
from pathlib import Path

import pytest

from simulators.pty_line import PtyLine
from tests.drivers.recording import eventually
from tests.journeys.doors_process import DoorsProcess

BROKER = """
[broker.local]
host = "127.0.0.1"
port = 1
insecure = true
"""
START_S = 20.0


@pytest.mark.timeout(60)
async def test_log_names_each_device_that_is_away_and_that_comes_back(tmp_path: Path) -> None:
    site = DoorsProcess(tmp_path, [], BROKER)
    reader = PtyLine(tmp_path / "tty" / "reader")

    def said(words: str) -> int:
        return (tmp_path / "doors.log").read_text(encoding="utf-8").count(words)

    site.start()
    try:
        devices = ("reader", "board", "broker:local")
        await eventually(lambda: all(said(f" WARNING {device} is away: ") == 1 for device in devices), START_S)
        reader.plug()
        await eventually(lambda: said(" INFO reader is back") == 1, START_S)
        reader.unplug()
        await eventually(lambda: said(" WARNING reader is away: ") == 2, START_S)
        assert said(" WARNING board is away: ") == 1
        assert said(" is back") == 1
    finally:
        await asyncio.to_thread(site.stop)
        reader.unplug()
