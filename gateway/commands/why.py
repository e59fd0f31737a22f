"""`gatehouse why`: recorded decisions in words, from the journal alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.commands.data_folder import DataFolder
from gateway.console.event_words import EventWords
from gateway.console.messages import Catalogue
from gateway.console.parts import SiteNames
from gateway.console.thing_words import ThingWords
from gateway.domain.ports import RecordedEvent
from gateway.errors import ConfigError

DECISIONS = ("AccessGranted", "AccessDenied", "AccessRequested", "TourVisitDenied")
LAST_MAX = 1000
_MARKS = {"passed": "✓", "failed": "✗", "wanted": "…"}


@dataclass(frozen=True, slots=True)
class _Sources:
    """What `ThingWords` asks, from files alone."""

    site: SiteNames
    card_label: Callable[[str], str]
    holder_kind: Callable[[str], str]
    holder_label: Callable[[str], str]


class Why:
    """Tells decisions of one site in one language. Cards go by the office's labels, never by digits."""

    def __init__(self, folder: DataFolder, language: str) -> None:
        self._catalogue, self._language = Catalogue(), language
        site, office = folder.site_names(), folder.office_list()
        if office is None:
            sources = _Sources(site, _unknown, _unknown, _unknown)
        else:
            sources = _Sources(site, office.card_label, office.holder_kind, office.holder_label)
        things = ThingWords(self._catalogue, sources)
        self._words = EventWords(self._catalogue, things, lambda _alarm: None)
        self._zone = ZoneInfo(site.zone)

    def lines(self, event: RecordedEvent) -> Iterator[str]:
        """When and by which list, what was decided, and each check in its order."""
        version = event.body.get("list_version")
        when = "why.when" if version is not None else "why.when.erased" if event.erased else "why.when.no_list"
        yield self._catalogue.text(
            self._language,
            when,
            time=event.wall.astimezone(self._zone).isoformat(sep=" ", timespec="milliseconds"),
            zone=self._zone.key,
            row=event.row_id,
            version=version,
        )
        if event.clock_quality == "suspect":
            yield self._catalogue.text(self._language, "why.clock_suspect")
        yield self._words.sentence(event, self._language)
        for number, step in enumerate(self._words.why(event), 1):
            mark = _MARKS["wanted" if step["wanted"] else "passed" if step["passed"] else "failed"]
            yield f"{number:>4}. {mark} {step['text'][self._language]}"


def _unknown(_id: str) -> str:
    return ""


def run_why(folder: DataFolder, which: str | None, last: int | None, language: str) -> int:
    """Print one recorded decision (by row or event id), or the last ones, the newest at the end. Raises ConfigError."""
    why = Why(folder, language)
    for number, event in enumerate(_found(folder, which, last)):
        if number:
            print()
        for line in why.lines(event):
            print(line)
    return 0


def _found(folder: DataFolder, which: str | None, last: int | None) -> list[RecordedEvent]:
    if which is None:
        count = 1 if last is None else last
        if not 1 <= count <= LAST_MAX:
            raise ConfigError("--last", count, f"must be 1 to {LAST_MAX}")
        return folder.journal.search(types=DECISIONS, limit=count)[::-1]
    if last is not None:
        raise ConfigError("--last", last, "give either a row or event id, or --last N")
    event = _by_row(folder, int(which)) if which.isdecimal() else folder.journal.event(which)
    if event is None:
        raise ConfigError("event", which[:80], "is not in this journal: `why --last 10` shows the newest decisions")
    if event.type not in DECISIONS:
        raise ConfigError("event", which[:80], f"is {event.type}, no decision: `why --last 10` shows the newest ones")
    return [event]


def _by_row(folder: DataFolder, row: int) -> RecordedEvent | None:
    found = folder.journal.after(row - 1, 1) if 0 < row < 2**63 else []
    return found[0] if found and found[0].row_id == row else None
