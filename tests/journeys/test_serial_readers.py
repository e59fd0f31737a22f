"""A card at each kind of serial reader opens the door of a real doors process, on real pseudo-terminals."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.store.access_list import compile_list, parse_list
from gateway.store.list_folder import set_current
from gateway.store.site_key import load_site_key
from simulators.card import Card
from simulators.device import Surroundings, make_device
from simulators.plan import DevicePlan
from tests.drivers.recording import eventually
from tests.journeys.doors_process import DoorsProcess, small_list
from tests.journeys.raw_board import RawBoard, RawLine

EM4100 = Card("EM4100", 0x008EC793)
READERS: dict[str, tuple[dict[str, Any], Card]] = {
    "rdm6300": ({}, EM4100),
    "em18": ({}, EM4100),
    "zk-rfid102": ({"address": 7}, Card("EPC96", 0xE28068940000502C6FE618BB)),
    "serial-frame": (
        {"start": "02", "end": "03", "length": 12, "checksum": "xor", "bits": 40, "formats": ["EM4100"]},
        EM4100,
    ),
}


@pytest.mark.parametrize("driver", READERS)
async def test_listed_card_is_granted_and_the_relay_told(tmp_path: Path, driver: str) -> None:
    settings, card = READERS[driver]
    site = DoorsProcess(tmp_path / "s", [])
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    config = site.config.read_text(encoding="utf-8")
    site.config.write_text(config.replace('driver = "rdm6300"\n', f'driver = "{driver}"\n{table}'), encoding="utf-8")
    listed = small_list([])
    listed["version"] = 2
    listed["credentials"] = [{"id": "c-1", "cardholder": "p-1", "format": card.format, "number": card.number}]
    lists = site.data / "lists"
    set_current(lists, compile_list(parse_list(listed), load_site_key(site.data / "secrets"), lists))

    plan = DevicePlan("reader", driver, {"driver": driver, "port": "tty/reader", **settings})
    reader: Any = make_device(plan, Surroundings(site.data, None, lambda: None))  # type: ignore[arg-type]
    reader.plug()
    line = RawLine(site.data / "tty" / "board")
    written: list[bytes] = []
    board = RawBoard(line, written.append)
    site.start()
    try:
        await eventually(lambda: board.polls > 3, 20)
        assert await reader.swipe(card)
        await eventually(lambda: bool(site.events("AccessGranted")), 20)
        await eventually(lambda: bool(written), 20)
    finally:
        site.stop()
        line.close()
        await reader.unplug()
    (granted,) = site.events("AccessGranted")
    assert "c-1" in json.dumps(granted.body)
    assert str(card.number) not in (site.data / "doors.log").read_text(encoding="utf-8")
