"""What can be done to the simulated site, by its control socket."""

import asyncio
import json
import os
import stat
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import serial

from drivers.wiegand.converter import KEY_SILENCE_S
from simulators.acts import KEY_PAUSE_S
from simulators.client import NoAnswer, ask, main, request_for, run_sim, sim_arguments
from simulators.control import Refused, control_socket
from simulators.passes import public_key
from tests.simulators.site.conftest import SiteUnderTest, north_board, until


async def do(site: SiteUnderTest, **request: Any) -> dict[str, Any]:
    return await site.acts.obey(request)


async def test_blue_card_is_read_at_both_serial_readers(site: SiteUnderTest) -> None:
    with (
        serial.Serial(str(site.tty("north-reader")), 9600, timeout=5) as north,
        serial.Serial(str(site.tty("yard-reader")), 9600, timeout=5) as yard,
    ):
        await do(site, do="swipe", reader="north-reader", card="blue-1")
        await do(site, do="swipe", reader="yard-reader", card="blue-1")
        await do(site, do="press", reader="yard-reader", key="5")
        assert await asyncio.to_thread(north.read, 14) == b"\x0214007B11D7A9\x03"
        assert await asyncio.to_thread(yard.read, 13) == b"0008065495\r\n5"


async def test_several_keys_are_pressed_one_after_the_other_with_pauses(site: SiteUnderTest) -> None:
    with serial.Serial(str(site.tty("yard-reader")), 9600, timeout=5) as yard:
        began_s = asyncio.get_running_loop().time()
        assert (await do(site, do="press", target="yard-reader", key="1005#"))["ok"]
        took_s = asyncio.get_running_loop().time() - began_s
        assert await asyncio.to_thread(yard.read, 5) == b"1005#"
    assert took_s >= 4 * KEY_PAUSE_S
    assert KEY_PAUSE_S > 2 * KEY_SILENCE_S


async def test_named_pass_is_scanned_as_the_office_signed_it(site: SiteUnderTest) -> None:
    public_key(site.data / "secrets" / "pass-key")
    with serial.Serial(str(site.tty("north-scanner")), 9600, timeout=5) as north:
        answer = await do(site, do="scan", scanner="north-scanner", text="pass-1")
        assert await asyncio.to_thread(north.readline) == answer["text"].encode() + b"\r\n"
    assert answer["text"].startswith("GHP1.")
    assert answer["said"] == "north-scanner sees 'pass-1'."


async def test_status_tells_what_the_wires_carry(site: SiteUnderTest) -> None:
    await do(site, do="press", door="yard")
    await do(site, do="force", door="north", hold_s=30)
    await do(site, do="panic", on=True)
    status = await do(site, do="status")
    assert status["inputs"]["north-board"] == [True, False, False, True, False, True, False, False]
    assert status["doors"]["north"]["forced"] == 1
    assert status["doors"]["north"]["contact_open"]
    assert status["doors"]["yard"]["rex"] == 1
    assert status["coils"] == {"north-board": [False] * 8, "garage-relay": [False]}


async def test_status_tells_which_siren_sounds(site: SiteUnderTest) -> None:
    north_board(site).board.coils[6] = True
    status = await do(site, do="status")
    assert status["outputs"] == {"siren": True, "beacon": False}
    assert "siren on; beacon off." in status["said"]


async def test_wire_of_the_fire_panel_is_measured_and_a_fault_hides_the_fire(site: SiteUnderTest) -> None:
    board = north_board(site).board
    whole = board.registers[4]
    await do(site, do="wire", device="north-board", input=4, state="open")
    cut = board.registers[4]
    await do(site, do="fire", on=True)
    assert board.registers[4] == cut
    await do(site, do="wire", device="north-board", input=4, state="normal")
    assert len({whole, cut, board.registers[4]}) == 3
    await do(site, do="fire", on=False)
    assert board.registers[4] == whole


async def test_push_opens_only_after_the_coil_released_the_lock(site: SiteUnderTest) -> None:
    assert not (await do(site, do="open", door="yard"))["opened"]
    north_board(site).board.coils[1] = True
    site.hardware.settle()
    assert (await do(site, do="open", door="yard"))["opened"]
    assert north_board(site).board.inputs[2]


async def test_opened_door_shuts_by_itself_and_its_input_follows(site: SiteUnderTest) -> None:
    site.hardware.doors["north"].stands_open_s = 0.1
    await do(site, do="force", door="north")
    await until(lambda: not north_board(site).board.inputs[0], "the shut door")


