"""The newest list that this gateway has made, as changes from the office are put on it: verified first, then judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.list_update import ListChanges, PromisedList
from gateway.errors import ListInvalid, ListTorn
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_changes import ChangedCardholder, ChangedCredential, ChangedLine, Changes, write_changes
from gateway.store.list_compiler import (
    About,
    CompiledFile,
    judge_root,
    read_rules,
    short_sections,
)
from gateway.store.list_digests import (
    BUCKETS,
    CARDHOLDER,
    CREDENTIAL,
    DIGEST_BYTES,
    NAME_BYTES,
    RULES,
    LinesSeal,
    bucket_digest,
    bucket_of,
    line,
    line_name,
    root_of,
    rules_digest,
    split,
)
from gateway.store.list_document import ListDocument, parse_list, refuse
from gateway.store.list_holdings import held_by
from gateway.store.list_identifiers import Fits
from gateway.store.list_keys import SiteKey
from gateway.store.list_records import CardholderRecord, LevelNumbers, credential_records
from gateway.store.list_schema import CARDHOLDERS_BOUND, CREDENTIALS_BOUND

CHANGES_MOST = 20_000
"""Entries beside a compiled list: more are a new one. They take some 10 MB of the doors' memory."""
MERGED_AT = 2_000
"""From here on a new list is made of the old one and its changes, while more changes go on beside the old one."""

_encoder = msgspec.msgpack.Encoder()


class _Named(msgspec.Struct):
    id: str


class _Held(msgspec.Struct):
    id: str
    cardholder: str


@dataclass(slots=True)
class _Entries:
    """What an update puts and takes out, by id."""

    cardholders: dict[str, bytes]
    credentials: dict[str, tuple[str, bytes]]
    gone_cardholders: set[str]
    gone_credentials: set[str]


