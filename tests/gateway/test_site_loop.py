"""The loop records what it must before it tells the devices, and keeps nobody waiting who wants out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.clock import SystemClock
from gateway.domain.commands import (
    DeviceCommand,
    ForkJournal,
    IndicateAtReader,
    Indication,
    PulseOutput,
    SetOutput,
    SwapList,
)
from gateway.domain.controller import Controller, Turn
from gateway.domain.events import CommandSentBeforeCommit, DoorOpened, Event
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.ports import Commit, JournalWriter, Reply
from gateway.domain.register import Fact, Uses
from gateway.domain.signals import (
    CommandCompleted,
    CommandOutcome,
    DeadlineReached,
    HistoryForked,
    ListActivated,
    Signal,
)
from gateway.domain.snapshot import ControllerState
from gateway.errors import JournalUnavailable
from gateway.site_loop import NOT_DURABLE, OVERTAKEN, SiteLoop
from gateway.status import StatusHub
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.domain.listing import resident_listing
from tests.waiting import wait_until_async

CLOCK = SystemClock()
USED = Fact("uses", "c-1", Uses(1))
TOLD = DoorOpened(door="north")


class Script:
    """A controller that says what the test wants: one turn a number, asked for by `CommandCompleted(number)`."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.completed: list[CommandCompleted] = []
        self.forked: list[HistoryForked] = []
        self.activated: list[int] = []
        self.state = ControllerState()

    def handle(self, signal: Signal, moment: Moment, access_list: object) -> Turn:
        if isinstance(signal, CommandCompleted):
            self.completed.append(signal)
        if isinstance(signal, HistoryForked):
            self.forked.append(signal)
        if isinstance(signal, ListActivated):
            self.activated.append(signal.version)
        name = signal.command_id if isinstance(signal, CommandCompleted) else ""
        return self.turns.pop(name, Turn((), (), Reply(accepted=True)))

    def snapshot(self) -> ControllerState:
        return self.state

    def next_deadline(self, moment: Moment) -> float:
        return moment.monotonic_s + 60.0


