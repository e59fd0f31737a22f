"""Sirens and lights call for somebody when no console page is live; a guard tests and silences them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.alarm import AlarmKind
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.controller import Turn
from gateway.domain.moment import ClockQuality
from gateway.domain.sirens import RETRY_S, TEST_S, UNWATCHED_AFTER_S
from gateway.domain.site import Lift, OutputPurpose, SiteOutput, Terminal
from tests.gateway.domain.plant import GUARD, SITE, Rig, device_commands, only, said

SIREN = SiteOutput("siren", OutputPurpose.SIREN, Terminal("alarms", 0), limit_s=120.0)
LIGHT = SiteOutput("light", OutputPurpose.LIGHT, Terminal("alarms", 1, inverted=True), limit_s=600.0)
LOUD = replace(
    SITE,
    outputs={"siren": SIREN, "light": LIGHT},
    lifts={"lift": Lift("lift", {"1": Terminal("alarms", 5)})},
)


@pytest.fixture
def rig() -> Rig:
    """Nobody has been at a console for 50 s."""
    rig = Rig(LOUD)
    watch(rig, False)
    rig.after(UNWATCHED_AFTER_S - 10.0)
    return rig


def watch(rig: Rig, live: bool) -> Turn:
    return rig.handle(sg.ConsoleWatched(live))


def works(turn: Turn) -> dict[int, float]:
    """Output of the alarm board -> how long it is to work."""
    return {c.output: c.duration_s for c in turn.commands if isinstance(c, PulseOutput) and c.device == "alarms"}


def rests(turn: Turn) -> dict[int, bool]:
    """Output of the alarm board -> whether its relay is on at rest."""
    return {c.output: c.energise for c in turn.commands if isinstance(c, SetOutput) and c.device == "alarms"}


def test_alarm_that_nobody_sees_works_all_of_them_after_a_minute(rig: Rig) -> None:
    assert works(rig.site_input("panic", True)) == {}
    assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 10.0
    turn = rig.after(10.0)
    assert works(turn) == {0: 120.0, 1: 600.0}
    assert [c.energise for c in turn.commands if isinstance(c, PulseOutput)] == [True, False]
    assert only(turn, ev.SirenStarted) == ev.SirenStarted(outputs=("siren", "light"), alarms=("a-1",))


def test_alarm_that_comes_while_nobody_has_been_there_for_long_works_them_at_once(rig: Rig) -> None:
    rig.after(3600.0)
    assert works(rig.fire()) == {0: 120.0, 1: 600.0}


def test_nothing_sounds_while_a_page_is_live(rig: Rig) -> None:
    watch(rig, True)
    rig.fire()
    assert works(rig.after(3600.0)) == {}


def test_page_that_comes_back_within_the_minute_starts_it_anew(rig: Rig) -> None:
    rig.fire()
    watch(rig, True)
    watch(rig, False)
    assert works(rig.after(UNWATCHED_AFTER_S - 1.0)) == {}
    assert works(rig.after(1.0)) != {}


def test_lesser_alarms_and_duress_work_none(rig: Rig) -> None:
    rig.after(3600.0)
    rig.handle(sg.LinkChanged("yard", sg.LinkState.OFFLINE))
    rig.controller.alarms.raise_alarm(AlarmKind.DURESS, "north", rig.moment, door="north")
    assert works(rig.after(60.0)) == {}


def test_acknowledgement_ends_them_and_a_second_alarm_keeps_them(rig: Rig) -> None:
    rig.after(3600.0)
    rig.site_input("panic", True)
    rig.site_input("lid", True)
    assert rests(rig.acknowledge("a-1")) == {}
    turn = rig.acknowledge("a-2")
    assert rests(turn) == {0: False, 1: True}
    assert only(turn, ev.SirenStopped).because == "acknowledged"


def test_each_ends_at_its_limit_and_the_same_alarm_works_it_no_more(rig: Rig) -> None:
    rig.after(3600.0)
    rig.fire()
    assert only(rig.after(120.0), ev.SirenStopped) == ev.SirenStopped(outputs=("siren",), because="limit")
    assert only(rig.after(480.0), ev.SirenStopped) == ev.SirenStopped(outputs=("light",), because="limit")
    assert works(rig.after(3600.0)) == {}
    assert works(rig.site_input("panic", True)) == {0: 120.0, 1: 600.0}


def test_alarm_that_was_acknowledged_and_is_back_is_heard_again(rig: Rig) -> None:
    rig.after(3600.0)
    rig.site_input("lid", True)
    rig.acknowledge("a-1")
    rig.site_input("lid", False)
    rig.pass_time(60.0)
    turn = rig.site_input("lid", True)
    assert "AlarmRepeated" in said(turn)
    assert works(turn) == {0: 120.0, 1: 600.0}


def test_guard_silences_them_and_the_alarm_stays(rig: Rig) -> None:
    rig.after(3600.0)
    rig.fire()
    turn = rig.handle(sg.SirenSilenceRequested("r", GUARD))
    assert rests(turn) == {0: False, 1: True}
    assert only(turn, ev.SirensSilenced).actor == GUARD.name
    assert works(rig.after(60.0)) == {}
    assert "a-1" in rig.controller.alarms.open


def test_guard_tests_one_for_a_moment(rig: Rig) -> None:
    turn = rig.handle(sg.SirenTestRequested("r", "light", GUARD))
    assert works(turn) == {1: TEST_S}
    assert only(turn, ev.SirenTested).output == "light"


def test_test_is_refused_for_none_a_lost_one_and_one_that_calls(rig: Rig) -> None:
    def refusal(output: str) -> str | None:
        return rig.handle(sg.SirenTestRequested("r", output, GUARD)).reply.reason

    assert refusal("bell") == "OutputUnknown"
    rig.handle(sg.LinkChanged("alarms", sg.LinkState.OFFLINE))
    assert refusal("siren") == "DeviceOffline"
    rig.handle(sg.LinkChanged("alarms", sg.LinkState.ONLINE))
    rig.after(3600.0)
    rig.fire()
    assert refusal("siren") == "SirenSounds"
    assert Rig().handle(sg.SirenSilenceRequested("r", GUARD)).reply.reason == "OutputUnknown"


def test_siren_that_a_dead_gateway_left_on_is_ended_when_it_is_read(rig: Rig) -> None:
    turn = rig.handle(sg.OutputsRead("alarms", ((0, True), (1, True), (5, True))))
    assert rests(turn) == {0: False, 5: False}
    assert [event.output for event in turn.events if isinstance(event, ev.OutputFoundActive)] == [0, 5]


def test_siren_that_calls_is_left_alone_when_its_board_is_back(rig: Rig) -> None:
    rig.after(3600.0)
    rig.fire()
    again = Rig(LOUD, state=rig.controller.snapshot(), start_s=rig.monotonic_s + 5.0)
    assert rests(again.handle(sg.OutputsRead("alarms", ((0, True), (1, False))))) == {}
    assert rests(again.handle(sg.OutputsUnknown("alarms"))) == {5: False}


def test_board_that_cannot_say_has_sirens_and_floors_told_to_rest(rig: Rig) -> None:
    assert rests(rig.handle(sg.OutputsUnknown("alarms"))) == {0: False, 1: True, 5: False}


def after_a_power_cut(rig: Rig, away_s: float, quality: ClockQuality = ClockQuality.SYNCHRONISED) -> Rig:
    """The same site in another boot; the time until its first turn has passed."""
    again = Rig(LOUD, state=rig.controller.snapshot(), boot_id="boot-2", start_s=5.0)
    again.wall, again.quality = rig.wall + timedelta(seconds=away_s), quality
    return again


def test_minute_begins_anew_after_a_reboot(rig: Rig) -> None:
    rig.after(3600.0)
    again = after_a_power_cut(rig, 20.0)
    again.after(0.0)
    assert works(again.site_input("panic", True)) == {}
    assert works(again.after(UNWATCHED_AFTER_S)) == {0: 120.0, 1: 600.0}


DARK = sg.OutputsRead("alarms", ((0, False), (1, True), (5, False)))
"""Both rest, as after a power cut."""
LOST, BACK = sg.LinkChanged("alarms", sg.LinkState.OFFLINE), sg.LinkChanged("alarms", sg.LinkState.ONLINE)


def calling(rig: Rig) -> Turn:
    """Both are told to call, for a panic that nobody sees."""
    rig.after(3600.0)
    return rig.site_input("panic", True)


@pytest.mark.parametrize("said", [DARK, sg.OutputsUnknown("alarms")], ids=["reads off", "can't say"])
def test_board_that_lost_its_power_is_told_to_call_for_the_rest_of_the_time(rig: Rig, said: sg.Signal) -> None:
    calling(rig)
    rig.pass_time(50.0)
    assert works(rig.handle(said)) == {0: 70.0, 1: 550.0}
    rig.pass_time(80.0)
    assert works(rig.handle(said)) == {1: 470.0}, "the siren's time is over"


def test_restarted_gateway_tells_a_dark_board_to_call_for_the_rest_of_the_time(rig: Rig) -> None:
    calling(rig)
    again = Rig(LOUD, state=rig.controller.snapshot(), start_s=rig.monotonic_s + 5.0)
    again.handle(sg.GatewayStarting("0", restored=True))
    assert works(again.handle(DARK)) == {0: 115.0, 1: 595.0}


def test_power_cut_of_box_and_board_takes_the_time_in_the_dark_off(rig: Rig) -> None:
    calling(rig)
    again = after_a_power_cut(rig, 130.0)
    told = again.handle(sg.GatewayStarting("0", restored=True))
    assert only(told, ev.SirenStopped) == ev.SirenStopped(outputs=("siren",), because="limit")
    assert works(again.handle(DARK)) == {1: 470.0}


def test_suspect_clock_takes_nothing_off_and_adds_nothing(rig: Rig) -> None:
    calling(rig)
    again = after_a_power_cut(rig, -86400.0, ClockQuality.SUSPECT)
    again.handle(sg.GatewayStarting("0", restored=True))
    assert works(again.handle(DARK)) == {0: 120.0, 1: 600.0}
    assert max(again.controller.state.sirens.sounding.values()) == again.monotonic_s + LIGHT.limit_s


def test_clock_that_went_back_adds_nothing(rig: Rig) -> None:
    calling(rig)
    again = after_a_power_cut(rig, -30.0)
    again.handle(sg.GatewayStarting("0", restored=True))
    assert works(again.handle(DARK)) == {0: 120.0, 1: 600.0}


def test_state_that_an_older_program_kept_calls_no_more_in_another_boot(rig: Rig) -> None:
    calling(rig)
    rig.controller.state.sirens.seen = None
    again = after_a_power_cut(rig, 10.0)
    again.handle(sg.GatewayStarting("0", restored=True))
    assert works(again.handle(DARK)) == {}


def test_acknowledgement_while_the_board_is_away_lets_it_rest_when_it_is_back(rig: Rig) -> None:
    calling(rig)
    rig.handle(LOST)
    rig.acknowledge("a-1")
    rig.handle(BACK)
    assert works(rig.handle(DARK)) == {}
    assert rests(rig.handle(sg.OutputsRead("alarms", ((0, True), (1, False))))) == {0: False, 1: True}


def test_lost_board_is_told_of_no_end_for_a_failed_command_would_call_again(rig: Rig) -> None:
    calling(rig)
    rig.handle(LOST)
    assert rests(rig.after(120.0)) == {}
    assert only(rig.acknowledge("a-1"), ev.SirenStopped).outputs == ("light",)
    assert rests(rig.handle(sg.SirenSilenceRequested("r", GUARD))) == {}
    rig.handle(BACK)
    assert rests(rig.handle(sg.OutputsRead("alarms", ((0, True), (1, False))))) == {0: False, 1: True}


def test_limit_ends_it_in_so_many_words_for_whoever_timed_its_pulse_may_be_gone(rig: Rig) -> None:
    calling(rig)
    assert rests(rig.after(120.0)) == {0: False}


def test_failed_command_is_said_again_in_a_while_and_to_a_lost_board_not(rig: Rig) -> None:
    siren, _ = device_commands(calling(rig))
    siren, _ = device_commands(rig.complete(siren, sg.CommandOutcome.FAILED))  # an alarm of its own, which calls
    rig.complete(siren, sg.CommandOutcome.FAILED)
    assert rig.controller.sirens.deadline_s() == rig.monotonic_s + RETRY_S
    (again,) = (c for c in device_commands(rig.after(RETRY_S)) if c.output == 0)
    assert isinstance(again, PulseOutput)
    assert again.duration_s == 120.0 - RETRY_S
    rig.complete(again, sg.CommandOutcome.FAILED)
    rig.handle(LOST)
    assert works(rig.after(RETRY_S)) == {}
    rig.complete(again, sg.CommandOutcome.EXPIRED)
    assert works(rig.after(RETRY_S)) == {}


def test_rest_that_failed_is_said_again(rig: Rig) -> None:
    rig.site_input("panic", True)
    watch(rig, True)
    rest = device_commands(rig.handle(sg.SirenSilenceRequested("r", GUARD)))[0]
    rig.complete(rest, sg.CommandOutcome.FAILED)
    assert rests(rig.after(RETRY_S)) == {0: False}


def shown(rig: Rig) -> tuple[list[str], list[str]]:
    return rig.controller.sirens.working(), rig.controller.sirens.unconfirmed()


def test_what_works_is_what_the_board_says_of_it(rig: Rig) -> None:
    siren, light = device_commands(calling(rig))
    assert shown(rig) == ([], ["light", "siren"])
    rig.complete(siren)
    rig.complete(light)
    assert shown(rig) == (["light", "siren"], [])
    rig.handle(LOST)
    assert shown(rig) == ([], ["light", "siren"])
    rig.handle(BACK)
    again, _ = device_commands(rig.handle(DARK))
    assert shown(rig) == ([], ["light", "siren"])
    rig.complete(again)
    assert shown(rig) == (["siren"], ["light"])
    rest, _ = device_commands(rig.acknowledge("a-1"))
    assert shown(rig) == (["siren"], [])
    rig.complete(rest)
    assert shown(rig) == ([], [])


def test_restarted_gateway_knows_of_none_that_works_until_its_board_says_so(rig: Rig) -> None:
    for told in device_commands(calling(rig)):
        rig.complete(told)
    again = Rig(LOUD, state=rig.controller.snapshot(), start_s=rig.monotonic_s)
    again.handle(sg.GatewayStarting("0", restored=True))
    assert shown(again) == ([], ["light", "siren"])
    again.handle(sg.OutputsRead("alarms", ((0, True), (1, False))))
    assert shown(again) == (["light", "siren"], [])


class Wire:
    """What the siren does, by a board that times its own pulses; and since when nobody is at a console."""

    def __init__(self) -> None:
        self.rig, self.ends_s, self.unwatched_s = Rig(LOUD), 0.0, float("inf")
        self.call_ends_s = 0.0

    def obey(self, turn: Turn) -> None:
        for told in turn.commands:
            if isinstance(told, PulseOutput) and (told.device, told.output) == ("alarms", 0):
                if "SirenStarted" in said(turn):
                    assert self.rig.monotonic_s >= self.unwatched_s + UNWATCHED_AFTER_S, "somebody is at a console"
                    self.call_ends_s = self.rig.monotonic_s + SIREN.limit_s
                self.ends_s = self.rig.monotonic_s + told.duration_s
                assert self.ends_s <= self.call_ends_s + 1e-6, "longer than its bound"
            elif isinstance(told, SetOutput) and (told.device, told.output) == ("alarms", 0):
                self.ends_s = 0.0

    def do(self, deed: str, number: int) -> Turn:
        rig = self.rig
        if deed == "restart":
            self.rig = Rig(LOUD, state=rig.controller.snapshot(), start_s=rig.monotonic_s)
            self.rig.wall = rig.wall
            return self.rig.handle(sg.GatewayStarting("0", restored=True))
        if deed == "dark":
            self.ends_s = 0.0
            rig.handle(LOST)
            return rig.handle(DARK)
        if deed in ("watch", "leave"):
            if deed == "watch":
                self.unwatched_s = float("inf")
            elif self.unwatched_s == float("inf"):
                self.unwatched_s = rig.monotonic_s
            return watch(rig, deed == "watch")
        deeds: dict[str, Callable[[], Turn]] = {
            "panic": lambda: rig.site_input("panic", number % 2 == 0),
            "lid": lambda: rig.site_input("lid", number % 2 == 0),
            "fire": lambda: rig.fire(number % 2 == 0),
            "lost": lambda: rig.handle(sg.LinkChanged("yard", sg.LinkState.OFFLINE)),
            "acknowledge": lambda: rig.acknowledge(f"a-{number}"),
            "resolve": lambda: rig.resolve(f"a-{number}"),
            "silence": lambda: rig.handle(sg.SirenSilenceRequested(f"r-{number}", GUARD)),
            "wait": lambda: rig.after(number * 17.0),
        }
        return deeds[deed]()


DEEDS = [
    "watch",
    "leave",
    "panic",
    "lid",
    "fire",
    "lost",
    "acknowledge",
    "resolve",
    "silence",
    "wait",
    "wait",
    "restart",
    "dark",
]


@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 8)), max_size=40))
def test_whatever_happens_it_sounds_for_unseen_alarms_alone_and_never_for_ever(steps: list[tuple[str, int]]) -> None:
    wire = Wire()
    for deed, number in steps:
        wire.obey(wire.do(deed, number))
        now_s, alarms = wire.rig.monotonic_s, wire.rig.controller.alarms.open.values()
        waits = {each.alarm for each in alarms if each.priority <= 2 and not each.acknowledged}
        if wire.ends_s > now_s:
            assert waits, "everything is acknowledged"
            assert wire.ends_s <= now_s + SIREN.limit_s
        if deed == "dark" and wire.rig.controller.state.sirens.sounding.get("siren", 0.0) >= now_s + 1.0:
            assert wire.ends_s > now_s, "it should call, and its board was not told"
        if now_s >= wire.unwatched_s + UNWATCHED_AFTER_S:
            assert waits <= set(wire.rig.controller.state.sirens.sounded), "an alarm that nobody sees was not told"


def test_site_without_sirens_waits_for_nothing_while_an_alarm_is_unseen() -> None:
    rig = Rig(replace(SITE, outputs={}))
    watch(rig, False)
    rig.site_input("panic", True)
    rig.after(UNWATCHED_AFTER_S + 1.0)
    assert rig.controller.sirens.deadline_s() is None
    assert rig.controller.next_deadline(rig.moment) > rig.monotonic_s
