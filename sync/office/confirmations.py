"""Who waits at a gate for somebody's yes, as the events tell it, and what the office answered: part of the ledger.

Times are the office's own: when it got an event, and when an answer ends. A gateway's clock is asked for nothing.
"""

import sqlite3
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from sync import wire

ANSWERS_KEPT = 1000
"""Of one site, to say what became of them; events keep the rest for ever."""
WAITING_SHOWN = 1000
"""More than a site has access points; each has one who waits."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    site TEXT, epoch TEXT, request TEXT, event_id TEXT NOT NULL, asked_at TEXT NOT NULL, received_s REAL NOT NULL,
    access_point TEXT, door TEXT, credential TEXT, cardholder TEXT, PRIMARY KEY (site, epoch, request)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answer (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, answer_id TEXT NOT NULL, event_id TEXT NOT NULL,
    allow INTEGER NOT NULL, by TEXT NOT NULL, expires_s REAL NOT NULL, outcome TEXT, UNIQUE (site, answer_id));
CREATE INDEX IF NOT EXISTS answer_of ON answer (site, event_id);
"""
_NOW_S = "((julianday('now') - 2440587.5) * 86400.0)"
_SHOWN = ("event_id", "asked_at", "access_point", "door", "credential", "cardholder")
_ENDS = ("AccessGranted", "AccessDenied", "AccessConfirmed")


class Confirmations:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def take(self, site: str, epoch: str, events: Sequence[wire.WireEvent]) -> None:
        """Learn from new events who waits, whose waiting is over, and what became of answers."""
        for event in events:
            body = event.body
            if event.type == "AccessRequested" and body.get("wants") == "confirmation":
                self._wait(site, epoch, event)
            elif event.type in _ENDS:
                self._db.execute(
                    "DELETE FROM waiting WHERE site = ? AND epoch = ? AND request = ?",
                    (site, epoch, str(body.get("request"))),
                )
            elif event.type == "GatewayStarted" and not body.get("restored"):
                self._db.execute("DELETE FROM waiting WHERE site = ?", (site,))
            if event.type == "AccessConfirmed":
                self._end(site, body, "taken")
            elif event.type == "RequestRefused" and body.get("request") == "confirm":
                self._end(site, body, str(body.get("reason"))[:64])

    def _wait(self, site: str, epoch: str, event: wire.WireEvent) -> None:
        names = (event.body.get(name) for name in ("request", "access_point", "door", "credential", "cardholder"))
        request, *shown = (None if name is None else str(name)[:80] for name in names)
        self._db.execute(
            f"INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, {_NOW_S}, ?, ?, ?, ?)",
            (site, epoch, request, event.event_id, event.wall.astimezone(UTC).isoformat(), *shown),
        )

    def _end(self, site: str, body: dict[str, Any], outcome: str) -> None:
        self._db.execute(
            "UPDATE answer SET outcome = ? WHERE site = ? AND answer_id = ? AND outcome IS NULL",
            (outcome, site, str(body.get("request_id"))),
        )

    def waiting(self, site: str) -> list[dict[str, Any]]:
        """Who waits, longest first, and what was answered. People are the ids of the office's own list."""
        rows = self._db.execute(
            f"SELECT {', '.join(f'w.{name}' for name in _SHOWN)}, a.answer_id, a.allow, a.by FROM waiting w"
            f" LEFT JOIN answer a ON a.site = w.site AND a.event_id = w.event_id AND a.expires_s > {_NOW_S}"
            f" WHERE w.site = ? AND w.received_s > {_NOW_S} - ? ORDER BY w.received_s LIMIT ?",
            (site, wire.CONFIRM_MAX_S, WAITING_SHOWN),
        )
        return [{**dict(zip(_SHOWN, row, strict=False)), "answer": _answered(*row[len(_SHOWN) :])} for row in rows]

    def give(self, site: str, given: wire.GivenAnswer) -> str | wire.Refusal:
        """Keep an answer for the gateway to fetch; the same one again says what became of it."""
        expires_s = given.expires_at.timestamp()
        values = (given.event_id, int(given.allow), given.by, expires_s)
        known = self._one(
            f"SELECT event_id, allow, by, expires_s, coalesce(outcome, iif(expires_s > {_NOW_S}, 'pending', 'expired'))"
            " FROM answer WHERE site = ? AND answer_id = ?",
            *(site, given.answer_id),
        )
        if known is not None:
            same = tuple(known[:4]) == values
            return str(known[4]) if same else wire.Refusal("answer_used", "another answer has this answer_id")
        refusal = self._refusal(site, given, expires_s)
        if refusal is not None:
            return refusal
        self._db.execute(
            "INSERT INTO answer (site, answer_id, event_id, allow, by, expires_s) VALUES (?, ?, ?, ?, ?, ?)",
            (site, given.answer_id, *values),
        )
        self._db.execute(
            "DELETE FROM answer WHERE site = ? AND n <= (SELECT n FROM answer WHERE site = ? ORDER BY n DESC"
            " LIMIT 1 OFFSET ?)",
            (site, site, ANSWERS_KEPT),
        )
        return "pending"

    def _refusal(self, site: str, given: wire.GivenAnswer, expires_s: float) -> wire.Refusal | None:
        (now_s,) = self._one(f"SELECT {_NOW_S}")
        if expires_s <= now_s:
            return wire.Refusal("expired", "expires_at is over: it was not passed on")
        if expires_s > now_s + wire.CONFIRM_MAX_S:
            return wire.Refusal("too_long", f"expires_at is at most {wire.CONFIRM_MAX_S:.0f} s ahead")
        asked = self._one(
            "SELECT received_s FROM waiting WHERE site = ? AND event_id = ?",
            *(site, given.event_id),
        )
        if asked is None or asked[0] <= now_s - wire.CONFIRM_MAX_S:
            return wire.Refusal("nobody_waits", "nobody waits by this event_id, or not any more")
        answered = self._one(
            f"SELECT by FROM answer WHERE site = ? AND event_id = ? AND expires_s > {_NOW_S}",
            *(site, given.event_id),
        )
        return None if answered is None else wire.Refusal("answered", f"{answered[0]} has answered already")

    def answers(self, site: str, after: int) -> wire.Answers | None:
        """What a gateway has not heard yet of what is still good for something."""
        rows = self._db.execute(
            f"SELECT n, answer_id, event_id, allow, by, expires_s - {_NOW_S} FROM answer"
            f" WHERE site = ? AND n > ? AND outcome IS NULL AND expires_s > {_NOW_S} ORDER BY n LIMIT ?",
            (site, after, wire.ANSWERS),
        ).fetchall()
        if not rows:
            return None
        return wire.Answers(
            tuple(
                wire.Answer(n, answer_id, event_id, bool(allow), by, min(max(left_s, 0.0), wire.CONFIRM_MAX_S))
                for n, answer_id, event_id, allow, by, left_s in rows
            )
        )

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()


def _answered(answer_id: str | None, allow: int | None, by: str | None) -> dict[str, Any] | None:
    return None if answer_id is None else {"answer_id": answer_id, "allow": bool(allow), "by": by}
