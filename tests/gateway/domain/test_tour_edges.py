"""Guard tours at their edges: what each event holds, whose swipe counts for which round, and when time runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import events as ev
from gateway.domain.commands import IndicateAtReader, Indication
from gateway.domain.controller import Controller
from gateway.domain.credential import Grade
from gateway.domain.door_control import COMMAND_EXPIRY_S
from gateway.domain.moment import ClockQuality
from gateway.domain.site import ReaderRules
from gateway.domain.snapshot import ControllerState
from gateway.domain.tour import Tour, TourPoint, TourStart
from gateway.domain.trace import TraceStep
from tests.gateway.domain.compound import SITE, of
from tests.gateway.domain.guarded import DUE, LOOSE, NIGHT, GuardedCompound, guarded, guards_list, tour_words
from tests.gateway.domain.listing import EVERY_DAY, card
from tests.gateway.domain.plant import only, raised, said

ROUND = {"round": "t-1", "tour": "night"}
WHO = {"credential": "c-1", "cardholder": "p-1"}
SLOW = replace(NIGHT, points=(TourPoint("ni"), TourPoint("pump", 0, 2000), TourPoint("ii", 0, 2000)), grace_s=2000)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Honolulu", "America/Santiago")


class TestEvents:
    def test_each_names_its_round_its_tour_its_point_and_who(self) -> None:
        rig = GuardedCompound()
        assert said(rig.due())[-1] == "TourStarted"
        assert rig.turns[-1].events[-1] == ev.TourStarted(**ROUND, because="schedule", due_at=DUE)
        timed = {"reader": "ni", "timing": "on_time"}
        assert only(rig.visit("ni"), ev.TourPointVisited) == ev.TourPointVisited(**ROUND, **WHO, **timed)
        out = ev.TourPointOutOfOrder(**ROUND, **WHO, reader="ii", expected="pump")
        assert only(rig.visit("ii"), ev.TourPointOutOfOrder) == out
        assert only(rig.after(600), ev.TourPointOverdue) == ev.TourPointOverdue(**ROUND, reader="roof")
        assert only(rig.after(240), ev.TourPointMissed) == ev.TourPointMissed(**ROUND, reader="roof")
        rig.visit("pump", 20)
        left = ev.TourLeftIncomplete(**ROUND, because="points_missed", cardholder="p-1", visited=3, missed=1)
        assert rig.all_events(ev.TourLeftIncomplete) == [left]

    def test_a_missed_one_names_its_start(self) -> None:
        rig = GuardedCompound()
        rig.due()
        assert only(rig.after(840), ev.TourMissed) == ev.TourMissed(**ROUND, due_at=DUE)

    def test_what_a_guard_did_names_the_guard(self) -> None:
        rig = GuardedCompound()
        by = {"actor": "guard-1", "post": "gatehouse"}
        started = ev.TourStarted(**ROUND, because="guard", due_at=rig.wall, request_id="r-1", **by)
        assert only(rig.start_tour(), ev.TourStarted) == started
        rig.visit("ni")
        stopped = ev.TourStopped(
            **ROUND, cardholder="p-1", visited=1, missed=3, reason="called to the gate", request_id="r-2", **by
        )
        assert only(rig.stop_tour("t-1"), ev.TourStopped) == stopped

    def test_a_completed_one_counts_what_was_not_as_planned(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        rig.visit("roof")
        rig.visit("ii", 10)
        rig.visit("pump", 1510)
        completed = rig.all_events(ev.TourCompleted)
        assert completed == [ev.TourCompleted(**ROUND, cardholder="p-1", early=0, late=1, out_of_order=2)]
        rig.start_tour()
        rig.visit("ni")
        for reader in ("pump", "ii"):
            rig.visit(reader, 10)
        rig.visit("roof", 700)
        again = only(rig.turns[-1], ev.TourCompleted)
        assert (again.early, again.late, again.out_of_order) == (2, 1, 0)

    def test_a_denial_holds_who_it_was_and_every_check(self) -> None:
        rig = GuardedCompound(access_list=guards_list(version=7))
        trace = [
            TraceStep("list", True, "7"),
            TraceStep("credential_known", True, "c-3"),
            TraceStep("credential_state", True, "active"),
            TraceStep("credential_validity", True, "c-3"),
            TraceStep("cardholder_validity", True, "p-3"),
            TraceStep("tour_group", False, "guards"),
        ]
        denied = only(rig.visit("pump", number=3), ev.TourVisitDenied)
        assert list(denied.trace) == trace
        assert (denied.reader, denied.cardholder, denied.list_version) == ("pump", "p-3", 7)
        assert only(rig.visit("pump"), ev.ReadDropped) == ev.ReadDropped(reader="pump", reason="NoTourAwaitsIt")

    def test_a_point_shows_at_itself_and_in_time(self) -> None:
        rig = GuardedCompound(indicators=frozenset({"pump"}))
        (command,) = rig.visit("pump", number=4).commands
        expires_s = rig.monotonic_s + COMMAND_EXPIRY_S
        assert isinstance(command, IndicateAtReader)
        assert command == IndicateAtReader(command.command_id, "pump", Indication.DENIED, expires_s)
        assert command.command_id


class TestWhoseSwipe:
    def test_two_guards_at_one_point_and_one_guard_at_two_are_no_repeats(self) -> None:
        rig = GuardedCompound(LOOSE)
        rig.due()
        rig.visit("pump", number=2)
        rig.pass_time(0.2)
        assert only(rig.swipe(2, "roof"), ev.TourPointVisited).reader == "roof"
        rig.pass_time(0.2)
        assert only(rig.swipe(1, "roof"), ev.ReadDropped).reason == "NoTourAwaitsIt"

    def test_a_card_walks_the_tours_of_its_own_groups_alone(self) -> None:
        day = replace(NIGHT, id="day", groups=frozenset({"cleaners"}), starts=())
        rig = GuardedCompound(NIGHT, day)
        rig.due()
        assert only(rig.visit("ni", number=3), ev.TourStarted).tour == "day"
        assert only(rig.visit("ni"), ev.TourPointVisited).tour == "night"

    def test_where_a_point_comes_next_goes_before_where_it_is_only_left(self) -> None:
        other = Tour("other", (TourPoint("si"), TourPoint("roof", 0, 900)), frozenset({"guards"}))
        rig = GuardedCompound(NIGHT, other)
        rig.due()
        rig.visit("ni")
        rig.start_tour("other")
        rig.visit("si")
        assert only(rig.visit("roof"), ev.TourPointVisited).tour == "other"
        assert only(rig.visit("roof"), ev.TourPointOutOfOrder).tour == "night"

    def test_what_a_door_s_reader_says_of_its_cards_holds_for_visits(self) -> None:
        points = dict(SITE.access_points)
        secure, closed = ReaderRules(Grade.SECURE), ReaderRules(accepts=frozenset({Grade.PIN}))
        points["north-in"] = replace(points["north-in"], rules={"ni": secure})
        points["inner-in"] = replace(points["inner-in"], rules={"ii": closed})
        site = replace(SITE, access_points=points)
        listed = guards_list(credentials={card(1): of(1, grade=Grade.SECURE)})
        rig = GuardedCompound(LOOSE, access_list=listed, site=site)
        rig.due()
        assert tour_words(rig.visit("ni")) == ["PointVisited on_time ni"]
        rig.stop_tour("t-1")
        rig.start_tour("loose")
        assert tour_words(rig.visit("ii", number=2)) == []
        assert tour_words(rig.visit("ni", number=2)) == ["PointVisited on_time ni"]


class TestTime:
    def test_who_goes_past_points_already_visited_is_early_by_the_whole_way(self) -> None:
        rig = GuardedCompound()
        rig.due()
        for reader in ("ni", "ii", "pump"):
            rig.visit(reader)
        assert tour_words(rig.visit("roof", 179))[0] == "PointVisited early roof"

    def test_in_any_order_who_is_early_is_so_by_the_point_s_own_time(self) -> None:
        rig = GuardedCompound(LOOSE)
        rig.due()
        rig.visit("ni")
        assert tour_words(rig.visit("roof", 120)) == ["PointVisited on_time roof"]
        assert tour_words(rig.visit("ii", 59)) == ["PointVisited early ii"]

    def test_in_any_order_everything_that_is_left_is_overdue_and_missed_at_once(self) -> None:
        rig = GuardedCompound(LOOSE)
        rig.due()
        rig.visit("ii")
        rig.visit("ni", 400)
        late = rig.after(800)
        assert tour_words(late) == ["PointOverdue pump", "PointOverdue roof", "AlarmRaised"]
        assert raised(late) == ["tour"]
        assert tour_words(rig.after(240))[:2] == ["PointMissed pump", "PointMissed roof"]

    def test_in_any_order_the_first_point_is_the_one_that_is_awaited(self) -> None:
        rig = GuardedCompound(LOOSE)
        rig.due()
        assert tour_words(rig.after(600)) == ["PointOverdue ni", "AlarmRaised"]

    def test_a_start_that_is_made_up_for_runs_from_its_own_time(self) -> None:
        rig = GuardedCompound()
        rig.pass_time(3600 + 590)
        rig.restarted()
        assert tour_words(rig.after(9)) == []
        assert tour_words(rig.after(1)) == ["PointOverdue ni", "AlarmRaised"]

    def test_a_start_is_begun_once_over_restarts(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.stop_tour("t-1")
        rig.pass_time(1)
        rig.restarted()
        assert rig.rounds == []

    def test_a_round_that_is_awaited_waits_on_over_a_reboot(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.boot_id, rig.monotonic_s = "boot-2", 5.0
        rig.restarted()
        assert tour_words(rig.after(599)) == []
        assert tour_words(rig.after(1)) == ["PointOverdue ni", "AlarmRaised"]

    def test_a_clock_that_is_right_again_shows_what_is_due(self) -> None:
        rig = GuardedCompound()
        rig.quality = ClockQuality.SUSPECT
        rig.wall -= timedelta(days=400)
        rig.after(5)
        rig.quality, rig.wall = ClockQuality.SYNCHRONISED, DUE + timedelta(seconds=5)
        assert "Started schedule" in tour_words(rig.after(0))

    def test_the_doors_wake_up_also_for_a_round_whose_tour_is_gone(self) -> None:
        rig = GuardedCompound()
        rig.due()
        state = msgspec.json.decode(msgspec.json.encode(rig.controller.snapshot()), type=ControllerState)
        controller = Controller(guarded(), state)
        assert controller.next_deadline(rig.moment) == rig.monotonic_s

    @given(
        st.sampled_from(ZONES),
        st.integers(0, 366 * 1440).map(lambda minutes: NEW_YEAR + timedelta(minutes=minutes)),
        st.timedeltas(timedelta(), timedelta(days=20)),
        st.lists(st.tuples(st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, 1439)), max_size=4),
    )
    def test_it_is_due_when_the_site_s_clock_shows_it_and_once(
        self, name: str, after: datetime, length: timedelta, starts: list[tuple[frozenset[int], int]]
    ) -> None:
        """By the clock: every minute of the local calendar, told by whoever counts all days around."""
        zone, until = ZoneInfo(name), after + length
        tour = replace(NIGHT, starts=tuple(TourStart(*start) for start in starts))
        expected = set()
        for n in range(-3, length.days + 4):
            day = after.date() + timedelta(days=n)
            for days, minute in starts:
                at = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone).astimezone(UTC)
                if day.weekday() in days and after < at <= until:
                    expected.add(at)
        found = tour.starts_between(after, until, zone)
        assert found == sorted(expected)
        assert all(at.tzinfo is UTC for at in found)

    def test_a_start_that_the_clock_skips_over_midnight_is_due_on_the_next_day(self) -> None:
        """In Nuuk the clocks go from 23:00 to 24:00 on a Saturday night."""
        nuuk, tour = ZoneInfo("America/Nuuk"), replace(NIGHT, starts=(TourStart(frozenset({5}), 23 * 60 + 30),))
        midnight = datetime(2026, 3, 29, tzinfo=nuuk)
        (due,) = tour.starts_between(midnight, midnight + timedelta(hours=2), nuuk)
        assert due.astimezone(nuuk).strftime("%a %H:%M") == "Sun 00:30"

    def test_a_start_of_every_day_comes_on_every_day_of_a_year(self) -> None:
        for name in ZONES:
            tour = replace(NIGHT, starts=(TourStart(EVERY_DAY, 30),))
            year = tour.starts_between(NEW_YEAR, NEW_YEAR + timedelta(days=365), ZoneInfo(name))
            assert len(year) == 365


class TestTheAlarm:
    """One for each tour; whatever is told of it anew must be acknowledged anew."""

    def test_an_overdue_point_that_was_acknowledged_and_then_missed_must_be_acknowledged_again(self) -> None:
        rig = GuardedCompound()
        rig.due()
        rig.visit("ni")
        alarm = only(rig.after(300), ev.AlarmRaised).alarm
        rig.acknowledge(alarm)
        assert tour_words(rig.after(240)) == ["PointMissed pump", "AlarmRepeated", "AlarmNormal"]
        assert tour_words(rig.acknowledge(alarm)) == ["AlarmAcknowledged", "AlarmResolved"]

    def test_a_missed_round_stays_to_be_seen_after_its_being_late_was_acknowledged(self) -> None:
        rig = GuardedCompound()
        rig.due()
        alarm = only(rig.after(600), ev.AlarmRaised).alarm
        rig.acknowledge(alarm)
        assert tour_words(rig.after(240)) == ["Missed", "AlarmRepeated", "AlarmNormal"]
        rig.after(3600)
        assert alarm in rig.controller.alarms.open

    def test_each_round_that_is_missed_is_told_and_counted_on_the_one_alarm(self) -> None:
        rig = GuardedCompound()
        rig.due()
        alarm = only(rig.after(600), ev.AlarmRaised).alarm
        counts = [only(rig.after(240), ev.AlarmRepeated).count]
        for day in (1, 2):
            rig.at(DUE + timedelta(days=day))
            counts += [only(rig.after(seconds), ev.AlarmRepeated).count for seconds in (600, 240)]
        assert counts == [2, 3, 4, 5, 6]
        assert list(rig.controller.alarms.open) == [alarm]

    def test_another_round_that_is_behind_is_told_though_the_first_was_acknowledged_just_now(self) -> None:
        rig = GuardedCompound(SLOW)
        rig.at(DUE - timedelta(seconds=900))
        rig.show(1, "ni")
        rig.due()
        rig.visit("pump", 1)
        rig.visit("ni", 4, number=2)
        alarm = only(rig.at(DUE + timedelta(seconds=2001)), ev.AlarmRaised).alarm
        rig.acknowledge(alarm)
        assert tour_words(rig.at(DUE + timedelta(seconds=2005))) == ["PointOverdue pump", "AlarmRepeated"]
        assert rig.acknowledge(alarm).reply.accepted
