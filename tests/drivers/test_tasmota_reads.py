"""What Tasmota's SENSOR reports mean: samples of the firmware, and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.tasmota_reads import read_sensor
from drivers.mqtt.tasmota_relay import pulse_time
from drivers.serial_reader import Card, Key, Rejected
from gateway.domain.credential import Identifier


def identifiers(report: dict[str, object]) -> list[Identifier]:
    return [each.identifier for card in read_sensor(report) if isinstance(card, Card) for each in card.readings]


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (
            {"Time": "2021-01-21T16:04:12", "Wiegand": {"UID": 7748328, "Size": 26}},
            [Identifier("H10301", 118, 15080), Identifier("ind26", 1891, 2792)],
        ),
        (
            {"Wiegand": {"UID": "763AE8h", "Size": 26}},
            [Identifier("H10301", 118, 15080), Identifier("ind26", 1891, 2792)],
        ),
        (
            {"Wiegand": {"UID": 4268821999, "Size": 34}},
            [
                Identifier("H10306", 65137, 3567),
                Identifier("N10002", 65137, 3567),
                Identifier("BQT34", 254, 7409135),
                Identifier("UID34", None, 0xFE710DEF),
                Identifier("UID34R", None, 0xEF0D71FE),
            ],
        ),
        (
            {"Wiegand": {"UID": 0x14D8FC5F, "Size": 32}},
            [
                Identifier("B32", 0x14D8, 0xFC5F),
                Identifier("W32", None, 0x14D8FC5F),
            ],
        ),
        ({"RDM6300": {"UID": "008EC793"}}, [Identifier("EM4100", None, 0x008EC793)]),
        ({"RC522": {"UID": "94D8FC5F"}}, [Identifier("UID32", None, 0x94D8FC5F)]),
        ({"PN532": {"UID": "04A1B2C3D4E580", "DATA": ""}}, [Identifier("UID56", None, 0x04A1B2C3D4E580)]),
        ({"Time": "2021-01-21T16:04:12", "SI7021": {"Temperature": 20.1}}, []),
    ],
)
def test_report_of_a_card(report: dict[str, object], wanted: list[Identifier]) -> None:
    assert identifiers(report) == wanted


@pytest.mark.parametrize(
    ("value", "size", "keys"),
    [(7, 4, "7"), (0, 4, "0"), (10, 4, "*"), (11, 8, "#"), (27, 4, "*"), (13, 4, "#"), (1234, 4, "1234#")],
)
def test_keypad_reports_are_keys(value: int, size: int, keys: str) -> None:
    assert read_sensor({"Wiegand": {"UID": value, "Size": size}}) == [Key(key) for key in keys]


@pytest.mark.parametrize(
    "report",
    [
        {"Wiegand": {"UID": 0, "Size": 26}},
        {"Wiegand": {"UID": 1 << 24, "Size": 26}},
        {"Wiegand": {"UID": -1, "Size": 26}},
        {"Wiegand": {"UID": True, "Size": 26}},
        {"Wiegand": {"UID": 1, "Size": "26"}},
        {"Wiegand": {"UID": 1.5, "Size": 26}},
        {"Wiegand": {"UID": 12345678901, "Size": 4}},
        {"Wiegand": {"UID": 5, "Size": 27}},
        {"Wiegand": {"UID": 0x94D8FC5F, "Size": 32}},
        {"Wiegand": {}},
        {"RDM6300": {"UID": "1408EC79300"}},
        {"RDM6300": {"UID": 5}},
        {"RC522": {"UID": ""}},
        {"RC522": {"UID": "94D8FC5"}},
        {"RC522": {"UID": "94D8FC5F01AB"}},
        {"PN532": {"UID": "x" * 8}},
    ],
)
def test_impossible_report_is_rejected(report: dict[str, object]) -> None:
    assert [type(value) for value in read_sensor(report)] == [Rejected]


TEXT = st.text("0123456789ABCDEFabcdefhx -", max_size=24)


@given(
    st.dictionaries(
        st.sampled_from(["Wiegand", "RDM6300", "RC522", "PN532", "Time"]),
        st.one_of(
            st.integers(),
            TEXT,
            st.dictionaries(
                st.sampled_from(["UID", "Size", "DATA"]),
                st.one_of(st.integers(), TEXT, st.floats(), st.none(), st.booleans(), st.lists(st.integers())),
            ),
        ),
    )
)
def test_any_report_gives_values_and_never_an_error(report: dict[str, object]) -> None:
    assert all(isinstance(value, Card | Key | Rejected) for value in read_sensor(report))


@pytest.mark.parametrize(
    ("seconds", "value"), [(0.01, "1"), (0.7, "7"), (5.0, "50"), (11.1, "111"), (12.0, "112"), (60.0, "160")]
)
def test_pulse_time_has_two_scales(seconds: float, value: str) -> None:
    assert pulse_time(seconds) == value
