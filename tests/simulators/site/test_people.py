"""The demo's list holds together."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from simulators.people import demo_list, entries, named_cards

LIST = demo_list(7, datetime(2026, 11, 23, 8, tzinfo=UTC))


def test_list_says_its_version_time_and_zone() -> None:
    assert (LIST["schema"], LIST["site"], LIST["version"]) == (1, "demo", 7)
    assert LIST["issued_at"] == "2026-11-23T08:00:00Z"
    assert ZoneInfo(LIST["zone"]).key == "Asia/Shanghai"


def test_every_reference_names_something_that_exists() -> None:
    schedules = {each["id"] for each in LIST["schedules"]}
    points = {each["id"] for each in LIST["access_points"]}
    levels = {each["id"] for each in LIST["levels"]}
    holders = {each["id"] for each in LIST["cardholders"]}
    for level in LIST["levels"]:
        assert {grant["schedule"] for grant in level["grants"]} <= schedules
        assert {grant["access_point"] for grant in level["grants"]} <= points
    for holder in LIST["cardholders"]:
        assert {level["level"] for level in holder["levels"]} <= levels
    assert {each["cardholder"] for each in LIST["credentials"]} == holders


def test_no_two_credentials_share_an_id_or_an_identifier() -> None:
    credentials = LIST["credentials"]
    assert len({each["id"] for each in credentials}) == len(credentials)
    identifiers = {(each["format"], each["facility_code"], each["number"]) for each in credentials}
    assert len(identifiers) == len(credentials)


def test_first_blue_card_is_in_the_list_as_each_reader_sees_it() -> None:
    mine = [each for each in LIST["credentials"] if each["label"] == "蓝卡 0001"]
    seen = [(each["format"], each["facility_code"], each["number"]) for each in mine]
    assert seen == [("EM4100", None, 123 << 16 | 4567), ("H10301", 123, 4567)]


def test_list_has_a_schedule_over_midnight_and_no_door_that_unlocks_itself() -> None:
    periods = [period for each in LIST["schedules"] for period in each["periods"]]
    assert any(period["end"] < period["start"] for period in periods)
    assert {each["unlock_schedule"] for each in LIST["access_points"]} == {None}


def test_stranger_is_in_nobodys_list_and_everybody_else_is() -> None:
    cards = named_cards()
    assert set(cards) - {entry.name for entry in entries()} == {"stranger"}
    stranger = cards["stranger"].number
    low = stranger & 0xFFFFFF
    assert not any(each["number"] in (stranger, low & 0xFFFF) for each in LIST["credentials"])


def test_about_forty_people_live_and_work_there() -> None:
    assert 36 <= len(LIST["cardholders"]) <= 50
