"""LIST.json: every fault by its path, the whole list refused; the fast judgement says what the walk says."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ListInvalid
from gateway.store.access_list import list_schema, parse_list
from gateway.store.list_faults import document_faults
from gateway.store.list_items import CardholderItem, CredentialItem, Items
from gateway.store.list_soundness import are_sound_credentials, sound_cardholders
from tests.gateway.store.sample_lists import WEEK, full_list, sample_list

Change = Callable[[dict[str, Any]], object]
FIVE_TO_SIX = {"days": ["mon"], "start": "05:00", "end": "06:00"}


def _put(*path: str | int, **fields: Any) -> Change:
    """Set fields of the object at the path."""

    def change(document: dict[str, Any]) -> None:
        _at(document, path).update(fields)

    return change


def _drop(*path: str | int) -> Change:
    """Remove the path's last key."""

    def change(document: dict[str, Any]) -> None:
        del _at(document, path[:-1])[path[-1]]

    return change


def _add(*path: str | int, item: Any) -> Change:
    """Append to the array at the path."""

    def change(document: dict[str, Any]) -> None:
        _at(document, path).append(item)

    return change


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


FAULTS: list[tuple[str, Change]] = [
    # the document
    ("$.zone: 'Mars/Olympus' is no IANA time zone", _put(zone="Mars/Olympus")),
    ("$.issued_at: '2026-11-23T08:00:00' is no RFC 3339", _put(issued_at="2026-11-23T08:00:00")),
    ("$.version: must be 1 to", _put(version=0)),
    ("$.version: must be integer", _put(version=True)),
    ("$.schema: must be one of 1", _put(schema=2)),
    ("$.colour: unknown key", _put(colour="red")),
    ("$.site: is missing", _drop("site")),
    ("$.credentials: is missing", _drop("credentials")),
    ("$.credentials: must be array", _put(credentials={})),
    # special days and schedules
    ("$.special_days[1].id: 'new-year' is there twice", _put("special_days", 1, id="new-year")),
    ("$.special_days[0].dates[0]: must match", _put("special_days", 0, dates=["2027-1-1"])),
    ("$.special_days[0].dates[1]: '2027-02-29' is no day", _put("special_days", 0, dates=["2027-01-01", "2027-02-29"])),
    ("$.special_days[1].dates: names a date twice", _put("special_days", 1, dates=["2027-03-01", "2027-03-01"])),
    (
        "$.schedules[2].special_days[0].special_day: no special day 'x'",
        _put("schedules", 2, "special_days", 0, special_day="x"),
    ),
    (
        "$.schedules[2].special_days[1].special_day: 2027-01-01 is in 'new-year' as well",
        _add("special_days", 1, "dates", item="2027-01-01"),
    ),
    (
        "$.schedules[2].special_days[1].special_day: 2027-01-01 is in 'new-year' as well",
        _put("schedules", 2, "special_days", 1, special_day="new-year"),
    ),
    (
        "$.schedules[2].special_days[1].periods[0]: is empty",
        _put("schedules", 2, "special_days", 1, "periods", 0, end="22:00"),
    ),
    (
        "$.schedules[2].special_days[1].periods[1]: overlaps $.schedules[2].special_days[1].periods[0]",
        _add("schedules", 2, "special_days", 1, "periods", item={"start": "23:00", "end": "24:00"}),
    ),
    (
        "$.schedules[2].special_days[0].periods[0]: overlaps $.schedules[2].special_days[0].periods[1]",
        _put(
            "schedules",
            2,
            "special_days",
            0,
            periods=[{"start": "05:00", "end": "06:00"}, {"start": "22:00", "end": "05:30"}],
        ),
    ),
    (
        "$.schedules[2].dated[0].from: '2027-06-31' is no day",
        _put("schedules", 2, "dated", 0, **{"from": "2027-06-31"}),
    ),
    ("$.schedules[2].dated[0].until: ends before it starts", _put("schedules", 2, "dated", 0, until="2027-06-30")),
    ("$.schedules[2].dated[0].periods[0]: is empty", _put("schedules", 2, "dated", 0, "periods", 0, end="07:00")),
    (
        "$.schedules[2].dated[0].periods[1]: overlaps $.schedules[2].dated[0].periods[0]",
        _add("schedules", 2, "dated", 0, "periods", item={"days": ["sun"], "start": "11:00", "end": "13:00"}),
    ),
    (
        "$.schedules[2].dated[1]: overlaps $.schedules[2].dated[0]",
        _add("schedules", 2, "dated", item={"from": "2027-08-31", "until": "2027-09-30", "periods": []}),
    ),
    ("$.schedules[1].id: 'always' is there twice", _put("schedules", 1, id="always")),
    ("$.schedules[1].periods[0].start: must match", _put("schedules", 1, "periods", 0, start="24:00")),
    ("$.schedules[1].periods[0].days[0]: must be one of", _put("schedules", 1, "periods", 0, days=["friday"])),
    ("$.schedules[1].periods[0].days: is empty", _put("schedules", 1, "periods", 0, days=[])),
    ("$.schedules[1].periods[0].days: names a day twice", _put("schedules", 1, "periods", 0, days=["fri", "fri"])),
    ("$.schedules[1].periods[0]: is empty", _put("schedules", 1, "periods", 0, start="06:00")),
    ("$.schedules[0].periods[1]: overlaps", _add("schedules", 0, "periods", item=FIVE_TO_SIX)),
    (
        "$.schedules[1].periods[0]: overlaps $.schedules[1].periods[1]",
        _put("schedules", 1, periods=[FIVE_TO_SIX, {"days": ["sun"], "start": "22:00", "end": "05:30"}]),
    ),
    # access points and areas
    ("$.access_points[1].id: 'north' is there twice", _put("access_points", 1, id="north")),
    ("$.access_points[1].unlock_schedule: no schedule 'x'", _put("access_points", 1, unlock_schedule="x")),
    ("$.access_points[2].settings[1].schedule: no schedule 'x'", _put("access_points", 2, "settings", 1, schedule="x")),
    (
        "$.access_points[2].settings[0].authentication: must be one of",
        _put("access_points", 2, "settings", 0, authentication="face"),
    ),
    ("$.access_points[2].area_to: no area 'x'", _put("access_points", 2, area_to="x")),
    ("$.access_points[2].area_from: no area 'x'", _put("access_points", 2, area_from="x")),
    ("$.access_points[2].persons: adds up to 6 people", _put("access_points", 2, "persons", 0, count=4)),
    ("$.access_points[2].persons[0].count: must be 1 to 5", _put("access_points", 2, "persons", 0, count=6)),
    ("$.areas[1].id: 'garage' is there twice", _put("areas", 1, id="garage")),
    ("$.areas[0].anti_passback: must be one of", _put("areas", 0, anti_passback="yes")),
    ("$.areas[0].timed_minutes: must be 1 to 10080", _put("areas", 0, timed_minutes=10_081)),
    ("$.areas[0].max_occupancy: must be 1 to", _put("areas", 0, max_occupancy=0)),
    ("$.areas[0].forgive_daily_at: must match", _put("areas", 0, forgive_daily_at="24:00")),
    # levels and pass keys
    ("$.levels[1].id: 'residents' is there twice", _put("levels", 1, id="residents")),
    ("$.levels[0].grants[0].schedule: no schedule 'x'", _put("levels", 0, "grants", 0, schedule="x")),
    ("$.levels[0].grants[0].access_point: no access point 'x'", _put("levels", 0, "grants", 0, access_point="x")),
    ("$.levels[1].grants[0].floors[1]: must be string", _put("levels", 1, "grants", 0, floors=["1", 2])),
    ("$.levels[1].valid_until: ends before it starts", _put("levels", 1, valid_until="2026-01-01T00:00:00Z")),
    ("$.levels[1].valid_from: 'soon' is no RFC 3339", _put("levels", 1, valid_from="soon")),
    ("$.pass_keys[1].id: 'office' is there twice", _put("pass_keys", 1, id="office")),
    ("$.pass_keys[0].public_key: must match", _put("pass_keys", 0, public_key="AAAA")),
    ("$.pass_keys[0].public_key: is no key", _put("pass_keys", 0, public_key="A" * 43 + "=")),
    ("$.pass_keys[1].cardholder: no cardholder 'x'", _put("pass_keys", 1, cardholder="x")),
    ("$.pass_keys[0].levels[1]: no level 'x'", _put("pass_keys", 0, levels=["residents", "x"])),
    # cardholders
    ("$.cardholders[1].id: 'p-0' is there twice", _put("cardholders", 1, id="p-0")),
    ("$.cardholders[1].id: must match", _put("cardholders", 1, id="p 1")),
    ("$.cardholders[1].id: must match", _put("cardholders", 1, id="p,1")),
    ("$.pass_keys[0].id: must match", _put("pass_keys", 0, id="of/fice")),
    ("$.cardholders[1].kind: must be one of", _put("cardholders", 1, kind="guest")),
    ("$.cardholders[1].special_care: must be boolean", _put("cardholders", 1, special_care=None)),
    ("$.cardholders[0].levels[0].level: no level 'x'", _put("cardholders", 0, "levels", 0, level="x")),
    ("$.cardholders[0].levels[0].valid_from: 'x' is no", _put("cardholders", 0, "levels", 0, valid_from="x")),
    (
        "$.cardholders[2].valid_until: ends before it starts",
        _put("cardholders", 2, valid_until="2027-01-01T00:00:00+09:00"),
    ),
    ("$.cardholders[2].risk.level: must be 1 to 3", _put("cardholders", 2, "risk", level=4)),
    ("$.cardholders[2].risk.reason: is missing", _drop("cardholders", 2, "risk", "reason")),
    ("$.cardholders[2].risk.until: '2027-02-01' is no RFC 3339", _put("cardholders", 2, "risk", until="2027-02-01")),
    ("$.cardholders[2].groups[0]: must match", _put("cardholders", 2, groups=[""])),
    # credentials
    ("$.credentials[1].id: 'c-0' is there twice", _put("credentials", 1, id="c-0")),
    ("$.credentials[0].cardholder: no cardholder 'x'", _put("credentials", 0, cardholder="x")),
    ("$.credentials[2]: is the same card as $.credentials[1]", _put("credentials", 2, number=1)),
    ("$.credentials[7]: is the same card as $.credentials[6]", _put("credentials", 7, key="0123456789abcdef" * 2)),
    ("$.credentials[0]: has both a key and format", _put("credentials", 0, key="0" * 32)),
    ("$.credentials[6]: has both a key and facility_code", _put("credentials", 6, facility_code=None)),
    ("$.credentials[0]: needs format and number", _drop("credentials", 0, "number")),
    ("$.credentials[0]: needs format and number", _drop("credentials", 0, "format")),
    ("$.credentials[0].format: must match", _put("credentials", 0, format="H 10301")),
    ("$.credentials[0].number: must be 0 to", _put("credentials", 0, number=-1)),
    ("$.credentials[0].number: must be 0 to", _put("credentials", 0, number=2**128)),
    ("$.credentials[0].number: must be integer or string", _put("credentials", 0, number=1.5)),
    ("$.credentials[0].number: of 'c-0': must be integer; only a plate's", _put("credentials", 0, number="4567")),
    ("$.credentials[0].facility_code: must be 0 to", _put("credentials", 0, facility_code=2**32)),
    ("$.credentials[4].number: of 'plate': must be string; a plate's", _put("credentials", 4, number=12345)),
    ("$.credentials[4].number: must match", _put("credentials", 4, number="京A 12345")),
    ("$.credentials[4].number: must match", _put("credentials", 4, number="京a12345")),
    ("$.credentials[4].number: must match", _put("credentials", 4, number="A" * 21)),
    ("$.credentials[4].number: of 'plate': a plate's is in capitals", _put("credentials", 4, number="É12é45")),
    ("$.credentials[4].facility_code: of 'plate': PLATE has none", _put("credentials", 4, facility_code=1)),
    ("$.credentials[5].number: of 'pin': has more digits than PIN6", _put("credentials", 5, number=1_000_000)),
    ("$.credentials[5].format: of 'pin': PIN3 is none of PIN4 to PIN12", _put("credentials", 5, format="PIN3")),
    ("$.credentials[5].format: of 'pin': PIN13 is none of PIN4 to PIN12", _put("credentials", 5, format="PIN13")),
    ("$.credentials[5].facility_code: of 'pin': PIN6 has none", _put("credentials", 5, facility_code=0)),
    ("$.credentials[0].state: must be one of", _put("credentials", 0, state="stolen")),
    (
        "$.credentials[1].valid_until: ends before it starts",
        _put("credentials", 1, valid_until="2027-01-01T00:00:00+08:00"),
    ),
    ("$.credentials[1].uses: must be 1 to", _put("credentials", 1, uses=0)),
    ("$.credentials[1].uses_per_day: must be 1 to", _put("credentials", 1, uses_per_day=0)),
    ("$.credentials[1].pin: must match", _put("credentials", 1, pin="123")),
    ("$.credentials[1].pin: must be string", _put("credentials", 1, pin=1234)),
    ("$.credentials[1].duress_pin: is the same as pin", _put("credentials", 1, duress_pin="246813579024")),
    ("$.credentials[1]: has both pin and pin_key", _put("credentials", 1, pin_key="0" * 32)),
    ("$.credentials[1]: has both duress_pin and duress_pin_key", _put("credentials", 1, duress_pin_key="0" * 32)),
    (
        "$.credentials[7].duress_pin_key: is the same as pin_key",
        _put("credentials", 7, duress_pin_key="00112233445566778899aabbccddeeff"),
    ),
    ("$.credentials[7].pin_key: must match", _put("credentials", 7, pin_key="0" * 31)),
    ("$.credentials[6].key: must match", _put("credentials", 6, key="0" * 31)),
    ("$.credentials[0].duress: must be boolean", _put("credentials", 0, duress=1)),
    ("$.credentials[0].grade: must be one of", _put("credentials", 0, grade="pin")),
    ("$.credentials[0].label: is longer than 200", _put("credentials", 0, label="x" * 201)),
    ("$.credentials[0].name: unknown key", _put("credentials", 0, name="Wang")),
]


