"""What a guard may ask about people and cards: what is refused, what is remembered, and what is told."""

from datetime import datetime, timedelta

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.access_requests import LOCAL_MAX, NAME_CHARACTERS_MAX
from gateway.domain.controller import Turn
from gateway.domain.moment import ClockQuality
from gateway.domain.register import Block, LocalGrant, Whereabouts
from tests.gateway.domain.compound import Compound, compound_list, granted, person, why
from tests.gateway.domain.plant import GUARD, START, only, said

DAY = timedelta(hours=24)
LONG = "x" * 300
BY = {"actor": "guard-1", "post": "gatehouse"}


def refusal(turn: Turn) -> str | None:
    """The code of a refused request, which changes nothing."""
    assert not turn.reply.accepted
    assert said(turn) == ["RequestRefused"]
    return turn.reply.reason


def let_in(
    rig: Compound,
    until: datetime | None,
    *,
    credential: str = "c-1",
    at: tuple[str, ...] = ("north-in",),
    reason: str = "x",
) -> Turn:
    return rig.handle(sg.LocalGrantRequested(rig.request(), credential, at, until, reason, GUARD))


@pytest.fixture
def rig() -> Compound:
    return Compound()


# Blocks


def test_a_block_is_remembered_and_told_with_who_and_why(rig: Compound) -> None:
    told = only(rig.block("cardholder:p-1", reason=LONG), ev.SubjectBlocked)
    assert told == ev.SubjectBlocked(subject="cardholder:p-1", reason="x" * 200, request_id="r-1", **BY)
    assert rig.controller.register.blocks == {"cardholder:p-1": Block("x" * 200, "guard-1", "gatehouse", START)}
    lifted = only(rig.block("cardholder:p-1", blocked=False, reason="found"), ev.SubjectUnblocked)
    assert lifted == ev.SubjectUnblocked(subject="cardholder:p-1", reason="found", request_id="r-2", **BY)
    assert rig.controller.register.blocks == {}


@pytest.mark.parametrize(
    "subject",
    ["door:north", "p-1", "credential", "credential:", "cardholder:a b", "cardholder:a\n", f"credential:{'c' * 135}"],
)
def test_a_block_of_what_is_neither_card_nor_person_is_refused(rig: Compound, subject: str) -> None:
    assert refusal(rig.block(subject)) == "SubjectUnknown"


def test_the_longest_name_can_be_blocked(rig: Compound) -> None:
    assert rig.block(f"credential:{'c' * NAME_CHARACTERS_MAX}").reply.accepted
    assert rig.block("credential:c").reply.accepted


def test_a_block_wants_a_reason_and_only_what_is_blocked_is_lifted(rig: Compound) -> None:
    assert refusal(rig.block("credential:c-1", reason=" ")) == "ReasonMissing"
    assert refusal(rig.block("credential:c-1", blocked=False)) == "NotBlocked"


def test_so_many_are_blocked_and_no_more_but_a_block_may_have_another_reason(rig: Compound) -> None:
    for n in range(LOCAL_MAX):
        assert rig.block(f"credential:x-{n}").reply.accepted
    assert refusal(rig.block("credential:c-1")) == "TooMany"
    assert rig.block("credential:x-0", reason="another").reply.accepted
    assert rig.controller.register.blocks["credential:x-0"].reason == "another"


# Local grants


def test_a_local_grant_is_remembered_and_told_with_who_why_and_where(rig: Compound) -> None:
    until, points = START + DAY, ("north-in", "south-in")
    told = only(let_in(rig, until, at=points, reason=LONG), ev.LocalGrantGiven)
    reason = "x" * 200
    assert told == ev.LocalGrantGiven(
        credential="c-1", access_points=points, until=until, reason=reason, request_id="r-1", **BY
    )
    assert rig.controller.register.local_grants == {"c-1": LocalGrant(points, until, reason, "guard-1", "gatehouse")}
    ended = only(let_in(rig, None, reason=LONG), ev.LocalGrantEnded)
    assert ended == ev.LocalGrantEnded(credential="c-1", reason=reason, request_id="r-2", **BY)
    assert rig.controller.register.local_grants == {}


