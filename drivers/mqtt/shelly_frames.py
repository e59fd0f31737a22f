"""The frames that a Shelly of the second generation or later says and takes over MQTT (pure).

JSON-RPC as Shelly's API documents it (General: RPC Protocol, Notifications; Components: Switch, Input): requests go to
`<id>/rpc`, answers come to `<src>/rpc`, notices to `<id>/events/rpc`.
"""

import json
from dataclasses import dataclass
from typing import Any

from drivers.mqtt.broker import parse_object

MOST_COMPONENTS = 64
"""The largest Shelly has eight outputs; more parts of one frame are rubbish."""

GOOD_CONFIG = (("initial_state", "off"), ("auto_on", False), ("auto_off", True), ("in_mode", "detached"))
"""It stays off when power returns, goes off again by itself, and no input works it past the gateway."""

LEVEL_INPUTS = ("switch", "button")
"""A button says both ends of a press too; counters and analogue inputs have no level."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the request of that number; `fault` is what the device says is wrong with it."""

    number: int
    result: dict[str, Any]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What changed, as (number, energised); `set_up_anew` says that somebody changed its configuration.

    `said_at` is the device's Unix time, None where it said none.
    """

    outputs: tuple[tuple[int, bool], ...] = ()
    inputs: tuple[tuple[int, bool], ...] = ()
    set_up_anew: bool = False
    said_at: float | None = None


def request(number: int, source: str, method: str, params: dict[str, Any]) -> str:
    """A request frame."""
    return json.dumps({"id": number, "src": source, "method": method, "params": params}, separators=(",", ":"))


def read_answer(payload: bytes) -> Answer | None:
    """An answer frame; None for any other frame. Raises ValueError: not a JSON object."""
    frame = parse_object(payload)
    number, result, error = frame.get("id"), frame.get("result"), frame.get("error")
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    if isinstance(error, dict):
        return Answer(number, {}, f"error {error.get('code')}: {error.get('message')}"[:200])
    return Answer(number, result if isinstance(result, dict) else {})


def read_notice(payload: bytes) -> Notice:
    """What a notification says of outputs and inputs; empty where it is about something else.

    Raises ValueError: not a JSON object.
    """
    frame = parse_object(payload)
    method, params = frame.get("method"), frame.get("params")
    if not isinstance(params, dict) or method not in ("NotifyStatus", "NotifyFullStatus", "NotifyEvent"):
        return Notice()
    said_at = params.get("ts")
    at = float(said_at) if isinstance(said_at, int | float) and not isinstance(said_at, bool) else None
    return _event(params, at) if method == "NotifyEvent" else _status(params, at)


def read_level(result: dict[str, Any], key: str) -> bool | None:
    """A status's `output` or `state`; None where it says none. A button's `state` is null while nobody presses it."""
    if key == "state" and key in result and result[key] is None:
        return False
    value = result.get(key)
    return value if isinstance(value, bool) else None


def switch_faults(output: int, config: dict[str, Any], *, held: bool) -> tuple[str, ...]:
    """What `Switch.GetConfig` has otherwise than safety wants, as `switch:0.key=value`.

    A `held` output has no auto_off, on our own command. Devices without inputs have no `in_mode`.
    """
    wrong = [(key, config.get(key, "?")) for key, good in GOOD_CONFIG if config.get(key) != good]
    return tuple(
        f"switch:{output}.{key}={_shown(value)}"
        for key, value in wrong
        if not (key == "auto_off" and held) and not (key == "in_mode" and key not in config)
    )


def input_faults(number: int, config: dict[str, Any]) -> tuple[str, ...]:
    """What `Input.GetConfig` has otherwise than it must be to say a level."""
    faults = []
    if config.get("type") not in LEVEL_INPUTS:
        faults.append(f"input:{number}.type={_shown(config.get('type', '?'))}")
    if config.get("enable", True) is not True:
        faults.append(f"input:{number}.enable=false")
    return tuple(faults)


def _status(params: dict[str, Any], at: float | None) -> Notice:
    outputs, inputs = [], []
    for name, part in list(params.items())[:MOST_COMPONENTS]:
        kind, number = _component(name)
        if kind == "switch" and isinstance(part, dict) and (output := read_level(part, "output")) is not None:
            outputs.append((number, output))
        elif kind == "input" and isinstance(part, dict) and (state := read_level(part, "state")) is not None:
            inputs.append((number, state))
    return Notice(tuple(outputs), tuple(inputs), said_at=at)


def _event(params: dict[str, Any], at: float | None) -> Notice:
    events = params.get("events")
    inputs, set_up_anew = [], False
    for event in events[:MOST_COMPONENTS] if isinstance(events, list) else []:
        if not isinstance(event, dict):
            continue
        kind, number = _component(event.get("component"))
        what = event.get("event")
        if kind == "input" and what in ("btn_down", "btn_up"):
            inputs.append((number, what == "btn_down"))
        set_up_anew |= kind in ("switch", "input") and what == "config_changed"
    return Notice(inputs=tuple(inputs), set_up_anew=set_up_anew, said_at=at)


def _component(name: object) -> tuple[str, int]:
    """`switch:0` as its kind and number; no kind for anything else."""
    kind, _, number = name.partition(":") if isinstance(name, str) else ("", "", "")
    if not number.isascii() or not number.isdigit() or len(number) > 2:
        return "", 0
    return kind, int(number)


def _shown(value: object) -> str:
    """A value as it stands in the device's page; bounded, for the device may say anything."""
    return (str(value).lower() if isinstance(value, bool) else str(value))[:40]