@pytest.mark.parametrize(("fault", "change"), FAULTS, ids=[f"{n}-{fault}" for n, (fault, _) in enumerate(FAULTS)])
def test_fault_is_told_by_its_path(fault: str, change: Change) -> None:
    document = full_list()
    parse_list(json.dumps(document).encode())
    change(document)
    with pytest.raises(ListInvalid) as caught:
        parse_list(document)
    assert [line for line in caught.value.faults if line.startswith(fault)], caught.value.faults


def test_faults_never_repeat_the_digits_of_a_pin_or_a_card() -> None:
    document = full_list()
    document["credentials"][1] |= {"duress_pin": "246813579024"}
    document["credentials"][5]["number"] = 98765432
    document["credentials"][2]["number"] = document["credentials"][3]["number"] = 55577799
    with pytest.raises(ListInvalid) as caught:
        parse_list(document)
    assert len(caught.value.faults) == 3
    assert not any(digits in str(caught.value) for digits in ("246813579024", "98765432", "55577799"))


def _faults(document: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ListInvalid) as caught:
        parse_list(document)
    return caught.value.faults


def test_a_slip_of_one_item_hides_no_fault_of_another_ones_meaning() -> None:
    document = full_list()
    document["colour"] = "red"
    document["zone"] = "Mars/Olympus"
    document["credentials"][0]["uses"] = 0
    document["credentials"][1]["cardholder"] = "nobody"
    document["cardholders"][1]["kind"] = "guest"
    document["levels"][0]["grants"][0]["schedule"] = "x"
    told = _faults(document)
    assert len(told) == 6
    for path in (
        "$.colour",
        "$.cardholders[1].kind",
        "$.credentials[0].uses",
        "$.zone",
        "$.levels[0].grants[0].schedule",
        "$.credentials[1].cardholder",
    ):
        assert any(line.startswith(f"{path}: ") for line in told), (path, told)


