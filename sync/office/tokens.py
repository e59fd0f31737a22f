"""The office's two bearer tokens: that of the gateways, which lies in every box, and the administrators' own.

They are never the same: whoever steals a box would administer the office.
"""

import secrets
from hmac import compare_digest
from pathlib import Path

from sync.office.signing import write

ADMIN_TOKEN = Path("secrets", "admin-token")
"""Below the office's data, where none was named."""


class TokenUnusable(Exception):
    """A token is missing or wrong; the text says the remedy."""


def read_tokens(data: Path, gateways: Path, administrators: Path | None) -> tuple[str, str]:
    """The gateways' token and the administrators', which is made below `data` where no file is named.

    Raises TokenUnusable, also where both are the same.
    """
    gateway, admin_file = _read(gateways), administrators or data / ADMIN_TOKEN
    if administrators is None and not admin_file.exists():
        _make(admin_file)
    admin = _read(admin_file)
    if compare_digest(gateway.encode(), admin.encode()):
        remedy = f"put another into one of them, or leave --admin-token-file out: {ADMIN_TOKEN} is made in --data"
        raise TokenUnusable(f"{gateways} and {admin_file} hold the same token, so a stolen box administers: {remedy}")
    return gateway, admin


def _read(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise TokenUnusable(f"{path}: the token can't be read: {error}") from error
    if len(token) < 16:
        raise TokenUnusable(f"{path}: a token has 16 characters or more")
    if mode & 0o077:
        raise TokenUnusable(f"{path}: is readable by others: chmod 600")
    return token


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write(path, secrets.token_urlsafe(32).encode() + b"\n", 0o600)
    except OSError as error:
        raise TokenUnusable(f"{path}: the administrators' token can't be made: {error}") from error
