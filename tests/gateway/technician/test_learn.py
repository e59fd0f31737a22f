"""Learning cards at the demo's simulated readers: real lines, the demo's own list."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ConfigError, ListInvalid
from gateway.paths import Paths
from gateway.store.list_folder import ListFolder, set_current
from gateway.store.site_key import load_site_key
from gateway.technician.identify import identify
from gateway.technician.learn import Wanted, learn_alone, learn_at_site
from gateway.technician.new_credential import NewCredential, add_to_list
from gateway.technician.place import Place
from simulators.acts import Acts
from simulators.demo_site import prepare, read_site, set_among_simulators
from simulators.hardware import Hardware
from simulators.modbus_board import BoardOnLine
from simulators.plan import read_plan

ONE = Wanted(reads=1, seconds=20)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    site = set_among_simulators(read_site(None), 0)
    prepare(tmp_path, site)
    (tmp_path / "site.toml").write_text(site.toml, encoding="utf-8")
    paths = Paths(tmp_path / "site.toml", tmp_path)
    paths.prepare()
    folder = ListFolder(paths.lists, load_site_key(paths.secrets))
    set_current(paths.lists, folder.prepare((tmp_path / "office-list.json").read_bytes(), "demo", 0))
    return Place(paths.config, tmp_path)


@pytest.fixture
async def acts(place: Place) -> AsyncIterator[Acts]:
    hardware = Hardware(read_plan(place.config), place.data)
    hardware.power_up()
    yield Acts(hardware, place.data / "run")
    await hardware.power_down()


async def meanwhile(listening: Coroutine[Any, Any, int], act: Callable[[], Coroutine[Any, Any, Any]]) -> int:
    """Do the act again and again until the listening is over: a port that isn't open yet hears nothing."""
    task = asyncio.create_task(listening)
    while not (await asyncio.wait([task], timeout=0.6))[0]:
        await act()
    return task.result()


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_card_is_shown_with_every_reading_its_printed_forms_and_who_knows_it(
    place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]
) -> None:
    listening = learn_at_site(place, "north-reader", ONE, None, as_json=True)
    assert (
        await meanwhile(listening, lambda: acts.obey({"do": "swipe", "reader": "north-reader", "card": "blue-1"})) == 0
    )
    (read,) = told(capsys)
    (reading,) = read["readings"]
    assert (read["reader"], reading["format"], reading["card_number"]) == ("north-reader", "EM4100", 0x7B11D7)
    assert reading["known"] == {"id": "c-0001", "label": "蓝卡 0001", "state": "active"}
    assert {"0008065495", "123,04567"} <= set(reading["printed"].values())


async def test_stranger_becomes_a_credential_of_the_list(
    place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.data / "office-list.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    new = NewCredential("c-9001", "p-0001", "新卡", into=path)
    listening = learn_at_site(place, "yard-reader", ONE, new, as_json=False)
    await meanwhile(listening, lambda: acts.obey({"do": "swipe", "reader": "yard-reader", "card": "stranger"}))
    after = json.loads(path.read_text(encoding="utf-8"))
    assert after["version"] == before["version"] + 1
    (added,) = after["credentials"][len(before["credentials"]) :]
    assert (added["id"], added["format"], added["facility_code"], added["number"]) == ("c-9001", "H10301", 0xC0, 0xFFEE)
    assert "hand that list to the office" in capsys.readouterr().err
    assert path.stat().st_mode & 0o777 == 0o600


async def test_stranger_is_marked_as_such_with_an_entry_to_fill_in(
    place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]
) -> None:
    listening = learn_at_site(place, "yard-reader", ONE, None, as_json=False)
    await meanwhile(listening, lambda: acts.obey({"do": "swipe", "reader": "yard-reader", "card": "stranger"}))
    lines = capsys.readouterr().out.splitlines()
    assert "  not in the list" in lines
    entry = json.loads(lines[-1].removeprefix("  for the list's credentials: "))
    assert (entry["id"], entry["cardholder"], entry["number"]) == ("ID", "CARDHOLDER", 0xFFEE)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"cardholder": "p-none"}, "--cardholder = 'p-none'.*is nobody"),
        ({"id": "c-0001"}, "--credential = 'c-0001'.*already"),
        ({"format": "H1030"}, "--format = 'H1030'.*did you mean"),
        ({"into": Path("nosuch.json")}, r"no LIST\.json"),
    ],
)
async def test_new_credential_is_checked_before_a_card_is_held(
    place: Place, changed: dict[str, Any], fault: str
) -> None:
    new = replace(NewCredential("c-9001", "p-0001", into=place.data / "office-list.json"), **changed)
    with pytest.raises(ConfigError, match=fault):
        await learn_at_site(place, None, Wanted(seconds=60), new, as_json=False)
    if "into" in changed or "format" in changed:
        with pytest.raises(ConfigError, match=fault):
            await learn_alone("s4a", ["port=nosuch"], Wanted(seconds=60), new, as_json=False)