async def test_fire_releases_the_fail_safe_door_in_the_wiring_and_shows_at_its_input(site: SiteUnderTest) -> None:
    await do(site, do="fire", on=True)
    assert (await do(site, do="open", door="north"))["opened"]
    assert not (await do(site, do="open", door="yard"))["opened"]
    assert north_board(site).board.inputs[4]


async def test_noise_puts_exactly_those_bytes_on_the_line(site: SiteUnderTest) -> None:
    with serial.Serial(str(site.tty("north-reader")), 9600, timeout=5) as north:
        await do(site, do="noise", device="north-reader", bytes_hex="02FF31")
        assert await asyncio.to_thread(north.read, 3) == b"\x02\xff1"


async def test_unplugged_reader_has_no_line_until_it_is_plugged_in(site: SiteUnderTest) -> None:
    await do(site, do="unplug", device="north-reader")
    assert not site.tty("north-reader").is_symlink()
    await do(site, do="plug", device="north-reader")
    assert site.tty("north-reader").exists()


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "dance"},
        {"do": "swipe", "reader": "nowhere", "card": "blue-1"},
        {"do": "swipe", "reader": "north-reader", "card": "nobody's"},
        {"do": "swipe", "reader": "north-reader", "card": "red-1"},
        {"do": "swipe", "reader": "yard-reader", "card": {"format": "H10301", "facility_code": 1}},
        {"do": "swipe", "reader": "yard-reader", "card": {"format": "H10301", "number": 1, "facility_code": -1}},
        {"do": "press", "target": "north-reader", "key": "5"},
        {"do": "press", "target": "yard-reader", "key": "A"},
        {"do": "press", "target": "yard-reader", "key": "12A4#"},
        {"do": "press", "target": "yard-reader", "key": ""},
        {"do": "press", "target": "yard-reader", "key": "1" * 33},
        {"do": "scan", "scanner": "north-scanner", "text": "pass-1"},
        {"do": "press", "target": "yard-reader"},
        {"do": "press", "target": "garage"},
        {"do": "open", "door": "heaven"},
        {"do": "open", "door": "north", "hold_s": -1},
        {"do": "fire", "on": "yes"},
        {"do": "noise", "device": "north-reader", "bytes_hex": "xyz"},
        {"do": "noise", "device": "north-reader", "bytes_hex": "00" * 3000},
        {"do": "unplug", "device": "moon"},
        {"do": "wire", "device": "north-board", "input": 0, "state": "short"},
        {"do": "office", "up": False},
        {"do": "person"},
        {"do": "scenario", "run": True, "speed": 0},
    ],
)
async def test_request_that_makes_no_sense_is_refused_with_a_reason(
    site: SiteUnderTest, request_: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=r"\w+ \w+"):
        await site.acts.obey(request_)


async def test_socket_answers_each_line_also_bad_ones(site: SiteUnderTest) -> None:
    path = site.data / "run" / "sim.sock"
    async with control_socket(path, site.acts.obey):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'rubbish\n[]\n{"do": 5}\n{"do": "dance"}\n{"do": "status"}\n')
        answers = [json.loads(await reader.readline()) for _ in range(5)]
        assert [answer["ok"] for answer in answers] == [False, False, False, False, True]
        writer.write(b"x" * 100_000)
        assert not json.loads(await reader.readline())["ok"]
        writer.close()
        assert (await asyncio.to_thread(ask, path, {"do": "status"}))["ok"]
    with pytest.raises(NoAnswer):
        ask(path, {"do": "status"})


async def test_socket_works_below_a_very_long_path(site: SiteUnderTest, tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 30) / "sim.sock"
    assert len(os.fsencode(path)) > 108
    async with control_socket(path, site.acts.obey):
        assert (await asyncio.to_thread(ask, path, {"do": "status"}))["ok"]


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ("swipe north-reader blue-1", {"do": "swipe", "reader": "north-reader", "card": "blue-1"}),
        (
            "swipe yard-reader H10301:123:4567",
            {
                "do": "swipe",
                "reader": "yard-reader",
                "card": {"format": "H10301", "facility_code": 123, "number": 4567},
            },
        ),
        (
            "swipe north-reader EM4100::99",
            {
                "do": "swipe",
                "reader": "north-reader",
                "card": {"format": "EM4100", "facility_code": None, "number": 99},
            },
        ),
        ("press north", {"do": "press", "target": "north"}),
        ("press yard-reader 5", {"do": "press", "target": "yard-reader", "key": "5"}),
        ("press yard-reader 1005#", {"do": "press", "target": "yard-reader", "key": "1005#"}),
        ("scan north-scanner pass-1", {"do": "scan", "scanner": "north-scanner", "text": "pass-1"}),
        ("open yard", {"do": "open", "door": "yard"}),
        ("hold yard", {"do": "open", "hold": True, "door": "yard"}),
        ("fire off", {"do": "fire", "on": False}),
        ("office down", {"do": "office", "up": False}),
        ("camera stall", {"do": "camera_fault", "kind": "stall"}),
        ("noise board 02FF", {"do": "noise", "device": "board", "bytes_hex": "02FF"}),
        ("wire board 1 short", {"do": "wire", "device": "board", "input": 1, "state": "short"}),
        ("scenario run 50", {"do": "scenario", "run": True, "speed": 50.0}),
        ("person", {"do": "person"}),
    ],
)
def test_words_of_the_command_line_become_requests(words: str, request_: dict[str, Any]) -> None:
    assert request_for(parse(words)) == request_


