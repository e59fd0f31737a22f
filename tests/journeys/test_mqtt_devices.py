"""A card at each kind of MQTT reader opens a door on each kind of MQTT board: real doors process, real mosquitto."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.store.access_list import compile_list, parse_list
from gateway.store.list_folder import set_current
from gateway.store.site_key import load_site_key
from simulators.card import Card
from simulators.device import Surroundings, make_device
from simulators.plan import DevicePlan
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.recording import eventually
from tests.journeys.doors_process import SITE, DoorsProcess, small_list

CARD = Card("H10301", 15080, 118)
READ = json.dumps({"Wiegand": {"UID": 7748328, "Size": 26}})


@dataclass(frozen=True, slots=True)
class Pair:
    """A reader and a board, by driver and settings."""

    reader: str
    reader_settings: dict[str, Any]
    board: str
    board_settings: dict[str, Any]


PAIRS = (
    Pair("tasmota-reader", {"topic": "r"}, "tasmota-relay", {"topic": "b", "inputs": 2}),
    Pair("esphome-reader", {"topic": "r", "formats": ["H10301"]}, "shelly", {"topic": "b", "inputs": 2}),
    Pair(
        "esp-rfid-reader",
        {"topic": "r", "reads": "wiegand", "heartbeat_s": 5.0},
        "esphome-board",
        {"topic": "b", "outputs": ["lock/gate"], "inputs": ["contact", "button"]},
    ),
)


def site_of(broker: Mosquitto, pair: Pair) -> str:
    """The small site, with these devices in place of its serial ones."""
    head, _, doors = SITE.partition("[door.gate]")
    head = head.partition("[device.reader]")[0]
    tables = [("broker.local", {"host": "127.0.0.1", "port": broker.port, "insecure": True})]
    tables.append(("device.reader", {"driver": pair.reader, "broker": "local", **pair.reader_settings}))
    tables.append(("device.board", {"driver": pair.board, "broker": "local", **pair.board_settings}))
    written = "".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in tables
    )
    return f"{head}{written}[door.gate]{doors}"


def make(pair_driver: str, settings: dict[str, Any], broker: Mosquitto) -> Any:
    plan = DevicePlan("thing", pair_driver, {"driver": pair_driver, **settings}, ("127.0.0.1", broker.port))
    return make_device(plan, Surroundings(Path("."), None, lambda: None))  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.reader} and {pair.board}")
async def test_card_and_exit_button_open_and_old_news_does_not(
    program: Callable[[str], str], tmp_path: Path, pair: Pair
) -> None:
    broker = Mosquitto(program("mosquitto"), tmp_path)
    await broker.start()
    reader, board = make(pair.reader, pair.reader_settings, broker), make(pair.board, pair.board_settings, broker)
    site = DoorsProcess(tmp_path / "s", [])
    site.config.write_text(site_of(broker, pair), encoding="utf-8")
    listed = small_list([]) | {"version": 2}
    listed["credentials"] = [
        {"id": "c-1", "cardholder": "p-1", "format": "H10301", "facility_code": 118, "number": 15080}
    ]
    lists = site.data / "lists"
    set_current(lists, compile_list(parse_list(listed), load_site_key(site.data / "secrets"), lists))
    try:
        async with device_client(broker.port) as client:
            for topic in ("tele/r/SENSOR", "r/tag"):
                await client.publish(topic, READ, qos=1, retain=True)
        reader.plug()
        board.plug()
        await eventually(lambda: reader.is_online and board.is_online)
        site.start()
        await eventually((site.data / "run" / "doors.sock").exists, 20)
        await _swipe_until_granted(site, reader)
        await eventually(lambda: board.coils[0])
        await eventually(lambda: not board.coils[0], 20)
        board.set_input(1, True)
        await eventually(lambda: bool(site.events("ExitPressed")))
        await eventually(lambda: board.coils[0])
        board.set_input(1, False)
    finally:
        site.stop()
        await reader.unplug()
        await board.unplug()
        await broker.stop()
    (granted,) = site.events("AccessGranted")
    assert "c-1" in json.dumps(granted.body)
    assert {event.body["outcome"] for event in site.events("CommandEnded")} <= {"done"}
    reasons = {event.body["reason"] for event in site.events("ReadDropped")}
    assert reasons <= {"retained", "too early after connecting"}
    assert reasons or pair.reader == "esp-rfid-reader"
    assert "15080" not in (site.data / "doors.log").read_text(encoding="utf-8")


async def _swipe_until_granted(site: DoorsProcess, reader: Any) -> None:
    """Reads count from two seconds after the gateway has connected; until then they are dropped, and none is kept."""

    def granted() -> bool:
        return bool(site.events("AccessGranted"))

    for _ in range(40):
        await reader.swipe(CARD)
        try:
            await eventually(granted, 0.5)
        except TimeoutError:
            continue
        return
    raise AssertionError("no read was granted")
