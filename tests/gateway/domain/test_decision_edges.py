"""Edges of the decision and of what is remembered around it, each asked for by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.access_request import AccessRequest, Circumstances, Decision, Person, PersonFacts, Shown
from gateway.domain.area import breaks_anti_passback, is_forgiven
from gateway.domain.cardholder import Cardholder, CardholderKind, HeldLevel
from gateway.domain.checks_who import find_person, risk_of
from gateway.domain.credential import Credential, Grade, Pass
from gateway.domain.listed import AccessLevel, AntiPassback, Area, Authentication, Grant, ListedAccessPoint, PersonsOf
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.passage import facts_of, forgive, gather, note_grant, note_passage, ways
from gateway.domain.register import Block, Fact, LocalGrant, Made, Register, Uses, Whereabouts
from tests.gateway.domain.asked import SEEN_INSIDE, Asked, a_card, a_pass, answer, steps
from tests.gateway.domain.listing import listing

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""12:00 on a Monday in Shanghai."""
TODAY = "2026-11-23"
NOW = Moment(NOON, 1000.0, "boot")
SITE_LIST = listing()
INTO_THE_YARD = ListedAccessPoint("north-in", area_to="yard")


def somebody(shown: Shown | None = None, **credential: Any) -> Person:
    """Card c-1 of p-1."""
    known = replace(Credential("c-1", "p-1"), **credential)
    return Person("c-1", known, Cardholder("p-1", special_care=True), shown or Shown(("hash",)))


def bearer(**more: Any) -> Person:
    """Who shows a pass."""
    shown_pass = replace(Pass("v-1", "app", None, (), None, NOON + timedelta(days=1)), **more)
    shown = Shown((), Grade.PASS, shown_pass)
    return Person(shown_pass.name, None, Cardholder(shown_pass.cardholder or shown_pass.name), shown)


def granted(*people: Person) -> Decision:
    return Decision(True, None, (), 1, people=people)


class TestWhatAGrantUsesUp:
    @pytest.mark.parametrize("limit", [{"uses": 9}, {"uses_per_day": 9}])
    def test_each_grant_counts_in_all_and_today(self, limit: dict[str, Any]) -> None:
        register = Register([Fact("uses", "c-1", Uses(3, TODAY, 2))])
        assert note_grant(granted(somebody(**limit)), register, NOW, SITE_LIST)
        assert register.uses == {"c-1": Uses(4, TODAY, 3)}

    @pytest.mark.parametrize("before", [(), (Fact("uses", "c-1", Uses(0, "2026-11-22", 5)),)])
    def test_a_new_day_counts_from_one(self, before: tuple[Fact, ...]) -> None:
        register = Register(before)
        assert note_grant(granted(somebody(uses_per_day=9)), register, NOW, SITE_LIST)
        assert register.uses == {"c-1": Uses(1, TODAY, 1)}

    def test_what_has_no_limit_uses_nothing_up(self) -> None:
        register = Register()
        assert not note_grant(granted(somebody()), register, NOW, SITE_LIST)
        assert not note_grant(granted(), register, NOW, SITE_LIST)
        assert not note_grant(granted(bearer()), register, NOW, SITE_LIST)
        assert register.all_facts() == ()

    def test_a_counted_pass_is_counted_and_a_rotating_one_is_remembered_by_its_time(self) -> None:
        register = Register()
        assert note_grant(granted(bearer(uses=3)), register, NOW, SITE_LIST)
        assert register.all_facts() == (Fact("uses", "pass:app/v-1", Uses(1, TODAY, 1)),)
        register = Register()
        made_at = NOON - timedelta(seconds=5)
        assert note_grant(granted(bearer(made_at=made_at)), register, NOW, SITE_LIST)
        assert register.all_facts() == (Fact("made", "pass:app/v-1", Made(made_at)),)

    def test_each_of_several_people_is_counted(self) -> None:
        register = Register()
        assert note_grant(granted(bearer(uses=1), somebody(uses=2), somebody()), register, NOW, SITE_LIST)
        assert set(register.uses) == {"pass:app/v-1", "c-1"}


