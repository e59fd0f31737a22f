"""What a guard may ask about people and cards: block, let in for a while, forgive; recorded with who and why."""

from collections.abc import Callable
from datetime import timedelta

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.passage import forgive
from gateway.domain.register import Block, LocalGrant, Register
from gateway.domain.site import Site

LOCAL_GRANT_MAX = timedelta(hours=24)
REASON_CHARACTERS_MAX = 200
LOCAL_MAX = 2000
"""Blocks, or local grants, at once: many times what guards of one site can mean."""
NAME_CHARACTERS_MAX = 134
"""An id of the list; a pass's name has two of them after `pass:`."""


class AccessRequests:
    """`tell` takes the events of the turn. Each request returns a code when it is refused."""

    def __init__(self, site: Site, register: Register, tell: Callable[[ev.Event], None]) -> None:
        self.site, self.register, self.tell = site, register, tell

    def block(self, signal: sg.BlockRequested, moment: Moment) -> str | None:
        """Block a credential or a cardholder, or lift the block. Outranks every list."""
        refusal = self._block_refusal(signal)
        if refusal is not None:
            return refusal
        by, reason = signal.operator, signal.reason[:REASON_CHARACTERS_MAX]
        block = Block(reason, by.name, by.post, moment.wall) if signal.blocked else None
        self.register.put("block", signal.subject, block)
        told = ev.SubjectBlocked if signal.blocked else ev.SubjectUnblocked
        self.tell(
            told(subject=signal.subject, reason=reason, actor=by.name, post=by.post, request_id=signal.request_id)
        )
        return None

    def _block_refusal(self, signal: sg.BlockRequested) -> str | None:
        kind, _, name = signal.subject.partition(":")
        if kind not in ("credential", "cardholder") or not _is_id(name):
            return "SubjectUnknown"
        if not signal.reason.strip():
            return "ReasonMissing"
        if not signal.blocked:
            return None if signal.subject in self.register.blocks else "NotBlocked"
        full = len(self.register.blocks) >= LOCAL_MAX and signal.subject not in self.register.blocks
        return "TooMany" if full else None

    def let_in(self, signal: sg.LocalGrantRequested, moment: Moment) -> str | None:
        """Let a credential pass some access points for at most 24 h, or take that back."""
        self._forget_what_ran_out(moment)
        refusal = self._let_in_refusal(signal, moment)
        if refusal is not None:
            return refusal
        by, reason = signal.operator, signal.reason[:REASON_CHARACTERS_MAX]
        if signal.until is None:
            self.register.put("local_grant", signal.credential, None)
            self.tell(
                ev.LocalGrantEnded(
                    credential=signal.credential,
                    reason=reason,
                    actor=by.name,
                    post=by.post,
                    request_id=signal.request_id,
                )
            )
            return None
        grant = LocalGrant(signal.access_points, signal.until, reason, by.name, by.post)
        self.register.put("local_grant", signal.credential, grant)
        self.tell(
            ev.LocalGrantGiven(
                credential=signal.credential,
                access_points=signal.access_points,
                until=signal.until,
                reason=reason,
                actor=by.name,
                post=by.post,
                request_id=signal.request_id,
            )
        )
        return None

    def _let_in_refusal(self, signal: sg.LocalGrantRequested, moment: Moment) -> str | None:
        if not signal.reason.strip():
            return "ReasonMissing"
        if not _is_id(signal.credential):
            return "SubjectUnknown"
        if signal.until is None:
            return None if signal.credential in self.register.local_grants else "NoLocalGrant"
        if not signal.access_points or any(point not in self.site.access_points for point in signal.access_points):
            return "AccessPointUnknown"
        if moment.quality is ClockQuality.SUSPECT:
            return "ClockSuspect"
        if not moment.wall < signal.until <= moment.wall + LOCAL_GRANT_MAX:
            return "TooLong"
        full = len(self.register.local_grants) >= LOCAL_MAX and signal.credential not in self.register.local_grants
        return "TooMany" if full else None

    def _forget_what_ran_out(self, moment: Moment) -> None:
        if moment.quality is ClockQuality.SUSPECT:
            return
        for credential in [c for c, each in self.register.local_grants.items() if each.until <= moment.wall]:
            self.register.put("local_grant", credential, None)

    def forgive(self, signal: sg.ForgiveRequested) -> str | None:
        """Anti-passback forgets where one is, or everybody."""
        if not signal.reason.strip():
            return "ReasonMissing"
        if signal.cardholder is not None and signal.cardholder not in self.register.whereabouts:
            return "SubjectUnknown"
        forgive(self.register, signal.cardholder)
        by = signal.operator
        self.tell(
            ev.AntipassbackForgiven(
                cardholder=signal.cardholder,
                reason=signal.reason[:REASON_CHARACTERS_MAX],
                actor=by.name,
                post=by.post,
                request_id=signal.request_id,
            )
        )
        return None


def _is_id(name: str) -> bool:
    """May it be a list's id? Those hold no white space and no control characters."""
    return 0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable() and " " not in name
