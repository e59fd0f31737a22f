"""The protocol's code with one thing left out: what the simulation must find out."""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Any

from gateway.domain import passage
from gateway.domain.entry import Entry
from gateway.domain.list_desk import ListDesk
from gateway.domain.register import Register
from gateway.site_loop import SiteLoop
from gateway.store import list_changes, list_compiler, list_file, list_folder, list_identifiers, list_state
from gateway.store.journal_rows import JournalRows
from gateway.store.list_folder import ListFolder
from sync import history, trust, uplink
from sync.confirmations import Confirmations
from sync.downlink import Downlink
from sync.office import streams
from sync.office.devices import Devices
from sync.office.ledger import Ledger
from sync.office.streams import Streams
from sync.revocations import RevocationsDown
from sync.trust import Trust
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
    "the cursor and its events are two commits": Mutation(
        Streams,
        "_keep",
        "fresh = [",
        "behind and self._db.execute('INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)',"
        " (site, batch.epoch, behind[-1].seq, behind[-1].hash))\n"
        "    self._db.execute('COMMIT'); self._db.execute('BEGIN IMMEDIATE')\n    fresh = [",
    ),
    "a copy ahead of its turn moves the cursor": Mutation(
        Streams,
        "accept_copies",
        "return",
        "self._db.execute('UPDATE cursor SET through = ? WHERE epoch = ?', (copies.events[-1].seq, copies.epoch))\n"
        "    return",
    ),
    "a batch of any session is taken": Mutation(Devices, "admits", " is None:", " == 0:"),
    "a box's sessions of before stay open": Mutation(
        Devices, "open_session", "WHERE site = ? AND boot_id = ?", "WHERE site = ? AND boot_id = ? AND false"
    ),
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


def _forgetting(what: str) -> Mutation:
    """A start that reads what was believed without this."""
    read = "msgspec.json.decode(self._path.read_bytes(), type=_Kept)"
    return Mutation(Trust, "_read", read, f"msgspec.structs.replace({read}, {what})")


