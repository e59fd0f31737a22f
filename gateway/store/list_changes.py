"""What has changed since a compiled list: a small file beside it, written whole for each new version.

`list-VERSION-DIGEST+list-VERSION-DIGEST.ghc`, the second half the name of the list that it changes. 8 bytes magic,
SHA-256 of the rest, then one MessagePack array. A look-up asks here first (docs/decisions/0014).
"""

import hashlib
from pathlib import Path

import msgspec

from gateway.errors import ListInvalid
from gateway.store.list_compiler import About, CompiledFile
from gateway.store.list_file import write_durably

SUFFIX = ".ghc"
_MAGIC = b"GHC\x01\0\0\0\0"
_DIGEST_BYTES = 32
_BYTES_MAX = 64 << 20
"""Four times what `CHANGES_MOST` entries and the largest rules come to."""


class ChangedCredential(msgspec.Struct, array_like=True, gc=False):
    """A credential put since the list was compiled; an empty record: taken out. `step` counts the changes."""

    step: int
    key: bytes
    record: bytes


class ChangedCardholder(msgspec.Struct, array_like=True, gc=False):
    """A cardholder put since the list was compiled; an empty record: taken out."""

    step: int
    record: bytes


class ChangedLine(msgspec.Struct, array_like=True, gc=False):
    """A line of a bucket; an empty one: taken out."""

    step: int
    bucket: int
    name: bytes
    line: bytes


class Changes(msgspec.Struct, array_like=True):
    """All that is different from the list `base`. `short`: sections that take the place of its own, by name."""

    about: About
    base: str
    base_digest: str
    credential_count: int
    cardholder_count: int
    step: int
    short_step: int
    short: dict[str, bytes]
    credentials: dict[str, ChangedCredential]
    cardholders: dict[str, ChangedCardholder]
    lines: bytes
    """Sealed: MessagePack of `ChangedLine`s."""
    digests: bytes
    """Sealed: of all buckets, as they are now."""

    @property
    def entries(self) -> int:
        """How many entries are different."""
        return len(self.credentials) + len(self.cardholders)


def write_changes(changes: Changes, folder: Path) -> CompiledFile:
    """Write it durably; the file by its name."""
    body = msgspec.msgpack.encode(changes)
    digest = hashlib.sha256(body)
    name = f"list-{changes.about.version}-{digest.hexdigest()[:12]}+{changes.base.removesuffix('.ghl')}{SUFFIX}"
    write_durably(folder / name, [_MAGIC, digest.digest(), body])
    about = changes.about
    return CompiledFile(folder / name, about.version, digest.hexdigest(), changes.credential_count, about.generation)


def read_changes(path: Path) -> tuple[Changes, str]:
    """What a file says, and its digest in hex. Raises ListInvalid when it is damaged or of another release."""
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise ListInvalid((f"{path.name}: can't be opened: {error}",)) from error
    head = len(_MAGIC) + _DIGEST_BYTES
    if content[: len(_MAGIC)] != _MAGIC or len(content) > _BYTES_MAX:
        raise ListInvalid((f"{path.name}: holds no changes of this version",))
    body = memoryview(content)[head:]
    digest = hashlib.sha256(body)
    if digest.digest() != content[len(_MAGIC) : head]:
        raise ListInvalid((f"{path.name}: is damaged: its digest does not match",))
    try:
        return msgspec.msgpack.decode(body, type=Changes), digest.hexdigest()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ListInvalid((f"{path.name}: holds no changes of this version: {error}",)) from error


def base_name(path: Path) -> str:
    """The file name of the list that a file of changes is about; of a whole list its own."""
    return path.name if path.suffix != SUFFIX else path.stem.partition("+")[2] + ".ghl"
