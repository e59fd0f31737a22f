"""Somebody is erased: once, with a reason, and only when the list doesn't need what is remembered of them."""

import pytest

from gateway.domain import events as ev
from gateway.domain.register import Block, Fact, LastUse, Register, Uses, Whereabouts
from gateway.domain.signals import PersonEraseRequested
from tests.gateway.domain.plant import GUARD, Rig, only, said

GONE = "p-moved-out"


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def _ask(
    rig: Rig, person: str = GONE, reason: str = "asked for it", request: str | None = None
) -> PersonEraseRequested:
    return PersonEraseRequested(rig.request(), person, ("c-old",), reason, GUARD)


def test_all_that_is_remembered_of_them_is_forgotten_in_the_turn_that_records_it(rig: Rig) -> None:
    register, now = rig.controller.register, rig.moment.wall
    for person in (GONE, "p-2"):
        register.put("whereabouts", person, Whereabouts("inside", now, "north"))
        register.put("block", f"cardholder:{person}", Block("x", "li", "gate", now))
    for credential in ("c-old", "c-2"):
        register.put("uses", credential, Uses(3))
        register.put("last_use", credential, LastUse("north", now, 1.0, "b"))
        register.put("block", f"credential:{credential}", Block("x", "li", "gate", now))
    register.take_changed()
    turn = rig.handle(_ask(rig))
    told = only(turn, ev.PersonErased)
    assert (told.cardholder, told.credentials, told.actor) == (GONE, ("c-old",), GUARD.name)
    assert {(fact.kind, fact.key, fact.value) for fact in turn.facts} == {
        ("whereabouts", GONE, None),
        ("block", f"cardholder:{GONE}", None),
        ("uses", "c-old", None),
        ("last_use", "c-old", None),
        ("block", "credential:c-old", None),
    }
    assert register.inside == {"inside": 1}
    assert {fact.key for fact in register.all_facts()} == {"p-2", "cardholder:p-2", "c-2", "credential:c-2"}


def test_somebody_on_the_list_is_not_erased(rig: Rig) -> None:
    turn = rig.handle(_ask(rig, person="p-1"))
    assert (turn.reply.accepted, turn.reply.reason) == (False, "StillListed")
    assert said(turn) == ["RequestRefused"]
    assert only(turn, ev.RequestRefused).request == "erase"


def test_it_needs_a_reason_and_is_done_once(rig: Rig) -> None:
    assert rig.handle(_ask(rig, reason=" ")).reply.reason == "ReasonMissing"
    first = _ask(rig)
    assert rig.handle(first).reply.accepted
    again = rig.handle(first)
    assert again.reply.reason == "RequestUsed"
    assert not [event for event in again.events if isinstance(event, ev.PersonErased)]


def test_forgetting_somebody_of_whom_nothing_is_remembered_changes_nothing() -> None:
    register = Register([Fact("uses", "c-1", Uses(1))])
    register.forget_person("p-9", ("c-9",))
    assert register.take_changed() == ()
