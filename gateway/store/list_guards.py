"""What of a new list wants a second yes: many who lose or gain passage, somebody who may pass everywhere, an open door.

A signature is not enough against the office's own mistake, or against whoever has its key.
"""

from datetime import UTC, datetime

from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.credential import Credential, CredentialState
from gateway.domain.list_update import GuardBounds, GuardedChange, ListGuard
from gateway.domain.listed import AccessLevel, Authentication
from gateway.domain.schedule import Schedule
from gateway.store.access_list import CompiledAccessList
from gateway.store.list_differences import differing_cardholders, differing_credentials

_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_UNLOCKING = (Authentication.UNLOCKED, Authentication.FIRST_CARD)
_Spanned = Credential | Cardholder | HeldLevel | AccessLevel
_Grants = frozenset[tuple[str, Schedule | None, tuple[str, ...]]]


def guarded_changes(old: CompiledAccessList, new: CompiledAccessList, bounds: GuardBounds) -> tuple[GuardedChange, ...]:
    """Why `new` should not take the place of `old` by one signature; nothing where it may."""
    removed = granted = everywhere = 0
    for before, after, same_card in differing_credentials(old, new):
        lost, gained = _credential_moves(before, after, same_card)
        removed, granted = removed + lost, granted + gained
    levels = _LevelMoves(old, new)
    for one, other in differing_cardholders(old, new, everyone=levels.any):
        lost, gained = levels.of(one, other)
        removed, granted = removed + lost, granted + gained
        everywhere += (
            other is not None
            and levels.everywhere(other, new)
            and not (one is not None and levels.everywhere(one, old))
        )
    found = [
        (ListGuard.REMOVED, removed, removed > _most(old, bounds.removed_percent, bounds.removed_least)),
        (ListGuard.GRANTED, granted, granted > _most(old, bounds.granted_percent, bounds.granted_least)),
        (ListGuard.ALL_DOORS, everywhere, bounds.all_doors and everywhere > 0),
    ]
    if not same_rules(old, new):
        signers, unlocked = _fresh_signers(old, new), _unlocked(old, new)
        found += [
            (ListGuard.GRANTED, signers, signers > 0),
            (ListGuard.UNLOCKED, unlocked, bounds.unlocked and unlocked > 0),
        ]
    reasons = {guard: count for guard, count, waits in reversed(found) if waits}
    return tuple(GuardedChange(guard, reasons[guard]) for guard in ListGuard if guard in reasons)


def same_rules(old: CompiledAccessList, new: CompiledAccessList) -> bool:
    """Whether everything beside cardholders and credentials is the same, to the byte."""
    return old.rules_section == new.rules_section


def _most(old: CompiledAccessList, percent: float, least: int) -> float:
    return max(float(least), old.credentials * percent / 100)


def _credential_moves(before: Credential | None, after: Credential | None, same_card: bool) -> tuple[bool, bool]:
    """(lost, gained)."""
    works_before = before is not None and before.state is CredentialState.ACTIVE
    works_after = after is not None and after.state is CredentialState.ACTIVE
    if before is None or after is None or not (works_before and works_after):
        return works_before and not works_after, works_after and not works_before
    if not same_card or before.cardholder != after.cardholder:
        return True, True
    return _span_moves(before, after)


def _span_moves(before: _Spanned, after: _Spanned) -> tuple[bool, bool]:
    starts = (before.valid_from or _EARLIEST, after.valid_from or _EARLIEST)
    ends = (before.valid_until or _LATEST, after.valid_until or _LATEST)
    return starts[1] > starts[0] or ends[1] < ends[0], starts[1] < starts[0] or ends[1] > ends[0]


class _LevelMoves:
    """Which levels lose or gain grants between two lists. `any`: so that everybody must be looked at."""

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
        self._points = {id(each): frozenset(point.id for point in each.access_points()) for each in (old, new)}
        self._granted: dict[tuple[int, str], frozenset[str]] = {}
        self.any = bool(self._lost or self._gained) or self._points[id(old)] != self._points[id(new)]

    def of(self, before: Cardholder | None, after: Cardholder | None) -> tuple[bool, bool]:
        """Whether somebody loses or gains passage by what their levels are, or that they hold others."""
        if before is None or after is None:
            return False, False  # their credentials are counted
        ours = {held.level: held for held in before.levels}
        theirs = {held.level: held for held in after.levels}
        both = ours.keys() & theirs.keys()
        moves = [_span_moves(before, after), *(_span_moves(ours[level], theirs[level]) for level in both)]
        lost = any(move[0] for move in moves) or not ours.keys() <= theirs.keys() or bool(both & self._lost)
        gained = any(move[1] for move in moves) or not theirs.keys() <= ours.keys() or bool(both & self._gained)
        return lost, gained

    def everywhere(self, holder: Cardholder, listed: CompiledAccessList) -> bool:
        """Whether somebody passes every access point of a list that has more than one."""
        points = self._points[id(listed)]
        granted = (self._points_of(held.level, listed) for held in holder.levels)
        return len(points) > 1 and points <= frozenset().union(*granted)

    def _points_of(self, level_id: str, listed: CompiledAccessList) -> frozenset[str]:
        """The access points that a level grants. It is asked for as often as somebody holds it."""
        found = self._granted.get((id(listed), level_id))
        if found is None:
            level = listed.level(level_id)
            found = frozenset(() if level is None else (grant.access_point for grant in level.grants))
            self._granted[id(listed), level_id] = found
        return found


def _grants(level: AccessLevel, listed: CompiledAccessList) -> _Grants:
    return frozenset((each.access_point, listed.schedule(each.schedule), each.floors) for each in level.grants)


def _fresh_signers(old: CompiledAccessList, new: CompiledAccessList) -> int:
    """Keys that sign anybody's passes, and didn't before: nobody can count what they will grant."""
    known = {(key.public_key, key.levels) for key in old.pass_keys() if key.cardholder is None}
    return sum(key.cardholder is None and (key.public_key, key.levels) not in known for key in new.pass_keys())


def _unlocked(old: CompiledAccessList, new: CompiledAccessList) -> int:
    """Access points that are to stand unlocked at other times than before."""
    count = 0
    for point in new.access_points():
        plans = _unlock_plans(point.id, new)
        count += bool(plans) and plans != _unlock_plans(point.id, old)
    return count


def _unlock_plans(access_point: str, listed: CompiledAccessList) -> list[Schedule | None]:
    point = listed.access_point(access_point)
    if point is None:
        return []
    ids = [] if point.unlock_schedule is None else [point.unlock_schedule]
    ids += [each.schedule for each in point.settings if each.authentication in _UNLOCKING]
    return [listed.schedule(id_) for id_ in ids]
