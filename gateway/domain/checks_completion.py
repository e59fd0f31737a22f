"""Checks 18 to 22: what somebody must still do; asked last, so that nobody is asked in vain."""

from collections.abc import Sequence
from hmac import compare_digest

from gateway.domain.access_case import Case
from gateway.domain.access_request import DenialReason, PinResult, Want
from gateway.domain.cardholder import Cardholder
from gateway.domain.checks_permission import wanted
from gateway.domain.credential import Credential, Grade
from gateway.domain.listed import AccessList, Authentication, PersonsOf


def not_locked_out(case: Case) -> bool:
    """After too many wrong attempts no PIN is taken for a while; who shows a known card alone isn't held up."""
    typed = case.request.pin is not None or any(p.shown.grade is Grade.PIN for p in case.people)
    if case.circumstances.locked_out and (typed or wanted(case) is Authentication.CARD_AND_PIN):
        return case.denied(DenialReason.LOCKED_OUT)
    return True


def pin_right(case: Case) -> bool:
    if wanted(case) is not Authentication.CARD_AND_PIN:
        return True
    credential = case.people[0].credential
    if credential is None or (credential.pin is None and credential.duress_pin is None):
        return case.denied(DenialReason.INVALID_PIN, case.people[0].id)
    if case.request.pin is None:
        return case.wanting(Want.PIN, case.people[0].id)
    if case.request.pin is PinResult.WRONG:
        return case.denied(DenialReason.INVALID_PIN, case.people[0].id)
    case.duress = case.duress or case.request.pin is PinResult.DURESS
    return case.passed(case.people[0].id)


def escort_there(case: Case) -> bool:
    holders = [person.cardholder for person in case.people if person.cardholder is not None]
    if not any(holder.escort_needed for holder in holders):
        return True
    if not _lacks_escort(holders):
        return case.passed(next(holder.id for holder in holders if _is_escort(holder)))
    if len(holders) == 1 or wanted(case) is Authentication.TWO_CARDS:
        return case.wanting(Want.ESCORT, holders[-1].id)
    return case.denied(DenialReason.ESCORT_MISSING, holders[-1].id)


def persons_there(case: Case) -> bool:
    """As many different people, of the groups that are asked for. Who comes and is of no use ends the waiting."""
    assert case.point is not None
    if wanted(case) is not Authentication.TWO_CARDS:
        return True
    shown = [person.cardholder for person in case.people if person.cardholder is not None]
    needed = case.point.persons or (PersonsOf("", 2),)
    seats = [persons.group for persons in needed for _ in range(persons.count)]
    seated = _seated(shown, seats)
    if seated == len(seats):
        return case.passed(f"{seated}/{len(seats)}")
    newest, before = shown[-1], shown[:-1]
    if seated > _seated(before, seats) or (_lacks_escort(before) and _is_escort(newest)):
        return case.wanting(Want.PERSON, f"{seated}/{len(seats)}")
    return case.denied(DenialReason.SECOND_CREDENTIAL_MISSING, newest.id)


def _is_escort(holder: Cardholder) -> bool:
    return holder.can_escort and not holder.escort_needed


def _lacks_escort(holders: Sequence[Cardholder]) -> bool:
    return any(holder.escort_needed for holder in holders) and not any(map(_is_escort, holders))


def _seated(people: Sequence[Cardholder], seats: list[str]) -> int:
    """How many different people can take a seat of one of their groups; a seat without a group is anybody's."""
    groups = list({holder.id: holder.groups for holder in people}.values())
    taken: dict[int, int] = {}

    def seat(who: int, tried: set[int]) -> bool:
        for at, group in enumerate(seats):
            if at in tried or (group and group not in groups[who]):
                continue
            tried.add(at)
            if at not in taken or seat(taken[at], tried):
                taken[at] = who
                return True
        return False

    return sum(seat(who, set()) for who in range(len(groups)))


def confirmed(case: Case) -> bool:
    if wanted(case) is not Authentication.CONFIRM:
        return True
    if case.request.confirmed is None:
        return case.wanting(Want.CONFIRMATION)
    by = case.request.confirmed_by
    return case.passed(by) if case.request.confirmed else case.denied(DenialReason.CONFIRMATION_REFUSED, by)


def pin_result(credential: Credential, digits: str, access_list: AccessList) -> PinResult:
    """What a typed PIN is for a credential. Takes the same time for a right and a wrong one."""
    key = access_list.pin_key(credential.id, digits)
    duress = credential.duress_pin is not None and compare_digest(key, credential.duress_pin)
    right = credential.pin is not None and compare_digest(key, credential.pin)
    return PinResult.DURESS if duress else PinResult.RIGHT if right else PinResult.WRONG