class TestWhatWasRememberedOfAPassByItsIdAlone:
    """As `pass:ID`, before its key was part of its name."""

    def facts(self, *facts: Fact, **more: Any) -> PersonFacts:
        return facts_of(bearer(**more), "north-in", Register(facts), NOW, SITE_LIST)

    def test_no_counted_use_is_lost_for_any_key(self) -> None:
        register = Register([Fact("uses", "pass:v-1", Uses(2, TODAY, 1))])
        for key in ("app", "phone"):
            assert facts_of(bearer(uses=9, key=key), "north-in", register, NOW, SITE_LIST).used == 2
            assert note_grant(granted(bearer(uses=9, key=key)), register, NOW, SITE_LIST)
            assert register.uses[f"pass:{key}/v-1"] == Uses(3, TODAY, 2)
        assert register.uses["pass:v-1"] == Uses(2, TODAY, 1)

    def test_what_is_remembered_under_its_own_name_comes_first(self) -> None:
        facts = self.facts(Fact("uses", "pass:v-1", Uses(2)), Fact("uses", "pass:app/v-1", Uses(5)), uses=9)
        assert facts.used == 5

    def test_a_rotating_pass_a_local_grant_and_whereabouts_still_count(self) -> None:
        leave = LocalGrant(("north-in",), NOON, "delivery", "guard", "gate")
        facts = self.facts(
            Fact("made", "pass:v-1", Made(NOON)),
            Fact("local_grant", "pass:v-1", leave),
            Fact("whereabouts", "pass:v-1", Whereabouts("yard", NOON, "north-in")),
        )
        assert (facts.made_at, facts.local_grant_until, facts.known, facts.area) == (NOON, NOON, True, "yard")

    @pytest.mark.parametrize("subject", ["credential:pass:v-1", "cardholder:pass:v-1"])
    def test_a_block_still_holds(self, subject: str) -> None:
        assert self.facts(Fact("block", subject, Block("lost", "guard", "gate", NOON))).blocked == subject

    def test_of_a_cards_holder_who_shows_a_pass_the_holder_is_asked_and_no_nameless_visitor(self) -> None:
        facts = self.facts(Fact("whereabouts", "pass:v-1", Whereabouts("yard", NOON, "north-in")), cardholder="p-1")
        assert facts == PersonFacts()

    def test_who_goes_on_is_counted_in_one_area_only(self) -> None:
        register = Register([Fact("whereabouts", "pass:v-1", Whereabouts("yard", NOON, "north-in"))])
        out = ListedAccessPoint("north-out", area_from="yard")
        (way,) = ways(granted(bearer()), out, "north")
        note_passage(way, register, NOW)
        assert list(register.whereabouts) == ["pass:app/v-1"]
        assert register.inside == {"yard": 0}


class TestWhereSomebodyIs:
    def test_a_passage_leads_where_the_access_point_leads(self) -> None:
        register = Register()
        expected = Whereabouts("yard", NOON, "north-in", "c-1", special_care=True)
        (way,) = ways(granted(somebody()), INTO_THE_YARD, "north")
        note_passage(way, register, NOW)
        assert register.whereabouts == {"p-1": expected}

    def test_nobody_moves_where_an_access_point_leads_nowhere_or_the_holder_is_unknown(self) -> None:
        within = ListedAccessPoint("inner", area_from="yard", area_to="yard")
        assert ways(granted(somebody()), within, "inner") == []
        nobody = replace(somebody(), cardholder=None)
        assert [way.credential for way in ways(granted(nobody, bearer()), INTO_THE_YARD, "north")] == ["pass:app/v-1"]

    def test_forgiving_one_leaves_the_others_and_forgiving_all_leaves_nobody(self) -> None:
        inside = Whereabouts("yard", NOON, "north-in")
        register = Register([Fact("whereabouts", name, inside) for name in ("p-1", "p-2")])
        forgive(register, "p-1")
        assert register.whereabouts == {"p-1": replace(inside, forgiven=True), "p-2": inside}
        register.take_changed()
        forgive(register, None)
        assert register.take_changed() == (Fact("whereabouts", "p-2", replace(inside, forgiven=True)),)

    def test_forgiving_somebody_who_was_never_seen_remembers_nothing(self) -> None:
        register = Register()
        forgive(register, "p-9")
        assert register.all_facts() == ()