class SlowCommit:
    """A commit that is settled when the test says so."""

    def __init__(self) -> None:
        self.settled = asyncio.Event()
        self.failed = False

    @property
    def durable(self) -> bool:
        return self.settled.is_set() and not self.failed

    async def wait(self, timeout_s: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self.settled.wait()
        except TimeoutError:
            return False
        if self.failed:
            raise JournalUnavailable("disk full")
        return True

    def settle(self, *, failed: bool = False) -> None:
        self.failed = failed
        self.settled.set()


class SlowJournal:
    """A disk in the test's hands: one commit a turn, in order."""

    def __init__(self) -> None:
        self.commits: list[SlowCommit] = []
        self.events: list[Event] = []
        self.forks: list[ForkJournal] = []

    def append(
        self,
        events: Sequence[Event],
        moment: Moment,
        checkpoint: dict[str, Any] | None = None,
        facts: Sequence[Fact] = (),
    ) -> Commit:
        self.events += events
        self.commits.append(SlowCommit())
        return self.commits[-1]

    def fork(self, point: ForkJournal, moment: Moment) -> "Future[str | None]":
        self.forks.append(point)
        done: Future[str | None] = Future()
        done.set_result("f" * 32 if len(self.forks) == 1 else None)
        return done

    def close(self) -> None:
        """Nothing is open."""


class Board:
    """Notes what it is told."""

    device_id = "board"

    def __init__(self) -> None:
        self.told: list[str] = []

    async def run(self) -> None:
        """Lives on no wire."""

    def counters(self) -> dict[str, int]:
        return {}

    def submit(self, command: DeviceCommand) -> None:
        self.told.append(command.command_id)

    def indicate(self, command: IndicateAtReader) -> None:
        self.told.append(command.command_id)


def _no_list(_path: str) -> AccessList:
    raise AssertionError("no list is swapped here")


class Bench:
    """A loop at work over a scripted controller."""

    def __init__(self, journal: JournalWriter) -> None:
        self.script, self.board = Script(), Board()
        hub = StatusHub(dict)
        controller = cast(Controller, self.script)
        boards, lights = {"board": self.board}, {"reader": self.board}
        self.loop = SiteLoop(controller, journal, CLOCK, boards, _no_list, None, hub, lights)

    def say(self, name: str, turn: Turn) -> None:
        self.script.turns[name] = turn
        self.loop.inbox.put(CommandCompleted(name, "test", CommandOutcome.DONE))

    def outcomes(self) -> dict[str, str]:
        return {c.command_id: c.detail for c in self.script.completed if c.outcome is CommandOutcome.EXPIRED}

    def forked(self) -> list[HistoryForked]:
        return self.script.forked

    def was_handled(self, name: str) -> bool:
        return any(c.command_id == name for c in self.script.completed)


@asynccontextmanager
async def _at_work(journal: JournalWriter) -> AsyncIterator[Bench]:
    bench = Bench(journal)
    task = asyncio.create_task(bench.loop.run())
    yield bench
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _pulse(name: str, output: int = 0, life_s: float = 2.0) -> PulseOutput:
    return PulseOutput(name, "board", output, True, 5.0, CLOCK.now().monotonic_s + life_s)


def _secure(name: str, output: int = 0) -> SetOutput:
    return SetOutput(name, "board", output, False, CLOCK.now().monotonic_s + 10.0)


def _light(name: str) -> IndicateAtReader:
    return IndicateAtReader(name, "reader", Indication.GRANTED, CLOCK.now().monotonic_s + 2.0)


def _turn(
    *commands: DeviceCommand | IndicateAtReader | ForkJournal | SwapList,
    durable_first: bool = False,
    urgent: bool = False,
) -> Turn:
    reply = Reply(accepted=True)
    return Turn((TOLD,), commands, reply, urgent=urgent, durable_first=durable_first, facts=(USED,))


async def test_facts_are_recorded_also_without_an_event(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db", CLOCK)
    reader = SqliteJournalReader(tmp_path / "journal.db")
    async with _at_work(journal) as bench:
        bench.say("1", Turn((), (), Reply(accepted=True)))
        bench.say("2", Turn((), (), Reply(accepted=True), facts=(USED,)))
        await wait_until_async(lambda: reader.facts() == [USED])
    journal.close()
    assert reader.head() is None


async def test_what_counts_something_down_is_durable_before_a_command_goes(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db", CLOCK)
    reader = SqliteJournalReader(tmp_path / "journal.db")
    found: list[list[Fact]] = []
    async with _at_work(journal) as bench:
        bench.board.submit = lambda command: found.append(reader.facts())  # type: ignore[method-assign]
        bench.say("1", _turn(_pulse("c-1"), durable_first=True))
        await wait_until_async(lambda: found)
    journal.close()
    assert found == [[USED]]


async def test_command_goes_as_soon_as_a_slow_disk_has_its_record() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), durable_first=True))
        bench.say("2", Turn((), (), Reply(accepted=True)))
        await wait_until_async(lambda: bench.was_handled("2"))
        assert bench.board.told == []
        journal.commits[0].settle()
        await wait_until_async(lambda: bench.board.told == ["c-1"])
    assert bench.outcomes() == {}
    assert not any(isinstance(event, CommandSentBeforeCommit) for event in journal.events)


async def test_without_a_record_by_its_expiry_no_command_goes() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1", life_s=0.1), _pulse("c-2", 1, life_s=0.2), durable_first=True))
        await wait_until_async(lambda: len(bench.outcomes()) == 2)
        journal.commits[0].settle()
        bench.say("2", _turn(_pulse("c-3", 2), urgent=True))
        await wait_until_async(lambda: bench.board.told)
    assert bench.outcomes() == {"c-1": NOT_DURABLE, "c-2": NOT_DURABLE}
    assert bench.board.told == ["c-3"]


async def test_on_a_disk_that_takes_nothing_no_use_is_given_away(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    journal = SqliteJournal(tmp_path / "data" / "journal.db", CLOCK)
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), durable_first=True))
        bench.say("2", _turn(_pulse("c-2", 1)))
        await wait_until_async(lambda: bench.outcomes() and bench.board.told)
    journal.close()
    assert bench.outcomes() == {"c-1": NOT_DURABLE}
    assert bench.board.told == ["c-2"], "what counts nothing down goes without its record"


async def test_record_that_fails_later_is_no_record() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), durable_first=True))
        bench.say("2", Turn((), (), Reply(accepted=True)))
        await wait_until_async(lambda: bench.was_handled("2"))
        journal.commits[0].settle(failed=True)
        await wait_until_async(bench.outcomes)
    assert (bench.outcomes(), bench.board.told) == ({"c-1": NOT_DURABLE}, [])


async def test_exit_goes_at_once_while_another_turn_waits_for_its_record() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), durable_first=True))
        bench.say("2", _turn(_pulse("c-2", 1), urgent=True, durable_first=True))
        await wait_until_async(lambda: bench.board.told == ["c-2"], 1.0)
        journal.commits[0].settle()
        await wait_until_async(lambda: bench.board.told == ["c-2", "c-1"])


