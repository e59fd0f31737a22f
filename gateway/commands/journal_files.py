"""`gatehouse journal verify` and `export`: whether the chain holds, and events as JSON lines that prove it."""

import hashlib
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.clock import SystemClock, random_bytes
from gateway.commands.data_folder import DataFolder
from gateway.commands.times import parse_time
from gateway.domain.register import facts_of_person
from gateway.errors import ConfigError, GatehouseError, JournalUnavailable
from gateway.paths import Paths
from gateway.store.erasure import is_theirs
from gateway.store.facts import fact_text
from gateway.store.journal_export import (
    Manifest,
    Selection,
    Signature,
    SignedManifest,
    export_events,
    manifest_bytes,
    manifest_path,
    read_manifest,
    verify_export,
)
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.verification import Verdict
from sync.device_key import DeviceKey, load_device_key

_SQLITE_MAGIC = b"SQLite format 3\x00"
ED25519 = "ed25519"
FINGERPRINT_DIGITS = 32
_KEY_OR_FINGERPRINT = re.compile(r"(?:[0-9a-f]{32}){1,2}")
_Result = TypeVar("_Result")


def run_verify(path: Path, signer: str | None) -> int:
    """Verify a data directory's journal, a copy of one, or an export. 1: it doesn't hold. Raises ConfigError."""
    path = path / "journal.db" if path.is_dir() else path
    try:
        with path.open("rb") as file:
            is_journal = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError as error:
        raise ConfigError("journal verify", str(path), f"can't be read: {error.strerror}") from error
    if is_journal and signer is not None:
        raise ConfigError("--signer", signer[:80], "only an export is signed: name its file of lines")
    verdict = _verify_journal(path) if is_journal else _verify_export(path, signer)
    return _tell(path, verdict)


def _verify_journal(path: Path) -> Verdict:
    """On a medium that can't be written to there is no room for what SQLite needs beside a file."""
    reader = SqliteJournalReader(path)
    try:
        return reader.verify()
    except JournalUnavailable:
        return SqliteJournalReader(path, at_rest=True).verify()
    finally:
        reader.close()


def _verify_export(path: Path, signer: str | None) -> Verdict:
    signed = read_manifest(manifest_path(path))
    fingerprint = _check_signature(signed)
    if signer is not None and fingerprint != _fingerprint(signer):
        _say(f"{path}: is signed by {fingerprint or 'nobody'}, not by {signer}")
        return Verdict(0, 1, "the signer is another")
    _say("not signed" if fingerprint is None else f"signed by {fingerprint}")
    return verify_export(path, signed.manifest)


def _fingerprint(signer: str) -> str:
    """Of a public key's 64 hex digits, or the fingerprint itself. Raises ConfigError."""
    digits = signer.replace(" ", "").lower()
    if not _KEY_OR_FINGERPRINT.fullmatch(digits):
        remedy = "write the device's key as the office's summary shows it, 64 hex digits, or its fingerprint, 32"
        raise ConfigError("--signer", signer[:80], remedy)
    return digits if len(digits) == FINGERPRINT_DIGITS else fingerprint_of(bytes.fromhex(digits))


def _check_signature(signed: SignedManifest) -> str | None:
    """The signer's fingerprint, None where nobody signed. Raises GatehouseError for a signature that doesn't hold."""
    signature = signed.signature
    if signature is None:
        return None
    try:
        public = bytes.fromhex(signature.public_key)
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(bytes.fromhex(signature.value), manifest_bytes(signed.manifest))
    except (InvalidSignature, ValueError) as error:
        raise GatehouseError("the manifest's signature does not hold: it was changed after it was signed") from error
    return fingerprint_of(public)


