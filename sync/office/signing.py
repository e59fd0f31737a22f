"""The office's keys: a root that signs key sets and is kept apart, and the keys of a set, which sign lists."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.list_wire import (
    KeySet,
    Manifest,
    Revocations,
    Signature,
    key_set_bytes,
    manifest_bytes,
    revocations_bytes,
)

ROOT, ROOT_PUBLIC, KEY_SET = "office-root.key", "office-root.pub", "key-set.json"
SIGNING = "signing-1.key"
"""The key that the office itself signs with; the others are people's."""

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


class KeysUnusable(Exception):
    """A file of keys is missing or wrong; the text says which."""


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half of a key."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()


def sign(key: Ed25519PrivateKey, record: Manifest | Revocations) -> Signature:
    """One signature of a record by a key."""
    content = manifest_bytes(record) if isinstance(record, Manifest) else revocations_bytes(record)
    return Signature(public_hex(key), key.sign(content).hex())


@dataclass(frozen=True, slots=True)
class Signer:
    """What the office signs with. Without keys it signs nothing."""

    key: Ed25519PrivateKey | None = None
    keys: KeySet | None = None

    @property
    def key_epoch(self) -> int:
        """Of the key set, 0 without one."""
        return 0 if self.keys is None else self.keys.key_epoch

    def has_signed(self, manifest: Manifest) -> bool:
        """Whether a key of the present set has signed it; another root's set may have the same epoch."""
        signed = self.keys is None or any(self.counts(each.key) for each in manifest.signatures)
        return manifest.key_epoch == self.key_epoch and signed

    def counts(self, key: str) -> bool:
        """Whether gateways believe this key."""
        return self.keys is not None and key in self.keys.keys

    def signatures(self, record: Manifest | Revocations) -> tuple[Signature, ...]:
        """The office's own."""
        return () if self.key is None else (sign(self.key, record),)


def load_signer(folder: Path) -> Signer:
    """The keys of a folder: the key set, and the office's own signing key. Raises KeysUnusable."""
    keys, key = read_key_set(folder / KEY_SET), read_key(folder / SIGNING)
    if public_hex(key) not in keys.keys:
        raise KeysUnusable(f"{folder / SIGNING}: is no key of key set {keys.key_epoch}: rotate the keys")
    return Signer(key, keys)


def misplaced(folder: Path) -> Sequence[tuple[Path, str]]:
    """Keys that lie with the office's own, each with what whoever takes the office's folder gets by it."""
    people = (path for path in sorted(folder.glob("signing-*.key")) if path.name != SIGNING)
    gives = [(folder / ROOT, "all keys from now on"), *((path, "the second yes") for path in people)]
    return [(path, given) for path, given in gives if path.exists()]


def make_key_set(
    folder: Path,
    epoch: int,
    keys: Sequence[Ed25519PrivateKey],
    valid_from: datetime,
    root: Ed25519PrivateKey | None = None,
) -> KeySet:
    """A key set signed by the root key (the folder's, if none is given), written there. Raises KeysUnusable."""
    root = root or read_key(folder / ROOT)
    unsigned = KeySet(epoch, valid_from, tuple(public_hex(key) for key in keys), "")
    signed = msgspec.structs.replace(unsigned, signature=root.sign(key_set_bytes(unsigned)).hex())
    write(folder / KEY_SET, msgspec.json.encode(signed), 0o644)
    return signed


def make_keys(folder: Path, people: int = 1, valid_from: datetime = AT_ONCE) -> KeySet:
    """A root key, its public half, the office's signing key and those of so many people.

    Raises KeysUnusable where any such file is, also without the root key, which lies in its drawer.
    """
    names = (ROOT, ROOT_PUBLIC, KEY_SET, *(path.name for path in sorted(folder.glob("signing-*.key"))))
    if there := [name for name in names if (folder / name).exists()]:
        raise KeysUnusable(
            f"{folder}: {there[0]} is there already: `keys rotate` makes new signing keys under the same root key;"
            " another root key has a folder of its own"
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = write_key(folder / ROOT)
    write(folder / ROOT_PUBLIC, public_hex(root).encode() + b"\n", 0o644)
    return rotate(folder, people, valid_from)


def rotate(folder: Path, people: int = 1, valid_from: datetime = AT_ONCE, root_path: Path | None = None) -> KeySet:
    """New signing keys, in a key set of the next epoch; those of before are worth nothing from then on.

    `root_path`: where the root key lies, if not in the folder. Raises KeysUnusable, before anything is changed.
    """
    root = _root_key(folder, root_path)
    epoch = read_key_set(folder / KEY_SET).key_epoch + 1 if (folder / KEY_SET).exists() else 1
    fresh = [write_key(folder / f"signing-{number}.key") for number in range(1, people + 2)]
    return make_key_set(folder, epoch, fresh, valid_from, root)


def _root_key(folder: Path, path: Path | None) -> Ed25519PrivateKey:
    """The root key, which gateways know by the public half that lies in the folder."""
    path = path or folder / ROOT
    if not path.exists():
        raise KeysUnusable(
            f"{path}: is not there: take the root key out of its drawer and name it with --root-key FILE"
        )
    root, public = read_key(path), folder / ROOT_PUBLIC
    if public.exists() and public.read_text(encoding="ascii", errors="replace").strip() != public_hex(root):
        raise KeysUnusable(f"{path}: is another root key than that of {public}, which the gateways know")
    return root


def read_key_set(path: Path) -> KeySet:
    """Raises KeysUnusable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeySet)
    except (OSError, msgspec.DecodeError) as error:
        raise KeysUnusable(f"{path}: can't be read: {error}") from error


def read_key(path: Path) -> Ed25519PrivateKey:
    """Raises KeysUnusable."""
    try:
        mode = path.stat().st_mode
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeysUnusable(f"{path}: can't be read: {error}") from error
    except ValueError as error:
        raise KeysUnusable(f"{path}: is no private key as `gatehouse office keys` writes it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysUnusable(f"{path}: is no Ed25519 key")
    if mode & 0o077:
        raise KeysUnusable(f"{path}: is readable by others: chmod 600")
    return key


def write_key(path: Path) -> Ed25519PrivateKey:
    """A new private key, for its owner's eyes only."""
    key = Ed25519PrivateKey.generate()
    raw, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write(path, key.private_bytes(raw, form, serialization.NoEncryption()), 0o600)
    return key


def write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
