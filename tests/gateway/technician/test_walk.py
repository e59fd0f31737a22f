"""What a walk test takes as proof: a real controller's day in a real journal, and nothing that it did not see."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.loader import parse_config
from drivers.mqtt.broker import BROKER_OFFLINE
from drivers.osdp.settings import BUS_OFFLINE
from gateway.console.messages import Catalogue
from gateway.domain import signals as sg
from gateway.domain.events import (
    CommandEnded,
    DoorInputFaultChanged,
    InputFaultChanged,
    SirenStarted,
    SirenTested,
    TourVisitDenied,
)
from gateway.domain.ports import RecordedEvent
from gateway.errors import ConfigError
from gateway.technician.place import Place
from gateway.technician.walk import Point, Trial, Walk, points_of
from gateway.technician.walk_commands import (
    I18N,
    Progress,
    WalkWords,
    run_status,
    start_walk,
    status_lines,
)
from gateway.technician.walk_file import NAME, WiringProof, read_walk, write_walk
from tests.config.test_tours import ROOF, with_points
from tests.gateway.commands.recorded_day import RecordedDay, site_toml
from tests.gateway.console.recorded import recorded
from tests.gateway.domain.plant import device_commands

ROOF_TOUR = (
    '{ reader = "north-reader" }',
    '{ reader = "roof", latest_s = 90 }',
)


@pytest.fixture
def day(tmp_path: Path) -> RecordedDay:
    return RecordedDay(tmp_path / "data")


def place_of(day: RecordedDay) -> Place:
    return Place(day.data / "site.toml", day.data)


def proven(day: RecordedDay) -> set[Point]:
    progress = Progress(place_of(day))
    progress.read_on()
    return set(progress.walk.proofs)


def door(test: Trial) -> Point:
    return Point("door", "yard", test)


def test_swipe_shows_the_reader_and_the_boards_answer_the_grant(day: RecordedDay) -> None:
    start_walk(place_of(day), "Li Wei")
    turn = day.show(1, "yard")
    assert proven(day) == {Point("device", "yard-reader", Trial.READ)}
    (command,) = device_commands(turn)
    day.handle(sg.CommandCompleted(command.command_id, command.device, sg.CommandOutcome.DONE))
    assert proven(day) == {Point("device", "yard-reader", Trial.READ), door(Trial.GRANT)}


def test_a_reader_that_is_nothing_but_a_point_of_a_patrol_is_walked_too() -> None:
    roof = Point("device", "roof", Trial.READ)
    walk = Walk(parse_config(with_points(*ROOF_TOUR, more=ROOF).encode()))
    assert roof in walk.points
    denied = TourVisitDenied(
        reader="roof", reason="CredentialNotFound", credential=None, cardholder=None, list_version=1, trace=()
    )
    assert walk.take([recorded(denied)]) == [roof]


@pytest.mark.parametrize("outcome", [sg.CommandOutcome.FAILED, sg.CommandOutcome.EXPIRED])
def test_command_that_failed_proves_no_grant(day: RecordedDay, outcome: sg.CommandOutcome) -> None:
    start_walk(place_of(day), "Li Wei")
    (command,) = device_commands(day.show(1, "yard"))
    day.handle(sg.CommandCompleted(command.command_id, command.device, outcome))
    assert door(Trial.GRANT) not in proven(day)


def test_door_that_is_used_shows_its_contact_and_one_that_is_forced_its_alarm(day: RecordedDay) -> None:
    start_walk(place_of(day), "Li Wei")
    day.walk(1, "yard")
    assert {door(Trial.OPENED), door(Trial.CLOSED)} <= proven(day)
    assert door(Trial.FORCED) not in proven(day)
    day.pass_time(60)
    day.open("yard")
    assert door(Trial.FORCED) in proven(day)


def test_what_happened_before_the_start_counts_for_nothing(day: RecordedDay) -> None:
    day.walk(1, "yard")
    start_walk(place_of(day), "Li Wei")
    assert proven(day) == set()


def test_plug_that_is_pulled_and_put_back_shows_loss_and_return(day: RecordedDay) -> None:
    start_walk(place_of(day), "Li Wei")
    day.handle(sg.LinkChanged("yard-reader", sg.LinkState.OFFLINE, "unplugged"))
    assert proven(day) == {Point("device", "yard-reader", Trial.LOST)}
    day.handle(sg.LinkChanged("yard-reader", sg.LinkState.ONLINE))
    assert Point("device", "yard-reader", Trial.RETURNED) in proven(day)


@pytest.mark.parametrize("detail", [BROKER_OFFLINE, f"{BUS_OFFLINE}: line: /dev/ttyUSB0: hung up"])
def test_broker_or_bus_that_takes_its_devices_along_shows_no_loss_and_no_return_of_theirs(
    day: RecordedDay, detail: str
) -> None:
    start_walk(place_of(day), "Li Wei")
    day.handle(sg.LinkChanged("yard-reader", sg.LinkState.OFFLINE, detail))
    day.handle(sg.LinkChanged("yard-reader", sg.LinkState.ONLINE))
    assert proven(day) == set()
    day.handle(sg.LinkChanged("yard-reader", sg.LinkState.OFFLINE, "its last will"))
    day.handle(sg.LinkChanged("yard-reader", sg.LinkState.ONLINE))
    lost_and_returned = {Point("device", "yard-reader", test) for test in (Trial.LOST, Trial.RETURNED)}
    assert proven(day) == lost_and_returned


def test_scanner_that_is_lost_with_its_broker_only_is_not_asked_to_be_lost() -> None:
    scanner = (
        '[broker.main]\nhost = "127.0.0.1"\ninsecure = true\n'
        '[device.scanner]\ndriver = "mqtt-scanner"\nbroker = "main"\ntopic = "plates"\n'
    )
    points = points_of(parse_config((site_toml() + scanner).encode()))
    assert Point("device", "yard-reader", Trial.LOST) in points
    assert not [point for point in points if point.thing == "scanner"]


SUPERVISED = """
[device.loops]
driver = "numato"
port = "tty/loops"
inputs = 3
supervised = { "0" = RANGES, "1" = RANGES, "2" = RANGES }
[input.smoke]
name = { zh-CN = "烟感", en = "Smoke" }
purpose = "fire"
device = "loops"
input = 0
[door.store]
name = { zh-CN = "仓库", en = "Store" }
lock = { device = "loops", output = 0, kind = "fail_secure", wiring = "NO" }
contact = { device = "loops", input = 1 }
rex = { device = "loops", input = 2 }
[device.store-reader]
driver = "rdm6300"
port = "tty/store"
[access_point.store]
door = "store"
readers = ["store-reader"]
[output.siren]
name = { zh-CN = "警号", en = "Siren" }
purpose = "siren"
device = "loops"
output = 1
[output.lamp]
name = { zh-CN = "警灯", en = "Lamp" }
purpose = "light"
device = "loops"
output = 2
""".replace("RANGES", "{ short = [0, 99], active = [300, 399], normal = [600, 699], open_circuit = [900, 1023] }")


def test_supervised_lines_are_to_be_cut_once_and_each_is_shown_by_its_own_fault() -> None:
    walk = Walk(parse_config((site_toml() + SUPERVISED).encode()))
    smoke = Point("input", "smoke", Trial.LINE_FAULT)
    contact, rex = Point("door", "store", Trial.CONTACT_FAULT), Point("door", "store", Trial.EXIT_FAULT)
    assert {smoke, contact, rex} <= set(walk.points)
    assert door(Trial.CONTACT_FAULT) not in walk.points
    assert walk.take([recorded(InputFaultChanged(input="smoke", purpose="fire", fault=None))]) == []
    faults = [
        recorded(InputFaultChanged(input="smoke", purpose="fire", fault="short")),
        recorded(DoorInputFaultChanged(door="store", part="contact", fault="open_circuit")),
        recorded(DoorInputFaultChanged(door="store", part="rex", fault="short")),
    ]
    assert walk.take(faults) == [smoke, contact, rex]


def ended(command: str, outcome: str, device: str = "loops") -> RecordedEvent:
    return recorded(CommandEnded(command_id=command, device=device, outcome=outcome, detail=""))


def test_sirens_and_lights_are_to_work_once_and_their_boards_answer_shows_it() -> None:
    walk = Walk(parse_config((site_toml() + SUPERVISED).encode()))
    siren, lamp = Point("output", "siren", Trial.WORKS), Point("output", "lamp", Trial.WORKS)
    assert {siren, lamp} <= set(walk.points)
    tested = recorded(SirenTested(output="siren", actor="Li", post="gate", request_id="r"))
    assert walk.take([tested, ended("c1", "failed"), ended("c2", "done")]) == []
    assert walk.take([tested, ended("c3", "done", "board")]) == []
    assert walk.take([ended("c4", "done")]) == [siren]
    both = recorded(SirenStarted(outputs=("siren", "lamp"), alarms=("a",)))
    assert walk.take([both, ended("c5", "done"), ended("c6", "sent")]) == [lamp]


def test_a_siren_and_a_supervised_door_are_named_in_both_languages() -> None:
    config = parse_config((site_toml() + SUPERVISED).encode())
    siren, contact = Point("output", "siren", Trial.WORKS), Point("door", "store", Trial.CONTACT_FAULT)
    english, chinese = WalkWords(config, "en"), WalkWords(config, "zh-CN")
    assert english.point(siren) == "Siren (siren): works when it is told to, and its board confirms it"
    assert chinese.point(contact) == "仓库 (store)：门磁线路断开或短路能发现"


def test_status_names_what_is_missing_first_and_in_both_languages(day: RecordedDay) -> None:
    start_walk(place_of(day), "李工")
    day.show(1, "yard")
    progress = Progress(place_of(day))
    progress.read_on()
    english = list(status_lines(progress, WalkWords(progress.config, "en")))
    chinese = list(status_lines(progress, WalkWords(progress.config, "zh-CN")))
    assert english[0] == f"1 of {len(progress.walk.points)} tested (begun by 李工)"
    assert any("Door yard (yard): opened after a grant" in line and "[ ]" in line for line in english)
    assert any("yard-reader：能读卡、按键或文本" in line and "[x]" in line for line in chinese)
    assert len(english) == len(chinese) == len(progress.walk.points) + 3


def wiring_word(day: RecordedDay, *, passed: bool, contact_seen: bool | None) -> Progress:
    """A walk test in which somebody said this of the yard's exit."""
    walk = start_walk(place_of(day), "Li Wei")
    at = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
    write_walk(day.data, walk.with_proof(WiringProof("yard", "exit_wiring", passed, contact_seen, at, "Li Wei")))
    return Progress(place_of(day))


