"""The device's own key: what this box signs its hello and its events with. It never leaves the box."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import random_bytes
from gateway.errors import ConfigError

NAME = "device-key"
SEED_BYTES = 32


class DeviceKey:
    """An Ed25519 key (RFC 8032) from its 32 bytes of seed."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw().hex()
        """The public half, in hex: what the office knows this box by."""

    def sign(self, message: bytes) -> str:
        """The signature in hex."""
        return self._key.sign(message).hex()


def load_device_key(secrets_folder: Path) -> DeviceKey:
    """Read `device-key` from the folder of secrets, or make it, mode 0600. Raises ConfigError for one that is damaged.

    A key that is lost is a new device: the office must be told before it listens to it.
    """
    path = secrets_folder / NAME
    try:
        if not path.exists():
            _create(path)
        seed = path.read_bytes()
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise ConfigError("secrets/device-key", None, f"can't be used ({error.strerror}): mend the folder") from error
    if len(seed) != SEED_BYTES:
        raise ConfigError(
            "secrets/device-key",
            f"{len(seed)} bytes",
            "must hold 32 bytes: restore it from the backup, or remove it and have the office forget the old one",
        )
    return DeviceKey(seed)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{NAME}-{random_bytes(6).hex()}")
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, random_bytes(SEED_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(fresh, path)  # fails if another process was first; then its key is the key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
