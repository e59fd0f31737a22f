"""The decision.

May this credential pass this access point now? Pure; every denial has one reason and every answer a trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.domain.cardholder import Cardholder
from gateway.domain.credential import Credential, CredentialState, Identifier
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.schedule import Schedule


class DenialReason(StrEnum):
    """Why a credential may not pass (ONVIF's names where ONVIF has one)."""

    NO_VALID_LIST = "NoValidList"
    UNKNOWN_ACCESS_POINT = "UnknownAccessPoint"
    CREDENTIAL_NOT_FOUND = "CredentialNotFound"
    CREDENTIAL_NOT_ENABLED = "CredentialNotEnabled"
    CREDENTIAL_LOST = "CredentialLost"
    CREDENTIAL_NOT_ACTIVE = "CredentialNotActive"
    CREDENTIAL_EXPIRED = "CredentialExpired"
    CARDHOLDER_NOT_ACTIVE = "CardholderNotActive"
    CARDHOLDER_EXPIRED = "CardholderExpired"
    CLOCK_SUSPECT = "ClockSuspect"
    UNAUTHORIZED = "Unauthorized"
    NOT_PERMITTED_AT_THIS_TIME = "NotPermittedAtThisTime"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One check: its name, whether it passed, and what it looked at (ids of level, schedule, credential …)."""

    check: str
    passed: bool
    subject: str = ""


@dataclass(frozen=True, slots=True)
class AccessLevel:
    """(access point, schedule) pairs under one id."""

    id: str
    grants: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ListedAccessPoint:
    """What the list says of an access point: `unlock_schedule` leaves its door unlocked while it covers the time."""

    id: str
    unlock_schedule: str | None = None


class AccessList(Protocol):
    """A compiled access list. Look-ups are pure reads in memory; one list never changes."""

    @property
    def version(self) -> int: ...
    @property
    def zone(self) -> ZoneInfo: ...
    @property
    def issued_at(self) -> datetime: ...
    def credential(self, identifier: Identifier) -> Credential | None: ...
    def cardholder(self, cardholder_id: str) -> Cardholder | None: ...
    def level(self, level_id: str) -> AccessLevel | None: ...
    def schedule(self, schedule_id: str) -> Schedule | None: ...
    def access_point(self, access_point_id: str) -> ListedAccessPoint | None: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: `reason` is None when granted; the trace holds every check in order."""

    granted: bool
    reason: DenialReason | None
    trace: tuple[TraceStep, ...]
    list_version: int | None
    credential: Credential | None = None
    cardholder: Cardholder | None = None


class _Checks:
    """Collects the trace; the first failed check is the reason."""

    def __init__(self) -> None:
        self.steps: list[TraceStep] = []
        self.reason: DenialReason | None = None

    def require(self, check: str, passed: bool, subject: str, reason: DenialReason) -> bool:
        self.steps.append(TraceStep(check, passed, subject))
        if not passed:
            self.reason = reason
        return passed


def decide(
    identifiers: Sequence[Identifier], access_point: str, moment: Moment, access_list: AccessList | None
) -> Decision:
    """Decide whether the first known of `identifiers` may pass `access_point` at `moment`.

    The order of checks: list, access point, credential, its state and validity, cardholder's validity, level, schedule.
    While the clock is suspect, whatever is limited in time is denied and whatever is permanent goes on.
    """
    checks = _Checks()
    if access_list is None:
        checks.require("list", False, "", DenialReason.NO_VALID_LIST)
        return Decision(False, checks.reason, tuple(checks.steps), None)
    checks.require("list", True, str(access_list.version), DenialReason.NO_VALID_LIST)
    credential = next((c for c in map(access_list.credential, identifiers) if c is not None), None)
    cardholder = None if credential is None else access_list.cardholder(credential.cardholder)
    granted = (
        checks.require(
            "access_point",
            access_list.access_point(access_point) is not None,
            access_point,
            DenialReason.UNKNOWN_ACCESS_POINT,
        )
        and _credential_holds(checks, credential, moment)
        and _cardholder_holds(checks, cardholder, moment)
        and _level_grants(checks, cardholder, access_point, moment, access_list)
    )
    return Decision(granted, checks.reason, tuple(checks.steps), access_list.version, credential, cardholder)


def _credential_holds(checks: _Checks, credential: Credential | None, moment: Moment) -> bool:
    if credential is None:
        return checks.require("credential_known", False, "", DenialReason.CREDENTIAL_NOT_FOUND)
    checks.require("credential_known", True, credential.id, DenialReason.CREDENTIAL_NOT_FOUND)
    state_reason = {
        CredentialState.ACTIVE: None,
        CredentialState.SUSPENDED: DenialReason.CREDENTIAL_NOT_ENABLED,
        CredentialState.LOST: DenialReason.CREDENTIAL_LOST,
        CredentialState.EXPIRED: DenialReason.CREDENTIAL_EXPIRED,
    }[credential.state]
    if state_reason is not None:
        return checks.require("credential_state", False, credential.state.value, state_reason)
    checks.require("credential_state", True, credential.state.value, DenialReason.CREDENTIAL_NOT_ENABLED)
    return _validity_holds(
        checks,
        "credential_validity",
        (credential.id, credential.valid_from, credential.valid_until),
        moment,
        (DenialReason.CREDENTIAL_NOT_ACTIVE, DenialReason.CREDENTIAL_EXPIRED),
    )


def _cardholder_holds(checks: _Checks, cardholder: Cardholder | None, moment: Moment) -> bool:
    if cardholder is None:
        return checks.require("cardholder_known", False, "", DenialReason.CARDHOLDER_NOT_ACTIVE)
    return _validity_holds(
        checks,
        "cardholder_validity",
        (cardholder.id, cardholder.valid_from, cardholder.valid_until),
        moment,
        (DenialReason.CARDHOLDER_NOT_ACTIVE, DenialReason.CARDHOLDER_EXPIRED),
    )


def _validity_holds(
    checks: _Checks,
    check: str,
    validity: tuple[str, datetime | None, datetime | None],
    moment: Moment,
    reasons: tuple[DenialReason, DenialReason],
) -> bool:
    subject, valid_from, valid_until = validity
    limited = valid_from is not None or valid_until is not None
    if limited and moment.quality is ClockQuality.SUSPECT:
        return checks.require(check, False, subject, DenialReason.CLOCK_SUSPECT)
    if valid_from is not None and moment.wall < valid_from:
        return checks.require(check, False, subject, reasons[0])
    ended = valid_until is not None and moment.wall >= valid_until
    return checks.require(check, not ended, subject, reasons[1])


def _level_grants(
    checks: _Checks,
    cardholder: Cardholder | None,
    access_point: str,
    moment: Moment,
    access_list: AccessList,
) -> bool:
    """Any held, valid level with a schedule that covers the time grants; the best failure is the reason."""
    schedules = [] if cardholder is None else _schedules_for(cardholder, access_point, moment, access_list)
    names = ",".join(f"{level}/{schedule.id}" for level, schedule in schedules)
    unauthorized = DenialReason.UNAUTHORIZED
    if cardholder is not None and not schedules and _waits_for_clock(cardholder, access_point, moment, access_list):
        unauthorized = DenialReason.CLOCK_SUSPECT
    if not checks.require("access_level", bool(schedules), names or access_point, unauthorized):
        return False
    for level, schedule in schedules:
        if schedule.always or (
            moment.quality is not ClockQuality.SUSPECT and schedule.covers(moment.wall, access_list.zone)
        ):
            return checks.require("schedule", True, f"{level}/{schedule.id}", DenialReason.UNAUTHORIZED)
    suspect = moment.quality is ClockQuality.SUSPECT
    reason = DenialReason.CLOCK_SUSPECT if suspect else DenialReason.NOT_PERMITTED_AT_THIS_TIME
    return checks.require("schedule", False, names, reason)


def _waits_for_clock(cardholder: Cardholder, access_point: str, moment: Moment, access_list: AccessList) -> bool:
    """Would a level limited in time lead here, if only the clock could be trusted?"""
    levels = [access_list.level(held.level) for held in cardholder.levels]
    leads = any(point == access_point for level in levels if level is not None for point, _ in level.grants)
    return leads and moment.quality is ClockQuality.SUSPECT


def _schedules_for(
    cardholder: Cardholder, access_point: str, moment: Moment, access_list: AccessList
) -> list[tuple[str, Schedule]]:
    found = []
    for held in sorted(cardholder.levels, key=lambda held: held.level):
        limited = held.valid_from is not None or held.valid_until is not None
        if limited and moment.quality is ClockQuality.SUSPECT:
            continue
        if held.valid_from is not None and moment.wall < held.valid_from:
            continue
        if held.valid_until is not None and moment.wall >= held.valid_until:
            continue
        level = access_list.level(held.level)
        for point, schedule_id in level.grants if level is not None else ():
            schedule = access_list.schedule(schedule_id)
            if point == access_point and schedule is not None:
                found.append((held.level, schedule))
    return sorted(found, key=lambda pair: (pair[0], pair[1].id))
