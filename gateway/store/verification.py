"""Verification of the chain, row by row: what was erased or removed is understood, the first row that breaks is named.

Rows come as their columns lie in the file, so that a damaged one can't be taken for another. Flat memory.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from gateway.domain.events import PersonErased
from gateway.domain.ports import EpochParent
from gateway.errors import JournalUnavailable
from gateway.store import records
from gateway.store.erasure import can_be_erased
from gateway.store.gone import Gone

VERIFIED = (
    "row_id, event_id, epoch, seq, type, version, wall_us, clock_quality, boot_id, monotonic_us, actor, device, "
    "subjects, body, salt, algorithm, commitment, previous_hash, hash, layout"
)
"""The columns of a row that is verified."""

_NAMES = tuple(VERIFIED.split(", "))
_NUMBERS = ("row_id", "seq", "version", "wall_us", "monotonic_us", "layout")
LAYOUTS = (1, records.LAYOUT)
_TELLS = ("JournalPruned", "JournalGap")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: how many rows hold (`erased` of them without what they said), how many are known to be gone.

    `broken_row` is the first that doesn't hold, `fault` what is wrong with it.
    """

    rows: int
    broken_row: int | None = None
    fault: str = ""
    erased: int = 0
    gone: int = 0


class _Told(msgspec.Struct):
    """What an event says of removed ones: the first and last numbers, or all up to a number."""

    epoch: str | None = None
    ranges: tuple[tuple[int, int], ...] | None = None
    through_seq: int | None = None


class ChainCheck:
    """Takes a journal's rows in their order."""

    def __init__(self) -> None:
        self.gone: list[Gone] = []
        """What is known to be removed, of the moment at which the next rows were read."""
        self.passed: list[Gone] = []
        """The removed rows between those that were taken."""
        self.parents: dict[str, EpochParent] = {}
        """What forked epochs go on from."""
        self._told: dict[str, list[tuple[int, int]]] = {}
        self._epoch, self._next_seq, self._hash = "", 1, records.FIRST_PREVIOUS_HASH
        self.rows = self.erased = self.last_row = 0
        self._last_erased = self._last_order = 0

    def start_at(self, row: tuple[Any, ...]) -> None:
        """The next row follows whatever it says that it follows."""
        columns = dict(zip(_NAMES, row, strict=True))
        self._epoch, self._next_seq, self._hash = columns["epoch"], columns["seq"], columns["previous_hash"]

    def take(self, row: tuple[Any, ...]) -> str:
        """What is wrong with the row, empty when nothing is."""
        columns = dict(zip(_NAMES, row, strict=True))
        fault = _damage(columns) or self._link(columns) or _content(columns) or self._note_told(columns)
        if fault:
            return fault
        self._next_seq, self._hash = columns["seq"] + 1, columns["hash"]
        self.rows, self.last_row = self.rows + 1, columns["row_id"]
        if columns["type"] == PersonErased.__name__:
            self._last_order = columns["row_id"]
        if not columns["salt"]:
            self.erased, self._last_erased = self.erased + 1, columns["row_id"]
        return ""

    def untold(self) -> Gone | None:
        """A run of removed rows that no event of the chain tells of, once all rows were taken."""
        return next((run for run in self.gone if not self._is_told(run)), None)

    def erased_unasked(self) -> int | None:
        """The last erased row that no order to erase somebody comes after, once all rows were taken."""
        return self._last_erased if self._last_erased > self._last_order else None

    def verdict(self, broken_row: int | None = None, fault: str = "", gone: int = 0) -> Verdict:
        """What was found so far."""
        return Verdict(self.rows, broken_row, fault, self.erased, gone)

    def _link(self, columns: dict[str, Any]) -> str:
        """Does it follow the row, or the run, before it?"""
        if columns["epoch"] != self._epoch:
            parent = self.parents.get(columns["epoch"])
            # Where its first row is removed as well, what is known of earlier epochs may be forgotten.
            fault = self._come_to(parent) if parent is not None and columns["seq"] == 1 else ""
            if fault:
                return fault
            self._enter(columns["epoch"])
        if columns["seq"] > self._next_seq:
            fault = self._pass_gone(columns["seq"])
            if fault:
                return fault
        if columns["seq"] != self._next_seq:
            return f"seq {columns['seq']} stands where {self._next_seq} is due"
        return "" if columns["previous_hash"] == self._hash else "its previous hash is not the hash of the row before"

    def _enter(self, epoch: str) -> None:
        """Stand before its first row."""
        parent = self.parents.get(epoch)
        origin = records.FIRST_PREVIOUS_HASH if parent is None else parent.hash
        self._epoch, self._next_seq, self._hash = epoch, 1, origin

    def _come_to(self, parent: EpochParent) -> str:
        """Does the epoch that was left end at the event that the forked one goes on from?"""
        if not parent.seq:  # nothing was common
            return ""
        if self._epoch != parent.parent:
            self._enter(parent.parent)
        fault = self._pass_gone(parent.seq + 1) if self._next_seq <= parent.seq else ""
        if fault or (self._next_seq, self._hash) == (parent.seq + 1, parent.hash):
            return fault
        return "it does not go on from the last row of the epoch that was left"

    def _pass_gone(self, seq: int) -> str:
        runs = [run for run in self.gone if run.epoch == self._epoch]
        run = next((run for run in runs if run.first_seq <= self._next_seq <= run.last_seq < seq), None)
        if run is None:
            if self._next_seq == seq - 1:
                return f"seq {seq - 1} before it is missing, and nothing says that it was removed"
            return f"seq {self._next_seq} to {seq - 1} before it are missing, and nothing says that they were removed"
        # Rows that were verified a moment ago may be gone by now; then there is no link to look at.
        if run.first_seq == self._next_seq and run.previous_hash != self._hash:
            return "the removed rows before it don't follow the row before them"
        self.passed.append(replace(run, first_seq=self._next_seq, previous_hash=self._hash))
        self._next_seq, self._hash = run.last_seq + 1, run.hash
        return ""

    def _note_told(self, columns: dict[str, Any]) -> str:
        if columns["type"] not in _TELLS or not columns["salt"]:
            return ""
        try:
            told = msgspec.json.decode(columns["body"], type=_Told)
        except (msgspec.DecodeError, RecursionError):
            return "what it says of removed rows makes no sense"
        ranges = told.ranges or ()
        if told.through_seq is not None:
            ranges = ((1, told.through_seq),)
        self._told.setdefault(told.epoch or "", []).extend(ranges)
        return ""

    def _is_told(self, run: Gone) -> bool:
        reached = run.first_seq - 1
        for first, last in sorted(self._told.get(run.epoch, ())):
            if first <= reached + 1:
                reached = max(reached, last)
        return reached >= run.last_seq