def yards_exit(progress: Progress) -> str:
    lines = status_lines(progress, WalkWords(progress.config, "en"))
    return next(line for line in lines if "yard" in line and "exit button opens it" in line)


def test_wiring_that_failed_looks_like_no_untested_one(day: RecordedDay, capsys: pytest.CaptureFixture[str]) -> None:
    progress = wiring_word(day, passed=False, contact_seen=True)
    assert yards_exit(progress).startswith("  [!] ")
    assert yards_exit(progress).endswith("FAILED (2026-11-25 09:02:03, Li Wei)")
    assert door(Trial.EXIT_WIRING) in progress.walk.missing()
    run_status(place_of(day), "en", as_json=True, follow=False)
    (told,) = [point for point in json.loads(capsys.readouterr().out)["points"] if point["word"]]
    assert (told["test"], told["proof"], told["word"]["passed"]) == ("exit_wiring", None, False)


def test_word_that_no_contact_confirms_is_marked_as_such(day: RecordedDay) -> None:
    assert yards_exit(wiring_word(day, passed=True, contact_seen=False)).endswith(
        "(2026-11-25 09:02:03, Li Wei; by word; its contact said nothing)"
    )
    assert yards_exit(wiring_word(day, passed=True, contact_seen=True)).endswith("(2026-11-25 09:02:03, Li Wei)")
    assert yards_exit(wiring_word(day, passed=True, contact_seen=None)).endswith("(2026-11-25 09:02:03, Li Wei)")


