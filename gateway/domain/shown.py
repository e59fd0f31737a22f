"""What readers give, as a decision takes it: a card, a number plate, a pass, and the PIN that was typed for one."""

from gateway.domain.access_request import PinResult, Shown
from gateway.domain.checks_completion import pin_result
from gateway.domain.checks_who import find_person
from gateway.domain.credential import PLATE_FORMAT, Grade, Identifier
from gateway.domain.listed import AccessList

PLATE_CHARACTERS_MAX = 20
"""As in the list."""


def shown_as(identifiers: tuple[Identifier, ...], card_grade: Grade, access_list: AccessList | None) -> Shown:
    """A reading as the list looks it up; `card_grade` is what the reader's cards are worth.

    Without a list only the facility codes are left of it.
    """
    grade = identifiers[0].grade(card_grade) if identifiers else card_grade
    keys = () if access_list is None else tuple(access_list.key(identifier) for identifier in identifiers)
    facilities = tuple((i.format, i.facility_code) for i in identifiers if i.facility_code is not None)
    return Shown(keys, grade, facilities=facilities)


def rivals(shown: Shown, access_list: AccessList | None) -> tuple[str, ...]:
    """The credentials of other people that a read is as well, behind the one that counts."""
    if access_list is None:
        return ()
    found = [credential for key in shown.keys if (credential := access_list.credential(key)) is not None]
    return tuple(each.id for each in found if each.cardholder != found[0].cardholder)


def shown_pass(text: str, access_list: AccessList | None) -> Shown:
    """A text that looks like a pass; forged where no key of the list has signed it."""
    found = None if access_list is None else access_list.open_pass(text)
    return Shown(grade=Grade.PASS, shown_pass=found, forged_pass=found is None)


def plate(text: str) -> Identifier:
    """A number plate as the list has it: capitals, no white space, so many characters at most."""
    return Identifier(PLATE_FORMAT, None, "".join(text.upper().split())[:PLATE_CHARACTERS_MAX])


def typed_pin(digits: str, shown: Shown, access_list: AccessList) -> PinResult:
    """What typed digits are for what was shown; what has no PIN has no right one."""
    person = find_person(shown, access_list)
    credential = None if person is None else person.credential
    return PinResult.WRONG if credential is None else pin_result(credential, digits, access_list)