class Verifiable(Protocol):
    """A journal as it is verified."""

    def parents(self) -> dict[str, EpochParent]:
        """What forked epochs go on from, by epoch. Raises JournalUnavailable."""
        ...

    def page_to_verify(self, after: int) -> tuple[list[Gone], list[tuple[Any, ...]]]:
        """What is gone, and the next rows after a row id as `VERIFIED`, of one moment; no rows at the end.

        Raises JournalUnavailable.
        """
        ...


def verify_rows(journal: Verifiable) -> Verdict:
    """Verify a whole journal, page by page. Raises JournalUnavailable where not even its first row can be read."""
    check, row_id = ChainCheck(), 0
    check.parents = journal.parents()
    while True:
        try:
            check.gone, page = journal.page_to_verify(row_id)
            parents = journal.parents()
        except JournalUnavailable as error:
            if not check.rows:
                raise
            return check.verdict(row_id + 1, f"the rows after {row_id} can't be read: {error}")
        if parents != check.parents:  # a fork numbered rows again, also such as were verified: from the beginning
            check, row_id = ChainCheck(), 0
            check.parents = parents
            continue
        for row in page:
            fault = check.take(row)
            if fault:
                return check.verdict(row[0] if isinstance(row[0], int) else row_id + 1, fault)
            row_id = row[0]
        if not page:
            return _end(check)


def _end(check: ChainCheck) -> Verdict:
    untold = check.untold()
    if untold is not None:
        seqs = f"seq {untold.first_seq} to {untold.last_seq} of epoch {untold.epoch}"
        return check.verdict(untold.last_row, f"{seqs} are gone, and no event says so")
    unasked = check.erased_unasked()
    if unasked is not None:
        return check.verdict(unasked, "it is erased, and no event after it says that somebody was")
    return check.verdict(gone=sum(run.last_seq - run.first_seq + 1 for run in check.gone))


def _damage(columns: dict[str, Any]) -> str:
    """A bad page or a flipped bit may leave anything in any column."""
    for name, value in columns.items():
        if name in _NUMBERS:
            sound = isinstance(value, int)
        else:
            sound = isinstance(value, str) or (name == "device" and value is None)
        if not sound:
            return f"its {name} is damaged"
    if columns["layout"] not in LAYOUTS or columns["algorithm"] != records.HASH_ALGORITHM:
        return "its layout or algorithm is none that there is"
    return ""


def _content(columns: dict[str, Any]) -> str:
    subjects = tuple(columns["subjects"].split("\n")) if columns["subjects"] else ()
    try:
        fault = _commitment(columns, subjects)
        if fault or not (columns["salt"] or columns["layout"] > 1):
            return fault
        return "" if _hash(columns, subjects) == columns["hash"] else "the envelope is not the one hashed"
    except ValueError:  # not UTF-8, or not hex
        return "it holds what can't be read"


def _commitment(columns: dict[str, Any], subjects: tuple[str, ...]) -> str:
    if not columns["salt"]:
        if columns["body"] or columns["actor"] or subjects:
            return "it is erased in part"
        return "" if can_be_erased(columns["type"]) else "it is erased, though an event of its type names nobody"
    salt, body = bytes.fromhex(columns["salt"]), columns["body"].encode()
    if salt.hex() != columns["salt"]:
        return "its salt is damaged"
    found = records.commitment_of(columns["layout"], salt, columns["actor"], subjects, body)
    return "" if found == columns["commitment"] else "its content is not the one committed to"


def _hash(columns: dict[str, Any], subjects: tuple[str, ...]) -> str:
    envelope = records.envelope_bytes(
        columns["layout"],
        (columns["epoch"], columns["seq"], columns["event_id"]),
        (columns["type"], columns["version"]),
        (columns["wall_us"], columns["clock_quality"], columns["boot_id"], columns["monotonic_us"]),
        (columns["actor"], columns["device"]),
        subjects,
        (columns["commitment"], columns["previous_hash"]),
    )
    return records.chain_hash(envelope)
