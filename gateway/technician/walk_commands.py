"""`gatehouse walk`: begin a walk test, see what was not tested yet, and prove the bare wiring."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from config.loader import SiteConfig, load_config
from gateway.clock import SystemClock
from gateway.console.messages import Catalogue
from gateway.console.site_names import site_names
from gateway.errors import ConfigError
from gateway.store.journal_reader import READ_BOUND
from gateway.technician.place import Place
from gateway.technician.walk import WIRING, Point, Proof, Trial, Walk
from gateway.technician.walk_file import WalkFile, WiringProof, config_digest, read_walk, write_walk

I18N = Path(__file__).parent / "i18n"
LOOK_EVERY_S = 0.3
"""A person at a door looks at their screen about as often."""
NAME_BOUND = 80


def start_walk(place: Place, by: str) -> WalkFile:
    """Begin a walk test: from here on everything is to be tested. Raises ConfigError."""
    checked_name(by)
    config = load_config(place.config)
    head = place.journal().head()
    after_row = 0 if head is None else head.row_id
    walk = WalkFile(SystemClock().now().wall, by, after_row, config_digest(place.config), config.site.id)
    write_walk(place.data, walk)
    return walk


def checked_name(by: str) -> str:
    """The tester's name as it is. Raises ConfigError: a test without a name is nobody's."""
    if not by.strip() or len(by) > NAME_BOUND or not by.isprintable():
        raise ConfigError("--by", by[:NAME_BOUND], f"say who tests, in 1 to {NAME_BOUND} characters")
    return by


def walk_of(place: Place) -> WalkFile:
    """The walk test that was begun. Raises ConfigError where there is none."""
    walk = read_walk(place.data)
    if walk is None:
        raise ConfigError("--data", str(place.data), "no walk test was begun here: `gatehouse walk start --by NAME`")
    return walk


class Progress:
    """A walk test and what the journal shows of it so far."""

    def __init__(self, place: Place) -> None:
        self.file = walk_of(place)
        self.config: SiteConfig = load_config(place.config)
        self.walk = Walk(self.config)
        self.config_changed = config_digest(place.config) != self.file.config_sha256
        self._journal, self._row = place.journal(), self.file.after_row
        self.words: dict[Point, WiringProof] = {}
        """What a person said of the wiring, passed or not."""
        for word in self.file.wiring:
            point = Point("door", word.door, Trial(word.test))
            if point in self.walk.points:
                self.words[point] = word
                if word.passed:
                    self.walk.proofs[point] = Proof(word.at, by=word.by)

    def failed(self, point: Point) -> WiringProof | None:
        """The word that this test failed; None where nobody said so."""
        word = self.words.get(point)
        return None if word is None or word.passed else word

    def by_word_alone(self, point: Point) -> bool:
        """Somebody says that it passed, and the door's contact said nothing of it."""
        word = self.words.get(point)
        return word is not None and word.passed and word.contact_seen is False

    def read_on(self) -> list[Point]:
        """What the journal's newest events prove for the first time."""
        found: list[Point] = []
        while events := self._journal.after(self._row, READ_BOUND):
            self._row = events[-1].row_id
            found += self.walk.take(events)
        return found


class WalkWords:
    """Says points in one language."""

    def __init__(self, config: SiteConfig, language: str) -> None:
        self._names, self._catalogue, self._language = site_names(config), Catalogue(I18N), language
        self.zone = ZoneInfo(config.site.zone)

    def point(self, point: Point) -> str:
        """`north gate (north): opened after a grant`."""
        name = self._names.named(point.thing, self._language, point.kind)
        shown = name if name == point.thing else f"{name} ({point.thing})"
        return self.text("walk.point", thing=shown, test=self.text(f"test.{point.test}"))

    def proof(self, proof: Proof | WiringProof) -> str:
        """When, by the site's clock, and who said so."""
        at = f"{proof.at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"
        return f"{at}, {proof.by}" if proof.by else at

    def text(self, key: str, /, **values: object) -> str:
        """A text of this room."""
        return self._catalogue.text(self._language, key, **values)


def status_lines(progress: Progress, words: WalkWords) -> Iterator[str]:
    """What was not tested yet first, for that is what a technician asks, with what failed; then what was."""
    walk = progress.walk
    missing = walk.missing()
    tested = len(walk.points) - len(missing)
    yield words.text("walk.summary", tested=tested, all=len(walk.points), by=progress.file.by)
    if progress.config_changed:
        yield words.text("walk.config_changed")
    if missing:
        yield words.text("walk.missing")
        yield from (_missing_line(point, progress.failed(point), words) for point in missing)
    if tested:
        yield words.text("walk.tested")
        for point in walk.points:
            if (proof := walk.proofs.get(point)) is not None:
                silent = f"; {words.text('walk.contact_silent')}" if progress.by_word_alone(point) else ""
                yield f"  [x] {words.point(point)}  ({words.proof(proof)}{silent})"


def run_status(place: Place, language: str, *, as_json: bool, follow: bool) -> int:
    """Print where it stands; with `follow` go on until everything is tested or Ctrl-C. Raises ConfigError."""
    progress = Progress(place)
    progress.read_on()
    if as_json:
        print(json.dumps(_as_json(progress), ensure_ascii=False))
        return 0
    words = WalkWords(progress.config, language)
    for line in status_lines(progress, words):
        print(line)
    while follow and progress.walk.missing():
        for point in progress.read_on():
            print(f"  [x] {words.point(point)}", flush=True)
        time.sleep(LOOK_EVERY_S)
    return 0


def _missing_line(point: Point, failed: WiringProof | None, words: WalkWords) -> str:
    if failed is not None:
        return f"  [!] {words.point(point)}  {words.text('result.failed')} ({words.proof(failed)})"
    return f"  [ ] {words.point(point)}" + (f" {words.text('walk.by_wiring')}" if point.test in WIRING else "")


def _as_json(progress: Progress) -> dict[str, object]:
    walk = progress.walk
    return {
        "started_at": progress.file.started_at.isoformat(),
        "by": progress.file.by,
        "config_changed": progress.config_changed,
        "points": [
            _point_json(point, walk.proofs.get(point)) | {"word": _word_json(progress.words.get(point))}
            for point in walk.points
        ],
    }


def _word_json(word: WiringProof | None) -> dict[str, object] | None:
    if word is None:
        return None
    return {"passed": word.passed, "contact_seen": word.contact_seen, "at": word.at.isoformat(), "by": word.by}


def _point_json(point: Point, proof: Proof | None) -> dict[str, object]:
    shown = None if proof is None else {"at": proof.at.isoformat(), "row": proof.row_id, "by": proof.by or None}
    return {"kind": point.kind, "thing": point.thing, "test": point.test.value, "proof": shown}
