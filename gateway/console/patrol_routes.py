"""Patrol: the site's tours, how today's rounds stand, and starting and ending one."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from gateway.console.asking import Asked, RequestId, ask_once
from gateway.console.desk import AnyDesk, Desk, Opener
from gateway.console.parts import LANGUAGES
from gateway.console.refusals import Refusal
from gateway.console.tour_views import RoundView
from gateway.domain.signals import TourStartRequested, TourStopRequested
from gateway.domain.tour import Tour

router = APIRouter()

_SHOWN = timedelta(hours=24)
"""A night shift looks back over midnight."""
_AHEAD = timedelta(days=8)
_ID_CHARACTERS_MAX = 80


class Start(BaseModel):
    """Start a round."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId


@router.get("/api/tours")
async def tours(desk: AnyDesk, _session: Opener) -> dict[str, Any]:
    """Every tour with its next start, and the rounds of the last 24 h, those that are open and the newest first."""
    now, rounds = desk.parts.clock.now().wall, list(desk.feed.projection.tours.rounds.values())
    shown = [each for each in reversed(rounds) if each.open or datetime.fromisoformat(each.started_at) > now - _SHOWN]
    return {
        "row": desk.feed.row,
        "tours": [_tour(desk, tour, now) for tour in desk.parts.tours.values()],
        "rounds": [round_view(desk, each) for each in sorted(shown, key=lambda each: not each.open)],
    }


@router.post("/api/tours/{tour}/start")
async def start(tour: str, body: Start, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Start a round now; 409 where one is open already."""
    if len(tour) > _ID_CHARACTERS_MAX:
        raise Refusal(404, "tour_not_found")
    operator = desk.operator(session)
    signal = TourStartRequested(body.request_id, tour, operator)
    return await ask_once(desk, body.request_id, ("tour_start", operator.name, tour), signal)


@router.post("/api/rounds/{name}/stop")
async def stop(name: str, body: Asked, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """End a round; 409 where it is over."""
    if len(name) > _ID_CHARACTERS_MAX:
        raise Refusal(404, "tour_not_found")
    operator = desk.operator(session)
    signal = TourStopRequested(body.request_id, name, body.reason, operator)
    return await ask_once(desk, body.request_id, ("tour_stop", operator.name, name, body.reason), signal)


def _tour(desk: Desk, tour: Tour, now: datetime) -> dict[str, Any]:
    ahead = tour.starts_between(now, now + _AHEAD, ZoneInfo(desk.parts.site.zone))
    return {
        "id": tour.id,
        "name": _name(desk, tour.id),
        "in_order": tour.in_order,
        "points": [_point_name(desk, reader, tour.id) for reader in tour.readers],
        "next_at": ahead[0].isoformat() if ahead else None,
        "open": any(each.open and each.tour == tour.id for each in desk.feed.projection.tours.rounds.values()),
    }


def round_view(desk: Desk, each: RoundView) -> dict[str, Any]:
    """A round with all its points; of a tour that the site has no more, those of which something was said."""
    tour = desk.parts.tours.get(each.tour)
    readers = dict.fromkeys((*(() if tour is None else tour.readers), *each.points))
    card = {language: desk.things.card(each.credential, language) for language in LANGUAGES}
    return {
        "round": each.round,
        "tour": each.tour,
        "name": _name(desk, each.tour),
        "state": each.state,
        "because": each.because,
        "actor": each.actor,
        "due_at": each.due_at,
        "started_at": each.started_at,
        "ended_at": each.ended_at,
        "card": None if each.credential is None else card,
        "points": [_point(desk, each, reader) for reader in readers],
    }


def _point(desk: Desk, each: RoundView, reader: str) -> dict[str, Any]:
    said = each.points.get(reader)
    left = "pending" if each.open else "not_visited"
    return {
        "reader": reader,
        "name": _point_name(desk, reader, each.tour),
        "state": left if said is None else said.state,
        "at": None if said is None else said.at,
    }


def _name(desk: Desk, tour: str) -> dict[str, str]:
    return {language: desk.things.thing(tour, language, "tour") for language in LANGUAGES}


def _point_name(desk: Desk, reader: str, tour: str) -> dict[str, str]:
    return {language: desk.things.site.tour_point(reader, language, tour) for language in LANGUAGES}