BERLIN = ZoneInfo("Europe/Berlin")


def forgiven(seen: datetime, now: datetime, hour: str, zone: ZoneInfo = BERLIN) -> bool:
    """By the hour of the day alone."""
    area = Area("yard", forgive_at_minute=int(hour[:2]) * 60 + int(hour[3:]))
    return is_forgiven(Whereabouts("yard", seen, "north-in"), area, Moment(now, 1.0, "boot"), zone)


class TestTheDailyHour:
    @pytest.mark.parametrize(
        ("seen", "now", "expected"),
        [
            ((3, 59, 59), (4, 0, 0), True),
            ((4, 0, 0), (23, 0, 0), False),
            ((3, 0, 0), (3, 59, 59), False),
        ],
    )
    def test_it_comes_at_its_minute_and_forgives_who_was_seen_before(
        self, seen: tuple[int, int, int], now: tuple[int, int, int], expected: bool
    ) -> None:
        day = (2026, 11, 23)
        assert forgiven(datetime(*day, *seen, tzinfo=BERLIN), datetime(*day, *now, tzinfo=BERLIN), "04:00") is expected

    def test_an_hour_that_comes_twice_forgives_twice(self) -> None:
        between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
        """02:45 before the clock is put back from 03:00 to 02:00."""
        assert not forgiven(between, datetime(2026, 10, 25, 1, 29, tzinfo=UTC), "02:30")
        assert forgiven(between, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "02:30")

    def test_a_skipped_hour_forgives_with_the_skip(self) -> None:
        skip = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
        evening = skip + timedelta(hours=12)
        assert forgiven(skip - timedelta(seconds=1), skip, "02:30")
        assert not forgiven(skip, evening, "02:30")

    def test_an_hour_skipped_at_midnight_forgives_with_the_skip(self) -> None:
        cairo, skip = ZoneInfo("Africa/Cairo"), datetime(2026, 4, 23, 22, 0, tzinfo=UTC)
        assert forgiven(skip - timedelta(seconds=1), skip, "00:30", cairo)
        assert not forgiven(skip, skip + timedelta(hours=12), "00:30", cairo)

    def test_an_hour_skipped_late_in_the_evening_forgives_with_the_skip(self) -> None:
        """In Nuuk the clocks go from 23:00 to 24:00 on a Saturday night."""
        nuuk, skip = ZoneInfo("America/Nuuk"), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
        assert forgiven(skip - timedelta(seconds=1), skip, "23:30", nuuk)
        assert not forgiven(skip, skip + timedelta(hours=12), "23:30", nuuk)


