"""`gatehouse pass`: a key that signs QR passes, and passes signed with it. It runs where passes are issued."""

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import random_bytes
from gateway.commands.times import parse_time
from gateway.errors import ConfigError
from gateway.store.list_items import ID_PATTERN
from gateway.store.passes import sign_pass

USES_MAX = 1000
KEY_BYTES_MAX = 64 * 1024
"""A private key in PEM takes a few hundred bytes."""


def make_key(path: Path, key_id: str | None = None) -> dict[str, Any]:
    """Write a new private key to `path`, mode 0600, and give what LIST.json's `pass_keys` says of it.

    Raises ConfigError where a file has the name already: its passes would be lost.
    """
    key = Ed25519PrivateKey.from_private_bytes(random_bytes(32))
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    name = _id("--key-id", path.stem if key_id is None else key_id)
    _write_secret(path, content)
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"id": name, "public_key": b64encode(public).decode(), "cardholder": None, "levels": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A pass to sign; times are RFC 3339 texts. It has either `uses` or `made_at`."""

    key_id: str
    id: str
    until: str
    valid_from: str | None = None
    uses: int | None = None
    made_at: str | datetime | None = None
    cardholder: str | None = None
    levels: tuple[str, ...] = ()


def sign(path: Path, wish: Wish, now: datetime) -> str:
    """The text of the pass, signed with the key in the file `path`.

    Raises ConfigError, also for a pass that is over at `now`, or was when it was made.
    """
    fields = _fields(wish, now)
    try:
        return sign_pass(_read_key(path), {name: value for name, value in fields.items() if value})
    except ValueError as error:
        raise ConfigError("pass", wish.id, f"{error}: give it fewer levels or shorter ids") from error


def _fields(wish: Wish, now: datetime) -> Mapping[str, Any]:
    if (wish.uses is None) == (wish.made_at is None):
        raise ConfigError("pass", wish.id, "give either --uses N, or --rotating for one that is good for a minute")
    if wish.uses is not None and not 1 <= wish.uses <= USES_MAX:
        raise ConfigError("--uses", wish.uses, f"must be 1 to {USES_MAX}")
    until, valid_from = parse_time("--until", wish.until), _time("--from", wish.valid_from)
    made_at = _time("--at", wish.made_at) if isinstance(wish.made_at, str) else wish.made_at
    if valid_from is not None and until <= valid_from:
        raise ConfigError("--until", wish.until, "ends before it starts")
    if made_at is not None and until <= made_at:
        raise ConfigError("--until", wish.until, "ends before the pass is made")
    if made_at is None and until <= now:
        raise ConfigError("--until", wish.until, f"is over already: it is {now:%Y-%m-%dT%H:%M:%SZ}, give a later time")
    return {
        "key": _id("--key-id", wish.key_id),
        "id": _id("--id", wish.id),
        "until": until,
        "from": valid_from,
        "cardholder": None if wish.cardholder is None else _id("--cardholder", wish.cardholder),
        "levels": [_id("--level", level) for level in wish.levels],
        "uses": wish.uses,
        "at": made_at,
    }


def _time(option: str, text: str | None) -> datetime | None:
    return None if text is None else parse_time(option, text)


def _id(option: str, text: str) -> str:
    if re.fullmatch(ID_PATTERN, text) is None:
        raise ConfigError(option, text[:80], "is 1 to 64 characters without white space, commas and slashes")
    return text


def _write_secret(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise ConfigError("--out", str(path), "is there already: name another file") from error
    except OSError as error:
        raise ConfigError("--out", str(path), f"can't be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise ConfigError("--out", str(path), f"can't be written: {error.strerror}") from error


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            content = file.read(KEY_BYTES_MAX)
    except OSError as error:
        raise ConfigError("--key", str(path), f"can't be read: {error.strerror}") from error
    if mode & 0o077:
        raise ConfigError("--key", str(path), f"is readable by others (mode {mode & 0o777:03o}): chmod 600 {path}")
    remedy = "holds no Ed25519 private key: make one with `gatehouse pass key --out FILE`"
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError("--key", str(path), remedy) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("--key", str(path), remedy)
    return key
