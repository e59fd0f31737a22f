"""Visitors' passes as the demo's office signs them: `GHP1.` payload `.` signature, Ed25519 (docs/access.md)."""

import json
import os
import re
import secrets
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulators.people import PASS_KEY, VISITORS

USES = 2
GOOD_FOR = timedelta(days=1)

_NAME = re.compile(r"pass-[1-9][0-9]{0,2}")


def public_key(private: Path) -> str:
    """The public half in base64 of the key in the file `private`, which is made (mode 0600) where there is none."""
    if not private.exists():
        private.parent.mkdir(parents=True, exist_ok=True)
        _write(
            private,
            Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
    private.chmod(0o600)
    public = _read(private).public_key()
    return b64encode(public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)).decode()


class VisitorPasses:
    """The passes that visitors carry, by name. Each is signed when it is first asked for, and then stays the same."""

    def __init__(self, private: Path) -> None:
        self._private = private
        self._texts: dict[str, str] = {}
        self._batch = secrets.token_hex(3)
        """A pass that was used up before this start is another one."""

    def text(self, name: str) -> str | None:
        """The pass `pass-1` … `pass-999`, good for a day and for two grants; None for another name.

        Raises OSError without the office's key.
        """
        if _NAME.fullmatch(name) is None:
            return None
        if name not in self._texts:
            until = datetime.now(UTC) + GOOD_FOR
            fields = {
                "key": PASS_KEY,
                "id": f"{name}-{self._batch}",
                "until": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "levels": [VISITORS],
                "uses": USES,
            }
            self._texts[name] = _sign(_read(self._private), fields)
        return self._texts[name]


def _write(private: Path, content: bytes) -> None:
    """Whole or not at all: half a key would stand in the way of every later start."""
    half = private.with_name(f"{private.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    half.rename(private)


def _read(private: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _sign(key: Ed25519PrivateKey, fields: dict[str, Any]) -> str:
    signed = "GHP1." + _text(json.dumps(fields, separators=(",", ":")).encode())
    return f"{signed}.{_text(key.sign(signed.encode()))}"


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
