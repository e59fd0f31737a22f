"""Who walks a tour: asked of the list, never of a door."""

import pytest

from gateway.domain.access_request import PointRules, Shown
from gateway.domain.credential import CredentialState, Grade
from gateway.domain.listed import AccessList
from gateway.domain.register import Block, Fact, Register, Uses, Whereabouts
from gateway.domain.tour_visitor import Visitor, identify
from gateway.domain.trace import TraceStep
from tests.gateway.domain.compound import of
from tests.gateway.domain.guarded import guards_list
from tests.gateway.domain.listing import card
from tests.gateway.domain.plant import START, Rig

LIST = guards_list(credentials={card(2): of(2, state=CredentialState.LOST)})
GROUPS = frozenset({"guards", "porters"})


def visitor(
    number: int,
    access_list: AccessList | None = LIST,
    rules: PointRules | None = None,
    register: Register | None = None,
) -> Visitor:
    shown = Shown((card(number).canonical(),))
    return identify(shown, rules or PointRules(), GROUPS, register or Register(), Rig().moment, access_list)


def test_a_card_in_force_of_somebody_in_the_group_is_a_visitor_and_the_trace_says_so() -> None:
    found = visitor(1)
    assert (found.credential, found.cardholder, found.groups) == ("c-1", "p-1", frozenset({"guards"}))
    assert (found.reason, found.list_version) == (None, 1)
    checks = [step.check for step in found.trace]
    assert checks == [
        "list", "credential_known", "credential_state", "credential_validity", "cardholder_validity", "tour_group",
    ]  # fmt: skip
    assert found.trace[-1] == TraceStep("tour_group", True, "guards")


def test_somebody_of_no_such_group_is_named_and_told_which_groups_walk() -> None:
    found = visitor(4)
    assert (found.credential, found.cardholder, found.groups) == ("c-4", "p-4", frozenset())
    assert found.reason == "NotInTourGroup"
    assert found.trace[-1] == TraceStep("tour_group", False, "guards,porters")


@pytest.mark.parametrize(("number", "reason"), [(2, "CredentialLost"), (99, "CredentialNotFound")])
def test_who_is_not_in_force_is_refused_for_one_reason_and_no_group_is_asked(number: int, reason: str) -> None:
    found = visitor(number)
    assert found.reason == reason
    assert not found.trace[-1].passed
    assert found.trace[-1].check != "tour_group"
    known = number == 2
    assert (found.credential, found.groups) == (("c-2", frozenset({"guards"})) if known else (None, frozenset()))


def test_a_guards_block_and_the_readers_grade_are_asked() -> None:
    blocks = Register([Fact("block", "cardholder:p-1", Block("x", "lin", "gate", START))])
    assert visitor(1, register=blocks).reason == "BlockedLocally"
    secure = PointRules(accepts=frozenset({Grade.SECURE}))
    assert visitor(1, rules=secure).reason == "FormatNotAccepted"


def test_where_somebody_is_and_how_often_they_came_is_asked_of_no_walker() -> None:
    there = Whereabouts("yard", START, "north-in")
    seen = Register([Fact("whereabouts", "p-1", there), Fact("uses", "c-1", Uses(9, "2026-11-23", 9))])
    assert visitor(1, register=seen).reason is None


def test_without_a_list_nobody_is() -> None:
    assert visitor(1, None) == Visitor(None, None, frozenset(), "NoValidList", None, (TraceStep("list", False, ""),))
