"""A guard opens a door: once, in time, for a reason."""

import pytest

from gateway.domain import events as ev
from gateway.domain.commands import PulseOutput
from gateway.domain.signals import OperatorActed
from tests.gateway.domain.plant import GUARD, Rig, command, only, said


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def test_a_guard_opens_a_door_and_is_named(rig: Rig) -> None:
    turn = rig.guard_opens(reason="ambulance")
    assert turn.reply.accepted
    assert said(turn) == ["OpenedByGuard", "LockReleased"]
    opened = only(turn, ev.OpenedByGuard)
    assert (opened.reason, opened.actor, opened.post) == ("ambulance", "guard-1", "gatehouse")
    assert isinstance(command(turn), PulseOutput)
    taken = only(rig.open(), ev.AccessTaken)
    assert (taken.because, taken.credential) == ("guard", None)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"reason": ""}, "ReasonMissing"),
        ({"reason": "  \n"}, "ReasonMissing"),
        ({"door": "cellar"}, "DoorUnknown"),
        ({"left_s": 0.0}, "RequestExpired"),
        ({"left_s": -5.0}, "RequestExpired"),
        ({"left_s": 30.5}, "RequestExpired"),
    ],
)
def test_an_open_without_reason_door_or_time_is_refused_and_recorded(
    rig: Rig, changed: dict[str, str | float], reason: str
) -> None:
    turn = rig.guard_opens(**changed)  # type: ignore[arg-type]
    assert turn.reply.reason == reason
    refused = only(turn, ev.RequestRefused)
    assert (refused.reason, refused.request, refused.actor) == (reason, "open", "guard-1")
    assert turn.commands == ()


def test_a_click_is_good_for_one_open_also_after_a_restart(rig: Rig) -> None:
    assert rig.guard_opens(request="r-77").reply.accepted
    assert rig.guard_opens(request="r-77").reply.reason == "RequestUsed"
    again = Rig(state=rig.controller.snapshot())
    assert again.guard_opens(request="r-77").reply.reason == "RequestUsed"


def test_a_refused_click_is_not_used_up(rig: Rig) -> None:
    rig.guard_opens(request="r-78", reason="")
    assert rig.guard_opens(request="r-78").reply.accepted


def test_long_words_are_cut_before_they_are_journalled(rig: Rig) -> None:
    assert len(only(rig.guard_opens(reason="x" * 10_000), ev.OpenedByGuard).reason) == 200


def test_what_a_person_does_at_the_console_is_audited(rig: Rig) -> None:
    turn = rig.handle(OperatorActed("signed_in", GUARD, "y" * 10_000))
    audited = only(turn, ev.OperatorAudited)
    assert (audited.action, audited.actor, audited.post, len(audited.detail)) == (
        "signed_in",
        "guard-1",
        "gatehouse",
        500,
    )
