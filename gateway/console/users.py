"""The people who may sign in, in `users.db`: argon2id hashes, roles, and no password that everybody knows."""

import re
import sqlite3
import threading
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.clock import Clock, random_bytes
from gateway.errors import GatehouseError

MIN_PASSWORD = 10
MAX_PASSWORD = 128
"""argon2 reads all of it: a longer one only costs time."""
_NAME = re.compile(r"[\w.\-]{1,32}")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without the characters that are mistaken for each other when read aloud."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    hash TEXT NOT NULL,
    must_change INTEGER NOT NULL,
    created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    token_hash BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    address TEXT NOT NULL,
    started_at REAL NOT NULL,
    seen_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""


class Role(StrEnum):
    """What somebody may do at the console."""

    GUARD = "guard"
    SUPERVISOR = "supervisor"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in.

    `must_change`: the password was given by somebody else, and is good for one session in which another is chosen; if
    that session ends without, for one more.
    """

    name: str
    role: Role
    must_change: bool


class UserRefused(GatehouseError):
    """A name or password that can't be taken: the person who typed it chooses another. `code` is a catalogue key."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def open_users_db(path: Path) -> sqlite3.Connection:
    """Open `users.db`, made with mode 0600 where it is new."""
    path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(_SCHEMA)
    return connection


class UserStore:
    """Users and their passwords. Every method blocks (a check takes about 0.15 s and 64 MiB): call it off the loop."""

    def __init__(self, path: Path, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        self.path = path
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._db = open_users_db(path)
        self._lock = threading.Lock()
        self._nobody = self._hasher.hash(random_bytes(16).hex())

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def all(self) -> list[User]:
        """Everybody, by name."""
        with self._lock:
            rows = self._db.execute("SELECT name, role, must_change FROM users ORDER BY name").fetchall()
        return [User(name, Role(role), bool(must_change)) for name, role, must_change in rows]

    def find(self, name: str) -> User | None:
        """One user, None if there is none of that name."""
        with self._lock:
            row = self._db.execute("SELECT name, role, must_change FROM users WHERE name = ?", (name,)).fetchone()
        return None if row is None else User(row[0], Role(row[1]), bool(row[2]))

    def add(self, name: str, role: Role, password: str, *, must_change: bool = False) -> User:
        """Add somebody. Raises UserRefused: bad_user_name, user_exists, or what `check_password` raises."""
        if _NAME.fullmatch(name) is None:
            raise UserRefused("bad_user_name")
        check_password(name, password)
        hashed = self._hasher.hash(_normal(password))
        row = (name, role.value, hashed, int(must_change), self._clock.now().wall.isoformat())
        with self._lock:
            added = self._db.execute("INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?, ?)", row).rowcount
        if not added:
            raise UserRefused("user_exists")
        return User(name, role, must_change)

    def set_password(self, name: str, password: str, *, must_change: bool = False) -> None:
        """Set a password and end that user's sessions. Raises UserRefused: no_such_user, or a password fault."""
        check_password(name, password)
        hashed = self._hasher.hash(_normal(password))
        with self._lock:
            changed = self._db.execute(
                "UPDATE users SET hash = ?, must_change = ? WHERE name = ?", (hashed, int(must_change), name)
            ).rowcount
            self._db.execute("DELETE FROM sessions WHERE user = ?", (name,))
        if not changed:
            raise UserRefused("no_such_user")

    def remove(self, name: str) -> None:
        """Remove somebody and end their sessions. Raises UserRefused: no_such_user, last_supervisor."""
        user = self.find(name)
        if user is None:
            raise UserRefused("no_such_user")
        supervisors = [other for other in self.all() if other.role is Role.SUPERVISOR]
        if user.role is Role.SUPERVISOR and len(supervisors) == 1:
            raise UserRefused("last_supervisor")
        with self._lock:
            self._db.execute("DELETE FROM sessions WHERE user = ?", (name,))
            self._db.execute("DELETE FROM users WHERE name = ?", (name,))

    def verify(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs. An unknown name takes as long as a wrong password."""
        with self._lock:
            row = self._db.execute("SELECT hash FROM users WHERE name = ?", (name,)).fetchone()
        try:
            self._hasher.verify(self._nobody if row is None else row[0], _normal(password[:MAX_PASSWORD]))
        except (VerificationError, InvalidHashError):
            return None
        return self.find(name)


def check_password(name: str, password: str) -> None:
    """Raise UserRefused where a password is too short, too long, or the user's own name."""
    if len(password) < MIN_PASSWORD:
        raise UserRefused("password_too_short")
    if len(password) > MAX_PASSWORD:
        raise UserRefused("password_too_long")
    if name.lower() in password.lower() and len(password) < len(name) + MIN_PASSWORD - 4:
        raise UserRefused("password_is_name")
    if len(set(password)) < 4:
        raise UserRefused("password_too_simple")


def one_time_password() -> str:
    """Sixteen characters in four groups, 79 bits, to be read aloud and changed at once."""
    letters = [_ALPHABET[byte % len(_ALPHABET)] for byte in random_bytes(64) if byte < 248][:16]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, 16, 4))


def first_run_password(users: UserStore) -> str | None:
    """On a site without users: make the supervisor `admin` with a one-time password and return it; else None."""
    if users.all():
        return None
    password = one_time_password()
    users.add("admin", Role.SUPERVISOR, password, must_change=True)
    return password


def _normal(password: str) -> str:
    """One spelling for what different keyboards send for the same characters (NFC)."""
    return unicodedata.normalize("NFC", password)
