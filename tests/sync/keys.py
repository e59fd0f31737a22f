"""The office's keys in tests: a root, and key sets signed by it, made by `sync.office.signing` itself."""

from pathlib import Path

from sync import list_wire as lw
from sync.office.signing import ROOT, make_keys, public_hex, read_key, rotate, sign


class Keys:
    """A folder of keys, with one person's beside the office's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set = make_keys(folder)

    @property
    def root(self) -> str:
        """The public half of the root key, in hex."""
        return public_hex(read_key(self.folder / ROOT))

    def rotate(self) -> lw.KeySet:
        """New signing keys; the files of the old ones are gone."""
        self.set = rotate(self.folder)
        return self.set

    def signature(self, record: lw.Manifest | lw.Revocations, number: int = 1) -> lw.Signature:
        """By the office's key (1) or the person's (2)."""
        return sign(read_key(self.folder / f"signing-{number}.key"), record)
