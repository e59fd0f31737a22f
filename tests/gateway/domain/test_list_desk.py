"""Facts about the office's lists at the doors: held until somebody says yes; and what is revoked meanwhile."""

from dataclasses import replace

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.commands import SwapList
from gateway.domain.controller import Turn
from gateway.domain.list_update import GuardedChange, ListGuard
from gateway.domain.site import Site
from tests.gateway.domain.plant import SITE, Rig, only, raised, said

WEI, LIN = sg.Operator("wei", "gate-house"), sg.Operator("lin", "gate-house")
READY = sg.ListReady(
    2, "lists/2", "d", 2, 0, (GuardedChange(ListGuard.REMOVED, 300), GuardedChange(ListGuard.UNLOCKED, 1))
)


@pytest.fixture
def rig() -> Rig:
    return Rig().closed_and_ready()


def swaps(turn: Turn) -> list[tuple[int, int]]:
    return [(each.generation, each.version) for each in turn.commands if isinstance(each, SwapList)]


def confirmed(rig: Rig, version: int = 2, **more: object) -> Turn:
    request = sg.ListConfirmRequested("request-1", version, "agreed with the office", WEI)
    return rig.handle(replace(request, **more))  # type: ignore[arg-type]


def test_a_list_that_changes_much_waits_with_an_alarm_that_says_of_how_many(rig: Rig) -> None:
    turn = rig.handle(READY)
    assert swaps(turn) == []
    held = only(turn, ev.ListHeld)
    assert (held.removed, held.granted, held.all_doors, held.unlocked) == (300, 0, 0, 1)
    assert raised(turn) == ["list_waiting"]
    assert said(rig.handle(READY)) == [], "told again, it is held already"


def test_a_yes_at_the_site_puts_it_in_force_and_ends_the_alarm(rig: Rig) -> None:
    rig.handle(READY)
    turn = confirmed(rig, second=LIN)
    told = only(turn, ev.ListConfirmed)
    assert (told.actor, told.second, told.list_version) == ("wei", "lin", 2)
    assert swaps(turn) == [(0, 2)]
    assert said(rig.handle(sg.ListActivated(2, "d", 2))) == ["ListActivated", "AlarmNormal"]
    assert confirmed(rig, request_id="request-2").reply.reason == "ListNotWaiting"


def test_a_yes_to_another_list_without_a_reason_or_twice_does_nothing(rig: Rig) -> None:
    rig.handle(READY)
    assert confirmed(rig, 3).reply.reason == "ListNotWaiting"
    assert confirmed(rig, reason=" ").reply.reason == "ReasonMissing"
    assert confirmed(rig, second=WEI).reply.reason == "SecondPersonMissing"
    assert swaps(confirmed(rig)) == [(0, 2)]
    assert confirmed(rig).reply.reason == "RequestUsed"


def test_the_offices_second_signature_and_a_later_list_do_the_same(rig: Rig) -> None:
    rig.handle(READY)
    assert swaps(rig.handle(replace(READY, guards=()))) == [(0, 2)]
    rig.handle(READY)
    assert swaps(rig.handle(sg.ListReady(3, "lists/3", "d", 2))) == [(0, 3)]
    rig.handle(sg.ListActivated(3, "d", 2))
    assert confirmed(rig).reply.reason == "ListNotWaiting"


def test_what_waits_is_let_go_when_the_office_says_that_it_has_another_or_none(rig: Rig) -> None:
    rig.handle(replace(READY, generation=9))
    turn = rig.handle(sg.ListReady(3, "lists/3", "d", 2))
    assert swaps(turn) == [(0, 3)]
    assert "AlarmNormal" in said(turn)
    assert confirmed(rig).reply.reason == "ListNotWaiting"
    rig.handle(READY)
    assert rig.access_list is not None
    assert "AlarmNormal" in said(rig.handle(sg.ListCurrent(rig.access_list.version, rig.access_list.generation)))
    assert confirmed(rig, request_id="request-2").reply.reason == "ListNotWaiting"


