"""The office's alarms: told when they are raised, counted while they stand."""

import sqlite3

import pytest

from sync.office.alarms import SCHEMA, Alarms
from tests.sync.site import SITE


def test_an_alarm_is_logged_when_it_is_raised_and_only_counted_while_it_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript(SCHEMA)
    alarms = Alarms(database)
    for starts in ("one and two", "two and one", "one and two"):  # two boxes speak by turns, each once a minute
        alarms.tell(SITE, "clone", "boxes", starts)
    (standing,) = alarms.open(SITE)
    assert (standing["count"], standing["detail"]) == (3, "one and two")
    assert len(caplog.messages) == 1
    assert alarms.end(SITE, standing["n"], "Lin")
    alarms.tell(SITE, "clone", "boxes", "two and one")
    assert len(caplog.messages) == 2
    database.close()