def test_an_item_with_a_slip_still_has_its_id() -> None:
    document = full_list()
    document["schedules"][0]["periods"] = 7
    document["cardholders"][1] |= {"id": document["cardholders"][0]["id"], "kind": "guest"}
    told = _faults(document)
    assert [line.partition(": ")[0] for line in told[:3]] == [
        "$.schedules[0].periods",
        "$.cardholders[1].kind",
        "$.cardholders[1].id",
    ]
    assert not [line for line in told if "no schedule" in line]


@pytest.mark.parametrize(
    "change", [_put("cardholders", 1, id="p 1"), _drop("cardholders", 1, "id"), _put(cardholders=7)]
)
def test_where_an_id_can_not_be_read_no_reference_is_said_to_lead_nowhere(change: Change) -> None:
    document = full_list()
    change(document)
    told = _faults(document)
    assert len(told) == 1, told
    assert told[0].startswith("$.cardholders")


def test_more_items_than_are_supported_are_not_walked() -> None:
    document = full_list() | {"pass_keys": [{"id": "x"}] * 1001}
    assert _faults(document) == ("$.pass_keys: holds 1001 items, at most 1000 are supported",)


def _fits(format_: str, facility_code: int | None, number: int) -> str | None:
    """As a table of card formats would judge."""
    if format_ != "H10301":
        return None if format_ == "EM4100" else f".format: {format_} is known to no reader"
    return ".number: doesn't fit H10301" if number > 65_535 else None


