"""What cameras saw, how long it lasts, and which alarm its evidence belongs to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain import events as ev
from gateway.domain import signals as sg
from gateway.domain.controller import Turn
from gateway.domain.observation_book import END_DEADLINE_S, OBSERVATIONS_MAX, ObservationBook, WatchedObservation
from gateway.domain.schedule import Schedule
from gateway.domain.site import CameraPlace
from tests.gateway.domain.plant import SITE, Rig, only, raised, said


@pytest.fixture
def rig() -> Rig:
    return Rig()


def see(rig: Rig, name: str, *, camera: str = "yard") -> Turn:
    return rig.handle(sg.Observation(name, camera, "motion", "drive", "started", rig.wall))


def see_no_more(rig: Rig, name: str, *, camera: str = "yard", timed_out: bool = False) -> Turn:
    return rig.handle(sg.Observation(name, camera, "motion", "drive", "ended", rig.wall, timed_out))


def store(rig: Rig, name: str, path: str = "e/1.mp4") -> ev.EvidenceStored:
    signal = sg.EvidenceReady(name, "yard", "clip", path, "0" * 64, 9, rig.wall, rig.wall + timedelta(seconds=3))
    return only(rig.handle(signal), ev.EvidenceStored)


def test_an_observation_in_an_armed_zone_is_an_intrusion_until_it_ends(rig: Rig) -> None:
    turn = see(rig, "o-1")
    assert said(turn) == ["ObservationStarted", "AlarmRaised"]
    assert only(turn, ev.ObservationStarted).armed
    assert only(turn, ev.AlarmRaised).camera == "yard"
    assert said(see_no_more(rig, "o-1")) == ["ObservationEnded", "AlarmNormal"]


def test_an_observation_in_a_zone_that_is_not_armed_raises_nothing() -> None:
    cameras = {"yard": CameraPlace("yard", Schedule("never", ()), ())}
    rig = Rig(replace(SITE, cameras=cameras))
    assert said(see(rig, "o-1")) == ["ObservationStarted"]
    assert said(see_no_more(rig, "o-1")) == ["ObservationEnded"]
    assert store(rig, "o-1").alarm is None


def test_an_unknown_camera_is_refused(rig: Rig) -> None:
    turn = see(rig, "o-1", camera="roof")
    assert turn.reply.reason == "CameraUnknown"
    assert turn.events == ()


def test_the_same_observation_starts_once_and_ends_once(rig: Rig) -> None:
    see(rig, "o-1")
    assert see(rig, "o-1").events == ()
    see_no_more(rig, "o-1")
    assert see_no_more(rig, "o-1").events == ()
    assert see_no_more(rig, "o-unknown").events == ()


def test_an_alarm_stays_active_while_one_of_its_observations_lasts(rig: Rig) -> None:
    see(rig, "o-1")
    see(rig, "o-2")
    assert said(see_no_more(rig, "o-1")) == ["ObservationEnded"]
    assert said(see_no_more(rig, "o-2")) == ["ObservationEnded", "AlarmNormal"]


def test_the_end_of_an_observation_of_a_resolved_alarm_leaves_the_next_alarm_active(rig: Rig) -> None:
    first = only(see(rig, "o-1"), ev.AlarmRaised).alarm
    rig.resolve(first)
    second = only(see(rig, "o-2"), ev.AlarmRaised).alarm
    assert said(see_no_more(rig, "o-1")) == ["ObservationEnded"]
    assert rig.controller.alarms.open[second].active
    assert "AlarmNormal" in said(see_no_more(rig, "o-2"))


def test_an_observation_whose_end_is_never_told_ends_as_timed_out(rig: Rig) -> None:
    see(rig, "o-1")
    assert rig.after(END_DEADLINE_S - 1.0).events == ()
    assert rig.controller.next_deadline(rig.moment) == rig.monotonic_s + 1.0
    turn = rig.after(1.0)
    assert said(turn) == ["ObservationEnded", "AlarmNormal"]
    assert only(turn, ev.ObservationEnded).timed_out


def test_after_a_reboot_every_open_observation_has_timed_out(rig: Rig) -> None:
    see(rig, "o-1")
    again = Rig(state=rig.controller.snapshot(), boot_id="boot-2", start_s=2.0)
    assert only(again.handle(sg.GatewayStarting("0", restored=True)), ev.ObservationEnded).timed_out


def test_evidence_belongs_to_the_alarm_of_its_observation_also_after_its_end_and_a_restart(rig: Rig) -> None:
    alarm = only(see(rig, "o-1"), ev.AlarmRaised).alarm
    see_no_more(rig, "o-1")
    assert store(rig, "o-1").alarm == alarm
    assert store(Rig(state=rig.controller.snapshot()), "o-1", "e/2.mp4").alarm == alarm


def test_evidence_asked_for_by_an_alarm_belongs_to_it(rig: Rig) -> None:
    alarm = only(rig.open(), ev.AlarmRaised).alarm
    assert store(rig, alarm).alarm == alarm


def test_evidence_that_names_an_alarm_that_never_was_belongs_to_none(rig: Rig) -> None:
    assert store(rig, "a-999").alarm is None
    assert store(rig, "a-armchair").alarm is None
    assert store(rig, "o-unknown").alarm is None


def test_two_cameras_have_alarms_of_their_own(rig: Rig) -> None:
    assert raised(see(rig, "o-1")) == ["intrusion"]
    assert raised(see(rig, "o-2", camera="hall")) == ["intrusion"]


def test_the_book_forgets_what_has_ended_before_what_still_lasts(rig: Rig) -> None:
    book = ObservationBook()
    for number in range(OBSERVATIONS_MAX + 50):
        book.start(f"o-{number}", WatchedObservation("yard", "motion", "drive", None, 1.0, "boot-1"))
        if number:
            book.end(f"o-{number}")
    assert len(book.entries) == OBSERVATIONS_MAX
    assert book.entries["o-0"].open


def test_the_book_is_bounded_even_when_nothing_ends() -> None:
    book = ObservationBook()
    for number in range(OBSERVATIONS_MAX + 50):
        book.start(f"o-{number}", WatchedObservation("yard", "motion", "drive", None, 1.0, "boot-1"))
    assert len(book.entries) == OBSERVATIONS_MAX
    assert "o-0" not in book.entries


def test_one_recording_of_two_observations_is_one_evidence_of_their_alarm() -> None:
    rig = Rig()
    for name in ("o-1", "o-2"):
        rig.handle(sg.Observation(name, "yard", "motion", "drive", "started", rig.wall))
    turns = [
        rig.handle(sg.EvidenceReady(name, "yard", "clip", "e/1.mp4", "0" * 64, 9, rig.wall, rig.wall))
        for name in ("o-1", "o-2")
    ]
    assert [said(turn) for turn in turns] == [["EvidenceStored"], []]
