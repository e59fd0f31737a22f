"""The protocol's code with one thing left out: what the simulation must find out."""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateway.store.journal_rows import JournalRows
from sync import history, uplink
from sync.office import streams
from sync.office.devices import Devices
from sync.office.ledger import Ledger
from sync.office.streams import Streams
from sync.uplink import Uplink


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old` in the source of `owner.name` becomes `new`."""

    owner: Any
    name: str
    old: str
    new: str


MUTATIONS = {
    "the office compares no hashes": Mutation(Streams, "_divergence", "for event in batch.events:", "for event in ():"),
    "the gateway compares no hashes": Mutation(
        history, "_own_place", "if place.hash != cursor.hash:", "if place.hash == cursor.hash == 0:"
    ),
    "an event is not known by its id": Mutation(streams, "SCHEMA", ",\n    UNIQUE (site, event_id));", ");"),
    "the answer goes past an event that was not kept": Mutation(
        Streams, "_keep", "if event.seq > through]", "if event.seq > through + 1]"
    ),
    "a batch of any session is taken": Mutation(Devices, "admits", " is None:", " == 0:"),
    "a hello is taken again and again": Mutation(Devices, "admit", "if not used:", "if used == 10**9:"),
    "the gateway keeps its own cursor": Mutation(
        Uplink, "_hello", "self._sent = await", "self._sent = self._sent or await"
    ),
    "what was answered is deleted at once": Mutation(
        Uplink,
        "_send",
        "    self._delivered(",
        "    self._journal._connected() and __import__('sqlite3').connect(self._journal._path, isolation_level=None)"
        ".execute('DELETE FROM event WHERE row_id < ?', (row.row_id,))\n    self._delivered(",
    ),
    "what is gone is passed over in silence": Mutation(
        Streams, "accept_gap", 'run(f"INSERT INTO gap', '(lambda *_: None)(f"INSERT INTO gap'
    ),
    "a gap needs not fit": Mutation(uplink, "removed", "run.first_seq <= seq", "run.first_seq <= seq + 3"),
    "a failed commit is left as it is": Mutation(Ledger, "_transaction", "if self._db.in_transaction:", "if False:"),
    "a fork numbers its events from the old ones": Mutation(
        JournalRows, "fork", "self._epoch, self._next = epoch, moved.head", "self._epoch = epoch"
    ),
    "a fork and its record are two commits": Mutation(
        JournalRows,
        "fork",
        "self.add(told, moment)",
        "self._connection.execute('COMMIT'); self._connection.execute('BEGIN IMMEDIATE'); self.add(told, moment)",
    ),
    "the parent of an epoch is not told": Mutation(
        uplink, "epoch_end", "None if parent is None else", "None if True else"
    ),
}


@contextmanager
def mutated(mutation: Mutation) -> Iterator[None]:
    """The real code, but for this, within the block."""
    real = inspect.getattr_static(mutation.owner, mutation.name)
    if isinstance(real, str):
        assert mutation.old in real, mutation
        changed: Any = real.replace(mutation.old, mutation.new)
    else:
        changed = _recompiled(real, mutation)
    setattr(mutation.owner, mutation.name, changed)
    try:
        yield
    finally:
        setattr(mutation.owner, mutation.name, real)


def _recompiled(real: Any, mutation: Mutation) -> Any:
    function = inspect.unwrap(real)
    source = textwrap.dedent(inspect.getsource(function))
    assert mutation.old in source, mutation
    names: dict[str, Any] = {}
    exec(source.replace(mutation.old, mutation.new), function.__globals__, names)  # noqa: S102 (our own source)
    return names[function.__name__]