def test_whether_a_cards_number_fits_its_format_is_asked_of_whoever_knows_formats() -> None:
    document = full_list()
    cards = [one for one in document["credentials"] if one.get("format") == "H10301"]
    cards[0]["number"] = 65_536
    cards[1]["format"] = "H10302X"
    parse_list(document)
    with pytest.raises(ListInvalid) as caught:
        parse_list(document, _fits)
    at = [document["credentials"].index(card) for card in cards[:2]]
    assert f"$.credentials[{at[0]}].number: of 'c-{at[0]}': doesn't fit H10301" in caught.value.faults
    assert f"$.credentials[{at[1]}].format: of 'c-{at[1]}': H10302X is known to no reader" in caught.value.faults


def test_pins_plates_and_keyed_cards_are_asked_of_nobody() -> None:
    document = full_list()
    document["credentials"] = [
        one for one in document["credentials"] if str(one.get("format")).startswith(("PIN", "PLATE")) or "key" in one
    ]
    assert len(document["credentials"]) >= 3
    parse_list(document, lambda *_: ".format: is known to no reader")


def test_all_faults_come_at_once_and_at_most_a_thousand() -> None:
    document = sample_list(1200)
    for card in document["credentials"]:
        card["cardholder"] = "nobody"
    document["zone"] = "x"
    with pytest.raises(ListInvalid) as caught:
        parse_list(document)
    assert len(caught.value.faults) == 1000


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (b"", "$: is not JSON"),
        (b"[]", "$: must be object"),
        (b"{", "$: is not JSON"),
        (b'{"site": "\xff"}', "$: is not JSON"),
        (b"[" * 10_000, "$: is not JSON"),
    ],
)
def test_what_is_no_json_object_is_refused(source: bytes, fault: str) -> None:
    with pytest.raises(ListInvalid, match=r"\$: ") as caught:
        parse_list(source)
    assert caught.value.faults[0].startswith(fault)