LIST_MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "no digest is compared": (
        Mutation(list_state, "update", "judge_root(promised, held + people, rules_digest(rules), digests)", "pass"),
        Mutation(list_compiler, "compile_list", "judge_root(promised, count,", "(lambda *_: None)(promised, count,"),
    ),
    "no key must have signed": (Mutation(Trust, "_signers", "if not signers:", "if False:"),),
    "a signature is not verified": (Mutation(trust, "_signed_by", "return False", "return True"),),
    "an older key set is taken": (Mutation(Trust, "_take_keys", "if keys.key_epoch < self.key_epoch:", "if False:"),),
    "the keys are forgotten at a restart": (_forgetting("keys=None"),),
    "the newest list is forgotten at a restart": (_forgetting("generation=0, version=0, root=''"),),
    "the newest revocations are forgotten at a restart": (_forgetting("sequence=0"),),
    "what is believed is not synced": (Mutation(Trust, "_keep", "os.fsync(file.fileno())", "pass"),),
    "what is believed may lose its name": (Mutation(Trust, "_keep", "os.fsync(folder)", "pass"),),
    "older revocations are taken": (
        Mutation(Trust, "judge_revocations", "if revocations.sequence <= self._kept.sequence:", "if False:"),
    ),
    "any key set is taken": (Mutation(Trust, "_take_keys", "if not _signed_by(", "if False and _signed_by("),),
    "the keys of before are still good": (
        Mutation(Trust, "_signers", "if keys is None or epoch != keys.key_epoch:", "if keys is None:"),
        Mutation(Trust, "_signers", "if each.key in keys.keys}", "}"),
    ),
    "another site's list is taken": (
        Mutation(Trust, "judge", "if manifest.site != self._site:", "if False:"),
        Mutation(ListFolder, "_parsed", "if document.site != site:", "if False:"),
    ),
    "the version may step back": (
        Mutation(Trust, "judge", "if coordinate < seen:", "if False:"),
        Mutation(Downlink, "_take", "if coordinate <= after:", "if False:"),
        Mutation(ListDesk, "ready", "_coordinate(signal) <= (", "False and _coordinate(signal) <= ("),
        Mutation(SiteLoop, "_swap", "if held is None or (", "if True or ("),
        Mutation(Downlink, "_tell", "newer = await", "newer = True or await"),
    ),
    "the generation is ignored": (
        Mutation(Trust, "judge", "if coordinate < seen:", "if coordinate[1] < seen[1]:"),
        Mutation(Downlink, "_take", "if coordinate <= after:", "if coordinate[1] <= after[1]:"),
        Mutation(
            Downlink,
            "_next_list",
            "max(in_force, ready, refused)",
            "max(in_force, ready, refused, key=lambda c: c[1])",
        ),
        Mutation(
            ListDesk,
            "ready",
            "_coordinate(signal) <= (access_list.generation, access_list.version)",
            "signal.version <= access_list.version",
        ),
        Mutation(
            SiteLoop,
            "_swap",
            "if held is None or (opened.generation, opened.version) > (held.generation, held.version)",
            "if held is None or opened.version > held.version",
        ),
    ),
    "a list that makes no sense is taken": (
        Mutation(list_identifiers, "identifier_fault", "return fits(name, facility_code, number)", "return None"),
    ),
    "a refused list is not told": (Mutation(Downlink, "_tell_refused", "await insist(", "None and await insist("),),
    "no guard holds a list": (Mutation(ListFolder, "_prepared", "() if old is None else", "() if True else"),),
    "one signature is as good as two": (Mutation(Trust, "judge", "signers >= SECOND_SIGNATURE", "signers >= 1"),),
    "one key that signs twice is two": (Mutation(Trust, "_signers", "return len(signers)", "return len(signatures)"),),
    "a list that is held goes as soon as it comes again": (Mutation(Downlink, "_take", "if enough:", "if True:"),),
    "a list that is held is put in force": (Mutation(ListDesk, "ready", "if not signal.guards:", "if True:"),),
    "a revocation is forgotten at a restart": (
        Mutation(Register, "__init__", "for fact in facts", "for fact in (f for f in facts if f.kind != 'revoked')"),
    ),
    "a revocation is noted before the doors have it": (
        Mutation(
            RevocationsDown,
            "_next",
            "for at in range",
            "await asyncio.to_thread(self._trust.keep_revocations, found, standing)\n    for at in range",
        ),
    ),
    "revocations need no signature": (
        Mutation(
            Trust,
            "judge_revocations",
            "return self._signers(revocations.key_epoch, revocations.signatures, content) >=",
            "return 1 >=",
        ),
    ),
    "a revoked card passes until the list comes": (
        Mutation(passage, "_is_revoked", "return revoked is not None and", "return False and"),
    ),
    "sync tells no revocation that its list has come before": (
        Mutation(
            RevocationsDown,
            "_next",
            "sorted(found.revoked,",
            "sorted((each for each in found.revoked if (each.generation, each.version) > in_force),",
        ),
    ),
    "the doors pass over a revocation that its list has come before": (
        Mutation(
            ListDesk,
            "revoke",
            "known is None or _coordinate(value) > min(in_force, _coordinate(known))",
            "_coordinate(value) > in_force",
        ),
    ),
    "a card that is given back is refused": (
        Mutation(passage, "_is_revoked", "(revoked.generation, revoked.version) > in_force", "True"),
    ),
    "the list before is not kept": (
        Mutation(list_folder, "set_current", "previous = None if before is None else before.path", "previous = None"),
    ),
    "a list has its name before it is whole": (
        Mutation(list_file, "write_durably", "os.fsync(file.fileno())", "pass"),
    ),
    "the folder is not synced": (Mutation(list_file, "write_durably", "os.fsync(folder)", "pass"),),
    "the office's yes is never told": (
        Mutation(Confirmations, "_tell_one", "reply = await", "return\n            reply = await"),
    ),
    "nobody looks for an answer to who waits": (Mutation(Confirmations, "delivered", "self._expect(request)", "pass"),),
    "an answer counts after its time": (
        Mutation(Confirmations, "_tell_one", "(left_s := until -", "(left_s := until + 60 -"),
    ),
    "a yes is for whoever waits": (Mutation(Entry, "confirm", "if w.request == signal.request", "if True"),),
    "a damaged file is taken as it is": (
        Mutation(list_file, "_verified", "if found.digest() != digest:", "if False:"),
        Mutation(list_changes, "read_changes", "if digest.digest() != content[len(_MAGIC) : head]:", "if False:"),
    ),
}


