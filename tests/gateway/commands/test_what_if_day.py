"""`gatehouse decide --stateful` and the controller, given the same day, decide the same."""

import json
from dataclasses import dataclass
from itertools import chain
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.loader import parse_config
from config.wiring import to_site
from gateway.commands.decide_requests import Asked, parse_line
from gateway.commands.what_if import WhatIfDay
from gateway.domain import signals as sg
from gateway.domain.access_request import MISSING, Decision
from gateway.domain.controller import Turn
from gateway.domain.credential import Reading
from gateway.domain.events import AccessDenied, AccessGranted, AccessRequested
from gateway.store.access_list import MemoryAccessList, parse_list
from tests.gateway.commands.lists import POINTS, a_compound
from tests.gateway.commands.lists import card as listed_card
from tests.gateway.commands.recorded_day import site_toml
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import GUARD, Rig

SITE = to_site(parse_config(site_toml().encode()))
LIST = MemoryAccessList.from_document(parse_list(a_compound()))
WAIT_S = 31.0
"""Longer than any release or wait of the site."""


@dataclass(frozen=True)
class Visit:
    """Somebody shows a card, does what is asked for or doesn't, and goes through or doesn't."""

    number: int
    point: str
    pin: str
    second: int | None
    confirmed: bool | None
    taken: bool
    pause_s: float


VISITS = st.builds(
    Visit,
    st.sampled_from([1, 1, 2, 3, 4, 5, 6, 9, 99]),
    st.sampled_from([*POINTS, "garage-in", "garage-out", "vault", "vault"]),
    st.sampled_from(["", "4321", "9999", "9999"]),
    st.sampled_from([None, 4, 2, 99]),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.sampled_from([2.0, 2.0, 70.0, 4000.0]),
)


GUESSES = (Visit(1, "vault", "9999", None, None, True, 2.0),) * 5
DAYS = st.lists(VISITS.map(lambda visit: (visit,)) | st.just(GUESSES), min_size=2, max_size=12)


class Door:
    """The visits at the real controller. `asked_at`: when the last answer was asked for."""

    def __init__(self) -> None:
        self.rig = Rig(SITE, LIST).closed_and_ready()
        self.asked_at = self.rig.wall

    def visit(self, visit: Visit) -> tuple[str, bool]:
        """The outcome; and whether the second card was waited for."""
        self.rig.pass_time(visit.pause_s)
        turn, second = self._show(visit.number, visit.point), visit.second
        while (wants := _wants(turn)) is not None:
            if wants == "pin" and visit.pin:
                turn = self._type(visit.pin, visit.point)
            elif wants in ("person", "escort") and second is not None:
                self.rig.pass_time(2)
                shown, second = self._show(second, visit.point), None
                turn = shown if shown.events else self.rig.after(WAIT_S)
            elif wants == "confirmation" and visit.confirmed is not None:
                turn = self._answer(turn, visit.confirmed)
            else:
                turn = self.rig.after(WAIT_S)
        outcome = _told(turn)
        if outcome == "granted" and SITE.access_points[visit.point].door is not None and visit.taken:
            self.rig.open(visit.point)
            self.rig.close(visit.point)
        self.rig.after(WAIT_S)
        return outcome, second is None

    def _show(self, number: int, point: str) -> Turn:
        self.asked_at = self.rig.wall
        return self.rig.handle(sg.CardRead(f"{point}-reader", (Reading(card(number)),), self.rig.monotonic_s))

    def _type(self, digits: str, point: str) -> Turn:
        for key in digits:
            self.rig.handle(sg.KeyPressed(f"{point}-reader", key, self.rig.monotonic_s))
        return self.rig.handle(sg.KeyPressed(f"{point}-reader", "#", self.rig.monotonic_s))

    def _answer(self, turn: Turn, allow: bool) -> Turn:
        asked = next(event for event in turn.events if isinstance(event, AccessRequested))
        return self.rig.handle(sg.AccessConfirmRequested(self.rig.request(), asked.request, allow, GUARD))


def _wants(turn: Turn) -> str | None:
    return next((event.wants for event in turn.events if isinstance(event, AccessRequested)), None)


def _told(turn: Turn) -> str:
    told = [event for event in turn.events if isinstance(event, AccessGranted | AccessDenied)]
    assert len(told) == 1
    return told[0].reason if isinstance(told[0], AccessDenied) else "granted"


def _line(visit: Visit, time: str, second_asked: bool) -> str:
    line: dict[str, Any] = {
        "identifier": listed_card(visit.number),
        "access_point": visit.point,
        "time": time,
        "taken": visit.taken,
        "confirmed": visit.confirmed,
    }
    if visit.pin:
        line["pin"] = visit.pin
    if visit.second is not None and second_asked:
        line["second"] = {"identifier": listed_card(visit.second)}
    return json.dumps(line)


def _outcome(decision: Decision) -> str:
    reason = decision.reason if decision.wants is None else MISSING[decision.wants]
    return "granted" if reason is None else reason.value


@settings(max_examples=150, deadline=None)
@given(DAYS.map(lambda parts: list(chain.from_iterable(parts))))
def test_a_what_if_day_is_the_controllers_day(visits: list[Visit]) -> None:
    door, day = Door(), WhatIfDay(LIST, SITE)
    for number, visit in enumerate(visits, 1):
        outcome, second_asked = door.visit(visit)
        asked, wall = parse_line(_line(visit, door.asked_at.isoformat(), second_asked), number)
        assert isinstance(asked, Asked)
        assert _outcome(day.ask(asked, wall, number)) == outcome, visit