@pytest.mark.parametrize("urgent", [True, False])
async def test_what_is_held_never_undoes_a_later_command_to_its_output(urgent: bool) -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), _pulse("c-2", 1), durable_first=True))
        bench.say("2", _turn(_secure("c-3"), urgent=urgent))
        await wait_until_async(lambda: bench.board.told == ["c-3"])
        journal.commits[0].settle()
        await wait_until_async(lambda: bench.board.told == ["c-3", "c-2"])
        await wait_until_async(bench.outcomes)
    assert bench.outcomes() == {"c-1": OVERTAKEN}


async def test_held_commands_of_one_output_go_in_order() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        for number in ("1", "2", "3"):
            bench.say(number, _turn(_pulse(f"c-{number}"), durable_first=True))
        await wait_until_async(lambda: len(journal.commits) == 3)
        for commit in journal.commits:
            commit.settle()
        await wait_until_async(lambda: bench.board.told == ["c-1", "c-2", "c-3"])
    assert bench.outcomes() == {}


async def test_command_that_counts_nothing_down_goes_before_a_slow_commit_and_that_is_told() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1")))
        await wait_until_async(lambda: bench.board.told == ["c-1"], 1.0)
    (told,) = [event for event in journal.events if isinstance(event, CommandSentBeforeCommit)]
    assert told.command_id == "c-1"
    assert told.waited_ms >= 20


async def test_turn_without_anything_new_writes_nothing() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn())
        bench.loop.inbox.put(DeadlineReached())
        bench.say("2", Turn((), (), Reply(accepted=True)))
        await wait_until_async(lambda: bench.was_handled("2"))
    assert len(journal.commits) == 1


async def test_a_light_follows_its_door_and_never_keeps_it_waiting_or_is_recorded() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), _light("c-2")))
        await wait_until_async(lambda: bench.board.told == ["c-1", "c-2"])
        bench.say("2", _turn(_light("c-3")))
        await wait_until_async(lambda: bench.board.told == ["c-1", "c-2", "c-3"])
    told = [event.command_id for event in journal.events if isinstance(event, CommandSentBeforeCommit)]
    assert told == ["c-1"]


async def test_no_light_says_granted_before_what_counts_something_down_is_durable() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), _light("c-2"), durable_first=True))
        bench.say("2", Turn((), (), Reply(accepted=True)))
        await wait_until_async(lambda: bench.was_handled("2"))
        assert bench.board.told == []
        journal.commits[0].settle()
        await wait_until_async(lambda: bench.board.told == ["c-1", "c-2"])


async def test_without_a_record_the_door_stays_shut_and_no_light_lies() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        bench.say("1", _turn(_pulse("c-1"), _light("c-2"), durable_first=True))
        await wait_until_async(lambda: bool(journal.commits))
        journal.commits[0].settle(failed=True)
        await wait_until_async(lambda: bench.outcomes() == {"c-1": NOT_DURABLE})
    assert bench.board.told == []


async def test_a_reader_that_is_gone_from_the_config_is_no_trouble() -> None:
    journal = SlowJournal()
    async with _at_work(journal) as bench:
        gone = IndicateAtReader("c-1", "gone", Indication.DENIED, CLOCK.now().monotonic_s + 2.0)
        bench.say("1", _turn(gone, _light("c-2")))
        await wait_until_async(lambda: bench.board.told == ["c-2"])
    assert bench.outcomes() == {}


async def test_a_fork_is_asked_of_the_journal_and_told_once_it_is_so() -> None:
    journal = SlowJournal()
    point = ForkJournal("fork-1", "c" * 32, "a" * 32, 7, "0" * 64)
    async with _at_work(journal) as bench:
        for name in ("1", "2"):
            bench.say(name, _turn(point))
        await wait_until_async(lambda: len(bench.forked()) == 1 and bench.was_handled("2"))
    assert journal.forks == [point, point]


def _swapped(bench: Bench, name: str) -> bool:
    return bench.was_handled(name) and bench.loop._swapping is None


async def test_a_list_that_is_older_once_it_is_open_is_not_put_in_force(tmp_path: Path) -> None:
    """What was asked for while another one was being opened."""
    lists = {f"lists/{version}": replace(resident_listing(), version=version) for version in (1, 2, 3)}
    async with _at_work(SqliteJournal(tmp_path / "journal.db", CLOCK)) as bench:
        bench.loop.open_list, bench.loop.access_list = lists.__getitem__, lists["lists/2"]
        for version in (1, 3):
            bench.say(str(version), _turn(SwapList(f"list-{version}", version, f"lists/{version}", "d", 2, 0)))
            await wait_until_async(partial(_swapped, bench, str(version)))
        await wait_until_async(lambda: bench.script.activated)
        assert bench.script.activated == [3]
