"""May this credential pass this access point now?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.access import decide
from gateway.domain.access_request import AccessRequest, Decision, DenialReason, Shown
from gateway.domain.cardholder import Cardholder, HeldLevel
from gateway.domain.credential import Credential, CredentialState, Identifier
from gateway.domain.listed import AccessLevel, Grant, ListedAccessPoint
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.schedule import Period, Schedule
from tests.gateway.domain.listing import ALWAYS, EVERY_DAY, NEVER, MemoryAccessList, card, level, listing

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""12:00 on a Monday in Shanghai."""
SECOND = timedelta(seconds=1)
DAYTIME = Schedule("daytime", (Period(EVERY_DAY, 9 * 60, 18 * 60),))
NIGHT = Schedule("night", (Period(frozenset({0}), 22 * 60, 30 * 60),))
"""Monday 22:00 until Tuesday 06:00."""


def a_list(
    *,
    credential: dict[str, Any] | None = None,
    cardholder: dict[str, Any] | None = None,
    schedule: Schedule = ALWAYS,
    zone: str = "Asia/Shanghai",
) -> MemoryAccessList:
    """Card 1 of person p-1 opens the north gate; what is given replaces a part."""
    held = (HeldLevel("residents"),)
    return listing(
        zone=zone,
        credentials={card(1): replace(Credential("c-1", "p-1"), **(credential or {}))},
        cardholders=(replace(Cardholder("p-1", levels=held), **(cardholder or {})),),
        levels=(level("residents", "north", schedule=schedule.id),),
        schedules=(schedule,),
        access_points=(ListedAccessPoint("north"), ListedAccessPoint("south")),
    )


def ask(
    access_list: MemoryAccessList | None,
    at: datetime = NOON,
    *,
    number: int = 1,
    point: str = "north",
    quality: ClockQuality = ClockQuality.SYNCHRONISED,
) -> Decision:
    return show((card(number),), access_list, point, Moment(at, 1.0, "boot", quality))


def show(
    identifiers: tuple[Identifier, ...],
    access_list: MemoryAccessList | None,
    point: str = "north",
    moment: Moment | None = None,
) -> Decision:
    """A card with these readings, in order; at noon unless told otherwise."""
    keys = tuple(identifier.canonical() for identifier in identifiers)
    return decide(AccessRequest(point, (Shown(keys),)), moment or Moment(NOON, 1.0, "boot"), access_list)


def checks(decision: Decision) -> list[str]:
    return [step.check for step in decision.trace]


def test_a_valid_card_is_granted_with_every_check_in_its_order() -> None:
    decision = ask(a_list())
    assert decision.granted
    assert decision.reason is None
    assert decision.list_version == 1
    assert checks(decision) == [
        "list",
        "access_point",
        "credential_known",
        "credential_state",
        "credential_validity",
        "cardholder_validity",
        "access_level",
        "schedule",
        "authentication",
    ]
    assert all(step.passed for step in decision.trace)
    assert decision.trace[-2].subject == "residents/always"


@pytest.mark.parametrize(
    ("access_list", "reason", "last_check"),
    [
        (None, "NoValidList", "list"),
        (replace(a_list(), access_points={}), "UnknownAccessPoint", "access_point"),
        (replace(a_list(), credentials={}), "CredentialNotFound", "credential_known"),
        (a_list(credential={"state": CredentialState.SUSPENDED}), "CredentialNotEnabled", "credential_state"),
        (a_list(credential={"state": CredentialState.LOST}), "CredentialLost", "credential_state"),
        (a_list(credential={"state": CredentialState.EXPIRED}), "CredentialExpired", "credential_state"),
        (a_list(credential={"valid_from": NOON + SECOND}), "CredentialNotActive", "credential_validity"),
        (a_list(credential={"valid_until": NOON}), "CredentialExpired", "credential_validity"),
        (replace(a_list(), cardholders={}), "CardholderNotActive", "cardholder_validity"),
        (a_list(cardholder={"valid_from": NOON + SECOND}), "CardholderNotActive", "cardholder_validity"),
        (a_list(cardholder={"valid_until": NOON}), "CardholderExpired", "cardholder_validity"),
        (a_list(cardholder={"levels": ()}), "Unauthorized", "access_level"),
        (replace(a_list(), levels={}), "Unauthorized", "access_level"),
        (replace(a_list(), schedules={}), "Unauthorized", "access_level"),
        (a_list(schedule=NEVER), "NotPermittedAtThisTime", "schedule"),
    ],
)
def test_a_denial_has_one_reason_and_its_trace_ends_there(
    access_list: MemoryAccessList | None, reason: str, last_check: str
) -> None:
    decision = ask(access_list)
    assert not decision.granted
    assert decision.reason is not None
    assert decision.reason.value == reason
    assert checks(decision)[-1] == last_check
    assert [step.passed for step in decision.trace] == [True] * (len(decision.trace) - 1) + [False]