class TestAntiPassbackAndTheClock:
    @pytest.mark.parametrize(("timed", "expected"), [(None, AntiPassback.HARD), (10, AntiPassback.OFF)])
    def test_only_a_timed_rule_stops_binding_while_the_clock_is_suspect(
        self, timed: int | None, expected: AntiPassback
    ) -> None:
        rules = listing(areas=[Area("yard", AntiPassback.HARD, timed_minutes=timed)])
        suspect = replace(NOW, quality=ClockQuality.SUSPECT)
        assert breaks_anti_passback(INTO_THE_YARD, ("yard", NOON), suspect, rules) is expected
        assert breaks_anti_passback(INTO_THE_YARD, ("yard", NOON), NOW, rules) is AntiPassback.HARD

    def test_a_timed_rule_lapses_at_its_minute(self) -> None:
        rules = listing(areas=[Area("yard", AntiPassback.HARD, timed_minutes=10)])
        seen = NOON - timedelta(minutes=10)
        assert breaks_anti_passback(INTO_THE_YARD, ("yard", seen), NOW, rules) is AntiPassback.OFF
        seen += timedelta(microseconds=1)
        assert breaks_anti_passback(INTO_THE_YARD, ("yard", seen), NOW, rules) is AntiPassback.HARD

    def test_the_hour_of_the_area_that_is_left_forgives_who_is_believed_outside(self) -> None:
        """Somebody came in behind another's back, and wants to leave on the day after."""
        out = ListedAccessPoint("north-out", area_from="yard")
        for hour, expected in ((11 * 60, AntiPassback.OFF), (13 * 60, AntiPassback.HARD), (None, AntiPassback.HARD)):
            rules = listing(areas=[Area("yard", AntiPassback.HARD, forgive_at_minute=hour)])
            seen = NOON - timedelta(hours=2)
            assert breaks_anti_passback(out, (None, seen), NOW, rules) is expected
            assert breaks_anti_passback(out, ("hall", seen), NOW, rules) is expected
        since_then = NOON - timedelta(minutes=59)
        rules = listing(areas=[Area("yard", AntiPassback.HARD, forgive_at_minute=11 * 60)])
        assert breaks_anti_passback(out, (None, since_then), NOW, rules) is AntiPassback.HARD

    def test_each_areas_hour_forgives_its_own_rule_only(self) -> None:
        rules = listing(
            areas=[Area("yard", AntiPassback.SOFT), Area("hall", AntiPassback.HARD, forgive_at_minute=11 * 60)]
        )
        through = ListedAccessPoint("inner", area_from="hall", area_to="yard")
        assert breaks_anti_passback(through, ("yard", NOON - timedelta(hours=2)), NOW, rules) is AntiPassback.SOFT

    def test_the_graver_of_two_rules_counts(self) -> None:
        rules = listing(areas=[Area("yard", AntiPassback.SOFT), Area("hall", AntiPassback.HARD)])
        through = ListedAccessPoint("inner", area_from="hall", area_to="yard")
        assert breaks_anti_passback(through, ("yard", NOON), NOW, rules) is AntiPassback.HARD


class TestWhatIsGathered:
    def test_a_door_is_locked_and_free_unless_told_otherwise(self) -> None:
        asked = AccessRequest("north-in", (Shown(("hash",)),))
        assert gather(asked, None, Register(), NOW) == Circumstances()

    def test_those_inside_and_those_on_their_way_are_counted_where_it_leads_somewhere(self) -> None:
        register = Register([Fact("whereabouts", "p-1", Whereabouts("yard", NOON, "north-in"))])
        points = (INTO_THE_YARD, ListedAccessPoint("north-out", area_from="yard"))
        yard = listing(access_points=points)

        def inside(point: str) -> int:
            return gather(AccessRequest(point, ()), yard, register, NOW, on_their_way=len).inside

        assert inside("north-in") == 1 + len("yard")
        assert inside("north-out") == 0
        assert gather(AccessRequest("north-in", ()), yard, register, NOW).inside == 1

    def test_somebody_of_whom_nothing_is_known_has_no_facts(self) -> None:
        nobody = replace(somebody(), cardholder=None)
        blocks = [Fact("block", "cardholder:XXXX", Block("lost", "guard", "gate", NOON))]
        for person in (somebody(), nobody, bearer()):
            assert facts_of(person, "north-in", Register(blocks), NOW, SITE_LIST) == PersonFacts()


class TestWhoIsShown:
    def test_a_card_is_its_credential_and_whoever_holds_it(self) -> None:
        (known,) = Asked().decide().people
        assert known.shown == a_card(1)
        assert find_person(a_card(1), Asked().list()) == known
        assert find_person(a_card(1), None) is None

    def test_a_pass_of_somebody_unknown_is_a_visitors_with_the_passs_own_levels(self) -> None:
        shown = bearer(cardholder="p-9", levels=("guests",)).shown
        assert shown.shown_pass is not None
        visitor = Cardholder("p-9", CardholderKind.VISITOR, (HeldLevel("guests"),))
        assert find_person(shown, SITE_LIST) == Person("pass:app/v-1", None, visitor, shown)
        nameless = bearer().shown
        visitor = Cardholder("pass:app/v-1", CardholderKind.VISITOR)
        assert find_person(nameless, SITE_LIST) == Person("pass:app/v-1", None, visitor, nameless)

    def test_a_pass_of_a_cardholder_has_its_own_levels_or_else_the_holders(self) -> None:
        holder = Cardholder("p-1", CardholderKind.STAFF, (HeldLevel("all"),))
        known = listing(cardholders=[holder])
        plain, levelled = bearer(cardholder="p-1").shown, bearer(cardholder="p-1", levels=("guests",)).shown
        assert find_person(plain, known) == Person("pass:app/v-1", None, holder, plain)
        narrowed = replace(holder, levels=(HeldLevel("guests"),))
        assert find_person(levelled, known) == Person("pass:app/v-1", None, narrowed, levelled)