def test_item_that_is_no_json_is_told_by_its_path() -> None:
    source = json.dumps(sample_list()).encode().replace(b'"c-1"', b'"\xff\xfe"')
    with pytest.raises(ListInvalid, match=r"\$.credentials\[1\]: must be object, is no JSON"):
        parse_list(source)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_json_breaks_the_parser(value: Any) -> None:
    parts = ("zone", "areas", "special_days", "pass_keys", "cardholders", "credentials")
    for document in (value, *({**full_list(), part: value} for part in parts)):
        assert _is_refused_or_sound(json.dumps(document).encode())


def _is_refused_or_sound(source: bytes) -> bool:
    try:
        return parse_list(source).site == "demo"
    except ListInvalid as error:
        return bool(error.faults)


FIELDS = {
    "cardholders": list(list_schema()["properties"]["cardholders"]["items"]["properties"]),
    "credentials": list(list_schema()["properties"]["credentials"]["items"]["properties"]),
}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 3, 5.0, 2**32, 2**64, 2**128 - 1, 2**128, 9_999_999]),
    st.sampled_from(
        ["", "x", "p-0", "c-0", "residents", "PLATE", "PIN4", "PIN6", "PIN13", "京A12345", "京a1", "É", "é"]
    ),
    st.sampled_from(
        ["0" * 32, "0123456789abcdef" * 2, "A" * 32, "1234", "123", "246813579024", "135790246813", "٣٣٣٣"]
    ),
    st.sampled_from(
        ["2027-01-01T00:00:00Z", "2027-01-01T08:00:00+08:00", "2027-01-01T00:00:00", "0001-01-01T00:00:00+09:00"]
    ),
    st.sampled_from(["active", "lost", "secure", "clonable", "pin", "resident", "visitor", "guest"]),
    st.sampled_from(
        [[], ["x"], ["a b"], [1], {}, [{"level": "residents"}], [{"level": "x"}], [{"level": "works", "more": 1}]]
    ),
    st.sampled_from(
        [{"level": 1, "reason": ""}, {"level": 0, "reason": ""}, {"level": 3, "reason": "x", "until": "x"}]
    ),
    st.text(max_size=3),
)


