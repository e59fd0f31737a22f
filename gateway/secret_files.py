"""Secrets come from files of mode 0600 or from the environment, never from the TOML; some are made here."""

import os
from pathlib import Path

from gateway.clock import random_bytes
from gateway.errors import ConfigError

SECRET_BYTES_MAX = 64 * 1024
"""A private key in PEM takes a few kB."""
MADE_BYTES = 32
"""Of a secret that is made here: an HMAC-SHA-256 key, or the seed of an Ed25519 key."""


def read_secret(data_dir: Path, reference: str, key: str = "secret") -> str:
    """The secret that `file:PATH` (relative to the data directory) or `env:NAME` names.

    Raises ConfigError, with `key` as what is at fault in the site's config.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name)
        if not value:
            raise ConfigError(key, reference, f"set the environment variable {name}")
        return value
    if kind != "file" or not name:
        # What stands there may be the secret itself: it is not told.
        raise ConfigError(key, None, "write where the secret is, file:secrets/NAME or env:NAME, never the secret")
    path = data_dir / name
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()[:SECRET_BYTES_MAX]
    except OSError as error:
        remedy = f"{path} can't be read ({error.strerror}): put the secret into it, mode 0600"
        raise ConfigError(key, reference, remedy) from error
    if mode & 0o077:
        raise ConfigError(key, reference, f"{path} is readable by others (mode {mode & 0o777:03o}): chmod 600 it")
    secret = content.decode("utf-8", "replace").strip()
    if not secret:
        raise ConfigError(key, reference, f"{path} is empty: put the secret into it")
    return secret


def read_token(data_dir: Path, reference: str, key: str) -> str:
    """A secret that goes into an HTTP header. Raises ConfigError."""
    token = read_secret(data_dir, reference, key)
    if not (token.isascii() and token.isprintable()):
        raise ConfigError(key, reference, "must hold one line of plain ASCII, as the office gave it")
    return token


def own_secret(folder: Path, name: str, otherwise: str) -> bytes:
    """32 random bytes of this site's own: read from the folder of secrets, or made, mode 0600 in a folder of 0700.

    Raises ConfigError for what is damaged or can't be used; `otherwise` is what helps where there is no backup.
    """
    path, key = folder / name, f"secrets/{name}"
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise ConfigError(key, None, f"can't be used ({error.strerror}): mend the folder") from error
    if len(secret) != MADE_BYTES:
        remedy = f"must hold {MADE_BYTES} bytes: restore it from the backup, or remove it and {otherwise}"
        raise ConfigError(key, f"{len(secret)} bytes", remedy)
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}-{random_bytes(6).hex()}")
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, random_bytes(MADE_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(fresh, path)  # fails if another process was first; then its secret is the secret
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
