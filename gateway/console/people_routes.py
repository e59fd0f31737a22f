"""People: the muster list, blocks and local grants; and what a guard decides about cards and people."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.console.asking import Asked, End, OtherId, RequestId, ask_once
from gateway.console.csv_lines import BYTE_ORDER_MARK, csv_line
from gateway.console.desk import AnyDesk, Desk, Opener
from gateway.console.people import who_is_in
from gateway.console.refusals import Refusal
from gateway.console.sessions import Session
from gateway.domain.access_requests import NAME_CHARACTERS_MAX
from gateway.domain.ports import RecordedEvent
from gateway.domain.signals import AccessConfirmRequested, BlockRequested, ForgiveRequested, LocalGrantRequested

router = APIRouter()

_SUBJECT_MAX = len("credential:") + NAME_CHARACTERS_MAX
_MAX_POINTS = 50
"""Access points of one local grant: more than a site has ways in."""
_COLUMNS = ("area", "card", "cardholder_kind", "since", "special_care", "last_passage")


class Answer(BaseModel):
    """Yes or no."""

    model_config = ConfigDict(strict=True, extra="forbid")
    request_id: RequestId
    allow: bool


class BlockOfEvent(Asked):
    """Whom of an event, to be blocked or freed again."""

    of: Literal["credential", "cardholder"]
    blocked: bool = True


class BlockOf(Asked):
    """Block somebody of the muster list, or lift a block."""

    subject: Annotated[str, StringConstraints(pattern=r"^(credential|cardholder):", max_length=_SUBJECT_MAX)]
    blocked: bool


class LetIn(Asked):
    """Where, and until when."""

    access_points: Annotated[list[OtherId], Field(min_length=1, max_length=_MAX_POINTS)]
    until: End


class LetInOf(LetIn):
    """Whom: a card that was found by its label."""

    credential: OtherId


class EndLocalGrant(Asked):
    """Whose."""

    credential: OtherId


class Forgive(Asked):
    """Whom; None is everybody."""

    cardholder: OtherId | None


@router.post("/api/requests/{request}/answer")
async def answer(request: str, body: Answer, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Say yes or no to somebody who waits for it; 409 when nobody does any more."""
    if not 1 <= len(request) <= 80:
        raise Refusal(404, "request_not_found")
    signal = AccessConfirmRequested(body.request_id, request, body.allow, desk.operator(session))
    return await ask_once(desk, body.request_id, ("answer", request, session.user.name, str(body.allow)), signal)


@router.get("/api/people")
async def people(desk: AnyDesk, _session: Opener) -> dict[str, Any]:
    """Who is in which area since when, against its limit; blocks and local grants in force."""
    return await desk.people.view()


@router.get("/api/people/find")
async def find(
    desk: AnyDesk, _session: Opener, text: Annotated[str, Query(min_length=2, max_length=NAME_CHARACTERS_MAX)]
) -> dict[str, Any]:
    """Cards by the office's label, at most twenty, and whether there are more; what of them is blocked."""
    return await desk.people.find(text)


@router.get("/api/people.csv")
async def muster(desk: AnyDesk, session: Opener, language: str = "en") -> PlainTextResponse:
    """The muster list as a table under a line that says whose, when and by whom it was taken; that is recorded."""
    language = language if language in desk.catalogue.texts else "en"
    await desk.audit("muster_exported", session.user.name)
    site = desk.parts.site
    title = desk.catalogue.text(
        language,
        "words.muster_taken",
        site=site.name.get(language, site.id),
        time=desk.things.local_date_time(desk.parts.clock.now().wall),
        zone=site.zone,
        user=session.user.name,
    )
    lines = [csv_line([title])]
    lines += [csv_line([desk.catalogue.text(language, f"column.{name}") for name in _COLUMNS])]
    lines += [csv_line(list(desk.people.line(inside, language))) for inside in await desk.people.muster()]
    headers = {"content-disposition": 'attachment; filename="gatehouse-muster.csv"'}
    return PlainTextResponse(BYTE_ORDER_MARK + "".join(lines), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/api/events/{event_id}/block")
async def block_of_event(event_id: str, body: BlockOfEvent, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Block the card, or the person, that an event is about, or lift that."""
    found = await _event(desk, session, event_id)
    name = who_is_in(found).get(body.of)
    if name is None:
        raise Refusal(422, "nobody_in_event")
    return await _block(desk, session, body, f"{body.of}:{name}", blocked=body.blocked)


@router.post("/api/blocks")
async def block(body: BlockOf, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Block a card or a person, or lift that."""
    return await _block(desk, session, body, body.subject, blocked=body.blocked)


@router.post("/api/events/{event_id}/let-in")
async def let_in(event_id: str, body: LetIn, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Let the card that an event is about pass some access points, for at most 24 h."""
    found = await _event(desk, session, event_id)
    credential = who_is_in(found).get("credential")
    if credential is None:
        raise Refusal(422, "nobody_in_event")
    return await _let_in(desk, session, body, credential)


@router.post("/api/local-grants")
async def let_in_card(body: LetInOf, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Let a card pass some access points, for at most 24 h."""
    return await _let_in(desk, session, body, body.credential)


@router.post("/api/local-grants/end")
async def end_local_grant(body: EndLocalGrant, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """End a local grant before its time."""
    operator = desk.operator(session)
    signal = LocalGrantRequested(body.request_id, body.credential, (), None, body.reason, operator)
    return await ask_once(desk, body.request_id, ("let_in_end", operator.name, body.credential, body.reason), signal)


@router.post("/api/forgive")
async def forgive(body: Forgive, desk: AnyDesk, session: Opener) -> dict[str, Any]:
    """Have anti-passback forget where somebody is, or everybody."""
    operator = desk.operator(session)
    signal = ForgiveRequested(body.request_id, body.cardholder, body.reason, operator)
    return await ask_once(desk, body.request_id, ("forgive", operator.name, str(body.cardholder), body.reason), signal)


async def _let_in(desk: Desk, session: Session, body: LetIn, credential: str) -> dict[str, Any]:
    until = body.until.after(desk.parts.clock.now().wall, desk.parts.site.zone)
    points = tuple(dict.fromkeys(body.access_points))
    operator = desk.operator(session)
    signal = LocalGrantRequested(body.request_id, credential, points, until, body.reason, operator)
    asked = ("let_in", operator.name, credential, ",".join(points), str(body.until), body.reason)
    return await ask_once(desk, body.request_id, asked, signal)


async def _block(desk: Desk, session: Session, body: Asked, subject: str, *, blocked: bool) -> dict[str, Any]:
    operator = desk.operator(session)
    signal = BlockRequested(body.request_id, subject, blocked, body.reason, operator)
    return await ask_once(desk, body.request_id, ("block", operator.name, subject, str(blocked), body.reason), signal)


async def _event(desk: Desk, session: Session, event_id: str) -> RecordedEvent:
    found = await desk.journal.ask(lambda journal: journal.event(event_id))
    if found is None or not desk.may_read(found, session):
        raise Refusal(404, "event_not_found")
    return found
