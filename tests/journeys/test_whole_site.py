"""What a newcomer sees: the demo site end to end, on real protocols, with nothing replaced."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.ports import RecordedEvent
from gateway.store.journal_reader import SqliteJournalReader
from tests.journeys.whole_site import WholeSite
from tests.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    started = WholeSite(tmp_path_factory.mktemp("site"))
    yield started
    started.stop()


def test_a_resident_enters_and_the_console_tells_why(site: WholeSite) -> None:
    site.swipe_opens("north-reader", "blue-1", "north")
    assert site.sim("open", door="north")["opened"]
    wait_until(lambda: site.events("AccessTaken") != [], 10, "the passage is journalled")
    granted = site.events("AccessGranted")[0]
    why = site.get(f"/api/events/{granted['id']}")["why"]
    assert [step["check"] for step in why][-2:] == ["schedule", "authentication"]
    assert all(step["passed"] for step in why)


def test_readers_on_every_wire_open_their_doors(site: WholeSite) -> None:
    site.swipe_opens("yard-reader", "blue-2", "yard")
    site.swipe_opens("garage-reader", "blue-2", "garage")


def test_a_guard_walks_the_patrol_by_the_doors_readers(site: WholeSite) -> None:
    for door in ("north", "yard", "garage"):
        site.swipe_opens(f"{door}-reader", "guard-2", door)
    wait_until(lambda: site.events("TourCompleted") != [], 10, "the round is journalled")
    (patrol,) = site.get("/api/tours")["rounds"]
    assert (patrol["state"], patrol["because"]) == ("completed", "card")
    assert [point["state"] for point in patrol["points"]] == ["on_time"] * 3


def test_a_stranger_is_denied_for_one_reason(site: WholeSite) -> None:
    site.sim("swipe", reader="north-reader", card="stranger")
    wait_until(lambda: site.events("AccessDenied") != [], 10, "the denial is journalled")
    denied = site.get(f"/api/events/{site.events('AccessDenied')[0]['id']}")
    assert [step["check"] for step in denied["why"] if not step["passed"]] == ["credential_known"]


def test_a_visitors_pass_opens_two_times_and_is_used_up(site: WholeSite) -> None:
    for number in (1, 2):
        site.until_locked("north")
        before = site.releases("north")
        site.sim("scan", scanner="north-scanner", text="pass-1")
        wait_until(lambda before=before: site.releases("north") > before, 5, f"north is released, time {number}")  # type: ignore[misc]
    site.until_locked("north")
    site.sim("scan", scanner="north-scanner", text="pass-1")
    wait_until(lambda: "UsesExhausted" in _said(site, "AccessDenied", "reason"), 10, "the third is refused")


def test_a_visitor_passes_with_a_resident_within_ten_seconds(site: WholeSite) -> None:
    site.until_locked("north")
    site.sim("swipe", reader="north-reader", card="visitor-1")
    wait_until(lambda: "escort" in _said(site, "AccessRequested", "wants"), 10, "an escort is waited for")
    site.swipe_opens("north-reader", "blue-4", "north")


def test_a_guard_opens_a_door_with_a_reason_and_never_without(site: WholeSite) -> None:
    site.until_locked("garage")
    before = site.releases("garage")
    assert site.open_door("garage", "").status_code == 422
    wait_until(lambda: site.open_door("garage", "delivery").status_code == 200, 10, "the door is opened")
    wait_until(lambda: site.releases("garage") > before, 10, "the coil released")
    assert site.events("OpenedByGuard")[0]["actor"] == "admin"


def test_a_forced_door_is_an_alarm_with_its_clip(site: WholeSite) -> None:
    wait_until(lambda: site.get("/api/cameras")["cameras"][0]["now"].get("fps", 0) > 5, 40, "the camera runs")
    wait_until(lambda: site.sim("status")["doors"]["yard"]["lock"] == "secured", 15, "the yard door is locked")
    site.sim("force", door="yard")
    wait_until(lambda: site.alarms("door_forced") != [], 10, "the alarm is raised")
    wait_until(lambda: _clips(site) != [], 40, "the clip is stored")
    clip = site.http.get(f"/api/evidence/{_clips(site)[0]['event_id']}")
    assert clip.status_code == 200
    assert clip.content[4:8] == b"ftyp"


def test_the_office_goes_and_comes_back_with_nothing_missing_and_nothing_twice(site: WholeSite) -> None:
    site.sim("office", up=False)
    for number in range(3, 8):
        site.sim("swipe", reader="north-reader", card=f"blue-{number}")
    wait_until(lambda: len(site.events("AccessGranted")) >= 8, 20, "every swipe was answered")
    site.sim("office", up=True)
    journal = SqliteJournalReader(site.data / "journal.db")

    def all_there() -> bool:
        head, summary = journal.head(), site.summary()
        return head is not None and summary["events"] == head.seq

    wait_until(all_there, 60, "the office has every event")
    summary = site.summary()
    assert (summary["gaps"], summary["unsound"]) == (0, 0)
    assert journal.verify().broken_row is None


def test_the_offices_change_is_live_at_the_door(site: WholeSite) -> None:
    listed = site.office.get("/admin/v1/sites/demo/list").raise_for_status().json()
    for credential in listed["credentials"]:
        if credential["cardholder"] == "p-0001":
            credential["state"] = "lost"
    site.office.put("/admin/v1/sites/demo/list", json=listed).raise_for_status()
    wait_until(lambda: len(site.events("ListActivated")) >= 2, 20, "the new list is in force")
    denied = len(site.events("AccessDenied"))
    site.sim("swipe", reader="north-reader", card="blue-1")
    wait_until(lambda: len(site.events("AccessDenied")) > denied, 10, "the lost card is refused")
    found = site.get(f"/api/events/{site.events('AccessDenied')[0]['id']}")
    assert "lost" in str(found).casefold()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("console", signal.SIGKILL),
        ("sync", signal.SIGKILL),
        ("cameras", signal.SIGKILL),
        ("sync", signal.SIGSTOP),
    ],
)
def test_a_killed_or_stopped_neighbour_costs_no_swipe_and_returns(
    site: WholeSite, name: str, number: signal.Signals
) -> None:
    site.until_locked("garage")
    losses = len(_told_of(site, "ProcessLost", name))
    returns = len(_told_of(site, "ProcessReturned", name))
    site.signal(name, number)
    site.swipe_opens("garage-reader", f"blue-{20 + len(name) + number % 3}", "garage")
    wait_until(lambda: len(_told_of(site, "ProcessLost", name)) > losses, 40, f"{name}'s loss is journalled")
    wait_until(lambda: len(_told_of(site, "ProcessReturned", name)) > returns, 40, f"{name}'s return is journalled")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_doors_that_die_or_hang_are_started_again_and_open(site: WholeSite, number: signal.Signals) -> None:
    before, returns = site.pid_of("doors"), len(_told_of(site, "ProcessReturned", "doors"))
    site.signal("doors", number)
    wait_until(lambda: site.pid_of("doors", before) != before, 40, "the doors process runs again")
    wait_until(lambda: len(_told_of(site, "ProcessReturned", "doors")) > returns, 20, "its return is journalled")
    wait_until(site.all_online, 30, "every device is online again")
    site.swipe_opens("yard-reader", f"blue-{30 + number % 3}", "yard", tries=3)


def test_fire_releases_every_door_until_a_person_clears_it(site: WholeSite) -> None:
    wait_until(site.answers, 20, "the console is back")
    site.sim("fire", on=True)
    released = ("north", "yard", "garage")
    wait_until(
        lambda: all(site.sim("status")["doors"][door]["lock"] == "released" for door in released),
        10,
        "all are released",
    )
    assert site.reset_fire().status_code == 409
    site.sim("fire", on=False)
    wait_until(lambda: site.reset_fire().status_code == 200, 10, "a person clears it")
    wait_until(lambda: site.sim("status")["doors"]["yard"]["lock"] == "secured", 10, "the doors lock again")


def test_ctrl_c_ends_everything_that_was_started(tmp_path: Path) -> None:
    site = WholeSite(tmp_path)
    site.stop()
    assert site.process.returncode == 0
    wait_until(lambda: site.leftovers() == "", 15, "no process is left")


def _said(site: WholeSite, type_: str, field: str) -> list[str]:
    """One field of every event of that type."""
    journal = SqliteJournalReader(site.data / "journal.db")
    try:
        return [str(event.body[field]) for event in journal.search(types=[type_])]
    finally:
        journal.close()


def _told_of(site: WholeSite, type_: str, process: str) -> list[RecordedEvent]:
    journal = SqliteJournalReader(site.data / "journal.db")
    try:
        return [event for event in journal.search(types=[type_], limit=100) if event.body["process"] == process]
    finally:
        journal.close()


def _clips(site: WholeSite) -> list[dict[str, str]]:
    return [
        found
        for alarm in site.alarms("door_forced")
        for found in site.get(f"/api/alarms/{alarm['id']}")["evidence"]
        if found["kind"] == "clip"
    ]
