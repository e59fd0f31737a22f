"""Each example site as `gatehouse demo --site` starts it: cards and passes at every door's readers are let in.

What `gatehouse sim --help` says there is to try at it can be tried.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.registry import driver_names
from gateway.errors import JournalUnavailable
from gateway.store.journal_reader import SqliteJournalReader
from simulators.client import NoAnswer, ask, request_for, sim_arguments
from simulators.plan import read_plan
from simulators.to_try import to_try
from tests.waiting import wait_until

TRIES = 5
"""A reader whose channel isn't up yet, or whose reads are too fresh to count, is tried again."""
SITES = sorted((Path(__file__).parents[2] / "config" / "sites").glob("*.toml"))


class ExampleSite:
    """A site of its own data directory, and its processes while it runs."""

    def __init__(self, site: Path, data: Path) -> None:
        self.data = data
        words = ["demo", "--quiet", "--site", str(site), "--data", str(data), "--console-port", "0"]
        with (data.parent / "said.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", *words], stderr=log, start_new_session=True
            )

    def sim(self, do: str, **more: Any) -> dict[str, Any]:
        """Do something to it; an empty answer while nobody is there to do it."""
        try:
            return ask(self.data / "run" / "sim.sock", {"do": do, **more})
        except NoAnswer:
            return {}

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The bodies of the journal's events of these types, oldest first; none while it is being made."""
        reader = SqliteJournalReader(self.data / "journal.db")
        try:
            return [event.body for event in reader.after(0, 5000) if event.type in types]
        except JournalUnavailable:
            return []
        finally:
            reader.close()

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@pytest.fixture(params=SITES, ids=[site.stem for site in SITES])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExampleSite]:
    made = ExampleSite(request.param, tmp_path / "d")
    yield made
    made.stop()


def test_there_is_a_site_to_start_with_any_device() -> None:
    devices = [each.driver for path in SITES for each in read_plan(path).devices]
    assert {*driver_names()} - {*devices} == {"onvif"}, "cameras are the demo's own"


def test_card_at_each_reader_opens_its_door_and_a_pass_is_let_in_at_each_scanner(site: ExampleSite) -> None:
    wait_until(lambda: site.events("ListActivated"), 60, "the office's list is in force")
    wait_until(lambda: site.sim("status").get("polled"), 30, "the boards are polled")
    plan = read_plan(site.data / "site.toml")
    for door in plan.doors:
        assert door.reader is not None
        before = site.sim("status")["doors"][door.id]["releases_by_coil"]
        granted_at(site, door.reader, {"do": "swipe", "reader": door.reader, "card": f"{door.card}-1"})

        def released(door_id: str = door.id, count: int = before) -> bool:
            return bool(site.sim("status")["doors"][door_id]["releases_by_coil"] > count)

        wait_until(released, 10, f"{door.id} is released")
        if door.scanner is not None:
            granted_at(site, door.scanner, {"do": "scan", "scanner": door.scanner, "text": "pass-1"})
    lost = {body["device"] for body in site.events("DeviceLost")}
    assert lost == set(), json.dumps(sorted(lost))
    for line in to_try(plan).splitlines():
        words = line[2:34].split()
        assert site.sim(**request_for(sim_words().parse_args(words)))["ok"], line


def sim_words() -> argparse.ArgumentParser:
    """The words of `gatehouse sim`."""
    parser = argparse.ArgumentParser()
    sim_arguments(parser)
    return parser


def granted_at(site: ExampleSite, reader: str, act: dict[str, str]) -> None:
    """Show something at a reader until it is let in."""

    def granted() -> bool:
        return any(body["reader"] == reader for body in site.events("AccessGranted"))

    for _ in range(TRIES):
        site.sim(**act)
        with suppress(AssertionError):
            wait_until(granted, 3)
            break
    assert granted(), reader
