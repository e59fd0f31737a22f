"""What a guard tour means, fact by fact; docs/access.md says the same in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain import events as ev
from gateway.domain.commands import IndicateAtReader, Indication
from gateway.domain.controller import Turn
from gateway.domain.credential import CredentialState, Grade
from gateway.domain.moment import ClockQuality
from gateway.domain.tour import ENDED, TABLE, RoundPhase, Stimulus, TourPoint, TourStart
from tests.gateway.domain.compound import granted, of, person, why
from tests.gateway.domain.guarded import DUE, LOOSE, NIGHT, GuardedCompound, guards_list, tour_words
from tests.gateway.domain.listing import EVERY_DAY, card
from tests.gateway.domain.plant import only, raised, said

SLOW = replace(NIGHT, points=(TourPoint("ni"), TourPoint("pump", 0, 2000), TourPoint("ii", 0, 2000)), grace_s=2000)


class TestTheRound:
    def test_a_tour_starts_by_itself_when_it_is_due_and_ends_when_every_point_was_visited(self) -> None:
        rig = GuardedCompound()
        assert tour_words(rig.at(DUE - timedelta(seconds=1))) == []
        assert tour_words(rig.due()) == ["Started schedule"]
        assert tour_words(rig.visit("ni")) == ["PointVisited on_time ni"]
        assert tour_words(rig.visit("pump")) == ["PointVisited on_time pump"]
        assert tour_words(rig.visit("ii")) == ["PointVisited on_time ii"]
        assert tour_words(rig.visit("roof", 200)) == ["PointVisited on_time roof", "Completed"]
        assert only(rig.turns[-1], ev.TourCompleted) == ev.TourCompleted(
            round="t-1", tour="night", cardholder="p-1", early=0, late=0, out_of_order=0
        )
        assert rig.rounds == []

    def test_who_comes_sooner_than_anybody_walks_is_early(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        assert tour_words(rig.visit("pump", 59)) == ["PointVisited early pump"]
        assert tour_words(rig.visit("ii", 60)) == ["PointVisited on_time ii"]

    def test_who_has_not_come_in_time_is_overdue_which_is_an_alarm_until_they_come(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        assert tour_words(rig.after(299)) == []
        overdue = rig.after(1)
        assert tour_words(overdue) == ["PointOverdue pump", "AlarmRaised"]
        alarm = only(overdue, ev.AlarmRaised)
        assert (alarm.kind, alarm.priority, alarm.source) == ("tour", 3, "night")
        assert tour_words(rig.visit("pump", 100)) == ["PointVisited late pump", "AlarmNormal"]
        assert said(rig.acknowledge(alarm.alarm))[-1] == "AlarmResolved"

    def test_a_point_is_missed_when_its_grace_is_over_and_the_round_goes_on(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.after(300)
        assert tour_words(rig.after(240)) == ["PointMissed pump", "AlarmRepeated", "AlarmNormal"]
        assert tour_words(rig.visit("ii", 59)) == ["PointVisited on_time ii"]
        assert tour_words(rig.visit("pump", 10)) == []
        assert tour_words(rig.visit("roof", 200)) == ["PointVisited on_time roof", "LeftIncomplete points_missed"]
        left = only(rig.turns[-1], ev.TourLeftIncomplete)
        assert (left.visited, left.missed, left.cardholder) == (3, 1, "p-1")

    def test_a_guard_who_never_goes_on_misses_every_point_that_is_left(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        told = [word for _ in range(30) for word in tour_words(rig.after(60)) if "Alarm" not in word]
        assert told == [
            "PointOverdue pump",
            "PointMissed pump",
            "PointOverdue ii",
            "PointMissed ii",
            "PointOverdue roof",
            "PointMissed roof",
            "LeftIncomplete points_missed",
        ]

    def test_a_tour_that_nobody_begins_is_missed(self) -> None:
        rig = GuardedCompound()
        rig.due()
        assert tour_words(rig.after(600)) == ["PointOverdue ni", "AlarmRaised"]
        assert tour_words(rig.after(240)) == ["Missed", "AlarmRepeated", "AlarmNormal"]
        assert only(rig.turns[-1], ev.TourMissed).due_at == DUE
        assert rig.rounds == []

    def test_a_late_beginning_is_late_and_counts(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.after(700)
        assert tour_words(rig.swipe(1, "ni")) == ["PointVisited late ni", "AlarmNormal"]

    def test_a_late_call_of_the_timers_tells_the_same_in_the_same_order(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        told = [word for word in tour_words(rig.after(10_000)) if "Alarm" not in word]
        assert told[0] == "PointOverdue pump"
        assert told[-1] == "LeftIncomplete points_missed"

    def test_repeat_swipes_at_one_point_count_once(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.visit("pump")
        again = rig.visit("pump", 5)
        assert only(again, ev.ReadDropped).reason == "NoTourAwaitsIt"
        assert tour_words(rig.visit("ni", 5)) == []
        assert rig.rounds == ["t-1"]

    def test_a_card_that_is_held_to_a_point_is_one_swipe(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.visit("pump")
        rig.pass_time(0.3)
        assert said(rig.swipe(1, "pump")) == []


class TestOrder:
    def test_a_point_before_its_turn_is_out_of_order_and_counts(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        turn = rig.visit("ii")
        assert tour_words(turn) == ["PointOutOfOrder ii"]
        assert only(turn, ev.TourPointOutOfOrder).expected == "pump"
        assert tour_words(rig.visit("roof", 200)) == ["PointVisited on_time roof"]
        assert tour_words(rig.visit("pump")) == ["PointVisited on_time pump", "Completed"]
        assert only(rig.turns[-1], ev.TourCompleted).out_of_order == 1

    def test_who_goes_back_goes_on_from_there(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.visit("ii")
        assert tour_words(rig.visit("pump")) == ["PointOutOfOrder pump"]
        assert tour_words(rig.visit("roof", 421)) == ["PointVisited on_time roof", "Completed"]

    def test_a_point_passed_over_and_never_visited_is_missed_at_the_end(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.visit("ii")
        rig.visit("roof", 200)
        assert tour_words(rig.after(900)) == ["PointOverdue pump", "AlarmRaised"]
        assert tour_words(rig.after(240))[0] == "PointMissed pump"
        assert tour_words(rig.turns[-1])[-1] == "LeftIncomplete points_missed"

    def test_where_order_does_not_matter_any_order_is_right_and_the_whole_time_counts(self) -> None:
        rig = GuardedCompound(LOOSE)
        rig.due()
        assert tour_words(rig.visit("roof")) == ["PointVisited on_time roof"]
        assert tour_words(rig.visit("ni", 500)) == ["PointVisited on_time ni"]
        assert tour_words(rig.visit("pump", 30)) == ["PointVisited early pump"]
        assert tour_words(rig.after(669)) == []
        assert tour_words(rig.after(1)) == ["PointOverdue ii", "AlarmRaised"]
        assert tour_words(rig.after(240))[0] == "PointMissed ii"
        assert rig.rounds == []

    def test_a_round_in_order_begins_at_its_first_point_alone(self) -> None:
        rig = GuardedCompound()
        rig.due()
        assert tour_words(rig.visit("ii")) == []
        assert only(rig.visit("pump"), ev.ReadDropped).reason == "NoTourAwaitsIt"


class TestStarts:
    def test_a_card_at_the_first_point_starts_a_tour_that_is_not_due(self) -> None:
        rig = GuardedCompound()
        assert tour_words(rig.show(1, "ni")) == ["Started card", "PointVisited on_time ni"]
        assert only(rig.turns[-1], ev.TourStarted).due_at is None
        assert tour_words(rig.show(2, "ni")) == []

    def test_unless_the_site_says_that_it_does_not(self) -> None:
        rig = GuardedCompound(replace(NIGHT, start_by_card=False))
        assert tour_words(rig.show(1, "ni")) == []

    def test_a_card_a_little_before_a_start_is_that_start_s(self) -> None:
        rig = GuardedCompound()
        rig.at(DUE - timedelta(seconds=600))
        assert tour_words(rig.show(1, "ni")) == ["Started schedule", "PointVisited on_time ni"]
        rig.visit("pump", 100)
        assert "Started schedule" not in tour_words(rig.due())
        assert rig.rounds == ["t-1"]

    def test_a_guard_starts_it_at_the_console_once(self) -> None:
        rig = GuardedCompound()
        turn = rig.start_tour()
        started = only(turn, ev.TourStarted)
        assert (started.because, started.actor, started.due_at) == ("guard", "guard-1", rig.wall)
        again = rig.start_tour()
        assert again.reply.reason == "TourUnderWay"
        assert only(again, ev.RequestRefused).subject == "night"
        assert rig.start_tour("day").reply.reason == "TourUnknown"
        assert tour_words(rig.visit("ni", 599)) == ["PointVisited on_time ni"]

    def test_a_start_at_the_console_a_little_before_a_start_is_that_start_s(self) -> None:
        rig = GuardedCompound()
        rig.at(DUE - timedelta(seconds=300))
        rig.start_tour()
        assert tour_words(rig.due()) == []

    def test_a_guard_ends_a_round_and_says_why(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.after(300)
        assert rig.stop_tour("t-1", " ").reply.reason == "ReasonMissing"
        turn = rig.stop_tour("t-1")
        assert tour_words(turn) == ["Stopped called to the gate", "AlarmNormal"]
        stopped = only(turn, ev.TourStopped)
        assert (stopped.visited, stopped.missed, stopped.actor) == (1, 3, "guard-1")
        assert rig.stop_tour("t-1").reply.reason == "RoundOver"

    def test_a_start_while_the_gateway_was_off_is_made_up_for_while_its_first_point_can_be_visited(self) -> None:
        rig = GuardedCompound()
        rig.pass_time(3600 + 599)
        rig.restarted()
        assert [word for turn in rig.turns for word in tour_words(turn)] == ["Started schedule"]
        late = GuardedCompound()
        late.pass_time(3600 + 840)
        late.restarted()
        assert late.rounds == []

    def test_while_the_clock_is_suspect_nothing_is_due_and_a_card_still_starts_a_tour(self) -> None:
        rig = GuardedCompound()
        rig.quality = ClockQuality.SUSPECT
        rig.pass_time(3600)
        rig.after(0)
        assert rig.rounds == []
        assert tour_words(rig.show(1, "ni")) == ["Started card", "PointVisited on_time ni"]
        rig.stop_tour("t-1")
        rig.quality = ClockQuality.SYNCHRONISED
        assert tour_words(rig.after(1))[0] == "Started schedule"

    def test_a_round_goes_on_over_midnight_and_over_a_reboot(self) -> None:
        rig = GuardedCompound(replace(NIGHT, starts=(TourStart(EVERY_DAY, 23 * 60 + 58),)))
        rig.at(datetime(2026, 11, 23, 15, 58, tzinfo=UTC))
        rig.visit("ni")
        rig.boot_id, rig.monotonic_s = "boot-2", 20.0
        rig.restarted()
        assert tour_words(rig.visit("pump", 61)) == ["PointVisited on_time pump"]
        rig.boot_id, rig.monotonic_s, rig.quality = "boot-3", 20.0, ClockQuality.SUSPECT
        rig.wall -= timedelta(days=3)
        assert raised(rig.after(100_000)) == ["clock_suspect"]
        rig.quality, rig.wall = ClockQuality.SYNCHRONISED, datetime(2026, 11, 23, 16, 4, tzinfo=UTC)
        assert tour_words(rig.visit("ii", 0))[-1] == "PointVisited on_time ii"

    def test_a_start_that_the_clock_skips_comes_later_and_one_that_comes_twice_is_due_once(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        tour = replace(NIGHT, starts=(TourStart(EVERY_DAY, 150),))
        spring = tour.starts_between(
            datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC), berlin
        )
        assert [at.astimezone(berlin).strftime("%H:%M") for at in spring] == ["03:30"]
        autumn = tour.starts_between(
            datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC), berlin
        )
        assert autumn == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]

    def test_the_controller_wakes_up_for_a_start_and_for_what_is_late(self) -> None:
        rig = GuardedCompound()
        rig.at(DUE - timedelta(seconds=20))
        assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 20
        rig.due()
        rig.visit("ni")
        rig.after(290)
        assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 10


class TestSeveral:
    def test_two_guards_walk_two_rounds_and_neither_s_card_is_a_visit_of_the_other_s(self) -> None:
        rig = GuardedCompound(SLOW)
        rig.at(DUE - timedelta(seconds=900))
        rig.show(1, "ni")
        rig.due()
        rig.visit("ni", 1, number=2)
        assert rig.rounds == ["t-1", "t-2"]
        assert only(rig.visit("pump", 60, number=2), ev.TourPointVisited).round == "t-2"
        assert only(rig.visit("pump", 1), ev.TourPointVisited).round == "t-1"

    def test_one_swipe_counts_for_one_of_two_tours_that_a_guard_walks(self) -> None:
        other = replace(NIGHT, id="inner", points=(TourPoint("ii"), TourPoint("roof", 0, 900)), starts=())
        rig = GuardedCompound(NIGHT, other)
        rig.due()
        rig.visit("ni")
        rig.start_tour("inner")
        rig.visit("pump")
        assert only(rig.visit("ii"), ev.TourPointVisited).tour == "night"
        assert only(rig.visit("ii"), ev.TourPointVisited).tour == "inner"
        assert only(rig.visit("roof"), ev.TourPointVisited).tour == "night"
        assert only(rig.visit("roof"), ev.TourPointVisited).tour == "inner"

    def test_a_guard_under_way_starts_no_other_tour_by_passing_its_first_point(self) -> None:
        other = replace(NIGHT, id="inner", points=(TourPoint("ii"), TourPoint("roof", 0, 900)), starts=())
        rig = GuardedCompound(NIGHT, other)
        rig.due()
        for reader in ("ni", "pump", "ii", "ii"):
            rig.visit(reader)
        assert rig.rounds == ["t-1"]

    def test_an_alarm_stays_active_while_another_round_of_the_tour_is_behind(self) -> None:
        rig = GuardedCompound(SLOW)
        rig.at(DUE - timedelta(seconds=900))
        rig.show(1, "ni")
        rig.due()
        rig.visit("ni", 1, number=2)
        rig.after(3000)
        assert tour_words(rig.swipe(2, "pump")) == ["PointVisited late pump"]
        assert tour_words(rig.visit("pump", 1)) == ["PointVisited late pump", "AlarmNormal"]


class TestWho:
    @pytest.mark.parametrize(
        ("state", "reason"),
        [("suspended", "CredentialNotEnabled"), ("lost", "CredentialLost"), ("expired", "CredentialExpired")],
    )
    def test_a_card_that_is_not_in_force_is_no_visit(self, state: str, reason: str) -> None:
        listed = guards_list(credentials={card(1): of(1, state=CredentialState(state))})
        rig = GuardedCompound(access_list=listed)
        rig.due()
        assert tour_words(rig.visit("ni")) == []
        assert only(rig.visit("pump"), ev.TourVisitDenied).reason == reason

    def test_an_unknown_card_a_blocked_one_and_somebody_of_no_group_are_no_visit(self) -> None:
        rig = GuardedCompound()
        rig.due()
        unknown = only(rig.visit("pump", number=99), ev.TourVisitDenied)
        assert (unknown.reason, unknown.credential) == ("CredentialNotFound", None)
        other = only(rig.visit("pump", number=3), ev.TourVisitDenied)
        assert (other.reason, other.credential, other.trace[-1].subject) == ("NotInTourGroup", "c-3", "guards")
        assert only(rig.visit("pump", number=4), ev.TourVisitDenied).reason == "NotInTourGroup"
        assert tour_words(rig.visit("ni", number=3)) == []
        rig.block("credential:c-1")
        assert only(rig.visit("pump"), ev.TourVisitDenied).reason == "BlockedLocally"
        assert rig.rounds == ["t-1"]

    def test_whoever_leaves_the_group_on_the_way_visits_nothing_more(self) -> None:
        day = replace(NIGHT, id="day", groups=frozenset({"cleaners"}), starts=())
        rig = GuardedCompound(NIGHT, day)
        rig.due()
        rig.visit("ni")
        rig.access_list = guards_list(people=[person(1, groups=("cleaners",))])
        assert said(rig.visit("pump")) == ["ReadDropped"]

    def test_without_a_list_nobody_is_known(self) -> None:
        rig = GuardedCompound()
        rig.access_list = None
        assert only(rig.visit("pump"), ev.TourVisitDenied).reason == "NoValidList"

    def test_a_card_that_must_prove_itself_does_so_at_a_point_that_can_tell(self) -> None:
        listed = guards_list(credentials={card(1): of(1, grade=Grade.SECURE)})
        rig = GuardedCompound(access_list=listed)
        assert only(rig.visit("pump"), ev.TourVisitDenied).reason == "FormatNotAccepted"
        points = (TourPoint("pump", grade=Grade.SECURE), TourPoint("roof", 0, 900))
        secure = GuardedCompound(replace(NIGHT, points=points), access_list=listed)
        assert tour_words(secure.visit("pump")) == ["Started card", "PointVisited on_time pump"]


class TestDoors:
    def test_a_swipe_at_a_door_is_decided_as_ever_and_is_a_visit_also_where_it_is_denied(self) -> None:
        rig = GuardedCompound()
        rig.due()
        turn = rig.visit("ni")
        assert granted(turn)
        assert said(turn)[0] == "AccessGranted"
        rig.lock_down()
        rig.visit("pump")
        turn = rig.visit("ii")
        assert why(turn) == "LockedDown"
        assert tour_words(turn) == ["PointVisited on_time ii"]

    def test_a_reader_of_no_access_point_moves_no_door(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        turn = rig.visit("pump")
        assert said(turn) == ["TourPointVisited"]
        assert turn.commands == ()

    def test_such_a_reader_shows_whether_a_card_was_a_visit_where_it_can(self) -> None:
        rig = GuardedCompound(indicators=frozenset({"pump", "ni"}))
        rig.due()
        rig.visit("ni")
        shown = [only_shown(rig.visit("pump")), only_shown(rig.visit("pump")), only_shown(rig.visit("pump", number=4))]
        assert shown == [Indication.GRANTED, Indication.DENIED, Indication.DENIED]


def only_shown(turn: Turn) -> Indication:
    (command,) = turn.commands
    assert isinstance(command, IndicateAtReader)
    return command.indication


class TestTheSite:
    def test_a_round_of_a_tour_that_the_site_has_no_more_ends(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.site = replace(rig.site, tours={"night": replace(NIGHT, points=NIGHT.points[:3])})
        rig.restarted()
        left = rig.all_events(ev.TourLeftIncomplete)
        assert [(each.because, each.visited, each.missed) for each in left] == [("tour_changed", 1, 3)]
        assert raised(rig.turns[-1]) == []

    def test_every_phase_that_is_not_an_end_knows_what_to_do_with_what_may_come(self) -> None:
        for phase in RoundPhase:
            known = {stimulus for at, stimulus in TABLE if at is phase}
            assert (not known) == (phase in ENDED)
            if known:
                assert {Stimulus.VISITED, Stimulus.STOPPED, Stimulus.WITHDRAWN} <= known
