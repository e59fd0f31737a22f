"""The commissioning report: what hangs where, what was seen to work and what was not, as HTML that prints well."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from config.loader import SiteConfig
from config.model import InputRef, InputTable
from gateway import version
from gateway.clock import SystemClock
from gateway.commands.check import file_faults, site_warnings
from gateway.commands.data_folder import DataFolder
from gateway.errors import ConfigError, as_toml
from gateway.technician.place import Place
from gateway.technician.walk import Point
from gateway.technician.walk_commands import Progress, WalkWords
from gateway.technician.walk_file import WiringProof, config_digest

SECRET_SETTINGS = frozenset({"password", "token", "key", "scbk"})
"""Even where a secret lies is nobody's business on paper."""

STYLE = """
@page { size: A4; margin: 16mm 14mm; }
body { font: 10.5pt/1.45 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #111; margin: 2rem auto;
  max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 18pt; margin: 0 0 .2rem; } h2 { font-size: 12.5pt; margin: 1.6rem 0 .4rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
th, td { border: 1px solid #999; padding: .25rem .45rem; text-align: left; vertical-align: top; }
th { background: #eee; font-weight: 600; } tr { break-inside: avoid; }
.open { background: #fff3cd; } .failed { background: #f8d7da; font-weight: 600; }
code { font: 9pt ui-monospace, monospace; overflow-wrap: anywhere; }
.signatures td { height: 3.2rem; } dl { display: grid; grid-template-columns: 12rem 1fr; gap: .15rem 1rem; }
dt { color: #555; } dd { margin: 0; }
@media print { body { margin: 0; max-width: none; padding: 0; } * { print-color-adjust: exact; } }
"""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A table's cell that stands out."""

    text: str
    css: str


Row = Iterable[str | _Cell]


def write_report(place: Place, out: Path, language: str) -> None:
    """Write the report to `out`. Raises ConfigError."""
    folder = DataFolder(place.data, place.config)
    assert folder.config is not None
    try:
        progress: Progress | None = Progress(place)
    except ConfigError:
        progress = None
    if progress is not None:
        progress.read_on()
    text = Report(folder, folder.config, place, progress, language).html()
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError("--out", str(out), f"can't be written: {error.strerror}") from error


