"""What of a new list wants a second yes: many who lose or gain passage, somebody who may pass everywhere, an open door.

A signature is not enough against the office's own mistake, or against whoever has its key.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.credential import Credential, CredentialState
from gateway.domain.list_update import GuardBounds, GuardedChange, ListGuard
from gateway.domain.listed import AccessLevel, Authentication, PassKey
from gateway.domain.schedule import Schedule
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_differences import differing_cardholders, differing_credentials
from gateway.store.list_digests import LinesSeal
from gateway.store.list_holdings import Holding, held_by

_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_UNLOCKING = (Authentication.UNLOCKED, Authentication.FIRST_CARD)
_Spanned = Credential | Cardholder | HeldLevel | AccessLevel
_Move = tuple[bool, bool]
"""Whether passage is lost, and whether it is gained: both, where other hours or another card come in its place."""
_NEITHER: _Move = (False, False)
_Hours = tuple[Schedule | None, str]
_Grants = frozenset[tuple[str, _Hours, tuple[str, ...]]]


def guarded_changes(
    old: CompiledAccessList, new: CompiledAccessList, bounds: GuardBounds, seal: LinesSeal
) -> tuple[GuardedChange, ...]:
    """Why `new` should not take the place of `old` by one signature; nothing where it may. `seal` is of their site key.

    Who loses or gains passage is counted by active credentials, through whatever entry it comes about, each once.
    """
    levels, reach = _LevelMoves(old, new), _Reach(old, new, bounds.wired)
    moved: dict[str, _Move] = {}
    everywhere = 0
    for one, other in differing_cardholders(old, new, everyone=levels.any or reach.points_differ):
        if one is not None and other is not None and any(move := levels.of(one, other)):
            moved[other.id] = move
        everywhere += reach.has(other, new) and not reach.has(one, old)
    tally = _Tally(moved)
    for before, after, same_card in differing_credentials(old, new):
        lost, gained = _credential_moves(before, after, same_card)
        tally.differing(before, after, (lost, gained))
        everywhere += gained and after is not None and reach.had_and_has(after.cardholder)
    for held in held_by(new, seal, moved.keys()):
        tally.held(held)
    removed, granted = tally.all_in_all()
    found = [
        (ListGuard.REMOVED, removed, removed > _most(old, bounds.removed_percent, bounds.removed_least)),
        (ListGuard.GRANTED, granted, granted > _most(old, bounds.granted_percent, bounds.granted_least)),
    ]
    if not same_rules(old, new):
        everywhere += sum(reach.has_key(key) for key in _fresh_keys(old, new))
        signers, unlocked = _fresh_signers(old, new), _unlocked(old, new)
        found += [
            (ListGuard.GRANTED, signers, signers > 0),
            (ListGuard.UNLOCKED, unlocked, bounds.unlocked and unlocked > 0),
        ]
    found.append((ListGuard.ALL_DOORS, everywhere, bounds.all_doors and everywhere > 0))
    reasons = {guard: count for guard, count, waits in reversed(found) if waits}
    return tuple(GuardedChange(guard, reasons[guard]) for guard in ListGuard if guard in reasons)


def same_rules(old: CompiledAccessList, new: CompiledAccessList) -> bool:
    """Whether everything beside cardholders and credentials is the same, to the byte."""
    return old.rules_section == new.rules_section


def _most(old: CompiledAccessList, percent: float, least: int) -> float:
    return max(float(least), old.credentials * percent / 100)


class _Tally:
    """How many lose and gain passage: each active credential once, by what it is itself or by whose it is."""

    def __init__(self, moved: Mapping[str, _Move]) -> None:
        self._moved = moved
        self._lost = self._gained = 0
        self._seen: set[str] = set()
        self._counted: set[str] = set()

    def differing(self, before: Credential | None, after: Credential | None, own: _Move) -> None:
        """A credential that is another than before: (lost, gained) by itself."""
        lost, gained = own
        if before is not None and after is not None and before.cardholder == after.cardholder:
            theirs = self._moved.get(after.cardholder, _NEITHER)
            if _works(before) and _works(after):
                lost, gained = lost or theirs[0], gained or theirs[1]
        self._add((lost, gained), *(each.cardholder for each in (before, after) if each is not None))
        if after is not None and after.cardholder in self._moved:
            self._seen.add(after.id)

    def held(self, held: Holding) -> None:
        """A credential of somebody who loses or gains passage; it may have been told as a differing one."""
        if held.active and held.id not in self._seen:
            self._add(self._moved[held.cardholder], held.cardholder)

    def all_in_all(self) -> tuple[int, int]:
        """(lost, gained). Who has no active credential counts as one: their phone's passes go by their levels."""
        for holder in self._moved.keys() - self._counted:
            self._add(self._moved[holder])
        return self._lost, self._gained

    def _add(self, move: _Move, *holders: str) -> None:
        self._lost, self._gained = self._lost + move[0], self._gained + move[1]
        if any(move):
            self._counted.update(holders)


def _works(credential: Credential | None) -> bool:
    return credential is not None and credential.state is CredentialState.ACTIVE


def _credential_moves(before: Credential | None, after: Credential | None, same_card: bool) -> _Move:
    works_before, works_after = _works(before), _works(after)
    if before is None or after is None or not (works_before and works_after):
        return works_before and not works_after, works_after and not works_before
    if not same_card or before.cardholder != after.cardholder:
        return True, True
    return _span_moves(before, after)


