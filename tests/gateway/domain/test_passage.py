"""What is noted of a passage: who is where then."""

from gateway.domain.passage import OnTheWay, note_passage
from gateway.domain.register import Fact, Register, Whereabouts
from tests.gateway.domain.plant import START, Rig

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