@st.composite
def _changed(draw: st.DrawFn) -> dict[str, Any]:
    """The full list with a few fields of its cardholders and credentials set, or gone."""
    document = full_list()
    for _ in range(draw(st.integers(1, 4))):
        part = draw(st.sampled_from(sorted(FIELDS)))
        item = draw(st.sampled_from(document[part]))
        name = draw(st.sampled_from([*FIELDS[part], "more"]))
        if draw(st.booleans()):
            item[name] = deepcopy(draw(VALUES))
        else:
            item.pop(name, None)
    return document


@given(_changed())
def test_fast_judgement_and_the_walk_agree(document: dict[str, Any]) -> None:
    assert _told(document) == tuple(document_faults(document))


def _told(document: dict[str, Any]) -> tuple[str, ...]:
    try:
        parse_list(document)
    except ListInvalid as error:
        return error.faults
    return ()


def test_sound_list_needs_no_walk() -> None:
    document = full_list()
    holders = Items([msgspec.Raw(msgspec.json.encode(item)) for item in document["cardholders"]], CardholderItem)
    cards = Items([msgspec.Raw(msgspec.json.encode(item)) for item in document["credentials"]], CredentialItem)
    assert sound_cardholders(holders, {"residents", "works"}) == {"p-0", "p-1", "p-2", "p-3"}
    assert are_sound_credentials(cards, {"p-0", "p-1", "p-2", "p-3"})
    assert not are_sound_credentials(cards, {"p-0", "p-1", "p-2"})


def test_floors_and_groups_may_be_called_what_an_id_may_not() -> None:
    document = full_list()
    document["levels"][1]["grants"][0]["floors"] = ["G/F", "1,5"]
    document["cardholders"][1]["groups"] = ["board/night"]
    parsed = parse_list(document)
    assert parsed.levels["works"].grants[0].floors == ("G/F", "1,5")


def test_periods_that_touch_are_sound() -> None:
    document = sample_list()
    document["schedules"][1]["periods"] = [
        {"days": WEEK, "start": "08:00", "end": "12:00"},
        {"days": WEEK, "start": "12:00", "end": "08:00"},
    ]
    assert parse_list(document).schedules["night"].periods[1].end_minute == 1440 + 480


def test_night_of_a_lone_special_day_may_end_where_its_morning_is_free() -> None:
    document = full_list()
    periods = [{"start": "05:00", "end": "06:00"}, {"start": "22:00", "end": "05:30"}]
    document["schedules"][2]["special_days"][1]["periods"] = periods
    assert len(parse_list(document).schedules["office-hours"].special[1].periods) == 2


def test_example_of_the_manual_is_sound_and_names_every_field() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "access-list.md").read_text(encoding="utf-8")
    example = manual.partition("```json\n")[2].partition("```")[0]
    document = parse_list(example.encode())
    assert (document.site, len(document.credentials)) == ("demo", 5)
    missing = set(_field_names(list_schema())) - set(_keys(json.loads(example)))
    assert missing == {"duress_pin_key"}
    assert all(f"`{name}`" in manual for name in _field_names(list_schema()))


def _field_names(schema: dict[str, Any]) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from _field_names(inner)
    if "items" in schema:
        yield from _field_names(schema["items"])


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        yield from chain.from_iterable(map(_keys, value))