def test_who_says_yes_to_a_list_that_has_fallen_away_is_told_that_a_newer_one_came_in_its_place(rig: Rig) -> None:
    rig.handle(READY)
    rig.handle(replace(READY, version=3))
    assert confirmed(rig).reply.reason == "ListReplaced", "the newer one waits"
    assert swaps(rig.handle(sg.ListReady(4, "lists/4", "d", 2))) == [(0, 4)]
    assert rig.access_list is not None
    rig.access_list = replace(rig.access_list, version=4)  # type: ignore[type-var]
    rig.handle(sg.ListActivated(4, "d", 2))
    assert confirmed(rig, 3, request_id="request-2").reply.reason == "ListReplaced", "the newer one is in force"
    assert confirmed(rig, 4, request_id="request-3").reply.reason == "ListNotWaiting"


def test_a_list_that_waits_still_waits_after_a_restart(rig: Rig) -> None:
    rig.handle(READY)
    assert swaps(confirmed(Rig(state=rig.controller.snapshot()))) == [(0, 2)]


def test_a_later_generation_is_newer_whatever_its_version(rig: Rig) -> None:
    assert swaps(rig.handle(sg.ListReady(1, "lists/1", "d", 2, 1))) == [(1, 1)]


def test_a_list_that_is_not_newer_than_the_one_in_force_is_not_taken_up(rig: Rig) -> None:
    turn = rig.handle(sg.ListReady(1, "lists/1", "d", 2, 0))
    assert (turn.reply.reason, swaps(turn)) == ("ListNotNewer", [])


def test_a_revoked_card_is_refused_at_once_and_until_a_list_says_so_itself(rig: Rig) -> None:
    assert "AccessGranted" in said(rig.swipe(1))
    credential = only(rig.swipe(2), ev.AccessGranted).credential
    turn = rig.handle(sg.OfficeRevoked(1, (sg.RevokedCredential(str(credential), 0, 2),)))
    assert only(turn, ev.CredentialsRevoked).credentials == (credential,)
    rig.pass_time(1.5)
    assert only(rig.swipe(2), ev.AccessDenied).reason == "CredentialNotEnabled"
    assert rig.access_list is not None
    rig.access_list = replace(rig.access_list, version=2)  # type: ignore[type-var]
    rig.pass_time(1.5)
    assert "AccessGranted" in said(rig.swipe(2)), "this list has taken it up, and gives the card back"


def test_a_revocation_that_is_told_again_is_one(rig: Rig) -> None:
    revoked = sg.OfficeRevoked(1, (sg.RevokedCredential("c-9", 0, 2),))
    rig.handle(revoked)
    assert said(rig.handle(revoked)) == []
    assert list(rig.controller.register.revoked) == ["c-9"]


def test_a_revoked_card_is_refused_also_by_the_list_before_that_has_to_stand_in(rig: Rig) -> None:
    before = rig.access_list
    credential = only(rig.swipe(2), ev.AccessGranted).credential
    rig.handle(sg.OfficeRevoked(1, (sg.RevokedCredential(str(credential), 0, 2),)))
    rig.access_list = replace(rig.access_list, version=2)  # type: ignore[type-var]
    rig.handle(sg.OfficeRevoked(2, (sg.RevokedCredential("c-9", 0, 3),)))
    rig.access_list = before
    rig.pass_time(1.5)
    assert only(rig.swipe(2), ev.AccessDenied).reason == "CredentialNotEnabled"


def test_a_revocation_that_comes_after_its_list_is_kept_for_the_list_before(rig: Rig) -> None:
    before = rig.access_list
    credential = only(rig.swipe(2), ev.AccessGranted).credential
    rig.access_list = replace(before, version=2)  # type: ignore[type-var]
    rig.handle(sg.OfficeRevoked(1, (sg.RevokedCredential(str(credential), 0, 2),)))
    rig.pass_time(1.5)
    assert "AccessGranted" in said(rig.swipe(2)), "this list gives the card back"
    rig.access_list = before
    rig.pass_time(1.5)
    assert only(rig.swipe(2), ev.AccessDenied).reason == "CredentialNotEnabled"


def test_what_the_list_in_force_says_itself_makes_room_for_newer_revocations(rig: Rig) -> None:
    rig.handle(sg.OfficeRevoked(1, tuple(sg.RevokedCredential(f"c-{n}", 0, 2) for n in range(100, 1100))))
    rig.access_list = replace(rig.access_list, version=2)  # type: ignore[type-var]
    rig.handle(sg.OfficeRevoked(2, tuple(sg.RevokedCredential(f"d-{n}", 0, 3) for n in range(10))))
    kept = rig.controller.register.revoked
    assert len(kept) == 1000
    assert "c-109" not in kept
    assert {"c-110", "d-0", "d-9"} <= kept.keys()


