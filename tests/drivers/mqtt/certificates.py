"""Certificates for a broker and its clients, made by trustme on the spot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key as files."""

    cert: str
    key: str


class Authority:
    """One authority in a folder; `ca` is its file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._authority = trustme.CA()
        self.ca = str(folder / f"{name}.pem")
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *, expired: bool = False) -> Pair:
        """A certificate for a host or a person."""
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        issued = self._authority.issue_cert(name, not_after=until)
        stem = f"{self._name}-{name.partition('@')[0]}{'-old' if expired else ''}"
        pair = Pair(str(self._folder / f"{stem}.pem"), str(self._folder / f"{stem}.key"))
        issued.cert_chain_pems[0].write_to_path(pair.cert)
        issued.private_key_pem.write_to_path(pair.key)
        return pair


def listener(authority: Authority, server: Pair, *, clients: bool = True) -> str:
    """mosquitto's lines for TLS, with clients' certificates or without."""
    wanted = "require_certificate true\n" if clients else ""
    return f"allow_anonymous true\ncafile {authority.ca}\ncertfile {server.cert}\nkeyfile {server.key}\n{wanted}"
