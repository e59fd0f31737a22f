"""Who is where, whom guards have blocked or let in: from what the journal remembers beside its events."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.console.live import JournalDesk, LiveFeed
from gateway.console.messages import Catalogue
from gateway.console.parts import LANGUAGES, ConsoleJournal, ConsoleParts, Labelled
from gateway.console.thing_words import ThingWords
from gateway.domain.events import PersonErased
from gateway.domain.ports import RecordedEvent
from gateway.domain.register import Block, Fact, LocalGrant, Whereabouts

FOUND_MAX = 20
"""What somebody reads of a search."""
KINDS = ("whereabouts", "block", "local_grant")


@dataclass(frozen=True, slots=True)
class Inside:
    """Somebody who is in an area."""

    cardholder: str
    where: Whereabouts
    area: str


def who_is_in(event: RecordedEvent) -> dict[str, str]:
    """The `credential` and the `cardholder` that an event is about, to block or let in; who was erased is nobody."""
    if event.type == PersonErased.__name__:
        return {}
    return {name: event.body[name] for name in ("credential", "cardholder") if isinstance(event.body.get(name), str)}


class People:
    """Reads the facts once for each row of the journal, however many pages ask."""

    def __init__(
        self, parts: ConsoleParts, journal: JournalDesk, feed: LiveFeed, catalogue: Catalogue, things: ThingWords
    ) -> None:
        self._parts, self._journal, self._feed = parts, journal, feed
        self._catalogue, self._things = catalogue, things
        self._facts: list[Fact] = []
        self._read_at: tuple[str, int] | None = None
        self._lock = asyncio.Lock()

    async def facts(self) -> list[Fact]:
        """Whereabouts, blocks and local grants. Raises JournalUnavailable."""
        async with self._lock:
            at = (self._feed.epoch, self._feed.row)
            if at != self._read_at:
                self._facts = await self._journal.ask(_remembered)
                self._read_at = at
            return self._facts

    async def blocked(self, subjects: Iterable[str]) -> list[str]:
        """Those of these subjects (`kind:id`) that a guard has blocked. Raises JournalUnavailable."""
        blocks = _blocked(await self.facts())
        return [subject for subject in subjects if subject in blocks]

    async def view(self) -> dict[str, Any]:
        """What the page shows of people. Raises JournalUnavailable."""
        facts, row = await self.facts(), self._feed.row
        return {"row": row, **await asyncio.to_thread(self._view, facts)}

    async def find(self, text: str) -> dict[str, Any]:
        """Whose label has these words in it, and what of them is blocked. Raises JournalUnavailable."""
        facts = await self.facts()
        found = list(await asyncio.to_thread(self._parts.find_labels, text))
        blocked = _blocked(facts)
        return {"found": [self._found(each, blocked) for each in found[:FOUND_MAX]], "more": len(found) > FOUND_MAX}

    async def muster(self) -> list[Inside]:
        """Who is in which area, by area and since when. Raises JournalUnavailable."""
        return list(_inside(await self.facts()))

    def line(self, inside: Inside, language: str) -> tuple[str, ...]:
        """Somebody on the muster list: area, card, kind, since, special care, where they came in."""
        care = self._catalogue.text(language, "ui.special_care") if inside.where.special_care else ""
        return (
            self._things.area(inside.area, language),
            self._card(inside, language),
            self._kind(inside.cardholder, language),
            self._things.local_date_time(inside.where.at),
            care,
            self._things.thing(inside.where.access_point, language, "access_point"),
        )

    def _view(self, facts: list[Fact]) -> dict[str, Any]:
        limits = self._parts.area_limits()
        inside, blocked = list(_inside(facts)), _blocked(facts)
        now = self._parts.clock.now().wall
        return {
            "areas": [
                self._area(area, inside, limits, blocked) for area in sorted({*limits, *(each.area for each in inside)})
            ],
            "blocks": [self._block(fact.key, fact.value) for fact in facts if isinstance(fact.value, Block)],
            "local_grants": [
                self._local_grant(fact.key, fact.value)
                for fact in facts
                if isinstance(fact.value, LocalGrant) and fact.value.until > now
            ],
        }

    def _area(
        self, area: str, inside: list[Inside], limits: Mapping[str, int | None], blocked: frozenset[str]
    ) -> dict[str, Any]:
        people = [each for each in inside if each.area == area]
        return {
            "id": area,
            "name": {language: self._things.area(area, language) for language in LANGUAGES},
            "count": len(people),
            "max": limits.get(area),
            "people": [self._person(each, blocked) for each in people],
        }

    def _person(self, inside: Inside, blocked: frozenset[str]) -> dict[str, Any]:
        where = inside.where
        return {
            "cardholder": inside.cardholder,
            "card": {language: self._card(inside, language) for language in LANGUAGES},
            "kind": {language: self._kind(inside.cardholder, language) for language in LANGUAGES},
            "since": _text(where.at),
            "place": {
                language: self._things.thing(where.access_point, language, "access_point") for language in LANGUAGES
            },
            "special_care": where.special_care,
            "forgiven": where.forgiven,
            "blocks": self._blocks(where.credential, inside.cardholder, blocked),
        }

    def _found(self, each: Labelled, blocked: frozenset[str]) -> dict[str, Any]:
        return {
            "credential": each.credential,
            "cardholder": each.cardholder,
            "card": dict.fromkeys(LANGUAGES, each.label),
            "kind": {language: self._kind(each.cardholder, language) for language in LANGUAGES},
            "blocks": self._blocks(each.credential, each.cardholder, blocked),
        }

    def _blocks(self, credential: str | None, cardholder: str, blocked: frozenset[str]) -> list[dict[str, Any]]:
        """The blocks that keep somebody out: the card's, and the person's."""
        subjects = [f"credential:{credential}", f"cardholder:{cardholder}"]
        return [
            {"subject": each, "of": {language: self._things.subject(each, language) for language in LANGUAGES}}
            for each in subjects
            if each in blocked
        ]

    def _block(self, subject: str, block: Block) -> dict[str, Any]:
        return {
            "subject": subject,
            "of": {language: self._things.subject(subject, language) for language in LANGUAGES},
            "reason": block.reason,
            "actor": block.actor,
            "post": block.post,
            "at": _text(block.at),
        }

    def _local_grant(self, credential: str, grant: LocalGrant) -> dict[str, Any]:
        points = grant.access_points
        return {
            "credential": credential,
            "card": {language: self._things.card(credential, language) for language in LANGUAGES},
            "access_points": {
                language: [self._things.thing(point, language, "access_point") for point in points]
                for language in LANGUAGES
            },
            "until": _text(grant.until),
            "reason": grant.reason,
            "actor": grant.actor,
            "post": grant.post,
        }

    def _card(self, inside: Inside, language: str) -> str:
        credential = inside.where.credential
        return (
            self._things.person(inside.cardholder, language)
            if credential is None
            else self._things.card(credential, language)
        )

    def _kind(self, cardholder: str, language: str) -> str:
        kind = self._things.kind_of(cardholder)
        return self._catalogue.word(language, "cardholder_kind", kind) if kind else ""


def _remembered(journal: ConsoleJournal) -> list[Fact]:
    return [fact for kind in KINDS for fact in journal.facts(kind)]


def _blocked(facts: Iterable[Fact]) -> frozenset[str]:
    return frozenset(fact.key for fact in facts if isinstance(fact.value, Block))


def _inside(facts: Iterable[Fact]) -> list[Inside]:
    found = [
        Inside(fact.key, fact.value, fact.value.area)
        for fact in facts
        if isinstance(fact.value, Whereabouts) and fact.value.area is not None
    ]
    return sorted(found, key=lambda each: (each.area, each.where.at))


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
