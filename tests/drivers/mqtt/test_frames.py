"""What each firmware's messages mean: published captures, and any rubbish, by property."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.broker import parse_object
from drivers.mqtt.broker_client import MAX_PAYLOAD
from drivers.mqtt.esp_rfid_frames import Reads, open_door, read_said
from drivers.mqtt.esp_rfid_frames import read_uid as read_esp_uid
from drivers.mqtt.esphome_frames import Chip, read_key_text, read_tag
from drivers.mqtt.esphome_frames import read_level as read_on_off
from drivers.mqtt.reads import is_outside
from drivers.mqtt.shelly_frames import (
    Answer,
    Notice,
    input_faults,
    read_answer,
    read_level,
    read_notice,
    request,
    switch_faults,
)
from drivers.mqtt.tasmota_reads import read_sensor, read_time
from drivers.serial_reader import Card, Key, Rejected
from drivers.wiegand.formats import BUILT_IN
from gateway.domain.credential import Identifier
from gateway.domain.moment import ClockQuality, Moment

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "mqtt.json").read_text(encoding="utf-8"))


def source(row: dict[str, Any]) -> str:
    return f"{row['from'][:30]} {row['payload'][:60]}"


class TestShelly:
    @pytest.mark.parametrize("row", VECTORS["shelly_notices"], ids=source)
    def test_published_notice(self, row: dict[str, Any]) -> None:
        notice = read_notice(row["payload"].encode())
        assert [list(pair) for pair in notice.outputs] == row["outputs"]
        assert [list(pair) for pair in notice.inputs] == row["inputs"]
        assert notice.set_up_anew is row.get("set_up_anew", False)
        assert notice.said_at is not None

    @pytest.mark.parametrize("row", VECTORS["shelly_answers"], ids=source)
    def test_published_answer(self, row: dict[str, Any]) -> None:
        assert read_answer(row["payload"].encode()) == Answer(row["number"], row["result"], row["fault"])

    @pytest.mark.parametrize("row", VECTORS["shelly_requests"], ids=source)
    def test_published_request(self, row: dict[str, Any]) -> None:
        assert request(row["number"], row["source"], row["method"], row["params"]) == row["payload"]

    def test_button_says_both_ends_of_a_press(self) -> None:
        for event, level in (("btn_down", True), ("btn_up", False)):
            frame = {"method": "NotifyEvent", "params": {"events": [{"component": "input:3", "event": event}]}}
            assert read_notice(json.dumps(frame).encode()) == Notice(inputs=((3, level),))

    def test_level_of_a_button_that_nobody_presses_is_null(self) -> None:
        assert [read_level({"state": state}, "state") for state in (None, True, False, 1, "on")] == [
            False,
            True,
            False,
            None,
            None,
        ]
        assert read_level({}, "state") is None

    @pytest.mark.parametrize(
        ("config", "faults"),
        [
            ({"initial_state": "off", "auto_on": False, "auto_off": True, "in_mode": "detached"}, ()),
            ({"initial_state": "off", "auto_on": False, "auto_off": True}, ()),
            ({}, ("switch:1.initial_state=?", "switch:1.auto_on=?", "switch:1.auto_off=?")),
            (
                {"initial_state": "match_input", "auto_on": True, "auto_off": False, "in_mode": "momentary"},
                (
                    "switch:1.initial_state=match_input",
                    "switch:1.auto_on=true",
                    "switch:1.auto_off=false",
                    "switch:1.in_mode=momentary",
                ),
            ),
            ({"initial_state": "x" * 500, "auto_on": False, "auto_off": True}, ("switch:1.initial_state=" + "x" * 40,)),
        ],
    )
    def test_dangerous_settings_of_a_switch(self, config: dict[str, Any], faults: tuple[str, ...]) -> None:
        assert switch_faults(1, config, held=False) == faults

    def test_held_output_needs_no_auto_off(self) -> None:
        assert switch_faults(0, {"initial_state": "off", "auto_on": False, "auto_off": False}, held=True) == ()

    def test_input_must_have_a_level(self) -> None:
        assert input_faults(0, {"type": "switch", "enable": True}) == input_faults(0, {"type": "button"}) == ()
        assert input_faults(2, {"type": "analog", "enable": False}) == ("input:2.type=analog", "input:2.enable=false")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
METHOD_KEYS = (
    "Time",
    "method",
    "params",
    "events",
    "component",
    "event",
    "id",
    "result",
    "error",
    "ts",
    "switch:0",
    "input:1",
)
READ_KEYS = (
    "output",
    "state",
    "uid",
    "type",
    "isKnown",
    "access",
    "time",
    "bits",
    "value",
    "key",
    "Wiegand",
    "hostname",
)
NAMES = st.sampled_from((*METHOD_KEYS, *READ_KEYS))
WORDS = st.sampled_from(
    ["NotifyStatus", "NotifyEvent", "NotifyFullStatus", "btn_down", "input:0", "access", "switch:99"]
)
JSON = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=8),
    max_leaves=40,
)
DEEP = st.integers(1, MAX_PAYLOAD // 2).map(lambda depth: b"[" * depth + b"]" * depth)
PAYLOADS = st.one_of(st.binary(max_size=MAX_PAYLOAD), JSON.map(lambda value: json.dumps(value).encode()), DEEP)


def all_of_a_notice(payload: bytes) -> object:
    return [switch_faults(0, value, held=False) + input_faults(0, value) for value in _objects(payload)]


def all_of_an_access(payload: bytes) -> object:
    said, at = read_said(payload), Moment(datetime(2026, 11, 25, tzinfo=UTC), 0.0, "boot")
    if said is None:
        return None
    return is_outside(said.at_s, at, 30.0, 8.0), [read_esp_uid(said.uid or "", reads) for reads in Reads]


def all_chips(payload: bytes) -> object:
    return [read_tag(payload, chip) for chip in Chip], read_key_text(payload), read_on_off(payload)


def all_sensors(payload: bytes) -> object:
    return [(read_sensor(value), read_time(value)) for value in _objects(payload)]


def _objects(payload: bytes) -> list[dict[str, Any]]:
    return [parse_object(payload)]


PARSERS: list[Callable[[bytes], object]] = [
    read_notice,
    read_answer,
    all_of_a_notice,
    all_of_an_access,
    all_chips,
    all_sensors,
]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(payload=PAYLOADS)
def test_any_payload_gives_a_value_or_a_value_error(parse: Callable[[bytes], object], payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(payload)


class TestEspRfid:
    @pytest.mark.parametrize("row", VECTORS["esp_rfid"], ids=source)
    def test_published_message(self, row: dict[str, Any]) -> None:
        said = read_said(row["payload"].encode())
        assert said is not None
        assert (said.host, said.uid) == (row["host"], row["uid"])
        for flag in ("booted", "opened_itself", "opened_by_command"):
            assert getattr(said, flag) is row.get(flag, False)

    def test_what_is_not_of_the_firmware_says_nothing(self) -> None:
        for payload in (b"{}", b'{"type":"door"}', b'{"uid":"1"}', b'{"cmd":"opendoor","doorip":"10.0.0.1"}'):
            assert read_said(payload) is None

    @pytest.mark.parametrize(
        ("uid", "reads", "decimal", "identifier"),
        [
            ("4a1b2c3d", Reads.UID, False, Identifier("UID32", None, 0x4A1B2C3D)),
            ("4a1b2c", Reads.UID, False, Identifier("UID32", None, 0x4A1B2C)),
            ("04a1b2c3d4e580", Reads.UID, False, Identifier("UID56", None, 0x04A1B2C3D4E580)),
            ("3e0090a4b1", Reads.EM4100, False, Identifier("EM4100", None, 0x0090A4B1)),
            ("763ae8", Reads.WIEGAND, False, Identifier("H10301", 118, 15080)),
            ("7748328", Reads.WIEGAND, True, Identifier("H10301", 118, 15080)),
        ],
    )
    def test_uid_by_reader(self, uid: str, reads: Reads, decimal: bool, identifier: Identifier) -> None:
        card = read_esp_uid(uid, reads, decimal=decimal)
        assert isinstance(card, Card)
        assert card.readings[0].identifier == identifier

    @pytest.mark.parametrize("uid", ["", "None", "1234g", "f" * 21, "12 34"])
    def test_uid_that_is_none_is_rejected(self, uid: str) -> None:
        assert isinstance(read_esp_uid(uid, Reads.UID), Rejected)

    def test_command_bears_the_device_s_address(self) -> None:
        assert json.loads(open_door("192.168.1.211")) == {"cmd": "opendoor", "doorip": "192.168.1.211"}

    @pytest.mark.parametrize(
        ("said_s", "offset_h", "stale"),
        [
            (0, 0.0, False),
            (-29, 0.0, False),
            (31, 0.0, True),
            (-31, 0.0, True),
            (8 * 3600, 8.0, False),
            (28800, 0.0, True),
        ],
    )
    def test_time_outside_the_window_is_stale(self, said_s: int, offset_h: float, stale: bool) -> None:
        at = Moment(datetime(2026, 11, 25, 12, tzinfo=UTC), 0.0, "boot")
        said = at.wall.timestamp() + said_s
        assert is_outside(said, at, 30.0, offset_h) is stale
        assert not is_outside(said, at, 0, offset_h)
        assert not is_outside(None, at, 30.0, offset_h)
        assert not is_outside(said, replace(at, quality=ClockQuality.SUSPECT), 30.0, offset_h)


class TestEsphome:
    @pytest.mark.parametrize("row", VECTORS["esphome_tags"], ids=source)
    def test_published_tag(self, row: dict[str, Any]) -> None:
        (card,) = read_tag(row["payload"].encode(), Chip(row["chip"]))
        assert isinstance(card, Card)
        assert [
            [each.identifier.format, each.identifier.facility_code, each.identifier.number]
            for each in card.readings[:1]
        ] == row["identifiers"]

    def test_raw_bits_are_read_with_their_parity(self) -> None:
        bits, length = BUILT_IN.encode("H10301", 118, 15080)
        for value in (bits, f"0x{bits:x}", f"{bits:X}"):
            (card,) = read_tag(json.dumps({"bits": length, "value": value}).encode(), Chip.WIEGAND, names=("H10301",))
            assert isinstance(card, Card)
            assert [each.identifier for each in card.readings] == [Identifier("H10301", 118, 15080)]
        (wrong,) = read_tag(json.dumps({"bits": length, "value": bits ^ 1}).encode(), Chip.WIEGAND, names=("H10301",))
        assert wrong == Rejected("wrong parity")

    def test_raw_bits_of_a_keypad_are_keys(self) -> None:
        assert read_tag(b'{"bits":4,"value":11}', Chip.WIEGAND) == [Key("#")]
        assert read_tag(b'{"bits":8,"value":225}', Chip.WIEGAND) == [Key("1")]

    @pytest.mark.parametrize("payload", [b'{"bits":0,"value":1}', b'{"bits":26}', b'{"bits":true,"value":1}', b"{}"])
    def test_raw_bits_that_are_none_are_rejected(self, payload: bytes) -> None:
        assert [type(each) for each in read_tag(payload, Chip.WIEGAND)] == [Rejected]

    @pytest.mark.parametrize(("payload", "key"), [(b"7", "7"), (b"*", "*"), (b"#", "#"), (b"10", "*"), (b"11", "#")])
    def test_key_by_sign_or_number(self, payload: bytes, key: str) -> None:
        assert read_key_text(payload) == Key(key)

    @pytest.mark.parametrize("payload", [b"", b"12", b"x", b"-1", b"007", "５".encode()])
    def test_key_that_is_none_is_rejected(self, payload: bytes) -> None:
        assert isinstance(read_key_text(payload), Rejected)