def _span_moves(before: _Spanned, after: _Spanned) -> _Move:
    starts = (before.valid_from or _EARLIEST, after.valid_from or _EARLIEST)
    ends = (before.valid_until or _LATEST, after.valid_until or _LATEST)
    return starts[1] > starts[0] or ends[1] < ends[0], starts[1] < starts[0] or ends[1] > ends[0]


class _LevelMoves:
    """Which levels lose or gain grants between two lists. `any`: some do, so that everybody must be looked at."""

    def __init__(self, old: CompiledAccessList, new: CompiledAccessList) -> None:
        self._lost: set[str] = set()
        self._gained: set[str] = set()
        for level in () if same_rules(old, new) else new.levels():
            before = old.level(level.id)
            if before is not None:
                ours, theirs = _grants(before, old), _grants(level, new)
                lost, gained = _span_moves(before, level)
                self._lost |= {level.id} if lost or ours - theirs else set()
                self._gained |= {level.id} if gained or theirs - ours else set()
        self.any = bool(self._lost or self._gained)

    def of(self, before: Cardholder, after: Cardholder) -> _Move:
        """Whether somebody loses or gains passage by what their levels are, or that they hold others."""
        ours = {held.level: held for held in before.levels}
        theirs = {held.level: held for held in after.levels}
        both = ours.keys() & theirs.keys()
        moves = [_span_moves(before, after), *(_span_moves(ours[level], theirs[level]) for level in both)]
        lost = any(move[0] for move in moves) or not ours.keys() <= theirs.keys() or bool(both & self._lost)
        gained = any(move[1] for move in moves) or not theirs.keys() <= ours.keys() or bool(both & self._gained)
        return lost, gained


class _Reach:
    """Who may pass every access point: of the site, or where its wiring isn't known, of the list and the one before it.

    A point that is made up would otherwise hide somebody who passes all the others.
    """

    def __init__(self, old: CompiledAccessList, new: CompiledAccessList, wired: frozenset[str]) -> None:
        self._old, self._new = old, new
        before, there = (frozenset(point.id for point in each.access_points()) for each in (old, new))
        self.points_differ = before != there
        points = {id(old): {wired & before or before}, id(new): {wired & there} if wired else {there, there & before}}
        self._judged = {of: [each for each in judged if len(each) > 1] for of, judged in points.items()}
        self._granted: dict[tuple[int, str], frozenset[str]] = {}

    def has(self, holder: Cardholder | None, listed: CompiledAccessList) -> bool:
        """Whether somebody passes all of them by a list."""
        return holder is not None and self._cover((held.level for held in holder.levels), listed)

    def had_and_has(self, holder: str) -> bool:
        """Whether somebody passes all of them by both lists: then it is another card of theirs that is news."""
        return self.has(self._new.cardholder(holder), self._new) and self.has(self._old.cardholder(holder), self._old)

    def has_key(self, key: PassKey) -> bool:
        """Whether a pass of this key opens them all: by the key's levels, or by those of whom it is bound to."""
        holder = None if key.cardholder is None else self._new.cardholder(key.cardholder)
        return self._cover(key.levels, self._new) or self.has(holder, self._new)

    def _cover(self, levels: Iterable[str], listed: CompiledAccessList) -> bool:
        passed = frozenset().union(*(self._points_of(level, listed) for level in levels))
        return any(points <= passed for points in self._judged[id(listed)])

    def _points_of(self, level_id: str, listed: CompiledAccessList) -> frozenset[str]:
        """The access points that a level grants. It is asked for as often as somebody holds it."""
        found = self._granted.get((id(listed), level_id))
        if found is None:
            level = listed.level(level_id)
            found = frozenset(() if level is None else (grant.access_point for grant in level.grants))
            self._granted[id(listed), level_id] = found
        return found


def _grants(level: AccessLevel, listed: CompiledAccessList) -> _Grants:
    return frozenset((each.access_point, _hours(each.schedule, listed), each.floors) for each in level.grants)


def _hours(schedule: str, listed: CompiledAccessList) -> _Hours:
    """When a schedule holds: the same words are other hours in another time zone, unless they mean always."""
    found = listed.schedule(schedule)
    return found, "" if found is None or found.always else listed.zone.key


def _fresh_keys(old: CompiledAccessList, new: CompiledAccessList) -> list[PassKey]:
    """Keys that sign passes as none did before."""
    known = {(key.public_key, key.cardholder, key.levels) for key in old.pass_keys()}
    return [key for key in new.pass_keys() if (key.public_key, key.cardholder, key.levels) not in known]


def _fresh_signers(old: CompiledAccessList, new: CompiledAccessList) -> int:
    """Keys that sign anybody's passes, and didn't before: nobody can count what they will grant."""
    return sum(key.cardholder is None for key in _fresh_keys(old, new))


def _unlocked(old: CompiledAccessList, new: CompiledAccessList) -> int:
    """Access points that are to stand unlocked at other times than before."""
    count = 0
    for point in new.access_points():
        plans = _unlock_plans(point.id, new)
        count += bool(plans) and plans != _unlock_plans(point.id, old)
    return count


def _unlock_plans(access_point: str, listed: CompiledAccessList) -> list[_Hours]:
    point = listed.access_point(access_point)
    if point is None:
        return []
    ids = [] if point.unlock_schedule is None else [point.unlock_schedule]
    ids += [each.schedule for each in point.settings if each.authentication in _UNLOCKING]
    return [_hours(id_, listed) for id_ in ids]