@dataclass(slots=True)
class ListState:
    """A list and its lines. Not changed by `update`, which makes the next one."""

    opened: CompiledAccessList
    base_name: str
    site_key: SiteKey
    seal: LinesSeal
    digests: bytes
    lines: dict[tuple[int, bytes], ChangedLine] = field(default_factory=dict)
    """What is different from the lines of the compiled list."""

    @property
    def coordinate(self) -> tuple[int, int]:
        """(generation, version)."""
        return self.opened.generation, self.opened.version

    @property
    def root(self) -> bytes:
        """Over all that it holds."""
        return root_of(rules_digest(self.rules()), self.digests)

    def rules(self) -> dict[str, bytes]:
        """The office's texts of the rules."""
        return read_rules(self.opened.rules_section)

    def differing(self, digests: bytes) -> list[int]:
        """The buckets that have another digest there."""
        places = range(0, BUCKETS * DIGEST_BYTES, DIGEST_BYTES)
        pairs = ((self.digests[at : at + DIGEST_BYTES], digests[at : at + DIGEST_BYTES]) for at in places)
        return [number for number, (ours, theirs) in enumerate(pairs) if ours != theirs]

    def bucket(self, number: int) -> dict[bytes, bytes]:
        """A bucket's lines by their names."""
        sections = self.opened.sections
        offsets = sections["line_offsets"].cast("I")
        sealed = sections["lines"][offsets[number] : offsets[number + 1]]
        found = {entry[:NAME_BYTES]: entry for entry in split(self.seal.open(sealed, b"lines/%d" % number))}
        for (bucket, name), changed in self.lines.items():
            if bucket == number:
                found[name] = changed.line
        return {name: entry for name, entry in found.items() if entry}

    def beside(
        self, buckets: frozenset[int], cardholders: frozenset[str], credentials: frozenset[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The cardholders and credentials that lie in these buckets beside those named."""
        if not buckets:
            return (), ()
        people = (each.id for each in self.opened.each_cardholder() if each.id not in cardholders)
        held = ((each.id, each.cardholder) for each in self.opened.each_credential() if each.id not in credentials)
        return (
            tuple(id_ for id_ in people if bucket_of(id_) in buckets),
            tuple(id_ for id_, holder in held if bucket_of(holder) in buckets),
        )


def opened_state(opened: CompiledAccessList, base_name: str, site_key: bytes) -> ListState:
    """The state of a list on the disk. Raises ListInvalid when its digests can't be opened."""
    key = SiteKey(site_key)
    seal = LinesSeal(key)
    changes = opened.changes
    if changes is None:
        return ListState(opened, base_name, key, seal, seal.open(opened.sections["digests"], b"digests"))
    lines = msgspec.msgpack.decode(seal.open(changes.lines, b"changed lines"), type=list[ChangedLine])
    by_place = {(each.bucket, each.name): each for each in lines}
    return ListState(opened, base_name, key, seal, seal.open(changes.digests, b"digests"), by_place)


def update(
    state: ListState, wanted: ListChanges, promised: PromisedList, folder: Path, fits: Fits
) -> tuple[ListState, CompiledFile]:
    """The next state, and its file in `folder`.

    Raises ListTorn when it doesn't come to what was promised, ListInvalid with its faults when it makes no sense.
    """
    entries = _entries(wanted)
    rules = state.rules() if wanted.rules is None else wanted.rules
    if not rules.keys() <= set(RULES):
        raise ListTorn(("$: the rules have members that are none",))
    lines, digests = _lines(state, entries)
    old = state.opened
    held = old.credentials + sum(_step(old.credential_by_id, id_, 1) for id_ in entries.credentials)
    held += sum(_step(old.credential_by_id, id_, -1) for id_ in entries.gone_credentials)
    people = old.cardholders + sum(_step(old.cardholder, id_, 1) for id_ in entries.cardholders)
    people += sum(_step(old.cardholder, id_, -1) for id_ in entries.gone_cardholders)
    judge_root(promised, held + people, rules_digest(rules), digests)
    if held > CREDENTIALS_BOUND or people > CARDHOLDERS_BOUND:
        raise ListInvalid((f"$: holds more than {CREDENTIALS_BOUND} credentials or {CARDHOLDERS_BOUND} cardholders",))
    document = _judged(state, wanted, entries, promised, fits)
    changes = _next_changes(state, wanted, entries, document, promised)
    changes.credential_count, changes.cardholder_count = held, people
    changed_lines = state.lines | {place: ChangedLine(changes.step, *place, text) for place, text in lines.items()}
    changes.lines = state.seal.seal(msgspec.msgpack.encode(list(changed_lines.values())), b"changed lines")
    changes.digests = state.seal.seal(digests, b"digests")
    written = write_changes(changes, folder)
    opened = old.changed(changes, written.digest)
    return replace(state, opened=opened, digests=bytes(digests), lines=changed_lines), written


def _step(find: Any, id_: str, step: int) -> int:
    """By how much a count changes: one more where there was none, one less where there was one."""
    return step if (find(id_) is None) == (step > 0) else 0


def _entries(wanted: ListChanges) -> _Entries:
    try:
        people = {msgspec.json.decode(text, type=_Named).id: text for text in wanted.cardholders}
        held = [(msgspec.json.decode(text, type=_Held), text) for text in wanted.credentials]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ListTorn((f"$: an entry makes no sense: {error}",)) from error
    cards = {each.id: (each.cardholder, text) for each, text in held}
    if len(people) != len(wanted.cardholders) or len(cards) != len(held):
        raise ListTorn(("$: an entry is there twice",))
    gone_people = set(wanted.gone_cardholders) - people.keys()
    return _Entries(people, cards, gone_people, set(wanted.gone_credentials) - cards.keys())


def _lines(state: ListState, entries: _Entries) -> tuple[dict[tuple[int, bytes], bytes], bytearray]:
    """The lines that change, and all digests afterwards."""
    changed: dict[tuple[int, bytes], bytes] = {}
    for id_ in entries.gone_credentials | entries.credentials.keys():
        before = state.opened.credential_by_id(id_)
        if before is not None:
            changed[bucket_of(before.cardholder), line_name(CREDENTIAL, id_)] = b""
    for id_ in entries.gone_cardholders:
        changed[bucket_of(id_), line_name(CARDHOLDER, id_)] = b""
    for id_, text in entries.cardholders.items():
        changed[bucket_of(id_), line_name(CARDHOLDER, id_)] = line(CARDHOLDER, id_, text)
    for id_, (holder, text) in entries.credentials.items():
        changed[bucket_of(holder), line_name(CREDENTIAL, id_)] = line(CREDENTIAL, id_, text)
    digests = bytearray(state.digests)
    for number in {bucket for bucket, _ in changed}:
        lines = state.bucket(number)
        lines |= {name: text for (bucket, name), text in changed.items() if bucket == number}
        at = number * DIGEST_BYTES
        digests[at : at + DIGEST_BYTES] = bucket_digest(text for text in lines.values() if text)
    return changed, digests


def _judged(
    state: ListState, wanted: ListChanges, entries: _Entries, promised: PromisedList, fits: Fits
) -> ListDocument:
    """The entries as a small list of their own, with a stand-in for whatever else they refer to.

    Raises ListInvalid with the faults that the whole list would have.
    """
    old = state.opened
    named = {holder for holder, _ in entries.credentials.values()}
    keys = old.pass_keys() if wanted.rules is None else _pass_keys(wanted.rules)
    named |= {key.cardholder for key in keys if key.cardholder is not None}
    there = {id_ for id_ in named - entries.cardholders.keys() - entries.gone_cardholders if old.cardholder(id_)}
    rules = wanted.rules
    if rules is None:
        levels = [{"id": id_, "grants": []} for id_ in state.opened.level_numbers.ids()]
        rules = {"zone": msgspec.json.encode(old.zone.key), "levels": msgspec.json.encode(levels)}
        rules |= {"schedules": b"[]", "access_points": b"[]"}
    head = {"schema": 1, "site": promised.site, "version": promised.version, "issued_at": promised.issued_at}
    raw: dict[str, Any] = {**head, **{name: msgspec.Raw(text) for name, text in rules.items() if text}}
    stand_ins = [msgspec.json.encode({"id": id_}) for id_ in sorted(there)]
    raw["cardholders"] = [msgspec.Raw(text) for text in (*wanted.cardholders, *stand_ins)]
    raw["credentials"] = [msgspec.Raw(text) for text in wanted.credentials]
    document = parse_list(msgspec.json.encode(raw), fits)
    refuse(_reference_faults(state, entries, document, wanted.rules is None))
    return document


def _pass_keys(rules: Mapping[str, bytes]) -> list[Any]:
    class _Key(msgspec.Struct):
        cardholder: str | None = None

    try:
        return msgspec.json.decode(rules.get("pass_keys") or b"[]", type=list[_Key])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []  # what is wrong with it is told by its path


def _reference_faults(state: ListState, entries: _Entries, document: ListDocument, rules_stay: bool) -> Iterable[str]:
    """What only the whole list tells: cards that another has, and references to what is gone."""
    old = state.opened
    here: dict[bytes, str] = {}
    for number, (key, record) in enumerate(credential_records(document.credentials, state.site_key)):
        other = here.setdefault(key, record.id)
        found = old.credential_of(key)
        if other == record.id and found is not None and found.id not in entries.credentials:
            other = found.id if found.id not in entries.gone_credentials else other
        if other != record.id:
            yield f"$.credentials[{number}]: {record.id!r} is the same card as {other!r}"
    settled = entries.credentials.keys() | entries.gone_credentials
    for holder in entries.gone_cardholders:
        yield from (
            f"$.cardholders: {holder!r} is taken out but holds {each.id!r}"
            for each in held_by(old, state.seal, {holder})
            if each.id not in settled
        )
        if rules_stay and any(key.cardholder == holder for key in old.pass_keys()):
            yield f"$.cardholders: {holder!r} is taken out but signs passes"
    lost = set(old.level_numbers.ids()) - set(document.levels)
    for person in old.each_cardholder() if lost else ():
        if person.id not in entries.cardholders and person.id not in entries.gone_cardholders:
            held = [each.level for each in person.levels if each.level in lost]
            yield from (f"$.levels: {level!r} is taken out but {person.id!r} has it" for level in held)


def _next_changes(
    state: ListState, wanted: ListChanges, entries: _Entries, document: ListDocument, promised: PromisedList
) -> Changes:
    old, before = state.opened, state.opened.changes
    step = 1 if before is None else before.step + 1
    about = About(
        promised.site,
        promised.version,
        promised.issued_at,
        document.zone.key,
        state.site_key.check(),
        promised.generation,
    )
    credentials = {} if before is None else dict(before.credentials)
    cardholders = {} if before is None else dict(before.cardholders)
    credentials |= {id_: ChangedCredential(step, b"", b"") for id_ in entries.gone_credentials}
    cardholders |= {id_: ChangedCardholder(step, b"") for id_ in entries.gone_cardholders}
    for key, record in credential_records(document.credentials, state.site_key):
        credentials[record.id] = ChangedCredential(step, key, _encoder.encode(record))
    short = {} if before is None else before.short
    short_step = 0 if before is None else before.short_step
    numbers = old.level_numbers
    if wanted.rules is not None:
        short = {name: bytes(section) for name, section in short_sections(document).items()}
        short_step, numbers = step, LevelNumbers(list(document.levels))
        cardholders = {id_: _renumbered(each, old.level_numbers, numbers) for id_, each in cardholders.items()}
    for item in document.cardholders.typed():
        if item.id in entries.cardholders:
            cardholders[item.id] = ChangedCardholder(step, _encoder.encode(numbers.pack(item)))
    if len(credentials) + len(cardholders) > CHANGES_MOST:
        raise ListTorn((f"$: more than {CHANGES_MOST} entries have changed: the whole list is wanted",))
    return Changes(
        about, state.base_name, old.base_digest, 0, 0, step, short_step, short, credentials, cardholders, b"", b""
    )


def _renumbered(changed: ChangedCardholder, old: LevelNumbers, new: LevelNumbers) -> ChangedCardholder:
    if not changed.record:
        return changed
    record = msgspec.msgpack.decode(changed.record, type=CardholderRecord)
    return ChangedCardholder(changed.step, _encoder.encode(old.renumbered(record, new)))
