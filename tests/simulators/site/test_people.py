"""The demo's list holds together."""

from base64 import b64encode
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.authentication import authentication_now
from gateway.domain.listed import AntiPassback, Authentication
from gateway.domain.moment import ClockQuality, Moment
from gateway.store.list_document import parse_list
from gateway.store.memory_list import MemoryAccessList
from simulators.people import demo_list, entries, named_cards, pin_wanted, pins

PUBLIC_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""RFC 8032, section 7.1, test 1."""
LIST = demo_list(7, datetime(2026, 11, 23, 8, tzinfo=UTC), pass_key=b64encode(PUBLIC_KEY).decode())


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


def test_gateway_takes_the_list_as_it_is() -> None:
    listed = MemoryAccessList(parse_list(LIST))
    assert listed.version == 7
    assert MemoryAccessList(parse_list(demo_list(1))).version == 1


@pytest.mark.parametrize("hour", range(24))
def test_yard_door_wants_card_and_pin_by_night_and_the_simulated_people_know_it(hour: int) -> None:
    listed = MemoryAccessList(parse_list(LIST))
    for minute in (0, 59):
        local = datetime(2026, 11, 25, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))
        moment = Moment(local.astimezone(UTC), 1.0, "boot", ClockQuality.SYNCHRONISED)
        for name in ("north", "yard", "garage"):
            point = listed.access_point(name)
            assert point is not None
            wanted = authentication_now(point, moment, listed)
            assert (
                (wanted is Authentication.CARD_AND_PIN)
                == pin_wanted(name, local)
                == (name == "yard" and (hour >= 22 or hour < 6))
            )


def test_gate_leads_into_the_grounds_and_the_yard_door_from_there_into_the_yard() -> None:
    document = parse_list(LIST)
    ways = {name: (point.area_from, point.area_to) for name, point in document.access_points.items()}
    assert ways == {"north": (None, "grounds"), "yard": ("grounds", "yard"), "garage": (None, None)}
    assert {area.anti_passback for area in document.areas.values()} == {AntiPassback.OFF}


def test_whoever_may_pass_the_yard_door_by_night_has_a_pin_and_one_has_another_for_duress() -> None:
    nights = {level["id"] for level in LIST["levels"] for grant in level["grants"] if grant["schedule"] != "daytime"}
    able = {entry.name for entry in entries() if entry.level in nights - {"visitors"} and entry.state == "active"}
    assert able - {"expired-1"} == set(pins())
    under_duress = [each for each in LIST["credentials"] if "duress_pin" in each]
    assert {each["cardholder"] for each in under_duress} == {"p-0007"}
    assert all(each["duress_pin"] != each["pin"] for each in under_duress)


def test_one_needs_special_care_and_one_an_escort_that_any_resident_is() -> None:
    holders = LIST["cardholders"]
    assert [each["id"] for each in holders if each["special_care"]] == ["p-0003"]
    assert [each["kind"] for each in holders if each["escort_needed"]] == ["visitor"]
    assert all(each["can_escort"] for each in holders if each["kind"] == "resident")


def test_office_key_gives_visitors_passes_and_nothing_more() -> None:
    (key,) = LIST["pass_keys"]
    assert (key["id"], key["levels"], key["cardholder"]) == ("demo-office", ["visitors"], None)
    assert demo_list(1)["pass_keys"] == []
