"""What each firmware's messages mean: published captures, and any rubbish, by property."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.broker_client import MAX_PAYLOAD
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
METHOD_KEYS = ("method", "params", "events", "component", "event", "id", "result", "error", "ts", "switch:0", "input:1")
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

PARSERS: list[Callable[[bytes], object]] = [read_notice, read_answer]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(payload=PAYLOADS)
def test_any_payload_gives_a_value_or_a_value_error(parse: Callable[[bytes], object], payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(payload)
