"""The bare wiring at simulated doors: real lines, a board that is only asked, and no daemon."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.paths import Paths
from gateway.technician.place import Place
from gateway.technician.walk_commands import Progress, start_walk
from gateway.technician.walk_file import read_walk
from gateway.technician.wiring import prove_wiring
from simulators.demo_site import prepare, read_site, set_among_simulators
from simulators.hardware import Hardware
from simulators.modbus_board import BoardOnLine
from simulators.plan import read_plan
from tests.simulators.site.conftest import until


@pytest.fixture
def place(tmp_path: Path) -> Place:
    site = set_among_simulators(read_site(None), 0)
    prepare(tmp_path, site)
    (tmp_path / "site.toml").write_text(site.toml, encoding="utf-8")
    made = Place(tmp_path / "site.toml", tmp_path)
    Paths(made.config, made.data).prepare()
    start_walk(made, "Li Wei")
    return made


@pytest.fixture
async def hardware(place: Place) -> Hardware:
    return Hardware(read_plan(place.config), place.data)


def at_the_door(hardware: Hardware, *, fire: bool = False, answer: str = "y") -> Callable[[str], Awaitable[str]]:
    """Somebody who does what is asked and says whether the door opened."""
    board = hardware.devices["north-board"]
    assert isinstance(board, BoardOnLine)

    async def ask(question: str) -> str:
        door = hardware.doors["yard" if "yard" in question else "north"]
        await until(board.is_polled, "somebody who asks the board")
        await until(lambda: not door.contact_open and not door.lock.released(), "the door at rest")
        if "fire panel" in question:
            hardware.set_button("fire", fire)
        else:
            door.press_rex(hardware.now())
            hardware.settle()
        opened = door.push(hardware.now(), 0.5)
        hardware.settle()
        asked = board.frames()["frames"]
        await until(lambda: board.frames()["frames"] > asked + 3, "the next polls")
        return answer if opened else "n"

    return ask


async def test_exit_button_that_cuts_the_lock_is_proven_and_the_contact_tells_the_same(
    place: Place, hardware: Hardware
) -> None:
    hardware.power_up()
    try:
        code = await prove_wiring(place, "Li Wei", ["north"], "en", at_the_door(hardware))
        board = hardware.devices["north-board"]
        assert isinstance(board, BoardOnLine)
        assert board.coils == [False] * 8
    finally:
        await hardware.power_down()
    walk = read_walk(place.data)
    assert walk is not None
    exits = {proof.door: (proof.passed, proof.contact_seen, proof.by) for proof in walk.wiring if "exit" in proof.test}
    assert exits == {"north": (True, True, "Li Wei")}
    assert code == 1, "the fire contact was not given"
    assert any(point.thing == "north" and point.test == "exit_wiring" for point in Progress(place).walk.proofs)


async def test_door_that_stays_shut_without_the_daemon_fails_and_stays_untested(
    place: Place, hardware: Hardware
) -> None:
    hardware.power_up()
    try:
        assert await prove_wiring(place, "Li Wei", ["yard"], "en", at_the_door(hardware)) == 1
    finally:
        await hardware.power_down()
    walk = read_walk(place.data)
    assert walk is not None
    assert {proof.passed for proof in walk.wiring} == {False}
    assert not Progress(place).walk.proofs


async def test_fire_contact_frees_a_fail_safe_door_by_the_wiring(place: Place, hardware: Hardware) -> None:
    hardware.power_up()
    try:
        assert await prove_wiring(place, "Li Wei", ["north"], "en", at_the_door(hardware, fire=True)) == 0
    finally:
        await hardware.power_down()
    assert {point.test.value for point in Progress(place).walk.proofs} == {"exit_wiring", "fire_wiring"}


async def test_skipped_question_leaves_no_word(place: Place, hardware: Hardware) -> None:
    async def skip(_question: str) -> str:
        return "skip"

    hardware.power_up()
    try:
        assert await prove_wiring(place, "Li Wei", ["north"], "zh-CN", skip) == 1
    finally:
        await hardware.power_down()
    walk = read_walk(place.data)
    assert walk is not None
    assert walk.wiring == ()


async def test_unclear_answer_is_asked_again(place: Place, hardware: Hardware) -> None:
    answers = iter(["", "maybe", "N", "x", "n"])
    asked: list[str] = []

    async def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    hardware.power_up()
    try:
        await prove_wiring(place, "Li Wei", ["north"], "en", ask)
    finally:
        await hardware.power_down()
    assert len(asked) == 5


async def test_running_gateway_stands_in_the_way(place: Place, hardware: Hardware) -> None:
    async def never(question: str) -> str:
        raise AssertionError(question)

    with Paths(place.config, place.data).lock("doors"), pytest.raises(ConfigError, match="stop that one"):
        await prove_wiring(place, "Li Wei", [], "en", never)


async def test_unknown_door_is_named(place: Place) -> None:
    async def never(question: str) -> str:
        raise AssertionError(question)

    with pytest.raises(ConfigError, match=r"west.*is no door"):
        await prove_wiring(place, "Li Wei", ["west"], "en", never)