FOUND_AT = {
    "the office compares no hashes": 33,
    "a hello is taken again and again": 7,
    "what is gone is passed over in silence": 3,
    "a gap needs not fit": 3,
    "a failed commit is left as it is": 9,
    "a fork and its record are two commits": 14,
    "a batch of any session is taken": 3,
    "the cursor and its events are two commits": 49,
    "a copy ahead of its turn moves the cursor": 3,
    "a box's sessions of before stay open": 70,
    "the gateway keeps its own cursor": 3,
    "no digest is compared": 34,
    "no key must have signed": 61,
    "a signature is not verified": 55,
    "an older key set is taken": 7,
    "the keys are forgotten at a restart": 57,
    "the newest list is forgotten at a restart": 57,
    "an answer counts after its time": 151,
    "what is believed is not synced": 7,
    "the newest revocations are forgotten at a restart": 109,
    "older revocations are taken": 5,
    "any key set is taken": 61,
    "the keys of before are still good": 61,
    "another site's list is taken": 7,
    "the version may step back": 55,
    "the generation is ignored": 75,
    "a list that makes no sense is taken": 11,
    "a refused list is not told": 11,
    "no guard holds a list": 7,
    "one signature is as good as two": 7,
    "one key that signs twice is two": 15,
    "what is believed may lose its name": 189,
    "a list that is held goes as soon as it comes again": 57,
    "a list that is held is put in force": 7,
    "a revocation is forgotten at a restart": 1,
    "revocations need no signature": 55,
    "a revoked card passes until the list comes": 1,
    "sync tells no revocation that its list has come before": 1,
    "the doors pass over a revocation that its list has come before": 1,
    "a revocation is noted before the doors have it": 76,
    "a card that is given back is refused": 31,
    "the list before is not kept": 1,
    "a list has its name before it is whole": 5,
    "the folder is not synced": 5,
    "the office's yes is never told": 7,
    "nobody looks for an answer to who waits": 12,
    "a yes is for whoever waits": 9,
    "a damaged file is taken as it is": 17,
}
"""Seeds that are looked at first: where it was found, it is likely to be found again."""


@contextmanager
def mutated(*mutations: Mutation) -> Iterator[None]:
    """The real code, but for these, within the block."""
    with ExitStack() as stack:
        for mutation in mutations:
            stack.enter_context(_mutated(mutation))
        yield


@contextmanager
def _mutated(mutation: Mutation) -> Iterator[None]:
    real = inspect.getattr_static(mutation.owner, mutation.name)
    if isinstance(real, str):
        assert mutation.old in real, mutation
        setattr(mutation.owner, mutation.name, real.replace(mutation.old, mutation.new))
        try:
            yield
        finally:
            setattr(mutation.owner, mutation.name, real)
        return
    function = inspect.unwrap(real)
    before, source = function.__code__, _SOURCES.get(function) or textwrap.dedent(inspect.getsource(function))
    assert mutation.old in source, mutation
    changed = source.replace(mutation.old, mutation.new)
    # In its place, since others have imported it by its name.
    function.__code__, _SOURCES[function] = _compiled(changed, function), changed
    try:
        yield
    finally:
        function.__code__, _SOURCES[function] = before, source


_SOURCES: dict[Any, str] = {}
"""Of what has been changed: it may be changed once more."""


def _compiled(source: str, function: Any) -> CodeType:
    names: dict[str, Any] = {}
    exec(source, function.__globals__, names)  # noqa: S102 (our own source)
    code: CodeType = inspect.unwrap(names[function.__name__]).__code__
    return code
