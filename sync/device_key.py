"""The device's own key: what this box signs all that it says to the office with. It never leaves the box."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.secret_files import own_secret


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
    """Read `device-key` from the folder of secrets, or make it. Raises ConfigError for one that is damaged.

    A key that is lost is a new device: the office must be told before it listens to it.
    """
    return DeviceKey(own_secret(secrets_folder, "device-key", "have the office forget the old one"))