def test_changed_config_is_told(day: RecordedDay) -> None:
    start_walk(place_of(day), "Li Wei")
    site = day.data / "site.toml"
    site.write_text(site.read_text(encoding="utf-8") + "# rewired\n", encoding="utf-8")
    progress = Progress(place_of(day))
    assert progress.config_changed
    assert any("has changed" in line for line in status_lines(progress, WalkWords(progress.config, "en")))


def test_status_as_json_has_every_point(day: RecordedDay, capsys: pytest.CaptureFixture[str]) -> None:
    start_walk(place_of(day), "Li Wei")
    day.show(1, "yard")
    assert run_status(place_of(day), "en", as_json=True, follow=False) == 0
    told = json.loads(capsys.readouterr().out)
    shown = [point for point in told["points"] if point["proof"]]
    assert [(point["kind"], point["thing"], point["test"]) for point in shown] == [("device", "yard-reader", "read")]
    assert shown[0]["proof"]["row"] > 0


@pytest.mark.parametrize("by", ["", "  ", "x" * 81, "two\nlines"])
def test_test_without_a_name_is_nobodys(day: RecordedDay, by: str) -> None:
    with pytest.raises(ConfigError, match="who tests"):
        start_walk(place_of(day), by)


def test_walk_that_was_never_begun_says_how_to_begin(day: RecordedDay) -> None:
    with pytest.raises(ConfigError, match="walk start"):
        Progress(place_of(day))


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"by": 1}', b"{" * 100_000, b"x" * (1 << 20 | 1)])
def test_damaged_file_is_told_with_its_remedy(day: RecordedDay, content: bytes) -> None:
    (day.data / NAME).write_bytes(content)
    with pytest.raises(ConfigError, match="begins anew"):
        read_walk(day.data)


