"""One plastic card that is read in two formats is two entries: whoever revokes one of them is told of the other.

The office can't know what lies in one card: it goes by the holder and the label. Part of the ledger.
"""

import sqlite3
from collections.abc import Collection
from itertools import islice

import msgspec

NAMED_MOST = 10
"""Cards, and entries of each, that a hint names: its reader goes on by hand, and more is nothing that anybody reads."""
_HINT = (
    "cardholder {cardholder!r} still has, labelled {label!r} as {revoked!r} is, active: {others}."
    " If that is the same plastic card, read in another format, revoke it too: where it is read so, it still passes"
)


class _Entry(msgspec.Struct, frozen=True):
    """What counts of a credential here."""

    id: str
    cardholder: str
    label: str = ""
    state: str = "active"


class OtherEntries:
    """Reads the entries of the ledger's lists, on its connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def hint(self, site: str, revoked: Collection[str]) -> str | None:
        """In words, what stays good of the cards that these credentials are: asked before they are taken out."""
        named = [entry for entry in (self._entry(site, id_) for id_ in revoked) if entry is not None and entry.label]
        cards = {(entry.cardholder, entry.label): entry for entry in reversed(named)}
        told = ((entry, self._others(site, entry, revoked)) for entry in reversed(cards.values()))
        hints = (_words(entry, others) for entry, others in told if others)
        return "; ".join(islice(hints, NAMED_MOST)) or None

    def _others(self, site: str, entry: _Entry, revoked: Collection[str]) -> list[str]:
        """The holder's other credentials of this label that are active and stay it."""
        # Named, since without statistics the planner walks all of a site's entries.
        rows = self._db.execute(
            "SELECT raw FROM entry INDEXED BY entry_holder WHERE site = ? AND cardholder = ?"
            " AND part = 'credentials' AND raw IS NOT NULL ORDER BY id",
            (site, entry.cardholder),
        )
        held = (msgspec.json.decode(raw, type=_Entry) for (raw,) in rows)
        alike = (each for each in held if each.label == entry.label and each.state == "active")
        return [each.id for each in alike if each.id not in revoked]

    def _entry(self, site: str, id_: str) -> _Entry | None:
        query = "SELECT raw FROM entry WHERE site = ? AND part = 'credentials' AND id = ? AND raw IS NOT NULL"
        row = self._db.execute(query, (site, id_)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=_Entry)


def _words(entry: _Entry, others: list[str]) -> str:
    more = len(others) - NAMED_MOST
    named = ", ".join(others[:NAMED_MOST]) + (f" and {more} more" if more > 0 else "")
    return _HINT.format(cardholder=entry.cardholder, label=entry.label, revoked=entry.id, others=named)
