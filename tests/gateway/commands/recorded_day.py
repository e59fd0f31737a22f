"""A day at a small compound, as the real controller decides it and the real journal keeps it."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from config.loader import load_config
from config.wiring import to_site
from gateway.clock import SystemClock
from gateway.commands.pass_commands import make_key, sign
from gateway.domain import signals as sg
from gateway.domain.controller import Turn
from gateway.domain.credential import Identifier, Reading
from gateway.domain.door_mode import DoorMode
from gateway.domain.events import AccessDenied, AccessRequested, Event
from gateway.domain.moment import ClockQuality
from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.journal import SqliteJournal
from gateway.store.list_folder import ListFolder, set_current
from gateway.store.site_key import load_site_key
from tests.gateway.commands.lists import POINTS, WISHED_AT, a_compound, a_wish
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import GUARD, Rig

_MORE = {"garage-out": "exit = true", "yard": 'accepts = { yard-reader = ["clonable", "pass", "plate"] }'}


def site_toml() -> str:
    """A site of one board with a door for every access point but the lift."""
    tables = [
        "schema = 1",
        '[site]\nid = "demo"\nzone = "Asia/Shanghai"\nname = { zh-CN = "演示花园", en = "Demo Garden" }',
        '[device.board]\ndriver = "modbus-rtu"\nport = "tty/board"\nunit = 1\ninputs = 16\noutputs = 16',
        '[lift.tower]\nname = { zh-CN = "1 号梯", en = "Lift 1" }',
        '[lift.tower.floors]\n1 = { device = "board", output = 12 }\n8 = { device = "board", output = 13 }',
    ]
    for number, point in enumerate(POINTS):
        place = 'lift = "tower"' if point == "lift" else f'door = "{point}"'
        reader = f'[device.{point}-reader]\ndriver = "s4a"\nport = "tty/{point}"\nformats = ["H10301"]'
        tables += [reader, f'[access_point.{point}]\n{place}\nreaders = ["{point}-reader"]\n{_MORE.get(point, "")}']
        if point != "lift":
            lock = f'lock = {{ device = "board", output = {number}, kind = "fail_safe", wiring = "NC" }}'
            contact = f'contact = {{ device = "board", input = {number} }}\nescape_route = true'
            names = f'name = {{ zh-CN = "门 {point}", en = "Door {point}" }}'
            tables.append(f"[door.{point}]\n{names}\n{lock}\n{contact}")
    return "\n\n".join(tables) + "\n"


class RecordedDay(Rig):
    """The controller with a journal behind it, in a data directory with a list in force.

    Every turn is durable when `handle` has returned.
    """

    def __init__(self, data: Path, document: dict[str, Any] | None = None) -> None:
        data.mkdir()
        (data / "site.toml").write_text(site_toml(), encoding="utf-8")
        self.data, self.site_key = data, load_site_key(data / "secrets")
        entry = make_key(data / "app.pem") | {"levels": ["everywhere"]}
        self.document = document or a_compound(pass_keys=[entry])
        super().__init__(to_site(load_config(data / "site.toml")), self.put_in_force(self.document))
        self.journal = SqliteJournal(data / "journal.db", SystemClock())
        self.closed_and_ready()

    def put_in_force(self, document: dict[str, Any]) -> CompiledAccessList:
        """Compile a list as the office's is, and make it the current one."""
        compiled = ListFolder(self.data / "lists", self.site_key).prepare(json.dumps(document).encode(), "demo", 0)
        set_current(self.data / "lists", compiled)
        return open_list(compiled.path, self.site_key)

    def handle(self, signal: sg.Signal) -> Turn:
        turn = super().handle(signal)
        if hasattr(self, "journal"):
            self.record(turn.events, facts=turn.facts)
        return turn

    def record(self, events: tuple[Event, ...], facts: Any = ()) -> None:
        """Into the journal, durably."""
        commit = self.journal.append(events, self.moment, None, facts)
        assert asyncio.run(commit.wait(10))

    def show(self, number: int, point: str) -> Turn:
        """A card, not within a second of the last one."""
        return self.read(card(number), point)

    def read(self, identifier: Identifier, point: str) -> Turn:
        """Anything that a reader reads."""
        self.pass_time(2)
        return self.handle(sg.CardRead(f"{point}-reader", (Reading(identifier),), self.monotonic_s))

    def scan(self, text: str, point: str) -> Turn:
        """What a scanner reads."""
        self.pass_time(2)
        return self.handle(sg.TextRead(f"{point}-reader", text, self.monotonic_s))

    def type(self, digits: str, point: str) -> Turn:
        """A PIN and `#`."""
        for key in digits:
            self.handle(sg.KeyPressed(f"{point}-reader", key, self.monotonic_s))
        return self.handle(sg.KeyPressed(f"{point}-reader", "#", self.monotonic_s))

    def walk(self, number: int, point: str) -> Turn:
        """Show a card, open and close the door."""
        turn = self.show(number, point)
        self.open(point)
        self.close(point)
        return turn

    def answer(self, turn: Turn, allow: bool) -> Turn:
        """A guard's answer to whoever waits since that turn."""
        asked = next(event for event in turn.events if isinstance(event, AccessRequested))
        return self.handle(sg.AccessConfirmRequested(self.request(), asked.request, allow, GUARD))


