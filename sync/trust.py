"""Whom a gateway believes: the office's root key, the key set under it, and the newest that was ever believed."""

import logging
import os
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.clock import Clock, random_bytes
from gateway.domain.moment import ClockQuality
from gateway.errors import ListUntrusted
from sync.list_wire import (
    KeySet,
    Manifest,
    Revocations,
    Revoked,
    Signatures,
    key_set_bytes,
    manifest_bytes,
    revocations_bytes,
)

log = logging.getLogger(__name__)

_KEYS_WENT_BACK = "the office must sign with its newest key set: rotate its keys, and start it again"
_NEW_GENERATION = "if the office was put back to an older copy, somebody there begins a generation (docs/protocol.md)"
_OTHER_SITE = "is office.url the office of this site?"

AHEAD_MOST = timedelta(hours=24)
"""By how much an office's clock may be ahead of one that is kept here: a list from the future is a clock's mistake."""
GENERATIONS_MOST = 1000
"""A list's generation may be so much later than what is here: somebody begins each after an accident.

One signature must not use up all the numbers, so that no office could go on above them.
"""
SECOND_SIGNATURE = 2
"""Signatures of so many different keys let a guarded change through."""


class _Kept(msgspec.Struct):
    """What survives a restart, also where the lists themselves are lost."""

    generation: int = 0
    version: int = 0
    root: str = ""
    sequence: int = 0
    """Of revocations."""
    revoked: tuple[Revoked, ...] = ()
    """Those that no list in force had taken up yet."""
    keys: KeySet | None = None