@pytest.mark.parametrize(
    ("until", "code"),
    [
        (START, "TooLong"),
        (START + DAY + timedelta(microseconds=1), "TooLong"),
        (None, "NoLocalGrant"),
    ],
)
def test_a_local_grant_ends_after_now_and_within_a_day(rig: Compound, until: datetime | None, code: str) -> None:
    assert refusal(let_in(rig, until)) == code


def test_a_local_grant_wants_a_reason_a_credential_and_access_points_of_the_site(rig: Compound) -> None:
    soon = START + timedelta(hours=1)
    assert refusal(let_in(rig, soon, reason="  ")) == "ReasonMissing"
    assert refusal(let_in(rig, soon, credential="c 1")) == "SubjectUnknown"
    assert refusal(let_in(rig, soon, at=())) == "AccessPointUnknown"
    assert refusal(let_in(rig, soon, at=("north-in", "moon"))) == "AccessPointUnknown"
    rig.quality = ClockQuality.SUSPECT
    assert refusal(let_in(rig, soon)) == "ClockSuspect"


def test_who_is_let_in_already_gets_the_newer_leave_instead() -> None:
    rig = Compound(compound_list(people=[person(1, levels=())]))
    let_in(rig, START + timedelta(hours=1))
    let_in(rig, START + timedelta(hours=2), at=("south-in",))
    assert why(rig.show(1)) == "Unauthorized"
    assert granted(rig.show(1, "si"))


def test_leaves_that_ran_out_are_forgotten_and_stand_in_nobodys_way(rig: Compound) -> None:
    for n in range(LOCAL_MAX):
        assert let_in(rig, START + timedelta(hours=1), credential=f"x-{n}").reply.accepted
    assert refusal(let_in(rig, START + timedelta(hours=2))) == "TooMany"
    assert let_in(rig, START + timedelta(hours=2), credential="x-0").reply.accepted, "one of them, for longer"
    rig.pass_time(3600)
    assert let_in(rig, START + timedelta(hours=3)).reply.accepted
    assert set(rig.controller.register.local_grants) == {"x-0", "c-1"}


def test_by_a_suspect_clock_no_leave_has_run_out(rig: Compound) -> None:
    let_in(rig, START + timedelta(hours=1))
    let_in(rig, START + timedelta(hours=1), credential="c-2")
    rig.pass_time(7200)
    rig.quality = ClockQuality.SUSPECT
    assert let_in(rig, None, credential="c-2").reply.accepted
    assert set(rig.controller.register.local_grants) == {"c-1"}


# Forgiveness


def test_forgiveness_is_told_with_who_and_why_and_only_of_somebody_seen(rig: Compound) -> None:
    assert refusal(rig.handle(sg.ForgiveRequested("a", None, " ", GUARD))) == "ReasonMissing"
    assert refusal(rig.handle(sg.ForgiveRequested("b", "p-1", "x", GUARD))) == "SubjectUnknown"
    for who in ("p-1", "p-2"):
        rig.controller.register.put("whereabouts", who, Whereabouts("yard", START, "north-in"))
    told = only(rig.handle(sg.ForgiveRequested("c", "p-1", LONG, GUARD)), ev.AntipassbackForgiven)
    assert told == ev.AntipassbackForgiven(cardholder="p-1", reason="x" * 200, request_id="c", **BY)
    forgiven = {who: where.forgiven for who, where in rig.controller.register.whereabouts.items()}
    assert forgiven == {"p-1": True, "p-2": False}
    assert only(rig.forgive(None), ev.AntipassbackForgiven).cardholder is None
    assert all(where.forgiven for where in rig.controller.register.whereabouts.values())
