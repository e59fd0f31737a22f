"""Whom a gateway believes, watched: it never goes back behind what it has believed for good, until a later key set."""

from pathlib import Path

from gateway.clock import Clock
from sync import list_wire as lw
from sync.trust import Trust
from tests.sync.simulation.office_lists import ROOT_KEY, SITE, Coordinate


class Believed:
    """The newest that a box has believed and has on its disk for good: no restart and no power cut takes it back."""

    def __init__(self) -> None:
        self.key_epoch, self.sequence = 0, 0
        self.at: Coordinate = (0, 0)
        self.trouble: list[str] = []

    def is_put_back(self, trust: Trust) -> None:
        """What lies on the disk now is all that it has believed."""
        kept = trust._kept
        self.key_epoch, self.sequence, self.at = trust.key_epoch, kept.sequence, (kept.generation, kept.version)

    def takes_keys(self, epoch: int) -> None:
        """It goes by this key set."""
        if epoch < self.key_epoch:
            self.trouble.append(f"key set {epoch} is taken after {self.key_epoch}")
        elif epoch > self.key_epoch:
            self.key_epoch, self.sequence, self.at = epoch, 0, (0, 0)

    def takes_list(self, at: Coordinate) -> None:
        """It believes this list."""
        if at < self.at:
            self.trouble.append(f"list {at} is believed after {self.at}")
        self.at = max(self.at, at)

    def takes_revocations(self, sequence: int) -> None:
        """It believes these."""
        if sequence < self.sequence:
            self.trouble.append(f"revocations {sequence} are believed after {self.sequence}")
        self.sequence = max(self.sequence, sequence)


class WatchedTrust(Trust):
    """The real one. Whatever it keeps is noted once that is durable."""

    def __init__(self, path: Path, clock: Clock, believed: Believed) -> None:
        super().__init__(SITE, ROOT_KEY, path, clock)
        self._believed = believed

    def take_keys(self, keys: lw.KeySet) -> None:
        super().take_keys(keys)
        self._believed.takes_keys(self.key_epoch)

    def keep_list(self, manifest: lw.Manifest) -> None:
        super().keep_list(manifest)
        self._believed.takes_list((manifest.generation, manifest.version))

    def keep_revocations(self, revocations: lw.Revocations, standing: tuple[lw.Revoked, ...]) -> None:
        super().keep_revocations(revocations, standing)
        self._believed.takes_revocations(revocations.sequence)
