"""What guards ask, each by one room: doors, modes, people, tours, alarms. A refusal is recorded with who asked."""

from collections.abc import Callable
from typing import Any, Protocol

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access_requests import REASON_CHARACTERS_MAX, AccessRequests
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.door import Stimulus
from gateway.domain.door_control import Cause, DoorControl
from gateway.domain.door_requests import DoorRequests, request_refusal, use_up
from gateway.domain.entry import Entry
from gateway.domain.list_desk import ListDesk
from gateway.domain.listed import AccessList
from gateway.domain.moment import Moment
from gateway.domain.patrol import Patrol
from gateway.domain.sirens import Sirens
from gateway.domain.site import InputPurpose, Site
from gateway.domain.snapshot import ControllerState

NOTE_CHARACTERS_MAX = 1000


class _Asked(Protocol):
    @property
    def request_id(self) -> str: ...
    @property
    def operator(self) -> sg.Operator: ...


Handler = Callable[[Any, Moment, AccessList | None], str | None]


class GuardDesk:
    """Every request returns None when it was carried out, or the code with which it was refused."""

    def __init__(
        self,
        site: Site,
        state: ControllerState,
        doors: DoorControl,
        alarms: AlarmBook,
        entry: Entry,
        patrol: Patrol,
        sirens: Sirens,
        lists: ListDesk,
    ) -> None:
        self.site, self.state, self.doors, self.alarms = site, state, doors, alarms
        self.entry, self.patrol, self.sirens, self.lists = entry, patrol, sirens, lists
        self.urgent = False
        """A life-safety release was asked for in this turn: its commands wait for nothing."""
        self._modes = DoorRequests(doors, state.used_requests)
        self._people = AccessRequests(site, entry.register, self._tell)
        self.handlers: dict[type, Handler] = {
            sg.OpenRequested: self._open,
            sg.FireResetRequested: self._reset_fire,
            sg.DoorModeRequested: self._set_mode,
            sg.LockdownRequested: self._set_mode,
            sg.LockdownReleaseRequested: self._set_mode,
            sg.LockOpenRequested: self._set_mode,
            sg.LockOpenReleaseRequested: self._set_mode,
            sg.BlockRequested: self._block,
            sg.LocalGrantRequested: self._let_in,
            sg.ForgiveRequested: self._forgive,
            sg.AccessConfirmRequested: self._confirm,
            sg.PersonEraseRequested: self._erase,
            sg.TourStartRequested: self._start_tour,
            sg.TourStopRequested: self._stop_tour,
            sg.ListConfirmRequested: self._confirm_list,
            sg.AlarmAcknowledgeRequested: self._acknowledge,
            sg.AlarmResolveRequested: self._resolve,
            sg.SirenTestRequested: self._test_siren,
            sg.SirenSilenceRequested: self._silence_sirens,
            sg.OperatorActed: self._audit,
        }

    # Doors

    def _open(self, signal: sg.OpenRequested, moment: Moment, _list: AccessList | None) -> str | None:
        refusal = self._open_refusal(signal, moment)
        if refusal is not None:
            return self._refuse(signal, "open", signal.door, refusal)
        use_up(signal, self.state.used_requests)
        self._tell(
            ev.OpenedByGuard(
                door=signal.door,
                reason=signal.reason[:REASON_CHARACTERS_MAX],
                note=signal.note[:NOTE_CHARACTERS_MAX],
                actor=signal.operator.name,
                post=signal.operator.post,
                request_id=signal.request_id,
            )
        )
        self.doors.give(signal.door, Stimulus.GRANT, moment, Cause("guard"))
        return None

    def _open_refusal(self, signal: sg.OpenRequested, moment: Moment) -> str | None:
        door = self.site.doors.get(signal.door)
        if door is None:
            return "DoorUnknown"
        if door.lock.output.device in self.state.lost:
            return "DeviceOffline"
        return request_refusal(signal, self.state.used_requests, moment) or self.doors.may_open(signal.door)

    def _set_mode(self, signal: Any, moment: Moment, _list: AccessList | None) -> str | None:
        refusal = self._modes.handle(signal, moment)
        self.urgent |= refusal is None and isinstance(signal, sg.LockOpenRequested)
        return refusal

    def _reset_fire(self, signal: sg.FireResetRequested, moment: Moment, _list: AccessList | None) -> str | None:
        active = [i for i in self.state.active_inputs if self.site.inputs[i].purpose is InputPurpose.FIRE]
        refusal = "FireStillActive" if active else None if self.state.fire_latched else "FireNotLatched"
        if refusal is not None:
            return self._refuse(signal, "fire_reset", "fire", refusal)
        self.state.fire_latched = False
        self._tell(ev.FireCleared(actor=signal.operator.name, post=signal.operator.post))
        self._tell(*self.alarms.normal(AlarmKind.FIRE, "fire"))
        self.doors.set_fire(False, moment)
        return None

    # People and cards

    def _block(self, signal: sg.BlockRequested, moment: Moment, _list: AccessList | None) -> str | None:
        refusal = self._people.block(signal, moment)
        return self._refuse(signal, "block" if signal.blocked else "unblock", signal.subject, refusal)

    def _let_in(self, signal: sg.LocalGrantRequested, moment: Moment, _list: AccessList | None) -> str | None:
        return self._refuse(signal, "local_grant", signal.credential, self._people.let_in(signal, moment))

    def _forgive(self, signal: sg.ForgiveRequested, _moment: Moment, _list: AccessList | None) -> str | None:
        return self._refuse(signal, "forgive", signal.cardholder or "all", self._people.forgive(signal))

    def _confirm(self, signal: sg.AccessConfirmRequested, moment: Moment, access_list: AccessList | None) -> str | None:
        if signal.request_id in self.state.used_requests:
            return "RequestUsed"  # Delivered again: what it did is recorded already.
        refusal = self.entry.confirm(signal, moment, access_list)
        if refusal is None:
            use_up(signal, self.state.used_requests)
        return self._refuse(signal, "confirm", signal.request, refusal)

    def _confirm_list(
        self, signal: sg.ListConfirmRequested, _moment: Moment, access_list: AccessList | None
    ) -> str | None:
        if signal.request_id in self.state.used_requests:
            return "RequestUsed"
        refusal = self.lists.confirm(signal, access_list)
        if refusal is None:
            use_up(signal, self.state.used_requests)
        return self._refuse(signal, "list_confirm", str(signal.version), refusal)

    def _erase(self, signal: sg.PersonEraseRequested, _moment: Moment, access_list: AccessList | None) -> str | None:
        refusal = self._erase_refusal(signal, access_list)
        if refusal is None:
            use_up(signal, self.state.used_requests)
            self.entry.register.forget_person(signal.cardholder, signal.credentials)
            self._tell(
                ev.PersonErased(
                    cardholder=signal.cardholder,
                    credentials=signal.credentials,
                    reason=signal.reason[:REASON_CHARACTERS_MAX],
                    actor=signal.operator.name,
                    post=signal.operator.post,
                    request_id=signal.request_id,
                )
            )
        return self._refuse(signal, "erase", signal.cardholder, refusal)

    def _erase_refusal(self, signal: sg.PersonEraseRequested, access_list: AccessList | None) -> str | None:
        """What is remembered of somebody who is on the list is what the doors go by: their block, their uses."""
        if signal.request_id in self.state.used_requests:
            return "RequestUsed"
        if not signal.reason.strip():
            return "ReasonMissing"
        listed = access_list is not None and access_list.cardholder(signal.cardholder) is not None
        return "StillListed" if listed else None

    # Tours

    def _start_tour(self, signal: sg.TourStartRequested, moment: Moment, _list: AccessList | None) -> str | None:
        return self._refuse(signal, "tour_start", signal.tour, self.patrol.start(signal, moment))

    def _stop_tour(self, signal: sg.TourStopRequested, moment: Moment, _list: AccessList | None) -> str | None:
        return self._refuse(signal, "tour_stop", signal.round, self.patrol.stop(signal, moment))

    # Alarms, and what people did at the console

    def _acknowledge(
        self, signal: sg.AlarmAcknowledgeRequested, _moment: Moment, _list: AccessList | None
    ) -> str | None:
        refusal, told = self.alarms.acknowledge(signal.alarm, signal.operator)
        self._tell(*told)
        return refusal

    def _resolve(self, signal: sg.AlarmResolveRequested, _moment: Moment, _list: AccessList | None) -> str | None:
        note = signal.note[:NOTE_CHARACTERS_MAX]
        refusal, told = self.alarms.resolve(signal.alarm, signal.outcome, note, signal.operator)
        self._tell(*told)
        return refusal

    def _test_siren(self, signal: sg.SirenTestRequested, moment: Moment, _list: AccessList | None) -> str | None:
        refusal = self.sirens.test(signal, moment)
        return self._refuse(signal, "siren_test", signal.output, refusal)

    def _silence_sirens(self, signal: sg.SirenSilenceRequested, moment: Moment, _list: AccessList | None) -> str | None:
        return self._refuse(signal, "siren_silence", "all", self.sirens.silence(signal, moment))

    def _audit(self, signal: sg.OperatorActed, _moment: Moment, _list: AccessList | None) -> str | None:
        self._tell(
            ev.OperatorAudited(
                action=signal.action,
                actor=signal.operator.name,
                post=signal.operator.post,
                detail=signal.detail[:500],
            )
        )
        return None

    def _refuse(self, signal: _Asked, request: str, subject: str, refusal: str | None) -> str | None:
        """Record a refusal; nothing where there is none."""
        if refusal is not None:
            by = signal.operator
            self._tell(
                ev.RequestRefused(
                    request_id=signal.request_id,
                    request=request,
                    subject=subject[:80],
                    reason=refusal,
                    actor=by.name,
                    post=by.post,
                )
            )
        return refusal

    def _tell(self, *told: ev.Event) -> None:
        self.doors.events += told