def test_every_test_of_the_table_has_words_in_both_languages() -> None:
    catalogue = Catalogue(I18N)
    assert all(catalogue.has(f"test.{test}") for test in Trial)
    assert catalogue.texts["zh-CN"].keys() == catalogue.texts["en"].keys()


def test_door_without_contact_or_button_is_not_asked_for_them(day: RecordedDay) -> None:
    start_walk(place_of(day), "Li Wei")
    points = points_of(Progress(place_of(day)).config)
    assert door(Trial.EXIT) not in points
    assert door(Trial.FIRE_WIRING) not in points
    assert door(Trial.EXIT_WIRING) in points


FIRE_INPUT = '[input.fire]\nname = { zh-CN = "消防", en = "Fire" }\npurpose = "fire"\ndevice = "board"\ninput = 15\n'
FAIL_SECURE = ('kind = "fail_safe", wiring = "NC"', 'kind = "fail_secure", wiring = "NO"')


def yards_tests(toml: str) -> set[Trial]:
    return {point.test for point in points_of(parse_config((toml + FIRE_INPUT).encode())) if point.thing == "yard"}


def with_yard(*changes: tuple[str, str]) -> str:
    """The site with its door `yard` changed."""
    before, yard = site_toml().split("[door.yard]")
    mine, bracket, after = yard.partition("\n[")
    for old, new in changes:
        assert old in mine
        mine = mine.replace(old, new)
    return f"{before}[door.yard]{mine}{bracket}{after}"


def test_only_a_lock_that_lets_go_without_power_is_freed_by_the_fire_contacts_wiring() -> None:
    assert {Trial.FIRE, Trial.FIRE_WIRING, Trial.EXIT_WIRING} <= yards_tests(site_toml())
    rex = 'escape_route = true\nrex = { device = "board", input = 14 }'
    handle = yards_tests(with_yard(FAIL_SECURE, ("escape_route = true", rex)))
    assert {Trial.FIRE, Trial.EXIT_WIRING} <= handle
    assert Trial.FIRE_WIRING not in handle


def test_barrier_is_asked_for_nothing_that_its_wiring_would_do() -> None:
    tests = yards_tests(with_yard(FAIL_SECURE, ("escape_route = true", "barrier = true")))
    assert {Trial.GRANT, Trial.FIRE} <= tests
    assert not {Trial.FIRE_WIRING, Trial.EXIT_WIRING} & tests