def record_a_day(data: Path) -> RecordedDay:
    """Grants, and denials of many reasons, each for something that the event must keep."""
    day = RecordedDay(data)
    _ordinary_swipes(day)
    _pins(day)
    _several_people(day)
    _areas(day)
    _guards(day)
    _passes(day)
    day.quality = ClockQuality.SUSPECT
    day.show(5, "north")
    day.quality = ClockQuality.SYNCHRONISED
    day.pass_time(9 * 3600)
    day.show(5, "north")
    day.journal.close()
    return day


def _ordinary_swipes(day: RecordedDay) -> None:
    for number, point in (
        (1, "yard"),
        (99, "yard"),
        (6, "yard"),
        (5, "yard"),
        (5, "north"),
        (1, "attic"),
        (1, "booth"),
    ):
        day.show(number, point)
    day.type("0077", "booth")
    day.type("0077", "yard")
    day.scan("京a 12345", "yard")
    day.show(1, "lift")
    for _ in range(3):
        day.show(2, "north")
    day.read(Identifier("UID34", None, 34), "north")


def _pins(day: RecordedDay) -> None:
    for digits in ("4321", "4322", "9999", "9999", "9999", "9999", "9999", "4321"):
        day.show(1, "vault")
        day.type(digits, "vault")
    day.pass_time(70)
    day.show(1, "vault")
    day.after(11)
    day.show(4, "vault")


def _several_people(day: RecordedDay) -> None:
    day.show(1, "depot")
    day.show(4, "depot")
    day.show(1, "depot")
    day.show(99, "depot")
    day.show(1, "depot")
    day.after(11)
    day.show(3, "yard")
    day.show(4, "yard")
    day.show(3, "yard")
    day.show(1, "yard")
    day.answer(day.show(1, "office"), True)
    day.answer(day.show(1, "office"), False)
    day.show(1, "office")
    day.after(31)


def _areas(day: RecordedDay) -> None:
    day.walk(1, "garage-in")
    day.show(1, "garage-in")
    day.show(4, "garage-in")
    day.show(3, "garage-in")
    day.show(4, "garage-in")
    day.after(10)
    day.show(6, "garage-out")
    day.walk(1, "garage-out")


def _guards(day: RecordedDay) -> None:
    until = day.wall + timedelta(hours=1)
    day.handle(sg.BlockRequested(day.request(), "credential:c-1", True, "seen on camera", GUARD))
    day.show(1, "yard")
    day.handle(sg.BlockRequested(day.request(), "credential:c-1", False, "talked to", GUARD))
    day.handle(sg.LocalGrantRequested(day.request(), "c-5", ("yard",), until, "delivery", GUARD))
    day.show(5, "yard")
    soon = day.wall + timedelta(seconds=10)
    for mode in (DoorMode.BLOCKED.value, None):
        until_then = None if mode is None else until
        day.handle(sg.DoorModeRequested(day.request(), "yard", mode, "works", GUARD, soon, until_then))
        day.show(1, "yard")


def _passes(day: RecordedDay) -> None:
    key, at = day.data / "app.pem", day.wall
    counted = sign(key, a_wish(levels=("everywhere",), uses=1), WISHED_AT)
    rotating = sign(key, a_wish(id="v-2", levels=("everywhere",), uses=None, made_at=at), WISHED_AT)
    for text in (counted, counted, rotating, rotating, "GHP1.no.pass", counted[:-9] + "AAAAAAAAA"):
        day.scan(text, "yard")


def reasons(day: RecordedDay) -> set[str]:
    """Every reason that the day's denials had."""
    return {event.reason for event in day.all_events(AccessDenied)}
