"""Events as JSON lines with a manifest beside them, and the proof that both are whole. Streaming, in flat memory.

A line is an event with its whole envelope. The manifest says what was asked for, which numbers there are, what the
chain goes on from where rows are gone, and the SHA-256 of the lines; a device's key may sign it.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from gateway.domain.ports import EpochParent
from gateway.errors import ConfigError
from gateway.store import records
from gateway.store.gone import Gone
from gateway.store.verification import VERIFIED, ChainCheck, Verdict, Verifiable

FORMAT = "gatehouse/export/1"
LINE_BYTES_MAX = 1 << 20
"""The largest event is a refused list's, of some 20 kB."""
MANIFEST_BYTES_MAX = 64 << 20
"""A journal that made room by class for weeks has a hundred thousand runs of removed rows."""
SUFFIX = ".manifest.json"

Wanted = Callable[[str, tuple[str, ...], str], bool]
"""Type, subjects and body of an event -> whether it is asked for."""

_NAMES = tuple(VERIFIED.split(", "))


class Span(msgspec.Struct, frozen=True):
    """What there is of an epoch: the first and the last number, and the last hash; `origin` is what seq 1 chains to."""

    epoch: str
    first_seq: int
    last_seq: int
    hash: str
    origin: str


class GoneRun(msgspec.Struct, frozen=True):
    """Rows that are not there, and what the chain goes on from."""

    epoch: str
    first_seq: int
    last_seq: int
    previous_hash: str
    hash: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines are. `whole`: every event between the first and the last; else a selection of them."""

    format: str
    site: str
    made_at: str
    asked: dict[str, str]
    whole: bool
    count: int
    erased: int
    bytes: int
    sha256: str
    epochs: tuple[Span, ...]
    gone: tuple[GoneRun, ...]
    remembered: tuple[dict[str, Any], ...] = ()
    """What the doors go by for the person who was asked for."""


class Signature(msgspec.Struct, frozen=True):
    """Of the manifest's canonical JSON (keys sorted, no white space), in hex."""

    algorithm: str
    public_key: str
    value: str