def at_version(rig: Rig, version: int) -> None:
    rig.access_list = replace(rig.access_list, version=version)  # type: ignore[type-var]


def revoked(rig: Rig, *versions: tuple[str, int]) -> Turn:
    return rig.handle(sg.OfficeRevoked(1, tuple(sg.RevokedCredential(id_, 0, version) for id_, version in versions)))


def test_a_card_given_back_passes_though_its_revocation_is_told_again(rig: Rig) -> None:
    credential = str(only(rig.swipe(2), ev.AccessGranted).credential)
    revoked(rig, (credential, 2))
    at_version(rig, 3)
    assert said(revoked(rig, (credential, 2), ("c-9", 4))) == ["CredentialsRevoked"]
    rig.pass_time(1.5)
    assert "AccessGranted" in said(rig.swipe(2))


def test_a_card_revoked_given_back_and_revoked_again_is_refused_by_the_list_between(rig: Rig) -> None:
    credential = str(only(rig.swipe(2), ev.AccessGranted).credential)
    revoked(rig, (credential, 2))
    at_version(rig, 5)
    assert only(revoked(rig, (credential, 4)), ev.CredentialsRevoked).credentials == (credential,)
    at_version(rig, 3)
    rig.pass_time(1.5)
    assert only(rig.swipe(2), ev.AccessDenied).reason == "CredentialNotEnabled"


def test_an_older_revocation_of_a_card_does_not_let_it_pass_by_a_list_that_a_later_one_was_for(rig: Rig) -> None:
    """The office was put back to an older copy, and its keys were changed."""
    credential = str(only(rig.swipe(2), ev.AccessGranted).credential)
    revoked(rig, (credential, 9))
    at_version(rig, 5)
    assert said(revoked(rig, (credential, 4))) == []
    rig.pass_time(1.5)
    assert only(rig.swipe(2), ev.AccessDenied).reason == "CredentialNotEnabled"


def test_the_office_tells_its_thousand_with_each_new_one_and_only_what_is_new_is_taken_up(rig: Rig) -> None:
    at_version(rig, 5_000)
    known = [(f"c-{n}", n) for n in range(1_000, 0, -1)]
    for newest in range(1_000, 1_020):
        known = [(f"c-{newest}", newest), *(each for each in known if each[1] != newest)][:1_000]
        told = [each for at in range(0, 1_000, 200) for each in revoked(rig, *known[at : at + 200]).events]
        fresh = [id_ for each in told if isinstance(each, ev.CredentialsRevoked) for id_ in each.credentials]
        assert fresh == ([f"c-{newest}"] if newest > 1_000 else [id_ for id_, _ in known])
        assert rig.controller.register.revoked.keys() == {id_ for id_, _ in known}


def test_a_revocation_that_there_is_no_room_for_is_not_told_again_and_again(rig: Rig) -> None:
    revoked(rig, *((f"thiefs-{n}", 9_000 + n) for n in range(10)))
    at_version(rig, 5_000)
    known = [(f"c-{n}", n) for n in range(1_000, 0, -1)]
    for _ in range(2):
        turns = [revoked(rig, *known[at : at + 200]) for at in range(0, 1_000, 200)]
    assert [said(turn) for turn in turns] == [[]] * 5
    assert {"thiefs-0", "c-1000", "c-11"} <= rig.controller.register.revoked.keys()
    assert len(rig.controller.register.revoked) == 1_000


def test_unsigned_lists_are_an_alarm_that_stands_until_the_site_wants_signatures() -> None:
    unsigned: Site = replace(SITE, unsigned_lists=True)
    rig = Rig(unsigned)
    assert "lists_unsigned" in raised(rig.handle(sg.GatewayStarting("1", False)))
    again = Rig(SITE, state=rig.controller.snapshot())
    assert "AlarmNormal" in said(again.handle(sg.GatewayStarting("1", True)))


def test_a_fault_is_kept_up_to_a_whole_word(rig: Rig) -> None:
    known = "$.credentials[0].format: of 'c-9': EM41000 is no card format here; known are " + "H10301, " * 60
    (kept,) = only(rig.handle(sg.ListRefused(3, (known,))), ev.ListRejected).faults
    assert len(kept) <= 300
    assert kept.endswith("H10301…")
