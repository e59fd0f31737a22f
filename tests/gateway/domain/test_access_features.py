"""What each feature of an access controller means here, one class a feature; docs/access.md says the same in words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.domain import events as ev
from gateway.domain.cardholder import CardholderKind, Risk
from gateway.domain.commands import PulseOutput
from gateway.domain.credential import CredentialState, Grade, Identifier, Pass
from gateway.domain.door_mode import DoorMode
from gateway.domain.listed import AccessLevel, AntiPassback, Area, Authentication, Grant, PersonsOf, Setting
from gateway.domain.schedule import Period, Schedule, SpecialPlan
from gateway.domain.signals import OFFICE_POST, AccessConfirmRequested, Operator
from gateway.domain.site import DegradedMode, Door, Lock, LockKind, Site, Terminal, Wiring
from tests.gateway.domain.compound import SITE, Compound, asked, compound_list, granted, of, person, pin, wants, why
from tests.gateway.domain.guarded import GuardedCompound
from tests.gateway.domain.listing import EVERY_DAY, card
from tests.gateway.domain.plant import device_commands, only, raised, said

HARD = Area("yard", AntiPassback.HARD)
SOFT = Area("yard", AntiPassback.SOFT)


class TestCredentialKinds:
    def test_a_card_a_pin_a_plate_and_a_pass_each_open(self) -> None:
        pass_ = Pass("v-1", "office", "p-5", ("all",), None, datetime(2027, 1, 1, tzinfo=UTC), uses=3)
        known = {
            Identifier("PIN4", None, 4711): of(1, id="pin"),
            Identifier("PLATE", None, "京A12345"): of(2, id="car"),
        }
        rig = Compound(compound_list(credentials=known, passes={"GHP1.good": pass_}))
        assert granted(rig.show(1))
        assert granted(rig.type("4711"))
        assert granted(rig.text("京a 12345"))
        assert granted(rig.text("GHP1.good"))
        assert why(rig.text("GHP1.forged")) == "PassInvalid"
        assert why(rig.text("something else")) == "CredentialNotFound"

    def test_one_cardholder_holds_several_credentials(self) -> None:
        rig = Compound(compound_list(credentials={card(71): of(1, id="c-71"), card(72): of(1, id="c-72")}))
        for number in (1, 71, 72):
            assert only(rig.show(number), ev.AccessGranted).cardholder == "p-1"

    @pytest.mark.parametrize(
        ("state", "reason"),
        [("suspended", "CredentialNotEnabled"), ("lost", "CredentialLost"), ("expired", "CredentialExpired")],
    )
    def test_only_an_active_credential_opens(self, state: str, reason: str) -> None:
        rig = Compound(compound_list(credentials={card(1): of(1, state=CredentialState(state))}))
        assert why(rig.show(1)) == reason

    def test_leading_zeros_make_another_pin(self) -> None:
        rig = Compound(compound_list(credentials={Identifier("PIN4", None, 7): of(1)}))
        assert granted(rig.type("0007"))
        assert why(rig.type("7")) == "CredentialNotFound"


class TestSchedules:
    def test_a_period_begins_at_its_start_and_ends_before_its_end(self) -> None:
        nine = Schedule("nine", (Period(EVERY_DAY, 540, 1080),))
        at = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
        zone = SITE.zone
        assert not nine.covers(at - timedelta(microseconds=1), zone)
        assert nine.covers(at, zone)
        assert not nine.covers(at + timedelta(hours=9), zone)

    def test_a_special_day_overrides_the_week_and_no_period_means_no_access(self) -> None:
        holiday = SpecialPlan("holidays", frozenset({date(2026, 11, 23)}), ())
        rig = Compound(
            compound_list(
                schedules=[Schedule("work", (Period(EVERY_DAY, 0, 1440),), (holiday,))],
                levels=[AccessLevel("all", (Grant("north-in", "work"),))],
            )
        )
        assert why(rig.show(1)) == "NotPermittedAtThisTime"
        rig.pass_time(86400)
        assert granted(rig.show(1))


class TestLevels:
    def test_a_level_leads_to_its_access_points_only(self) -> None:
        rig = Compound(compound_list(levels=[AccessLevel("all", (Grant("north-in", "always"),))]))
        assert granted(rig.show(1))
        assert why(rig.show(1, "si")) == "Unauthorized"

    def test_a_level_has_a_validity_of_its_own(self) -> None:
        until = datetime(2026, 11, 23, 4, 0, 10, tzinfo=UTC)
        level = AccessLevel("all", (Grant("north-in", "always"),), None, until)
        rig = Compound(compound_list(levels=[level]))
        assert granted(rig.show(1))
        rig.pass_time(20)
        assert why(rig.show(1)) == "Unauthorized"


class TestAuthentication:
    def test_a_card_alone_never_waits_for_a_pin(self) -> None:
        rig = Compound(compound_list(credentials={card(1): of(1, **pin(1, "2468"))}))
        turn = rig.show(1)
        assert granted(turn)
        assert wants(turn) is None

    def test_card_and_pin_wants_both(self) -> None:
        rig = Compound(
            compound_list(
                credentials={card(1): of(1, **pin(1, "2468"))}, wants={"north-in": Authentication.CARD_AND_PIN}
            )
        )
        first = rig.show(1)
        assert wants(first) == "pin"
        assert not device_commands(first)
        second = rig.type("2468")
        assert only(second, ev.AccessGranted).request == asked(first)
        rig.show(1)
        assert why(rig.type("1111")) == "InvalidPIN"
        rig.show(1)
        assert why(rig.after(10)) == "PinMissing"

    def test_where_a_pin_is_wanted_a_card_is_not_enough_and_the_other_way_round(self) -> None:
        known = {Identifier("PIN4", None, 4711): of(1, id="pin")}
        rig = Compound(
            compound_list(credentials=known, wants={"north-in": Authentication.PIN, "south-in": Authentication.CARD})
        )
        assert why(rig.show(1)) == "FormatNotAccepted"
        assert granted(rig.type("4711"))
        assert why(rig.type("4711", "si")) == "FormatNotAccepted"
        assert granted(rig.show(1, "si"))

    def test_two_cards_are_those_of_two_people(self) -> None:
        rig = Compound(
            compound_list(credentials={card(71): of(1, id="c-71")}, wants={"vault-in": Authentication.TWO_CARDS})
        )
        assert wants(rig.show(1, "vi")) == "person"
        assert why(rig.show(71, "vi")) == "SecondCredentialMissing"
        first = rig.show(1, "vi")
        done = only(rig.show(2, "vi"), ev.AccessGranted)
        assert (done.request, done.credential, done.accompanied) == (asked(first), "c-1", ("c-2",))
        rig.show(1, "vi")
        assert why(rig.after(10.5)) == "SecondCredentialMissing"

    def test_two_person_rule_wants_people_of_the_groups_named(self) -> None:
        people = [
            person(1, groups=("bank",)),
            person(2, groups=("bank",)),
            person(3, groups=("guards", "bank")),
            person(4, groups=("guards",)),
        ]
        seats = {"vault-in": {"persons": (PersonsOf("bank", 2), PersonsOf("guards", 1))}}
        rig = Compound(compound_list(people=people, points=seats, wants={"vault-in": Authentication.TWO_CARDS}))
        assert wants(rig.show(3, "vi")) == "person"
        assert wants(rig.show(1, "vi")) == "person"
        assert granted(rig.show(2, "vi"))
        rig.show(4, "vi")
        assert wants(rig.show(1, "vi")) == "person"
        assert why(rig.show(5, "vi")) == "SecondCredentialMissing"

    def test_somebody_must_confirm(self) -> None:
        rig = Compound(compound_list(wants={"north-in": Authentication.CONFIRM}))
        first = rig.show(1)
        assert wants(first) == "confirmation"
        assert granted(rig.confirm(asked(first)))
        second = rig.show(1)
        refused = rig.confirm(asked(second), allow=False)
        assert why(refused) == "ConfirmationRefused"
        told = only(refused, ev.AccessConfirmed)
        assert (told.access_point, told.door, told.credential, told.cardholder) == ("north-in", "north", "c-1", "p-1")
        no = only(refused, ev.AccessDenied)
        assert (no.trace[-1].subject, no.circumstances["confirmed_by"]) == ("guard:guard-1", "guard:guard-1")
        third = rig.show(1)
        assert why(rig.after(30)) == "ConfirmationMissing"
        assert rig.confirm(asked(third)).reply.reason == "RequestGone"

    def test_an_answer_counts_once_though_it_comes_twice_also_over_a_restart(self) -> None:
        rig = Compound(compound_list(wants={"north-in": Authentication.CONFIRM}))
        answer = AccessConfirmRequested("answer-1", asked(rig.show(1)), True, Operator("lin", OFFICE_POST))
        assert granted(rig.handle(answer))
        for again in (rig, rig.restarted()):
            turn = again.handle(answer)
            assert (turn.reply.reason, turn.events, turn.commands) == ("RequestUsed", (), ())

    def test_a_yes_opens_no_door_that_was_locked_down_meanwhile(self) -> None:
        rig = Compound(compound_list(wants={"north-in": Authentication.CONFIRM}))
        first = rig.show(1)
        rig.lock_down()
        assert why(rig.confirm(asked(first))) == "LockedDown"

    def test_a_locked_access_point_opens_for_nobody(self) -> None:
        rig = Compound(compound_list(wants={"north-in": Authentication.LOCKED}))
        assert why(rig.show(1)) == "AccessPointLocked"

    def test_settings_change_by_schedule(self) -> None:
        noon = Schedule("noon", (Period(EVERY_DAY, 720, 721),))
        setting = {"north-in": {"settings": (Setting("noon", Authentication.LOCKED),)}}
        rig = Compound(compound_list(schedules=[noon], points=setting))
        assert why(rig.show(1)) == "AccessPointLocked"
        rig.pass_time(60)
        assert granted(rig.show(1))

    def test_a_reader_accepts_the_grades_that_the_site_says(self) -> None:
        known = {Identifier("PLATE", None, "B1"): of(2, id="car"), card(71): of(1, id="c-71", grade=Grade.SECURE)}
        rig = Compound(compound_list(credentials=known))
        assert granted(rig.show(1, "vi"))
        assert why(rig.text("B1", "vi")) == "FormatNotAccepted"
        assert why(rig.show(71)) == "FormatNotAccepted", "a copy of a secure card"


class TestFirstCard:
    def setting(self) -> dict[str, Any]:
        office_hours = Schedule("hours", (Period(EVERY_DAY, 720, 780),))
        return {
            "schedules": [office_hours],
            "points": {"inner-in": {"settings": (Setting("hours", Authentication.FIRST_CARD),)}},
        }

    def test_the_door_unlocks_at_the_first_authorised_card_and_locks_at_the_period_s_end(self) -> None:
        rig = Compound(compound_list(**self.setting()))
        rig.after(1)
        assert rig.controller.doors.mode_of("inner") is DoorMode.LOCKED
        rig.show(99, "ii")
        rig.after(1)
        assert rig.controller.doors.mode_of("inner") is DoorMode.LOCKED
        assert granted(rig.show(1, "ii"))
        rig.after(1)
        assert rig.controller.doors.mode_of("inner") is DoorMode.UNLOCKED
        rig.after(3600)
        assert rig.controller.doors.mode_of("inner") is DoorMode.LOCKED


class TestAntiPassback:
    def test_it_is_committed_when_the_door_opens_and_not_at_the_grant(self) -> None:
        rig = Compound(compound_list(areas=[HARD]))
        assert granted(rig.show(1))
        assert rig.where(1) == "?"
        rig.after(6)
        assert granted(rig.show(1)), "not taken: they are still outside"
        rig.open("north")
        assert rig.where(1) == "yard"
        rig.close("north")
        assert why(rig.show(1)) == "AntipassbackViolation"
        assert why(rig.show(1, "si")) == "AntipassbackViolation"

    def test_soft_allows_and_reports(self) -> None:
        rig = Compound(compound_list(areas=[SOFT]))
        rig.walk(1, "ni")
        turn = rig.show(1, "si")
        assert granted(turn)
        assert only(turn, ev.AntipassbackViolated).area == "yard"
        assert "antipassback" in raised(turn)

    def test_timed_lapses(self) -> None:
        rig = Compound(compound_list(areas=[Area("yard", AntiPassback.HARD, timed_minutes=10)]))
        rig.walk(1, "ni")
        assert why(rig.show(1)) == "AntipassbackViolation"
        rig.pass_time(600)
        assert granted(rig.show(1))

    def test_who_is_outside_cannot_leave(self) -> None:
        rig = Compound(compound_list(areas=[HARD]))
        rig.walk(1, "ni")
        rig.walk(1, "so")
        assert why(rig.show(1, "so")) == "AntipassbackViolation"

    def test_nobody_known_may_enter_and_leave(self) -> None:
        rig = Compound(compound_list(areas=[HARD]))
        assert granted(rig.show(1, "so"))

    def test_an_exempt_cardholder_is_not_asked(self) -> None:
        rig = Compound(compound_list(areas=[HARD], people=[person(1, anti_passback_exempt=True)]))
        rig.walk(1, "ni")
        assert granted(rig.show(1))

    def test_forgiving_one_all_and_daily(self) -> None:
        rig = Compound(compound_list(areas=[Area("yard", AntiPassback.HARD, forgive_at_minute=720 + 30)]))
        for number in (1, 2, 3):
            rig.walk(number, "ni")
        rig.forgive("p-1")
        assert granted(rig.show(1))
        assert why(rig.show(2)) == "AntipassbackViolation"
        rig.forgive(None)
        assert granted(rig.show(2))
        rig.open("north")
        rig.close("north")
        rig.pass_time(3600)
        assert granted(rig.show(3)), "12:30 has passed"
        assert rig.where(3) == "yard", "the area keeps them"

    def test_who_is_believed_outside_is_forgiven_by_the_hour_of_the_area_too(self) -> None:
        rig = Compound(compound_list(areas=[Area("yard", AntiPassback.HARD, forgive_at_minute=720 + 30)]))
        rig.walk(1, "ni")
        rig.walk(1, "so")
        assert why(rig.show(1, "so")) == "AntipassbackViolation"
        rig.pass_time(3600)
        assert granted(rig.show(1, "so")), "12:30 has passed"

    def test_it_never_refuses_the_way_out_of_an_escape_route(self) -> None:
        rig = Compound(compound_list(areas=[HARD]))
        rig.walk(1, "ni")
        rig.walk(1, "so")
        assert granted(rig.show(1, "no"))

    def test_it_survives_a_restart(self) -> None:
        rig = Compound(compound_list(areas=[HARD]))
        rig.walk(1, "ni")
        assert why(rig.restarted().show(1)) == "AntipassbackViolation"

    def test_where_a_door_cannot_tell_the_grant_counts(self) -> None:
        rig = Compound(compound_list(areas=[HARD]))
        assert only(rig.show(1, "fi"), ev.AreaEntered).because == "no_contact"
        rig.show(2)
        rig.open("north")
        assert only(rig.show(3), ev.AreaEntered).because == "already_open"


class TestAreas:
    def test_a_full_area_takes_nobody_else_and_those_on_their_way_count(self) -> None:
        rig = Compound(compound_list(areas=[Area("yard", max_occupancy=2)]))
        rig.walk(1, "ni")
        rig.show(2)
        assert why(rig.show(3, "si")) == "OccupancyLimit"
        rig.after(6)
        assert granted(rig.show(3, "si")), "the second one did not pass"

    def test_the_muster_list_says_who_is_where_and_who_needs_care(self) -> None:
        rig = Compound(compound_list(people=[person(2, special_care=True)]))
        rig.walk(1, "ni")
        rig.walk(2, "ni")
        rig.walk(1, "ii")
        found = rig.controller.register.whereabouts
        assert {name: (w.area, w.special_care) for name, w in found.items()} == {
            "p-1": ("hall", False),
            "p-2": ("yard", True),
        }
        assert rig.controller.register.inside == {"yard": 1, "hall": 1}

    def test_two_people_who_open_together_are_both_inside(self) -> None:
        rig = Compound(
            compound_list(points={"vault-in": {"area_to": "hall"}}, wants={"vault-in": Authentication.TWO_CARDS})
        )
        rig.show(1, "vi")
        rig.show(2, "vi")
        rig.open("vault")
        assert (rig.where(1), rig.where(2)) == ("hall", "hall")


class TestEscort:
    def test_a_supervised_visitor_needs_an_escort_who_may_pass_too(self) -> None:
        people = [person(1, escort_needed=True), person(2, can_escort=True), person(4, can_escort=True, levels=())]
        rig = Compound(compound_list(people=people))
        assert wants(rig.show(1)) == "escort"
        assert only(rig.show(2), ev.AccessGranted).accompanied == ("c-2",)
        rig.show(1)
        assert why(rig.show(3)) == "EscortMissing"
        rig.show(1)
        assert why(rig.show(4)) == "Unauthorized"
        rig.show(1)
        assert why(rig.after(10.5)) == "EscortMissing"


class TestInterlock:
    def test_no_grant_while_another_door_of_the_sluice_is_open(self) -> None:
        rig = Compound()
        rig.show(1, "ii")
        rig.open("inner")
        assert why(rig.show(2, "vi")) == "InterlockActive"
        rig.close("inner")
        assert granted(rig.show(2, "vi"))


class TestDuress:
    def test_the_door_opens_as_always_and_a_silent_alarm_rises(self) -> None:
        rig = Compound(
            compound_list(
                credentials={card(1): of(1, **pin(1, "2468", duress="8642"))},
                wants={"north-in": Authentication.CARD_AND_PIN},
            )
        )
        rig.show(1)
        plain = rig.type("2468")
        rig.after(6)
        rig.show(1)
        forced = rig.type("8642")
        assert [type(c) for c in forced.commands] == [type(c) for c in plain.commands]
        assert only(forced, ev.DuressUsed).credential == "c-1"
        assert raised(forced) == ["duress"]
        shown = only(forced, ev.AccessGranted)
        assert "duress" not in str(shown), "the grant itself shows nothing"
        assert only(plain, ev.AccessGranted).circumstances == shown.circumstances

    def test_a_pin_of_its_own_can_signal_duress(self) -> None:
        rig = Compound(compound_list(credentials={Identifier("PIN4", None, 9999): of(1, duress=True)}))
        assert raised(rig.type("9999")) == ["duress"]

    def test_who_is_refused_under_duress_is_heard_all_the_same(self) -> None:
        forced = {Identifier("PIN4", None, 9999): of(1, id="c-9", duress=True)}
        for people, wanted, reason in (
            ([person(1, levels=())], Authentication.CARD_OR_PIN, "Unauthorized"),
            ([], Authentication.CARD, "FormatNotAccepted"),
        ):
            rig = Compound(compound_list(people=people, credentials=forced, wants={"north-in": wanted}))
            turn = rig.type("9999")
            assert (why(turn), raised(turn)) == (reason, ["duress"])
            assert only(turn, ev.DuressUsed).credential == "c-9"

    def test_a_card_that_is_not_in_force_or_whose_holder_is_not_signals_no_duress(self) -> None:
        lost = {card(1): of(1, duress=True, state=CredentialState.LOST)}
        known = {card(n): of(n, duress=True) for n in (2, 3)}
        gone = person(2, valid_until=datetime(2026, 1, 1, tzinfo=UTC))
        rig = Compound(compound_list(people=[gone], credentials=lost | known))
        rig.block("cardholder:p-3")
        assert [raised(rig.show(n)) for n in (1, 2, 3)] == [[], [], []]

    def test_whoever_leaves_under_duress_is_heard(self) -> None:
        rig = Compound(compound_list(credentials={card(1): of(1, duress=True)}))
        assert raised(rig.show(1, "no")) == ["duress"]

    def test_who_waits_for_somebody_under_duress_is_heard_at_once_and_once(self) -> None:
        both = {"north-in": Authentication.TWO_CARDS}
        rig = Compound(compound_list(credentials={card(1): of(1, duress=True)}, wants=both))
        assert raised(rig.show(1)) == ["duress"]
        turn = rig.restarted().show(2)
        assert granted(turn)
        assert "DuressUsed" not in said(turn)
        rig.after(30)
        assert only(rig.show(1), ev.AlarmRepeated).count == 2
        assert "DuressUsed" not in said(rig.after(10))


class TestLimitedUse:
    def test_so_many_uses_and_no_more_also_after_a_restart(self) -> None:
        rig = Compound(compound_list(credentials={card(1): of(1, uses=2)}))
        assert rig.show(1).durable_first
        assert granted(rig.show(1))
        assert why(rig.show(1)) == "UsesExhausted"
        assert why(rig.restarted().show(1)) == "UsesExhausted"

    def test_one_use_a_day_of_the_site_s_zone(self) -> None:
        rig = Compound(compound_list(credentials={card(1): of(1, uses_per_day=1)}))
        assert granted(rig.show(1))
        assert why(rig.show(1)) == "UsesExhausted"
        rig.pass_time(12 * 3600)
        assert granted(rig.show(1)), "it is past midnight in Shanghai"

    def test_a_counted_pass_is_used_up_and_a_rotating_one_is_taken_once(self) -> None:
        until = datetime(2027, 1, 1, tzinfo=UTC)
        made = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
        passes = {
            "GHP1.one": Pass("v-1", "office", None, ("all",), None, until, uses=1),
            "GHP1.now": Pass("v-2", "phone", "p-1", (), None, until, made_at=made),
            "GHP1.later": Pass("v-2", "phone", "p-1", (), None, until, made_at=made + timedelta(seconds=5)),
        }
        rig = Compound(compound_list(passes=passes))
        assert only(rig.text("GHP1.one"), ev.AccessGranted).credential == "pass:office/v-1"
        assert why(rig.text("GHP1.one")) == "UsesExhausted"
        assert granted(rig.text("GHP1.now"))
        assert why(rig.text("GHP1.now")) == "PassReplayed"
        assert granted(rig.text("GHP1.later"))
        rig.pass_time(66)
        assert why(rig.text("GHP1.later")) == "PassExpired"

    def test_another_keys_pass_of_the_same_id_is_another_pass(self) -> None:
        until = datetime(2027, 1, 1, tzinfo=UTC)
        made = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
        passes = {
            f"GHP1.{key}-{kind}": Pass("v-1", key, None, ("all",), None, until, **more)
            for key in ("phone-1", "phone-2")
            for kind, more in (("counted", {"uses": 1}), ("rotating", {"made_at": made}))
        }
        rig = Compound(compound_list(passes=passes))
        for kind, reason in (("counted", "UsesExhausted"), ("rotating", "PassReplayed")):
            for key in ("phone-1", "phone-2"):
                assert granted(rig.text(f"GHP1.{key}-{kind}"))
                assert why(rig.text(f"GHP1.{key}-{kind}")) == reason
        rig.block("credential:pass:phone-1/v-1")
        rig.pass_time(30)
        assert why(rig.text("GHP1.phone-1-counted")) == "BlockedLocally"
        assert why(rig.text("GHP1.phone-2-counted")) == "UsesExhausted"


class TestLockOut:
    def test_the_fifth_wrong_attempt_alarms_and_no_pin_is_taken_for_a_minute(self) -> None:
        rig = Compound(compound_list(credentials={Identifier("PIN4", None, 4711): of(1, id="pin")}))
        turns = [rig.type(f"111{n}") for n in range(5)]
        assert [raised(turn) for turn in turns] == [[], [], [], [], ["wrong_attempts"]]
        assert why(rig.type("4711")) == "LockedOut"
        assert granted(rig.show(1)), "a known card alone isn't held up"
        assert why(rig.restarted().type("4711")) == "LockedOut"
        rig.pass_time(60)
        assert granted(rig.type("4711"))

    def test_unknown_cards_count_too(self) -> None:
        rig = Compound()
        assert raised([rig.show(900 + n) for n in range(5)][-1]) == ["wrong_attempts"]

    def test_five_wrong_pins_of_one_card_lock_its_pin_at_every_reader(self) -> None:
        both = {"north-in": Authentication.CARD_AND_PIN, "south-in": Authentication.CARD_AND_PIN}
        rig = Compound(compound_list(credentials={card(1): of(1, **pin(1, "2468"))}, wants=both))
        for n in range(5):
            reader = ("ni", "si")[n % 2]
            rig.show(1, reader)
            rig.type("0000", reader)
        assert why(rig.show(1, "si")) == "LockedOut"

    def test_a_pin_that_follows_a_refused_card_belongs_to_its_request(self) -> None:
        lost = {card(1): of(1, state=CredentialState.LOST, **pin(1, "2468"))}
        rig = Compound(compound_list(credentials=lost, wants={"north-in": Authentication.CARD_AND_PIN}))
        for _ in range(6):
            assert why(rig.show(1)) == "CredentialLost"
            for digits in ("2468", "1111"):
                turn = rig.type(digits)
                assert not turn.events, "the attempt was judged with the card"
        rig.pass_time(9.9)
        assert not rig.type("2468").events
        assert why(rig.type("2468", "si")) == "CredentialNotFound", "another reader knows nothing of it"

    def test_so_does_one_that_comes_too_late_or_a_second_time(self) -> None:
        known = {card(1): of(1, **pin(1, "2468"))}
        rig = Compound(compound_list(credentials=known, wants={"north-in": Authentication.CARD_AND_PIN}))
        rig.show(1)
        assert why(rig.after(10)) == "PinMissing"
        assert not rig.type("2468").events
        rig.show(1)
        assert why(rig.type("1111")) == "InvalidPIN"
        assert not rig.type("1112").events
        for n in range(3, 6):
            rig.show(1)
            assert why(turn := rig.type(f"111{n}")) == "InvalidPIN"
            assert not raised(turn)
        rig.show(1)
        assert raised(rig.type("1116")) == ["wrong_attempts"], "wrong PINs of a card count as ever, one a card shown"

    def test_where_a_pin_alone_opens_it_is_a_request_of_its_own_also_after_a_refused_card(self) -> None:
        known = {card(1): of(1, state=CredentialState.LOST), Identifier("PIN4", None, 4711): of(2, id="pin")}
        rig = Compound(compound_list(credentials=known))
        assert why(rig.show(1)) == "CredentialLost"
        assert why(rig.type("1111")) == "CredentialNotFound"
        assert granted(rig.type("4711"))

    @pytest.mark.parametrize("wanted", ["card", "card_and_pin", "two_cards", "confirm", "first_card", "locked"])
    def test_digits_are_no_wrong_pin_where_no_pin_alone_is_taken(self, wanted: str) -> None:
        known = {Identifier("PIN4", None, 4711): of(2, id="pin")}
        rig = Compound(compound_list(credentials=known, wants={"north-in": Authentication(wanted)}))
        reason = "AccessPointLocked" if wanted == "locked" else "FormatNotAccepted"
        for n in range(7):
            turn = rig.type(f"111{n}")
            assert (why(turn), raised(turn)) == (reason, [])
        assert why(rig.type("4711")) == reason, "one that the list knows opens nothing there either"

    def test_while_no_pin_is_taken_none_is_said_to_be_unknown(self) -> None:
        rig = Compound()
        for n in range(5):
            rig.type(f"111{n}")
        for n in range(6):
            turn = rig.type(f"222{n}")
            assert (why(turn), raised(turn)) == ("LockedOut", [])
        rig.pass_time(60)
        assert why(rig.type("1111")) == "CredentialNotFound"


class TestRisk:
    def test_level_two_passes_with_an_alarm(self) -> None:
        rig = Compound(compound_list(people=[person(1, risk=Risk(2, "watch"))]))
        turn = rig.show(1)
        assert granted(turn)
        assert only(turn, ev.RiskPassed).level == 2
        assert raised(turn) == ["risk"]

    @pytest.mark.parametrize("kind", list(CardholderKind))
    def test_level_three_denies_visitors_and_contractors_only(self, kind: CardholderKind) -> None:
        rig = Compound(compound_list(people=[person(1, kind=kind, risk=Risk(3, "banned"))]))
        shut_out = kind in (CardholderKind.VISITOR, CardholderKind.CONTRACTOR)
        assert why(rig.show(1)) == ("RiskRefused" if shut_out else None)

    def test_it_runs_out(self) -> None:
        until = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
        rig = Compound(compound_list(people=[person(1, kind=CardholderKind.VISITOR, risk=Risk(3, "banned", until))]))
        assert granted(rig.show(1))


class TestImpossibleTravel:
    def test_the_same_card_at_two_distant_gates_is_an_alarm_and_opens(self) -> None:
        rig = Compound()
        rig.show(1, "ni")
        rig.pass_time(20)
        turn = rig.show(1, "si")
        assert granted(turn)
        assert raised(turn) == ["impossible_travel"]
        assert only(turn, ev.TravelImpossible).metres == 400.0

    def test_who_had_the_time_is_no_alarm(self) -> None:
        rig = Compound()
        rig.show(1, "ni")
        rig.pass_time(60)
        assert raised(rig.show(1, "si")) == []


class TestLift:
    def test_a_credential_enables_only_its_floors_for_a_time(self) -> None:
        rig = Compound(compound_list(levels=[AccessLevel("all", (Grant("lift", "always", ("2", "9")),))]))
        turn = rig.show(1, "li")
        assert only(turn, ev.FloorsEnabled).floors == ("2",)
        (told,) = device_commands(turn)
        assert isinstance(told, PulseOutput)
        assert (told.device, told.output, told.duration_s) == ("car", 1, 10.0)


class TestExtendedGrant:
    def test_who_needs_longer_gets_the_extended_time(self) -> None:
        rig = Compound(compound_list(people=[person(1, extended_time=True)]))
        (told,) = device_commands(rig.show(1))
        assert isinstance(told, PulseOutput)
        assert told.duration_s == SITE.doors["north"].extended_release_time_s


class TestGuard:
    def test_a_local_block_outranks_every_list_until_it_is_lifted(self) -> None:
        rig = Compound()
        assert rig.block("credential:c-1").reply.accepted
        assert why(rig.show(1)) == "BlockedLocally"
        rig.access_list = compound_list(version=2)
        assert why(rig.restarted().show(1)) == "BlockedLocally"
        rig.block("credential:c-1", blocked=False)
        assert granted(rig.show(1))
        rig.block("cardholder:p-2")
        assert why(rig.show(2)) == "BlockedLocally"

    def test_a_local_grant_stands_for_level_and_schedule_and_lasts_a_day_at_most(self) -> None:
        rig = Compound(compound_list(people=[person(1, levels=())]))
        assert why(rig.show(1)) == "Unauthorized"
        assert rig.let_in("c-1", ("north-in",), hours=25).reply.reason == "TooLong"
        assert rig.let_in("c-1", ("north-in",), hours=1).reply.accepted
        assert granted(rig.show(1))
        assert why(rig.show(1, "si")) == "Unauthorized"
        rig.block("credential:c-1")
        assert why(rig.show(1)) == "BlockedLocally"
        rig.block("credential:c-1", blocked=False)
        rig.pass_time(3600)
        assert why(rig.show(1)) == "Unauthorized"


class TestDegraded:
    def site(self, mode: DegradedMode) -> Site:
        points = {
            name: replace(point, degraded=mode, facility=("H10301", 123)) for name, point in SITE.access_points.items()
        }
        return replace(SITE, access_points=points)

    def test_locked_opens_for_nobody_without_the_list_that_should_be_in_force(self) -> None:
        rig = Compound(compound_list(fallback=True), self.site(DegradedMode.LOCKED))
        turn = rig.show(1)
        assert why(turn) == "NoValidList"
        assert "no_valid_list" in raised(turn)

    def test_last_list_goes_on_with_the_one_before(self) -> None:
        rig = Compound(compound_list(fallback=True), self.site(DegradedMode.LAST_LIST))
        assert granted(rig.show(1))

    def test_a_list_that_only_stands_in_is_an_alarm_before_anybody_asks(self) -> None:
        rig = Compound(compound_list(fallback=True))
        assert raised(rig.after(60)) == ["no_valid_list"]

    def test_facility_code_lets_any_card_of_the_site_pass(self) -> None:
        rig = Compound(None, self.site(DegradedMode.FACILITY_CODE))
        rig.access_list = None
        turn = rig.show(4242)
        assert only(turn, ev.AccessGranted).credential is None
        assert device_commands(turn)
        assert why(rig.handle_card(Identifier("H10301", 9, 1))) == "NoValidList"
        rig.lock_down()
        assert why(rig.show(4242)) == "LockedDown"
        assert granted(rig.show(4242, "no")), "the way out"


class TestExit:
    def test_the_way_out_of_an_escape_route_is_refused_by_no_rule(self) -> None:
        rig = Compound(
            compound_list(
                people=[person(1, levels=())],
                credentials={card(1): of(1, state=CredentialState.SUSPENDED)},
                wants={"north-out": Authentication.LOCKED, "south-out": Authentication.LOCKED},
            )
        )
        rig.block("credential:c-1")
        assert granted(rig.show(1, "no"))
        assert why(rig.show(1, "so")) == "BlockedLocally", "not an escape route"
        assert said(rig.rex(True, "south"))[:2] == ["ExitPressed", "LockReleased"]

    def test_a_lockdown_refuses_entry_only(self) -> None:
        points = {name: replace(p, exit=p.exit or name == "south-out") for name, p in SITE.access_points.items()}
        rig = Compound(None, replace(SITE, access_points=points))
        rig.lock_down()
        assert why(rig.show(1, "si")) == "LockedDown"
        assert granted(rig.show(1, "so"))


class TestGuardTour:
    """Points are readers; late, early, missed and out-of-order are events."""

    def test_a_guard_visits_readers_in_order_and_in_time(self) -> None:
        rig = GuardedCompound()
        rig.due()
        for reader, seconds in (("ni", 90), ("pump", 90), ("ii", 90), ("roof", 200)):
            assert only(rig.visit(reader, seconds), ev.TourPointVisited).timing == "on_time"
        assert only(rig.turns[-1], ev.TourCompleted).cardholder == "p-1"

    def test_early_late_out_of_order_and_missed_are_events_and_what_is_missed_is_an_alarm(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        assert only(rig.visit("pump", 10), ev.TourPointVisited).timing == "early"
        assert only(rig.visit("roof", 200), ev.TourPointOutOfOrder).expected == "ii"
        assert raised(rig.after(1200)) == ["tour"]
        assert only(rig.visit("ii", 10), ev.TourPointVisited).timing == "late"
        rig.start_tour()
        rig.visit("ni")
        assert raised(rig.after(10_000)) == []
        assert [event.reader for event in rig.all_events(ev.TourPointMissed)] == ["pump", "ii", "roof"]
        assert said(rig.turns[-1]).count("AlarmRepeated") > 0

    def test_whoever_may_not_walk_visits_nothing_and_a_tour_opens_nothing(self) -> None:
        rig = GuardedCompound()
        rig.due()
        assert granted(rig.visit("ni", number=4))
        denied = rig.visit("pump", number=4)
        assert only(denied, ev.TourVisitDenied).reason == "NotInTourGroup"
        assert not device_commands(denied)
        assert not rig.all_events(ev.TourPointVisited)


class TestTrace:
    def test_it_names_the_level_the_schedule_and_the_list(self) -> None:
        turn = only(Compound().show(1), ev.AccessGranted)
        told = {step.check: step.subject for step in turn.trace}
        assert told["list"] == "1"
        assert told["schedule"] == "all/always"

    def test_a_lock_without_contact_and_button_is_still_a_door(self) -> None:
        site = Site(
            "one",
            SITE.zone,
            {"d": Door("d", Lock(Terminal("b", 0), LockKind.FAIL_SAFE, Wiring.NC))},
        )
        assert Compound(compound_list(), site).controller.doors.mode_of("d") is DoorMode.LOCKED
