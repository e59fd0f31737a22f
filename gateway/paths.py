"""Where everything of one site lies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError

SOCKET_PATH_MAX = 100
"""Linux takes 107 bytes for a Unix socket's path; some are left for the longest of our names."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The site's config file and its one data directory."""

    config: Path
    data: Path

    @property
    def journal(self) -> Path:
        return self.data / "journal.db"

    @property
    def lists(self) -> Path:
        return self.data / "lists"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def users(self) -> Path:
        return self.data / "users.db"

    @property
    def doors_socket(self) -> Path:
        return self.data / "run" / "doors.sock"

    @property
    def cameras_socket(self) -> Path:
        return self.data / "run" / "cameras.sock"

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Be the only `name` on this data directory: two would share a journal and fight for the ports.

        Raises ConfigError when another runs.
        """
        with (self.data / "run" / f"{name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError("data", str(self.data), f"{name} runs on it already: stop that one") from error
            yield

    def prepare(self) -> None:
        """Make the folders. Raises ConfigError when the data directory can't be used."""
        if len(bytes(self.doors_socket)) > SOCKET_PATH_MAX:
            raise ConfigError("data", str(self.data), "is too long a path for a Unix socket: choose a shorter one")
        try:
            for folder, mode in ((self.data, 0o750), (self.data / "run", 0o700), (self.secrets, 0o700)):
                folder.mkdir(parents=True, exist_ok=True, mode=mode)
            self.lists.mkdir(exist_ok=True)
        except OSError as error:
            raise ConfigError("data", str(self.data), f"can't be made: {error.strerror}; choose another") from error