def parse(words: str) -> Any:
    import argparse

    parser = argparse.ArgumentParser()
    sim_arguments(parser)
    return parser.parse_args(words.split())


async def test_into_a_pipe_the_command_prints_json_and_refusals_also_in_words(
    site: SiteUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    async with control_socket(site.data / "run" / "sim.sock", site.acts.obey):
        good = await asyncio.to_thread(run_sim, parse(f"--data {site.data} open north"))
        bad = await asyncio.to_thread(run_sim, parse(f"--data {site.data} open heaven"))
    said = capsys.readouterr()
    assert (good, bad) == (0, 2)
    assert [json.loads(line)["ok"] for line in said.out.splitlines()] == [True, False]
    assert said.err == "there is no door 'heaven'; there are north, yard, garage\n"


async def test_on_a_terminal_the_command_prints_one_sentence_and_json_only_when_asked(
    site: SiteUnderTest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    async with control_socket(site.data / "run" / "sim.sock", site.acts.obey):
        await asyncio.to_thread(run_sim, parse(f"--data {site.data} open north"))
        words = capsys.readouterr()
        await asyncio.to_thread(run_sim, parse(f"--data {site.data} open north --json"))
        asked = capsys.readouterr()
    assert (words.out, words.err) == ("Somebody pushes north; its lock holds.\n", "")
    assert (json.loads(asked.out)["opened"], asked.err) == (False, "")


async def test_unknown_card_is_answered_with_the_nearest_and_not_with_all(site: SiteUnderTest) -> None:
    with pytest.raises(Refused, match=r"no card 'bleu-3'; the nearest is blue-3; `sim swipe --help` names them all"):
        await do(site, do="swipe", reader="north-reader", card="bleu-3")
    with pytest.raises(Refused) as caught:
        await do(site, do="swipe", reader="north-reader", card="?")
    assert "blue-2" not in str(caught.value)


def test_command_without_a_running_demo_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_sim(parse(f"--data {tmp_path} status")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"No demo answers on {tmp_path}: start one" in said.err


async def test_a_reader_of_the_answer_that_has_gone_is_no_fault_to_tell(site: SiteUnderTest) -> None:
    async with control_socket(site.data / "run" / "sim.sock", site.acts.obey):
        reading, writing = os.pipe()
        os.close(reading)
        try:
            words = ("-m", "gateway.cli", "sim", "--data", str(site.data), "status")
            done = await asyncio.create_subprocess_exec(
                sys.executable, *words, stdout=writing, stderr=asyncio.subprocess.PIPE
            )
        finally:
            os.close(writing)
        _, said = await asyncio.wait_for(done.communicate(), 60)
    assert (done.returncode, said) == (1, b"")


def test_help_names_what_there_is_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for words in (
        "scan north-scanner pass-1",
        "visitor-1",
        "press yard-reader 1005#",
        "9007#",
        "special care",
        "gates",
    ):
        assert words in said


@pytest.mark.parametrize("name", ["mqtt", "osdp", "relays", "serial"])
def test_help_names_what_there_is_to_try_at_another_site(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (files("config") / "sites" / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--help"])
    said = capsys.readouterr().out
    _, heading, tries = said.partition(f"to try, with --data {tmp_path} after sim:\n")
    assert heading
    named = {part for table in ("door", "device") for part in tomllib.loads(text)[table]}
    for line in tries.splitlines():
        request = request_for(parse(line[2:34]))
        assert {
            str(request[key]) for key in ("door", "device", "reader", "scanner", "target") if key in request
        } <= named
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "open", "--help"])
    assert "north, yard or garage" not in capsys.readouterr().out
