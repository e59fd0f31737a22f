"""What is gathered for a decision, and what is noted of a passage: who is where then."""

from dataclasses import replace

import pytest

from gateway.domain.access_request import AccessRequest, Shown
from gateway.domain.credential import CredentialState
from gateway.domain.door_mode import DoorMode
from gateway.domain.events import AccessDenied
from gateway.domain.listed import Area, Authentication
from gateway.domain.passage import OnTheWay, gather, note_passage
from gateway.domain.register import Fact, Register, Revoked, Whereabouts
from tests.gateway.domain.compound import Compound, compound_list, granted, of, wants, why
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import START, Rig, only

PASS = "pass:app/v-1"


def passed(cardholder: str, credential: str) -> OnTheWay:
    return OnTheWay("north", credential, "north-in", cardholder, credential, None, "yard", special_care=True)


def noted(register: Register, who: OnTheWay) -> tuple[Fact, ...]:
    note_passage(who, register, Rig().moment)
    return register.take_changed()


def test_who_passed_is_where_the_access_point_leads_and_nothing_else_is_noted() -> None:
    there = Whereabouts("yard", START, "north-in", "c-1", special_care=True)
    assert noted(Register(), passed("p-1", "c-1")) == (Fact("whereabouts", "p-1", there),)
    nameless = Whereabouts("yard", START, "north-in", PASS, special_care=True)
    assert noted(Register(), passed(PASS, PASS)) == (Fact("whereabouts", PASS, nameless),)


def test_a_nameless_pass_is_no_longer_where_it_was_by_its_former_name() -> None:
    before = Whereabouts("hall", START, "hall-in")
    register = Register([Fact("whereabouts", "pass:v-1", before)])
    assert noted(register, passed("p-1", PASS)) == (
        Fact("whereabouts", "p-1", Whereabouts("yard", START, "north-in", PASS, special_care=True)),
    ), "whoever has a name is not who was nameless"
    changed = noted(register, passed(PASS, PASS))
    assert [(fact.key, fact.value is None) for fact in changed] == [(PASS, False), ("pass:v-1", True)]


def test_a_door_that_is_released_for_somebody_is_locked_for_the_next_one() -> None:
    request = AccessRequest("north-in", ())
    modes = [gather(request, None, Register(), Rig().moment, mode=mode).mode for mode in DoorMode]
    assert modes == [DoorMode.LOCKED if mode is DoorMode.ACCESSED else mode for mode in DoorMode]


@pytest.mark.parametrize(
    ("in_force", "told", "counts"),
    [
        ((0, 5), (0, 6), True),
        ((0, 5), (0, 5), False),
        ((0, 5), (0, 4), False),
        ((1, 1), (0, 9), False),
        ((0, 9), (1, 1), True),
    ],
)
def test_what_the_office_revoked_counts_until_a_list_of_that_version_says_it_itself(
    in_force: tuple[int, int], told: tuple[int, int], counts: bool
) -> None:
    listed = replace(compound_list(version=in_force[1]), generation=in_force[0])
    register = Register([Fact("revoked", "c-1", Revoked(*told))])
    request = AccessRequest("north-in", (Shown((card(1).canonical(),)), Shown((card(2).canonical(),))))
    people = gather(request, listed, register, Rig().moment).people
    assert {name: facts.revoked for name, facts in people.items()} == {"c-1": counts, "c-2": False}


def test_somebody_with_two_cards_takes_one_place() -> None:
    rig = Compound(
        compound_list(
            credentials={card(6): of(1, id="c-6")},
            areas=[Area("yard", max_occupancy=1)],
            wants={"north-in": Authentication.TWO_CARDS},
        )
    )
    assert wants(rig.show(1)) == "person"
    assert why(rig.show(6)) == "SecondCredentialMissing", "there is room, for one"
    assert wants(rig.show(1)) == "person"
    assert why(rig.show(2)) == "OccupancyLimit"


def test_a_revoked_credential_is_suspended_and_one_that_the_list_knows_to_be_lost_stays_lost() -> None:
    rig = Compound(compound_list(credentials={card(2): of(2, state=CredentialState.LOST)}))
    for credential in ("c-1", "c-2"):
        rig.controller.register.put("revoked", credential, Revoked(0, 9))
    denied = only(rig.show(1), AccessDenied)
    assert (denied.reason, denied.trace[-1].subject) == ("CredentialNotEnabled", "suspended")
    assert why(rig.show(2)) == "CredentialLost"
    assert granted(rig.show(3))
