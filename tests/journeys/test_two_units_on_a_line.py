"""A real doors process with two Modbus units on one RS-485 line: a door on one, an input of the site on the other."""

import asyncio
from pathlib import Path

import pytest

from tests.drivers.ptys import PtyPort
from tests.drivers.recording import eventually
from tests.drivers.rs485 import Rs485
from tests.journeys.doors_process import DoorsProcess
from tests.journeys.raw_board import GOLDEN_READ, GOLDEN_TAG

SECOND = """
[device.second]
driver = "modbus-rtu"
port = "tty/board"
unit = 2
outputs = 4
[input.panic]
name = { zh-CN = "报警按钮", en = "Panic button" }
purpose = "panic"
device = "second"
input = 3
"""


@pytest.mark.timeout(90)
async def test_card_opens_on_one_unit_and_the_other_s_input_alarms(tmp_path: Path) -> None:
    site = DoorsProcess(tmp_path, [GOLDEN_TAG], SECOND)
    line, reader = Rs485(tmp_path / "tty" / "board", (1, 2)), PtyPort(tmp_path / "tty" / "reader")
    site.start()
    try:
        await eventually(lambda: {unit for _, unit, _ in line.heard} == {1, 2}, 30.0)
        line.units[2].inputs[3] = True
        await eventually(lambda: bool(site.events("InputActivated")), 30.0)
        reader.write(GOLDEN_READ)
        await eventually(lambda: line.units[1].coils[0], 30.0)
        assert line.units[2].coils == [False] * 4
    finally:
        await asyncio.to_thread(site.stop)
        line.close()
        reader.close()
    assert [event.body["input"] for event in site.events("InputActivated")] == ["panic"]
    assert site.events("DeviceLost") == []