class Report:
    """The report of one site at one moment. Without a walk test (`progress` None) nothing counts as tested."""

    def __init__(
        self, folder: DataFolder, config: SiteConfig, place: Place, progress: Progress | None, language: str
    ) -> None:
        self._folder, self._config, self._place, self._progress = folder, config, place, progress
        self._language = language
        self._words = WalkWords(config, language)
        self._names = folder.site_names()

    def html(self) -> str:
        """The whole page, with nothing to load from anywhere."""
        title = f"{self._t('report.title')} — {self._names.name[self._language]}"
        parts = [
            f"<h1>{escape(title)}</h1>",
            self._facts(),
            self._section("report.warnings", self._warnings()),
            self._table("report.doors", _DOOR_COLUMNS, self._doors()),
            self._table("report.inputs", ("col.name", "col.id", "col.purpose", "col.place"), self._inputs()),
            self._table("report.outputs", ("col.name", "col.id", "col.purpose", "col.place"), self._outputs()),
            self._table("report.devices", ("col.id", "col.driver", "col.settings"), self._devices()),
            self._table("report.cameras", ("col.name", "col.id", "col.driver", "col.settings"), self._cameras()),
            self._table("report.tests", ("col.test", "col.result", "col.when"), self._tests()),
            self._signatures(),
        ]
        body = "\n".join(part for part in parts if part)
        return (
            f'<!doctype html>\n<html lang="{self._language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
        )

    def _facts(self) -> str:
        site = self._config.site
        rows = [
            ("report.site", f"{self._names.name[self._language]} ({site.id})"),
            ("report.zone", site.zone),
            ("report.made", self._at(SystemClock().now().wall)),
            ("report.software", f"Gatehouse {version.VERSION}"),
            ("report.config", config_digest(self._place.config)),
            ("report.list", self._list()),
            ("report.journal", self._journal()),
            ("report.begun", self._begun()),
        ]
        return (
            "<dl>" + "".join(f"<dt>{escape(self._t(key))}</dt><dd>{escape(text)}</dd>" for key, text in rows) + "</dl>"
        )

    def _list(self) -> str:
        listed = self._folder.list_in_force()
        if listed is None:
            return self._t("report.list_none")
        issued = self._at(listed.issued_at)
        return self._t("report.list_version", version=listed.version, issued=issued, credentials=listed.credentials)

    def _journal(self) -> str:
        verdict = self._folder.journal.verify()
        if verdict.broken_row is not None:
            return self._t("report.journal_broken", row=verdict.broken_row, fault=verdict.fault)
        return self._t("report.journal_rows", rows=verdict.rows)

    def _begun(self) -> str:
        if self._progress is None:
            return self._t("report.not_begun")
        walk, file = self._progress.walk, self._progress.file
        begun = self._t("report.begun_by", at=self._at(file.started_at), by=file.by)
        tested = len(walk.points) - len(walk.missing())
        return f"{begun}; {self._t('report.summary', tested=tested, all=len(walk.points))}"

    def _warnings(self) -> Iterator[str]:
        if self._progress is not None and self._progress.config_changed:
            yield self._t("warning.config_changed")
        yield from self._untested()
        for caution in site_warnings(self._config, self._place.config):
            said = caution.said(self._language)
            yield self._t("warning.check", setting=caution.setting, line=caution.line, text=said)
        for fault in file_faults(self._config, self._place.data):
            yield self._t("warning.file", key=fault.key)  # Where a secret lies is nobody's business on paper.

    def _untested(self) -> Iterator[str]:
        """What failed, what is by word alone, and how much is open."""
        if self._progress is None:
            yield self._t("warning.not_begun")
            return
        walk, still_open = self._progress.walk, 0
        for point in walk.points:
            failed = self._progress.failed(point)
            if failed is not None:
                said = f"{self._t('result.failed')} ({self._words.proof(failed)})"
                yield self._t("walk.point", thing=self._words.point(point), test=said)
            elif self._progress.by_word_alone(point):
                said = self._t("walk.contact_silent")
                yield self._t("walk.point", thing=self._words.point(point), test=said)
            elif point not in walk.proofs:
                still_open += 1
        if still_open:
            yield self._t("warning.open", count=still_open, all=len(walk.points))

    def _doors(self) -> Iterator[Row]:
        for key, door in self._config.doors.items():
            kind, wiring = self._t(f"lock.{door.lock.kind}"), self._t(f"wiring.{door.lock.wiring}")
            lock = f"{door.lock.device}:{door.lock.output}, {kind}, {wiring}"
            yield (
                self._named("door", key),
                key,
                lock,
                self._wired(door.contact),
                self._wired(door.rex),
                self._yes(door.escape_route),
                self._yes(door.fire_release),
                f"{door.release_time_s:g} / {door.open_time_s:g}",
            )

    def _inputs(self) -> Iterator[Row]:
        for key, table in self._config.inputs.items():
            yield self._named("input", key), key, self._t(f"purpose.{table.purpose}"), self._wired(table)

    def _outputs(self) -> Iterator[Row]:
        for key, table in self._config.outputs.items():
            place = f"{table.device}:{table.output}, {self._t(f'active.{table.active_when}')}"
            yield self._named("output", key), key, self._t(f"purpose.{table.purpose}"), place

    def _wired(self, wire: InputRef | InputTable | None) -> str:
        return "—" if wire is None else f"{wire.device}:{wire.input}, {self._t(f'active.{wire.active_when}')}"

    def _devices(self) -> Iterator[Row]:
        for key, device in self._config.devices.items():
            yield key, device.driver.name, _settings(device.settings)

    def _cameras(self) -> Iterator[Row]:
        for key, device in self._config.camera_devices.items():
            yield self._named("camera", key), key, device.driver.name, _settings(device.settings)

    def _tests(self) -> Iterator[Row]:
        if self._progress is None:
            return
        walk = self._progress.walk
        for point in walk.points:
            yield self._words.point(point), *self._result(point, self._progress.words.get(point))

    def _result(self, point: Point, word: WiringProof | None) -> tuple[str | _Cell, str]:
        assert self._progress is not None
        if word is not None:
            when = f"{self._at(word.at)}, {word.by}"
            if not word.passed:
                return _Cell(self._t("result.failed"), "failed"), when
            if word.contact_seen is False:
                return _Cell(self._t("result.contact_silent"), "open"), when
            return self._t("result.passed"), when
        proof = self._progress.walk.proofs.get(point)
        if proof is None:
            return _Cell(self._t("result.open"), "open"), ""
        return self._t("result.passed"), self._words.proof(proof)

    def _signatures(self) -> str:
        cells = ("report.signature.technician", "report.signature.owner", "report.signature.date")
        head = "".join(f"<th>{escape(self._t(key))}</th>" for key in cells)
        return (
            f"<h2>{escape(self._t('report.signatures'))}</h2>"
            f'<table class="signatures"><thead><tr>{head}</tr></thead><tr><td></td><td></td><td></td></tr></table>'
        )

    def _section(self, key: str, lines: Iterable[str]) -> str:
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        body = f"<ul>{items}</ul>" if items else f"<p>{escape(self._t('report.no_warnings'))}</p>"
        return f"<h2>{escape(self._t(key))}</h2>{body}"

    def _table(self, key: str, columns: tuple[str, ...], rows: Iterable[Row]) -> str:
        body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>\n" for row in rows)
        if not body:
            return ""
        head = "".join(f"<th>{escape(self._t(column))}</th>" for column in columns)
        return f"<h2>{escape(self._t(key))}</h2><table><thead><tr>{head}</tr></thead>\n{body}</table>"

    def _named(self, kind: str, thing: str) -> str:
        return self._names.named(thing, self._language, kind)

    def _yes(self, value: bool) -> str:
        return self._t("yes" if value else "no")

    def _at(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._words.zone):%Y-%m-%d %H:%M:%S}"

    def _t(self, key: str, /, **values: object) -> str:
        return self._words.text(key, **values)


_DOOR_COLUMNS = (
    "col.name",
    "col.id",
    "col.lock",
    "col.contact",
    "col.rex",
    "col.escape",
    "col.fire",
    "col.release",
)


def _settings(settings: BaseModel) -> str:
    """What was set, as TOML has it, without secrets: those keys say `…`."""
    given: dict[str, Any] = settings.model_dump(exclude_unset=True, exclude_none=True, by_alias=True)
    return ", ".join(f"{key} = {'…' if key in SECRET_SETTINGS else as_toml(value)}" for key, value in given.items())


def _cell(cell: str | _Cell) -> str:
    if isinstance(cell, _Cell):
        return f'<td class="{cell.css}">{escape(cell.text)}</td>'
    return f"<td>{escape(cell)}</td>"
