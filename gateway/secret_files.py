"""Secrets come from files of mode 0600 or from the environment, never from the TOML."""

import os
from pathlib import Path

from gateway.errors import ConfigError

SECRET_BYTES_MAX = 64 * 1024
"""A private key in PEM takes a few kB."""


def read_secret(data_dir: Path, reference: str) -> str:
    """The secret that `file:PATH` (relative to the data directory) or `env:NAME` names. Raises ConfigError."""
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name)
        if not value:
            raise ConfigError(reference, None, f"set the environment variable {name}")
        return value
    if kind != "file" or not name:
        raise ConfigError("secret", reference, "write file:secrets/NAME or env:NAME")
    path = data_dir / name
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()[:SECRET_BYTES_MAX]
    except OSError as error:
        raise ConfigError(reference, str(path), f"can't be read: {error.strerror}; create it with mode 0600") from error
    if mode & 0o077:
        raise ConfigError(reference, oct(mode & 0o777), f"is readable by others: chmod 600 {name}")
    return content.decode("utf-8", "replace").strip()