def _tell(path: Path, verdict: Verdict) -> int:
    counts = f"{verdict.rows} events hold"
    counts += f", {verdict.erased} of them erased" if verdict.erased else ""
    counts += f"; {verdict.gone} older or less important ones are gone, as recorded" if verdict.gone else ""
    if verdict.broken_row is None:
        _say(f"{path}: {counts}")
        return 0
    _say(f"{path}: row {verdict.broken_row}: {verdict.fault}")
    _say(f"before it {counts}")
    return 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be exported, and where to. Times are RFC 3339."""

    out: Path
    since: str | None = None
    until: str | None = None
    person: str | None = None
    signed: bool = True


def run_export(folder: DataFolder, wish: Wish) -> int:
    """Write the lines and their manifest. 1: the chain breaks, and what was written ends there. Raises ConfigError."""
    now = SystemClock().now().wall.isoformat(timespec="seconds")
    selection = _selection(folder, wish)
    site = "" if folder.config is None else folder.config.site.id
    key = load_device_key(Paths(folder.path, folder.path).secrets) if wish.signed else None
    verdicts: list[Verdict] = []

    def write(file: BinaryIO) -> Manifest:
        manifest, verdict = export_events(folder.journal, selection, file, site, now)
        verdicts.append(verdict)
        return manifest

    manifest = _written(wish.out, write)
    if wish.person is not None:
        if folder.lists_are_closed:
            _say(
                "there is no secrets/site-key to open the lists with: a credential that no event gives them is left out"
            )
        manifest = msgspec.structs.replace(manifest, remembered=tuple(_remembered(folder, wish.person)))
    signed = SignedManifest(manifest, None if key is None else _signature(key, manifest))
    _written(manifest_path(wish.out), lambda file: file.write(msgspec.json.format(msgspec.json.encode(signed))))
    by = "" if key is None else f", signed by {fingerprint_of(bytes.fromhex(key.public))}"
    _say(f"{wish.out}: {manifest.count} events{by}")
    _say(f"{manifest_path(wish.out)}: its manifest; `gatehouse journal verify {wish.out}` proves both")
    if wish.person is not None and not folder.knows(wish.person):
        _say(unknown(wish.person))
    if verdicts[0].broken_row is None:
        return 0
    _say(f"the journal breaks at row {verdicts[0].broken_row}: {verdicts[0].fault}")
    return 1


def unknown(person: str) -> str:
    """What is said of whom nothing is known here: an empty answer to a mistyped id reads like a true one."""
    nothing = "no event here names them, nothing is remembered of them, and no list that can be opened has them"
    return f"{person}: {nothing}: is the id spelt right?"


def fingerprint_of(public_key: bytes) -> str:
    """The first 16 bytes of a public key's SHA-256, in hex."""
    return hashlib.sha256(public_key).hexdigest()[:FINGERPRINT_DIGITS]


def _signature(key: DeviceKey, manifest: Manifest) -> Signature:
    return Signature(ED25519, key.public, key.sign(manifest_bytes(manifest)))


def _selection(folder: DataFolder, wish: Wish) -> Selection:
    asked = {name: text for name in ("since", "until", "person") if (text := getattr(wish, name)) is not None}
    first, last = folder.journal.rows_between(_time("--since", wish.since), _time("--until", wish.until))
    if wish.person is None:
        return Selection(asked, first, last)
    credentials = folder.credentials_of(wish.person)
    named = frozenset([f"cardholder:{wish.person}", *(f"credential:{each}" for each in credentials)])
    person = f'"{wish.person}"'

    def wanted(type_: str, subjects: tuple[str, ...], body: str) -> bool:
        return is_theirs(type_, subjects, body, named) or (type_ == "PersonErased" and person in body)

    return Selection(asked, first, last, wanted)


def _remembered(folder: DataFolder, person: str) -> list[dict[str, object]]:
    """What the doors go by for somebody: where they are, their blocks and grants, what their cards have used."""
    theirs = set(facts_of_person(person, folder.credentials_of(person)))
    return [
        {"kind": fact.kind, "key": fact.key, "value": msgspec.json.decode(fact_text(fact.value))}
        for fact in folder.journal.facts()
        if fact.value is not None and (fact.kind, fact.key) in theirs
    ]


def _written(path: Path, write: Callable[[BinaryIO], _Result]) -> _Result:
    """Whole or not at all: what is half written goes by another name. Like the journal, it is its owner's alone."""
    if path.exists():
        raise ConfigError("--out", str(path), "is there already: choose another name")
    fresh = path.with_name(f".{path.name}-{random_bytes(4).hex()}")
    try:
        with open(fresh, "xb", opener=_for_its_owner) as file:
            result = write(file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        raise ConfigError("--out", str(path), f"can't be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return result


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _time(option: str, text: str | None) -> datetime | None:
    return None if text is None else parse_time(option, text)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