def test_a_gate_that_the_card_has_no_level_for_is_unauthorized() -> None:
    assert ask(a_list(), point="south").reason is DenialReason.UNAUTHORIZED


def test_a_lost_card_is_denied_as_lost_even_when_it_has_expired_too() -> None:
    lost = a_list(credential={"state": CredentialState.LOST, "valid_until": NOON - SECOND})
    assert ask(lost).reason is DenialReason.CREDENTIAL_LOST


def test_an_expired_credential_is_denied_before_its_schedule_is_asked() -> None:
    decision = ask(a_list(credential={"valid_until": NOON}, schedule=NEVER))
    assert decision.reason is DenialReason.CREDENTIAL_EXPIRED
    assert "schedule" not in checks(decision)


def test_the_first_known_reading_decides() -> None:
    assert show((card(9), card(1)), a_list()).granted
    both = replace(
        a_list(),
        credentials={
            card(9): Credential("c-9", "p-1", state=CredentialState.LOST),
            card(1): Credential("c-1", "p-1"),
        },
    )
    assert show((card(9), card(1)), both).reason is DenialReason.CREDENTIAL_LOST
    assert show((card(1), card(9)), both).granted
    assert show((), both).reason is DenialReason.CREDENTIAL_NOT_FOUND


@pytest.mark.parametrize("where", ["credential", "cardholder"])
def test_validity_begins_at_its_start_and_ends_before_its_end(where: str) -> None:
    window = {"valid_from": NOON, "valid_until": NOON + timedelta(hours=1)}
    access_list = a_list(**{where: window})  # type: ignore[arg-type]
    assert not ask(access_list, NOON - SECOND).granted
    assert ask(access_list, NOON).granted
    assert ask(access_list, NOON + timedelta(minutes=60) - SECOND).granted
    assert not ask(access_list, NOON + timedelta(hours=1)).granted


def test_a_level_counts_only_within_its_own_validity() -> None:
    held = HeldLevel("residents", NOON, NOON + timedelta(hours=1))
    access_list = a_list(cardholder={"levels": (held,)})
    assert ask(access_list, NOON - SECOND).reason is DenialReason.UNAUTHORIZED
    assert ask(access_list, NOON).granted
    assert ask(access_list, NOON + timedelta(hours=1)).reason is DenialReason.UNAUTHORIZED


@pytest.mark.parametrize(
    ("local", "granted"),
    [((8, 59, 59), False), ((9, 0, 0), True), ((17, 59, 59), True), ((18, 0, 0), False)],
)
def test_a_period_begins_at_its_start_and_ends_before_its_end(local: tuple[int, int, int], granted: bool) -> None:
    hour, minute, second = local
    at = datetime(2026, 11, 23, hour - 8, minute, second, tzinfo=UTC)
    decision = ask(a_list(schedule=DAYTIME), at)
    assert decision.granted is granted
    assert granted or decision.reason is DenialReason.NOT_PERMITTED_AT_THIS_TIME


def test_a_period_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    access_list = a_list(schedule=NIGHT)
    monday = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    """Monday 00:00 in Shanghai."""
    assert not ask(access_list, monday + timedelta(hours=3)).granted
    assert ask(access_list, monday + timedelta(hours=22)).granted
    assert ask(access_list, monday + timedelta(hours=30) - SECOND).granted
    assert not ask(access_list, monday + timedelta(hours=30)).granted
    assert not ask(access_list, monday + timedelta(hours=46)).granted


@pytest.mark.parametrize(
    ("utc", "granted"),
    [
        # 2026-03-29: 02:00 CET becomes 03:00 CEST; 2026-10-25: 03:00 CEST becomes 02:00 CET.
        (datetime(2026, 3, 28, 7, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 28, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 6, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 29, 7, 0, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 7, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 8, 0, tzinfo=UTC), True),
    ],
)
def test_nine_in_berlin_is_nine_on_its_clock_in_summer_and_winter(utc: datetime, granted: bool) -> None:
    assert ask(a_list(schedule=DAYTIME, zone="Europe/Berlin"), utc).granted is granted


