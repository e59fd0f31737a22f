"""Sessions: a random token in the browser's cookie, its hash here; both an idle and an absolute end."""

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock, random_bytes
from gateway.console.users import Role, User, open_users_db

IDLE_S = 8 * 3600.0
"""A guard may watch a quiet page for a whole shift without touching it."""
ABSOLUTE_S = 16 * 3600.0
"""A shift and its handover: nobody works longer on one sign-in."""
ONE_TIME_S = 900.0
"""Enough to choose a password. Whoever leaves without choosing one can use the one-time password again after it."""
_TOUCH_S = 60.0
"""Being seen is written at most once a minute."""
_MAX_SESSIONS = 200
"""For one site; the oldest gives way."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in."""

    user: User
    address: str
    token_hash: bytes


class SessionStore:
    """Sessions in `users.db`. Times are the wall's: a session outlives a restart. A call takes about 1 ms."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._db = open_users_db(path)
        self._clock = clock
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def start(self, user: User, address: str) -> str | None:
        """Begin a session and return its token, which is kept nowhere here.

        None for a one-time password whose one session has neither ended nor chosen another password.
        """
        token, now = random_bytes(32).hex(), self._now()
        with self._lock:
            self._db.execute(
                "DELETE FROM sessions WHERE seen_at < ? OR started_at < ?", (now - IDLE_S, now - ABSOLUTE_S)
            )
            if user.must_change:
                ended = (user.name, now - ONE_TIME_S)
                self._db.execute("DELETE FROM sessions WHERE user = ? AND started_at < ?", ended)
                if self._db.execute("SELECT 1 FROM sessions WHERE user = ?", (user.name,)).fetchone() is not None:
                    return None
            self._db.execute(
                "DELETE FROM sessions WHERE token_hash IN "
                "(SELECT token_hash FROM sessions ORDER BY seen_at DESC LIMIT -1 OFFSET ?)",
                (_MAX_SESSIONS - 1,),
            )
            row = (_hash(token), user.name, address, now, now)
            self._db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", row)
        return token

    def find(self, token: str, *, touch: bool) -> Session | None:
        """The session of a token, None when it has ended. `touch`: a person did something, so it isn't idle."""
        token_hash, now = _hash(token), self._now()
        with self._lock:
            row = self._db.execute(
                "SELECT u.name, u.role, u.must_change, s.address, s.started_at, s.seen_at "
                "FROM sessions s JOIN users u ON u.name = s.user WHERE s.token_hash = ?",
                (token_hash,),
            ).fetchone()
            if row is None:
                return None
            name, role, must_change, address, started_at, seen_at = row
            longest_s = ONE_TIME_S if must_change else ABSOLUTE_S
            if now - seen_at > IDLE_S or now - started_at > longest_s:
                self._db.execute("DELETE FROM sessions WHERE token_hash = ?", (token_hash,))
                return None
            if touch and now - seen_at > _TOUCH_S:
                self._db.execute("UPDATE sessions SET seen_at = ? WHERE token_hash = ?", (now, token_hash))
        return Session(User(name, Role(role), bool(must_change)), address, token_hash)

    def end(self, token: str) -> None:
        """Sign out."""
        with self._lock:
            self._db.execute("DELETE FROM sessions WHERE token_hash = ?", (_hash(token),))

    def _now(self) -> float:
        return self._clock.now().wall.timestamp()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