async def test_keys_of_a_keypad_are_shown_and_count_for_no_read(
    place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]
) -> None:
    listening = learn_at_site(place, "yard-reader", Wanted(seconds=2), None, as_json=False)
    assert await meanwhile(listening, lambda: acts.obey({"do": "press", "target": "yard-reader", "key": "5"})) == 1
    assert "yard-reader: key 5" in capsys.readouterr().out


async def test_scanned_pass_is_cut_short(place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]) -> None:
    listening = learn_at_site(place, "north-scanner", ONE, None, as_json=True)
    await meanwhile(listening, lambda: acts.obey({"do": "scan", "scanner": "north-scanner", "text": "pass-1"}))
    (read,) = told(capsys)
    assert read["text"].startswith("GHP1.")
    assert len(read["text"]) == 25
    assert read["characters"] > 200


async def test_reader_without_a_site_is_tried_by_its_driver(
    place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]
) -> None:
    listening = learn_alone("s4a", [f"port={place.data}/tty/yard-reader", "baud=9600"], ONE, None, as_json=True)
    assert await meanwhile(listening, lambda: acts.obey({"do": "swipe", "reader": "yard-reader", "card": "red-1"})) == 0
    (read,) = told(capsys)
    assert read["reader"] == "s4a"
    assert any((row["facility_code"], row["card_number"]) == (45, 2001) for row in read["readings"])


async def test_line_that_stays_silent_ends_with_1(place: Place, acts: Acts) -> None:
    assert acts.hardware.devices
    assert await learn_at_site(place, None, Wanted(seconds=0.2), None, as_json=True) == 1


@pytest.mark.parametrize(
    ("driver", "settings", "fault"),
    [
        ("nothing", [], "use one of"),
        ("s4a", [], "port"),
        ("s4a", ["port=x", "baud=960"], "use one of"),
        ("s4a", ["port"], "KEY=VALUE"),
        ("tasmota-reader", ["broker=local", "topic=a"], "broker"),
        ("osdp-reader", ["bus=b", "address=0", "insecure=true"], "is on a bus"),
    ],
)
async def test_wrong_setting_is_named(driver: str, settings: list[str], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        await learn_alone(driver, settings, ONE, None, as_json=True)


async def test_reader_that_the_site_does_not_have_is_named_with_those_it_has(place: Place) -> None:
    with pytest.raises(ConfigError, match="north-reader"):
        await learn_at_site(place, "west-reader", ONE, None, as_json=True)


async def test_running_gateway_stands_in_the_way(place: Place) -> None:
    with Paths(place.config, place.data).lock("doors"):
        with pytest.raises(ConfigError, match="stop that one"):
            await learn_at_site(place, None, ONE, None, as_json=True)
        with pytest.raises(ConfigError, match="stop that one"):
            await identify(place, "north-board", 0.1, None, door_may_open=False)


ENTRY = {"id": "c-9", "cardholder": "p-0001", "format": "EM4100", "facility_code": None, "number": 5}


def test_list_that_would_be_refused_stays_as_it_is(place: Place) -> None:
    path = place.data / "office-list.json"
    before = path.read_bytes()
    with pytest.raises(ListInvalid, match="nobody"):
        add_to_list(path, ENTRY | {"cardholder": "nobody"})
    with pytest.raises(ListInvalid, match="c-0001"):
        add_to_list(path, ENTRY | {"id": "c-0001"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"[]", b'{"credentials": 1}', b"\xff"])
def test_file_that_is_no_list_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"no LIST\.json"):
        add_to_list(path, ENTRY)


async def test_board_clicks_and_tells_its_inputs(place: Place, acts: Acts, capsys: pytest.CaptureFixture[str]) -> None:
    board = acts.hardware.devices["north-board"]
    assert isinstance(board, BoardOnLine)
    assert await identify(place, "north-board", 1.5, 3, door_may_open=False) == 0
    out = capsys.readouterr().out
    assert "north-board: online" in out
    assert "north-board: inputs 0 off" in out
    assert "north-board: output done" in out


async def test_output_with_a_lock_is_not_clicked_by_accident(place: Place, acts: Acts) -> None:
    with pytest.raises(ConfigError, match="opens the door yard"):
        await identify(place, "north-board", 1.0, 1, door_may_open=False)
    assert await identify(place, "north-board", 1.0, 1, door_may_open=True) == 0
    assert acts.hardware.devices


async def test_device_that_is_not_there_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert await identify(place, "north-board", 0.3, None, door_may_open=False) == 1
    assert "did not answer" in capsys.readouterr().err


async def test_output_of_a_reader_is_refused(place: Place) -> None:
    with pytest.raises(ConfigError, match="has no outputs"):
        await identify(place, "north-reader", 0.3, 0, door_may_open=False)
    with pytest.raises(ConfigError, match="none of this site"):
        await identify(place, "west", 0.3, None, door_may_open=False)
