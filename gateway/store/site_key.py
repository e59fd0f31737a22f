"""The site key: 32 random bytes that look-up keys are made with; it never leaves the box."""

import os
from pathlib import Path

from gateway.clock import random_bytes
from gateway.errors import ConfigError

SITE_KEY_BYTES = 32


def load_site_key(secrets_folder: Path) -> bytes:
    """Read `site-key` from the folder of secrets, or make it, mode 0600 in a folder of 0700.

    Raises ConfigError for a damaged one.
    """
    path = secrets_folder / "site-key"
    if not path.exists():
        _create(path)
    key = path.read_bytes()
    if len(key) != SITE_KEY_BYTES:
        raise ConfigError(
            "secrets/site-key",
            f"{len(key)} bytes",
            "must hold 32 bytes: restore it from the backup, or remove it and let the office send the list again",
        )
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".site-key-{random_bytes(6).hex()}")
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, random_bytes(SITE_KEY_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(fresh, path)  # fails if another process was first; then its key is the key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
