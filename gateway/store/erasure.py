"""Erasing what events say of a person, in small steps. The order is a row of `erasure`, written with its event.

An erased event keeps its place, type, time and device; salt, body, actor and subjects are gone (decision 0011).
"""

import sqlite3
from dataclasses import fields
from typing import Any

import msgspec

from gateway.domain.events import PersonErased
from gateway.store import records

STEP_ROWS = 200
"""Events that one step looks at: under 3 ms."""

SOURCES = {
    "impossible_travel": "credential",
    "antipassback": "credential",
    "wrong_attempts": "credential",
    "risk": "cardholder",
}
"""Alarms whose source is somebody's card, or somebody."""

NAMING = frozenset({"accompanied", "cardholder", "credential", "credentials", "rivals", "source", "subject"})
"""Fields by which an event can name somebody: `is_theirs` goes by them."""

_REFUSED = {"local_grant": "credential", "forgive": "cardholder", "erase": "cardholder"}
"""Refused requests whose subject is an id without its kind."""


def ordered_subjects(event: PersonErased) -> str:
    """What an order names: the person and their credentials, one a line."""
    return "\n".join([f"cardholder:{event.cardholder}", *(f"credential:{each}" for each in event.credentials)])


def is_theirs(type_: str, subjects: tuple[str, ...], body: str, named: frozenset[str]) -> bool:
    """Is it an event of theirs? It names them, or a credential of theirs that wasn't another's then."""
    if type_ == PersonErased.__name__:
        return False
    looked_into = type_ in ("AlarmRaised", "RequestRefused")
    if not looked_into and named.isdisjoint(subjects):
        return False
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return not named.isdisjoint(subjects)
    told = {*subjects, _named_otherwise(type_, fields)}
    holder = fields.get("cardholder")
    if holder is not None and f"cardholder:{holder}" not in named:
        told.discard(f"credential:{fields.get('credential')}")  # passed on to another, or had been another's
    return not named.isdisjoint(told)


def _named_otherwise(type_: str, fields: dict[str, Any]) -> str:
    """Whom an alarm or a refusal is about, which stands under no name of its own."""
    if type_ == "AlarmRaised":
        return f"{SOURCES.get(str(fields.get('kind')), '')}:{fields.get('source')}"
    kind, subject = _REFUSED.get(str(fields.get("request"))), str(fields.get("subject"))
    return f"{kind}:{subject}" if kind else subject


def can_be_erased(type_: str) -> bool:
    """Can an event of this type name somebody at all? One that this program doesn't know may."""
    known = records.EVENT_TYPES.get(type_)
    if known is None or known is PersonErased:
        return known is None
    return any(field.name in NAMING and field.type is not int for field in fields(known))  # a number counts them only


class Eraser:
    """Works on the writer's connection, in the writer's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.leaves_log = False
        """An order was carried out, and the write-ahead log still holds what was there before."""

    def step(self) -> bool:
        """Do a little of the oldest order; False when there is none. Raises sqlite3.Error, and nothing has happened."""
        order = self._connection.execute("SELECT row_id, subjects, reached FROM erasure ORDER BY row_id").fetchone()
        if order is None:
            return False
        rows = self._connection.execute(
            "SELECT row_id, type, subjects, body FROM event WHERE row_id > ? AND row_id < ? ORDER BY row_id LIMIT ?",
            (order[2], order[0], STEP_ROWS),
        ).fetchall()
        self._connection.execute("PRAGMA secure_delete = ON")
        if rows:  # A step that a power cut takes back is done again; the end of the order is not said before it holds.
            self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._take(order[0], order[1], rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = OFF")
        return True

    def _take(self, order: int, subjects: str, rows: list[tuple[int, str, str, str]]) -> None:
        named = frozenset(subjects.split("\n"))
        for row_id, type_, listed, body in rows:
            if is_theirs(type_, tuple(listed.split("\n")), body, named):
                self._erase(row_id, listed)
        if rows:
            self._connection.execute("UPDATE erasure SET reached = ? WHERE row_id = ?", (rows[-1][0], order))
        else:
            self._connection.execute("DELETE FROM erasure WHERE row_id = ?", (order,))
            self.leaves_log = True

    def _erase(self, row_id: int, listed: str) -> None:
        run = self._connection.execute
        run("UPDATE event SET actor = '', subjects = '', body = '', salt = '' WHERE row_id = ?", (row_id,))
        for subject in filter(None, listed.split("\n")):
            run("DELETE FROM subject WHERE subject = ? AND row_id = ?", (subject, row_id))
