"""The public half of the office's root key at a site: in its config, or in secrets/office-root.pub."""

import re
from pathlib import Path

from gateway.errors import ConfigError

FILE = "office-root.pub"
_HEX = re.compile(r"[0-9a-f]{64}")


def load_office_root(secrets: Path, configured: str | None, unsigned: bool) -> bytes | None:
    """The key; None where the site takes unsigned lists on purpose. Raises ConfigError where it says neither."""
    path = secrets / FILE
    if configured is None and path.exists():
        configured = path.read_text(encoding="utf-8", errors="replace").strip()
        if _HEX.fullmatch(configured) is None:
            remedy = "must hold the office's public root key, 64 hex digits, as `gatehouse office keys make` wrote it"
            raise ConfigError(f"secrets/{FILE}", None, remedy)
    if configured is not None and unsigned:
        raise ConfigError("office.unsigned", True, "there is a root key as well: remove one of the two")
    if configured is None and not unsigned:
        remedy = f"put the office's {FILE} into {secrets}, or say unsigned = true on purpose: an alarm will stand"
        raise ConfigError("office.root_key", None, remedy)
    return None if configured is None else bytes.fromhex(configured)