class SignedManifest(msgspec.Struct, frozen=True):
    """The file beside the lines."""

    manifest: Manifest
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows `first_row` to `last_row`, and of those which `wanted` says; `asked` tells it in words."""

    asked: dict[str, str]
    first_row: int = 1
    last_row: int = 2**62
    wanted: Wanted | None = None


def export_events(
    journal: Verifiable, selection: Selection, out: BinaryIO, site: str, made_at: str
) -> tuple[Manifest, Verdict]:
    """Write the lines; the manifest, and whether the chain holds that they come from. Raises JournalUnavailable.

    `out` is empty, and is emptied again where the journal forks meanwhile.
    """
    check, writer, row_id = ChainCheck(), _Writer(out), selection.first_row - 1
    check.parents = writer.parents = journal.parents()
    while row_id < selection.last_row:
        check.gone, page = journal.page_to_verify(row_id)
        parents = journal.parents()
        if parents != check.parents:  # a fork numbered rows again, also such as were written: from the beginning
            out.seek(0)
            out.truncate()
            check, writer, row_id = ChainCheck(), _Writer(out), selection.first_row - 1
            check.parents = writer.parents = parents
            continue
        if not page:
            break
        for row in page:
            if row[0] > selection.last_row:
                break
            if not check.rows:
                check.start_at(row)
            fault = check.take(row)
            if fault:
                return writer.manifest(selection, site, made_at, check.passed), check.verdict(row[0], fault)
            columns = dict(zip(_NAMES, row, strict=True))
            if selection.wanted is None or _is_wanted(columns, selection.wanted):
                writer.write(columns)
        row_id = page[-1][0]
    return writer.manifest(selection, site, made_at, check.passed), check.verdict()


def manifest_bytes(manifest: Manifest) -> bytes:
    """What is signed: canonical JSON."""
    return msgspec.json.encode(manifest, order="sorted")


def manifest_path(lines: Path) -> Path:
    """Where the manifest of these lines lies."""
    return lines.with_name(lines.name + SUFFIX)


def read_manifest(path: Path) -> SignedManifest:
    """Raises ConfigError for what is none."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(MANIFEST_BYTES_MAX), type=SignedManifest)
    except OSError as error:
        raise ConfigError("manifest", str(path), f"can't be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError("manifest", str(path), f"is no manifest of an export: {error}") from error
    if found.manifest.format != FORMAT:
        raise ConfigError("manifest", str(path), f"is of the format {found.manifest.format[:40]!r}, not {FORMAT}")
    return found


def verify_export(lines: Path, manifest: Manifest) -> Verdict:
    """Are these the lines of the manifest, all of them, and do they chain? Raises OSError.

    Of a selection each line is proved, and by the manifest that none is missing.
    """
    check, digest, number = ChainCheck(), hashlib.sha256(), 0
    check.gone = [Gone(run.epoch, run.first_seq, run.last_seq, run.previous_hash, run.hash, 0) for run in manifest.gone]
    check.parents = {span.epoch: EpochParent(span.epoch, "", 0, span.origin) for span in manifest.epochs}
    with lines.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            digest.update(line)
            row = _row(line)
            if row is None:
                return check.verdict(number, f"line {number} is no event")
            if number == 1 or not manifest.whole:
                check.start_at(row)
            fault = check.take(row)
            if fault:
                return check.verdict(row[0], f"line {number}: {fault}")
    if (number, digest.hexdigest()) != (manifest.count, manifest.sha256):
        return check.verdict(check.last_row, f"the file has {number} events, the manifest {manifest.count} or others")
    return check.verdict(gone=sum(run.last_seq - run.first_seq + 1 for run in manifest.gone))


class _Writer:
    """Writes lines, and counts what the manifest says of them."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._digest = out, hashlib.sha256()
        self._spans: dict[str, Span] = {}
        self.parents: dict[str, EpochParent] = {}
        self.count = self.erased = self.bytes = 0

    def write(self, columns: dict[str, Any]) -> None:
        self.erased += not columns["salt"]
        line = msgspec.json.encode(columns | {"body": msgspec.Raw(columns["body"].encode() or b"{}")}) + b"\n"
        self._out.write(line)
        self._digest.update(line)
        self.count, self.bytes = self.count + 1, self.bytes + len(line)
        epoch, seq = columns["epoch"], columns["seq"]
        known = self._spans.get(epoch)
        parent = self.parents.get(epoch)
        origin = records.FIRST_PREVIOUS_HASH if parent is None else parent.hash
        self._spans[epoch] = Span(epoch, seq if known is None else known.first_seq, seq, columns["hash"], origin)

    def manifest(self, selection: Selection, site: str, made_at: str, gone: list[Gone]) -> Manifest:
        """`gone` is what lay between the lines as each was written: a run may have grown since over rows before it."""
        return Manifest(
            format=FORMAT,
            site=site,
            made_at=made_at,
            asked=selection.asked,
            whole=selection.wanted is None,
            count=self.count,
            erased=self.erased,
            bytes=self.bytes,
            sha256=self._digest.hexdigest(),
            epochs=tuple(self._spans.values()),
            gone=tuple(map(_gone_run, gone)) if selection.wanted is None else (),
        )


def _gone_run(run: Gone) -> GoneRun:
    return GoneRun(run.epoch, run.first_seq, run.last_seq, run.previous_hash, run.hash)


def _is_wanted(columns: dict[str, Any], wanted: Wanted) -> bool:
    return wanted(columns["type"], tuple(columns["subjects"].split("\n")), columns["body"])


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LINE_BYTES_MAX):
        yield line


class _Line(msgspec.Struct):
    """A line's columns; the body as it stands there."""

    row_id: int
    event_id: str
    epoch: str
    seq: int
    type: str
    version: int
    wall_us: int
    clock_quality: str
    boot_id: str
    monotonic_us: int
    actor: str
    device: str | None
    subjects: str
    body: msgspec.Raw
    salt: str
    algorithm: str
    commitment: str
    previous_hash: str
    hash: str
    layout: int


_decoder = msgspec.json.Decoder(_Line)


def _row(line: bytes) -> tuple[Any, ...] | None:
    try:
        read = _decoder.decode(line)
        body = bytes(read.body).decode() if read.salt or bytes(read.body) != b"{}" else ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return tuple(body if name == "body" else getattr(read, name) for name in _NAMES)