class Trust:
    """`root_key` is the office's, 32 bytes; None: nothing is signed, by the site's own word.

    `path` is the file of what was believed last. Every refusal is ListUntrusted, and its text names why. What is kept
    is kept from threads: lists and revocations come by two tasks, and neither may undo what the other has kept.
    """

    def __init__(self, site: str, root_key: bytes | None, path: Path, clock: Clock) -> None:
        self._site, self._root, self._path, self._clock = site, root_key, path, clock
        self._kept = self._of_this_root(self._read())
        self._keeping = threading.Lock()

    @property
    def signed(self) -> bool:
        """Whether signatures are wanted."""
        return self._root is not None

    @property
    def key_epoch(self) -> int:
        """Of the key set in use, 0 while there is none."""
        return 0 if self._kept.keys is None else self._kept.keys.key_epoch

    @property
    def sequence(self) -> int:
        """The newest revocations that were taken up."""
        return self._kept.sequence

    def lacks_keys_of(self, epoch: int) -> bool:
        """Whether a key set must be asked for before something of this epoch can be judged."""
        return self.signed and epoch > self.key_epoch

    def take_keys(self, keys: KeySet) -> None:
        """Use a key set from now on: signed by the root, later than the one in use, and begun.

        What was believed of the keys before is no measure any more: whoever had one of them could have shown numbers
        that no office comes to (TUF 1.0, "fast-forward attack recovery"). What is in force stays one, for the caller.
        """
        with self._keeping:
            self._take_keys(keys)

    def _take_keys(self, keys: KeySet) -> None:
        if self._root is None or keys.key_epoch == self.key_epoch:
            return
        if keys.key_epoch < self.key_epoch:
            raise ListUntrusted((f"$: key set {keys.key_epoch} is older than {self.key_epoch}",), _KEYS_WENT_BACK)
        if not _signed_by(self._root.hex(), keys.signature, key_set_bytes(keys)):
            raise ListUntrusted(
                (f"$: key set {keys.key_epoch} isn't signed by the office's root key",),
                "is it the right office? Under a new root key, secrets/office-root.pub must be the new one's",
            )
        now = self._clock.now()
        if keys.valid_from > now.wall and now.quality is not ClockQuality.SUSPECT:
            raise ListUntrusted(
                (f"$: key set {keys.key_epoch} begins only at {keys.valid_from.isoformat()}",),
                "it is taken then; is this machine's clock right?",
            )
        self._keep(keys=keys, generation=0, version=0, root="", sequence=0, revoked=())
        log.info("the office signs with key set %d from now on: %d keys", keys.key_epoch, len(keys.keys))

    def judge(self, manifest: Manifest, generation: int = 0) -> bool:
        """Whether as many keys have signed as let a guarded change through. `generation` is that of the list here."""
        if manifest.site != self._site:
            raise ListUntrusted((f"$.site: is {manifest.site!r}, this is {self._site!r}",), _OTHER_SITE)
        coordinate, seen = (manifest.generation, manifest.version), (self._kept.generation, self._kept.version)
        if coordinate < seen:
            raise ListUntrusted(
                (f"$: list {_told(coordinate)} is older than {_told(seen)}, which was here before",), _NEW_GENERATION
            )
        if coordinate == seen and manifest.root != self._kept.root:
            raise ListUntrusted((f"$: another list {_told(coordinate)} was here before",), _NEW_GENERATION)
        signers = self._signers(manifest.key_epoch, manifest.signatures, manifest_bytes(manifest))
        if manifest.generation > max(generation, self._kept.generation) + GENERATIONS_MOST:
            raise ListUntrusted(
                (f"$.generation: {manifest.generation} is more than {GENERATIONS_MOST} ahead",),
                "is it this site's office? If somebody else has signed it, rotate the office's keys",
            )
        now = self._clock.now()
        if now.quality is ClockQuality.SYNCHRONISED and manifest.issued_at > now.wall + AHEAD_MOST:
            told = f"was issued at {manifest.issued_at.isoformat()}, a day ahead of the clock here"
            raise ListUntrusted(
                (f"$.issued_at: {told}",), "set the office's clock right, and change its list once more"
            )
        return signers >= SECOND_SIGNATURE

    def judge_revocations(self, revocations: Revocations) -> bool:
        """As `judge`."""
        if revocations.site != self._site:
            raise ListUntrusted((f"$.site: is {revocations.site!r}, this is {self._site!r}",), _OTHER_SITE)
        if revocations.sequence <= self._kept.sequence:
            raise ListUntrusted(
                (f"$: revocations {revocations.sequence} are older than {self._kept.sequence}",),
                "if the office was put back to an older copy, revoke there again; a list of now says the same",
            )
        content = revocations_bytes(revocations)
        return self._signers(revocations.key_epoch, revocations.signatures, content) >= SECOND_SIGNATURE

    def keep_list(self, manifest: Manifest) -> None:
        """Nothing before this list is believed any more, also after a restart.

        Raises OSError; ListUntrusted where the keys that it was judged by have been changed while it came.
        """
        with self._keeping:
            self._must_count(manifest.key_epoch)
            self._keep(generation=manifest.generation, version=manifest.version, root=manifest.root)

    def standing(self, revoked: Iterable[Revoked], in_force: tuple[int, int]) -> tuple[Revoked, ...]:
        """These, and those believed before, that the list in force has not taken up: the later of each credential."""
        newest: dict[str, Revoked] = {}
        for each in (*self._kept.revoked, *revoked):
            known = newest.get(each.credential)
            if known is None or (each.generation, each.version) > (known.generation, known.version):
                newest[each.credential] = each
        return tuple(each for each in newest.values() if (each.generation, each.version) > in_force)

    def keep_revocations(self, revocations: Revocations, standing: tuple[Revoked, ...]) -> None:
        """The doors have taken them up; `standing` are all that no list has. Raises as `keep_list`."""
        with self._keeping:
            self._must_count(revocations.key_epoch)
            self._keep(sequence=revocations.sequence, revoked=standing)

    def _must_count(self, epoch: int) -> None:
        if self._root is not None and epoch != self.key_epoch:
            raise ListUntrusted((f"$: is signed by key set {epoch}, in use is {self.key_epoch}",), _KEYS_WENT_BACK)

    def _signers(self, epoch: int, signatures: Signatures, content: bytes) -> int:
        """How many keys of the set have signed it: one at least. 0 where nothing is signed."""
        if self._root is None:
            return 0
        keys = self._kept.keys
        if not signatures:
            raise ListUntrusted(
                ("$: is not signed",), "start the office with --keys; or [office] unsigned = true, without a root key"
            )
        if keys is None or epoch != keys.key_epoch:
            raise ListUntrusted((f"$: is signed by key set {epoch}, in use is {self.key_epoch}",), _KEYS_WENT_BACK)
        signers = {each.key for each in signatures if each.key in keys.keys}
        if not signers:
            raise ListUntrusted(
                (f"$: is signed by no key of key set {epoch}",), "the office must sign with a key of its key set"
            )
        if any(not _signed_by(each.key, each.signature, content) for each in signatures if each.key in signers):
            raise ListUntrusted(
                ("$: its signature is wrong: it was changed on the way",),
                "look for what changes answers on the way, such as a proxy or somebody; is office.url https?",
            )
        return len(signers)

    def _read(self) -> _Kept:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return _Kept()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            # Going on without it would believe an older list; going by the root key alone is what a fresh box does.
            log.error("%s can't be read, what was believed last is forgotten: %s", self._path, error)
            return _Kept()

    def _of_this_root(self, kept: _Kept) -> _Kept:
        """What was believed under another root key is nothing here: it may have been a thief's."""
        keys = kept.keys
        if self._root is None or keys is None or _signed_by(self._root.hex(), keys.signature, key_set_bytes(keys)):
            return kept
        log.warning(
            "the site's root key is not the one that has signed key set %d: its keys, and what they had believed, are"
            " forgotten; the list in force stays until the office of this root has a newer one (docs/office.md)",
            keys.key_epoch,
        )
        return _Kept()

    def _keep(self, **changed: object) -> None:
        kept = msgspec.structs.replace(self._kept, **changed)
        if kept == self._kept:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{random_bytes(4).hex()}")
        try:
            with fresh.open("xb") as file:
                file.write(msgspec.json.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        finally:  # a full disk is tried again and again
            fresh.unlink(missing_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._kept = kept


def _signed_by(key: str, signature: str, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _told(coordinate: tuple[int, int]) -> str:
    return f"{coordinate[0]}.{coordinate[1]}"
