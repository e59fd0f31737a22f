"""The office's lists at the doors: put in force, held until somebody says yes, refused; what it revokes meanwhile."""

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access_requests import REASON_CHARACTERS_MAX
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.commands import SwapList
from gateway.domain.door_control import DoorControl
from gateway.domain.list_age import ListAge
from gateway.domain.list_update import ListGuard
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.register import Register, Revoked

FAULTS_KEPT, FAULT_CHARACTERS_MAX = 50, 300
REVOCATIONS_MAX = 1_000
"""Of one signal: as many as the office knows at a time (docs/protocol.md)."""


class ListDesk:
    """One site's lists. What is in force is the site loop's; this says what may be."""

    def __init__(
        self, alarms: AlarmBook, doors: DoorControl, register: Register, age: ListAge, held: sg.ListReady | None
    ) -> None:
        self.alarms, self.doors, self.register = alarms, doors, register
        self.age, self.held = age, held

    def ready(self, signal: sg.ListReady, moment: Moment, access_list: AccessList | None) -> str | None:
        """A list is made: it goes in force, or is held."""
        if access_list is not None and _coordinate(signal) <= (access_list.generation, access_list.version):
            return "ListNotNewer"
        if self.held is not None and _coordinate(self.held) != _coordinate(signal):
            self._let_go()  # the office has another by now
        if not signal.guards:
            self._swap(signal)
        elif self.held is None:
            self.held = signal
            counts = {guarded.guard: guarded.count for guarded in signal.guards}
            self._tell(
                ev.ListHeld(
                    list_version=signal.version,
                    removed=counts.get(ListGuard.REMOVED, 0),
                    granted=counts.get(ListGuard.GRANTED, 0),
                    all_doors=counts.get(ListGuard.ALL_DOORS, 0),
                    unlocked=counts.get(ListGuard.UNLOCKED, 0),
                )
            )
            self._tell(*self.alarms.raise_alarm(AlarmKind.LIST_WAITING, "office", moment))
        return None

    def confirm(self, signal: sg.ListConfirmRequested, access_list: AccessList | None) -> str | None:
        """Somebody at the site says yes to the list that is held."""
        if self.held is None or self.held.version != signal.version:
            known = [each.version for each in (self.held, access_list) if each is not None]
            return "ListReplaced" if any(version > signal.version for version in known) else "ListNotWaiting"
        if not signal.reason.strip():
            return "ReasonMissing"
        if signal.second is not None and signal.second.name == signal.operator.name:
            return "SecondPersonMissing"
        self._tell(
            ev.ListConfirmed(
                list_version=signal.version,
                reason=signal.reason[:REASON_CHARACTERS_MAX],
                actor=signal.operator.name,
                second=None if signal.second is None else signal.second.name,
                post=signal.operator.post,
                request_id=signal.request_id,
            )
        )
        self._swap(self.held)
        return None

    def current(self, signal: sg.ListCurrent, moment: Moment, access_list: AccessList | None) -> str | None:
        """The office has no newer list than the one in force: what is held is nobody's any more."""
        if access_list is None or _coordinate(signal) != (access_list.generation, access_list.version):
            return "ListNotInForce"
        if self.held is not None:
            self._let_go()
        self._tell(*self.age.confirm(moment))
        return None

    def activated(self, signal: sg.ListActivated, moment: Moment) -> None:
        """A list is in force."""
        self._tell(ev.ListActivated(list_version=signal.version, digest=signal.digest, credentials=signal.credentials))
        for kind, source in ((AlarmKind.NO_VALID_LIST, "site"), (AlarmKind.LIST_REJECTED, "office")):
            self._tell(*self.alarms.normal(kind, source))
        if self.held is not None and _coordinate(self.held) <= (signal.generation, signal.version):
            self._let_go()
        self._tell(*self.age.confirm(moment))

    def refused(self, signal: sg.ListRefused, moment: Moment) -> None:
        """A list can't be used: the old one stays."""
        faults = tuple(_cut(fault) for fault in signal.faults[:FAULTS_KEPT])
        self._tell(ev.ListRejected(list_version=signal.version, faults=faults))
        self._tell(*self.alarms.raise_alarm(AlarmKind.LIST_REJECTED, "office", moment))

    def revoke(self, signal: sg.OfficeRevoked, access_list: AccessList | None) -> None:
        """Refuse these until a list says so too.

        What the list in force says already is kept as long as there is room: the list before may have to stand in.
        """
        in_force = (0, 0) if access_list is None else _coordinate(access_list)
        kept, fresh = self.register.revoked, dict[str, Revoked]()
        for each in signal.revoked[:REVOCATIONS_MAX]:
            value, known = Revoked(each.generation, each.version), kept.get(each.credential)
            # Also one that the list in force has taken up: should its file be damaged, an older list stands in. It does
            # not take the place of a later one, which an office that was put back to an older copy has forgotten.
            if value != known and (known is None or _coordinate(value) > min(in_force, _coordinate(known))):
                fresh[each.credential] = value
        # Fresh ones are looked at first: of two as old, the one that is not there yet gives way.
        for credential in _too_many({**fresh, **kept, **fresh}, in_force):
            fresh.pop(credential, None)
            if credential in kept:
                self.register.put("revoked", credential, None)
        for credential, value in fresh.items():
            self.register.put("revoked", credential, value)
        if fresh:
            self._tell(ev.CredentialsRevoked(sequence=signal.sequence, credentials=tuple(fresh)))

    def _let_go(self) -> None:
        self.held = None
        self._tell(*self.alarms.normal(AlarmKind.LIST_WAITING, "office"))

    def _swap(self, ready: sg.ListReady) -> None:
        self.doors.commands.append(
            SwapList(
                f"list-{ready.generation}-{ready.version}",
                ready.version,
                ready.path,
                ready.digest,
                ready.credentials,
                ready.generation,
            )
        )

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told


def _cut(fault: str) -> str:
    """So much of it as is kept, behind a whole word where there is one."""
    if len(fault) <= FAULT_CHARACTERS_MAX:
        return fault
    kept = fault[: FAULT_CHARACTERS_MAX - 1]
    return (kept.rpartition(" ")[0] or kept).rstrip(",;: ") + "…"


def _too_many(revoked: dict[str, Revoked], in_force: tuple[int, int]) -> list[str]:
    """Those that there is no room for: the oldest of what the list in force says itself."""
    excess = len(revoked) - REVOCATIONS_MAX
    if excess <= 0:
        return []
    said = [(_coordinate(each), credential) for credential, each in revoked.items() if _coordinate(each) <= in_force]
    said.sort(key=lambda each: each[0])
    return [credential for _, credential in said[:excess]]


def _coordinate(of: sg.ListReady | sg.ListCurrent | AccessList | Revoked) -> tuple[int, int]:
    return of.generation, of.version