class TestSeveralPeople:
    BOTH = (a_card(1), a_card(2))

    def test_the_decision_is_the_first_ones(self) -> None:
        decision = Asked(self.BOTH, wants=Authentication.TWO_CARDS).decide()
        assert decision.credential is not None
        assert decision.cardholder is not None
        assert (decision.credential.id, decision.cardholder.id) == ("c-1", "p-1")

    def test_the_floors_of_all_who_were_shown_are_enabled(self) -> None:
        lift = AccessLevel("lift", (Grant("north", "always", ("1", "8")),))
        car = AccessLevel("car", (Grant("north", "always", ("3",)),))
        asked = Asked(
            self.BOTH,
            holder={"levels": (HeldLevel("lift"),)},
            second={"levels": (HeldLevel("car"),)},
            without={"levels": {"lift": lift, "car": car}},
        )
        assert asked.decide().floors == ("1", "3", "8")

    def test_the_trace_names_each_whose_uses_are_counted(self) -> None:
        asked = Asked((a_card(1), a_pass(made_at=None, uses=3)), card={"uses": 2})
        assert ("uses", True, "c-1,pass:app/v-1") in steps(asked.decide())

    @pytest.mark.parametrize("first", [{"anti_passback_exempt": True}, {}])
    def test_who_is_not_asked_where_they_are_excuses_nobody_else(self, first: dict[str, Any]) -> None:
        people = {"c-1": SEEN_INSIDE if first else PersonFacts(), "c-2": SEEN_INSIDE}
        asked = Asked(
            self.BOTH,
            holder=first,
            point={"area_to": "yard"},
            areas=(Area("yard", AntiPassback.HARD),),
            around={"people": people},
        )
        assert answer(asked.decide()) == "AntipassbackViolation"

    def test_of_three_without_an_escort_the_newest_is_named(self) -> None:
        asked = Asked((a_card(1), a_card(2), a_pass(cardholder="p-9")), holder={"escort_needed": True})
        assert steps(asked.decide())[-1] == ("escort", False, "p-9")

    def test_an_escort_of_no_wanted_group_takes_no_seat_and_ends_no_waiting(self) -> None:
        asked = Asked(
            self.BOTH,
            wants=Authentication.TWO_CARDS,
            point={"persons": (PersonsOf("guards", 2),)},
            holder={"groups": ("guards",), "escort_needed": True},
            second={"can_escort": True},
        )
        assert answer(asked.decide()) == "person"
        assert steps(asked.decide())[-1] == ("second_credential", False, "1/2")


class TestDenials:
    def test_a_denial_enables_no_floor_and_reports_nobody(self) -> None:
        lift = AccessLevel("residents", (Grant("north", "always", ("1",)),))
        asked = Asked(
            point={"area_to": "yard"},
            areas=(Area("yard", AntiPassback.SOFT),),
            facts=SEEN_INSIDE,
            around={"interlocked_by": "inner"},
            without={"levels": {"residents": lift}},
        )
        denied, passes = asked.decide(), replace(asked, around={}).decide()
        assert (passes.floors, passes.soft_passback) == (("1",), ("c-1",))
        assert (denied.floors, denied.soft_passback) == ((), ())

    def test_nobody_known_is_no_risk(self) -> None:
        assert risk_of(None, NOW) == 0
