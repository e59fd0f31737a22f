"""Secrets come from files of mode 0600 or from the environment, never from the TOML."""

import os
from pathlib import Path

from gateway.errors import ConfigError

SECRET_BYTES_MAX = 64 * 1024
"""A private key in PEM takes a few kB."""


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
