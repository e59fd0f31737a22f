"""Events: search, why, and export."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from gateway.console.csv_lines import BYTE_ORDER_MARK, csv_line
from gateway.console.desk import AnyDesk, Desk, SignedIn, Supervisor
from gateway.console.event_words import shown_kind
from gateway.console.parts import LANGUAGES
from gateway.console.people import who_is_in
from gateway.console.refusals import Refusal
from gateway.domain.access_requests import NAME_CHARACTERS_MAX
from gateway.domain.ports import RecordedEvent

router = APIRouter()

_PAGE = 500
_MAX_SCANNED = 5_000
"""Rows looked at for one answer when words are searched; the answer's `before` goes on from there."""
_MAX_EXPORT = 100_000
"""A month of a busy gate; about 20 MB."""

_DECIDED = ("AccessGranted", "AccessDenied")

_Word = Annotated[str | None, Query(max_length=NAME_CHARACTERS_MAX)]


class _Search:
    """What is asked for. Types, door and time are the journal's work; words are compared with what people see."""

    def __init__(
        self,
        types: Annotated[str | None, Query(max_length=1000, pattern=r"^[A-Za-z,]*$")] = None,
        door: _Word = None,
        card: _Word = None,
        text: _Word = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: Annotated[int | None, Query(ge=0)] = None,
    ) -> None:
        self.types = tuple(name for name in (types or "").split(",") if name) or None
        self.subject = f"door:{door}" if door else None
        self.card, self.text = (card or "").casefold(), (text or "").casefold()
        self.since, self.until, self.before = since, until, before
        for moment in (since, until):
            if moment is not None and moment.tzinfo is None:
                raise Refusal(422, "time_without_zone")

    async def page(self, desk: Desk, before: int | None, limit: int) -> list[RecordedEvent]:
        """The next rows, newest first, words not yet compared."""
        return await desk.journal.ask(
            lambda journal: journal.search(
                types=self.types,
                subject=self.subject,
                before_row=before,
                since=self.since,
                until=self.until,
                limit=limit,
            )
        )

    def told(self) -> str:
        """What was asked for, for the audit trail; words are left out, they may name somebody."""
        types = f"types={','.join(self.types)}" if self.types else ""
        return " ".join(part for part in (types, self.subject) if part)

    def fits(self, view: dict[str, Any]) -> bool:
        """Whether the words are there."""
        if self.card and self.card not in view["card"].casefold():
            return False
        seen = (*view["text"].values(), view["actor"], view["card"], view["technical"])
        return not self.text or any(self.text in part.casefold() for part in seen)


_Asked = Annotated[_Search, Depends(_Search)]


@router.get("/api/events")
async def events(
    desk: AnyDesk, _session: SignedIn, asked: _Asked, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """Newest first. `before` is the cursor of the next page, null at the end. Nothing that `Sight` hides is in it."""
    found: list[dict[str, Any]] = []
    before, scanned = asked.before, 0
    head = desk.feed.row
    while scanned < _MAX_SCANNED:
        rows = await asked.page(desk, before, _PAGE)
        for row in rows:
            before, scanned = row.row_id, scanned + 1
            if desk.hides(row):
                continue
            view = desk.words.view(row)
            if asked.fits(view):
                found.append(view)
                if len(found) == limit:
                    return {"head": head, "epoch": desk.feed.epoch, "events": found, "before": before}
        if len(rows) < _PAGE:
            before = None
            break
    return {"head": head, "epoch": desk.feed.epoch, "events": found, "before": before}


@router.get("/api/events.csv")
async def export(desk: AnyDesk, session: Supervisor, asked: _Asked, language: str = "en") -> StreamingResponse:
    """The events as a table, newest first, bounded; who exported is recorded."""
    language = language if language in desk.catalogue.texts else "en"
    await desk.audit("events_exported", session.user.name, asked.told())
    headers = {"content-disposition": 'attachment; filename="gatehouse-events.csv"'}
    return StreamingResponse(_table(desk, asked, language), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/api/events/{event_id}")
async def event(event_id: str, desk: AnyDesk, session: SignedIn) -> dict[str, Any]:
    """One event with its envelope, and why. `names` says whom it is about, `blocked` who of them is blocked now.

    `shown`: what that is, a `card`, `pin`, `plate` or `pass`; `credential` where the event doesn't say.
    """
    found = await desk.journal.ask(lambda journal: journal.event(event_id))
    if found is None or not desk.may_read(found, session):
        raise Refusal(404, "event_not_found")
    who = who_is_in(found)
    shown = shown_kind(found.body)
    blocked = await desk.people.blocked(f"{name}:{id_}" for name, id_ in who.items())
    return {
        **desk.words.view(found),
        "why": desk.words.why(found),
        "names": list(who),
        "whom": {language: desk.things.card(found.body.get("credential"), language, shown) for language in LANGUAGES},
        "shown": _shown(found),
        "blocked": [subject.partition(":")[0] for subject in blocked],
        "access_point": found.body.get("access_point"),
        "list_version": found.body.get("list_version"),
        "epoch": found.epoch,
        "seq": found.seq,
        "device": found.device,
        "hash": found.hash,
        "previous_hash": found.previous_hash,
    }


def _shown(event: RecordedEvent) -> str:
    """A decision keeps what was shown; one that was given up, and every other event, names the credential alone."""
    if str(event.body.get("credential")).startswith("pass:"):
        return "pass"
    decided = event.type in _DECIDED and not (event.body.get("circumstances") or {}).get("gave_up")
    return shown_kind(event.body) if decided else "credential"


async def _table(desk: Desk, asked: _Search, language: str) -> AsyncIterator[str]:
    yield BYTE_ORDER_MARK + csv_line(["row", "time", "type", "text", "actor", "door", "card", "event_id", "technical"])
    before, left = asked.before, _MAX_EXPORT
    while left > 0:
        rows = await asked.page(desk, before, min(_PAGE, left))
        lines = []
        for row in rows:
            view = desk.words.view(row)
            if asked.fits(view):
                place = desk.parts.site.named(view["door"], language) if view["door"] else ""
                cells = [view["row"], view["at"], view["type"], view["text"][language], view["actor"], place]
                lines.append(csv_line([*cells, view["card"], view["id"], view["technical"].replace("\n", "; ")]))
        yield "".join(lines)
        if len(rows) < min(_PAGE, left):
            return
        before, left = rows[-1].row_id, left - len(rows)