def test_an_hour_that_the_clock_shows_twice_is_covered_twice() -> None:
    access_list = a_list(schedule=Schedule("two", (Period(EVERY_DAY, 120, 180),)), zone="Europe/Berlin")
    at = [datetime(2026, 10, 25, 0, 0, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(-1, 6)]
    assert [ask(access_list, moment).granted for moment in at] == [False, True, True, True, True, False, False]


def test_a_suspect_clock_denies_whatever_is_limited_in_time_and_nothing_else() -> None:
    suspect = ClockQuality.SUSPECT
    window = {"valid_until": NOON + timedelta(days=9)}
    assert ask(a_list(), quality=suspect).granted
    limited_level = a_list(cardholder={"levels": (HeldLevel("residents", None, NOON + timedelta(days=9)),)})
    for access_list in (a_list(credential=window), a_list(cardholder=window), limited_level, a_list(schedule=DAYTIME)):
        assert ask(access_list).granted
        assert ask(access_list, quality=suspect).reason is DenialReason.CLOCK_SUSPECT


def test_a_suspect_clock_is_no_excuse_for_a_level_that_leads_elsewhere() -> None:
    limited = a_list(cardholder={"levels": (HeldLevel("residents", None, NOON + timedelta(days=9)),)})
    assert ask(limited, point="south", quality=ClockQuality.SUSPECT).reason is DenialReason.UNAUTHORIZED


def test_an_unsynchronised_clock_still_counts() -> None:
    assert ask(a_list(schedule=DAYTIME), quality=ClockQuality.UNSYNCHRONISED).granted


@given(st.data())
def test_the_order_of_the_list_changes_no_answer(data: st.DataObject) -> None:
    schedules = [ALWAYS, DAYTIME, NIGHT, NEVER]
    pair = st.builds(Grant, st.sampled_from(["north", "south"]), st.sampled_from([s.id for s in schedules]))
    levels = [AccessLevel(f"l-{n}", tuple(data.draw(st.lists(pair, max_size=4)))) for n in range(3)]
    edge = st.sampled_from([None, NOON, NOON + timedelta(hours=5)])
    held = [HeldLevel(level.id, data.draw(edge), data.draw(edge)) for level in levels] + [HeldLevel("l-0")]
    at = NOON + timedelta(hours=data.draw(st.integers(-30, 30)))

    def answer(levels: list[AccessLevel], held: list[HeldLevel]) -> Decision:
        access_list = listing(
            credentials={card(1): Credential("c-1", "p-1")},
            cardholders=(Cardholder("p-1", levels=tuple(held)),),
            levels=[replace(level, grants=tuple(level.grants)) for level in levels],
            schedules=schedules,
            access_points=(ListedAccessPoint("north"),),
        )
        decision = ask(access_list, at)
        return replace(decision, people=())

    turned = [replace(level, grants=tuple(data.draw(st.permutations(level.grants)))) for level in levels]
    shuffled = answer(data.draw(st.permutations(turned)), data.draw(st.permutations(held)))
    assert shuffled == answer(levels, held)


@given(st.lists(st.sampled_from(["always", "daytime", "night", "never"]), min_size=1, max_size=4))
def test_taking_away_the_rules_that_a_trace_names_flips_the_decision(granted_by: list[str]) -> None:
    levels = [level(f"l-{n}", "north", schedule=schedule) for n, schedule in enumerate(granted_by)]
    access_list = listing(
        credentials={card(1): Credential("c-1", "p-1")},
        cardholders=(Cardholder("p-1", levels=tuple(HeldLevel(each.id) for each in levels)),),
        levels=levels,
        schedules=(ALWAYS, DAYTIME, NIGHT, NEVER),
        access_points=(ListedAccessPoint("north"),),
    )
    carrying = {f"l-{n}/{schedule}" for n, schedule in enumerate(granted_by) if schedule in ("always", "daytime")}
    decision = ask(access_list)
    assert decision.granted is bool(carrying)
    named = next(step.subject for step in decision.trace if step.check == "schedule").split(",")
    if decision.granted:
        assert set(named) == carrying
        taken = {name.partition("/")[0] for name in named}
        without = replace(access_list, levels={n: each for n, each in access_list.levels.items() if n not in taken})
        assert not ask(without).granted
