"""Signals as JSON: how they cross the socket between the gateway's own processes."""

import dataclasses
from datetime import datetime
from typing import Any, get_args

import msgspec

from gateway.domain.signals import Signal
from gateway.errors import RemoteProtocolError

_CLASSES: dict[str, type] = {cls.__name__: cls for cls in get_args(Signal)}


def signal_to_dict(signal: Signal) -> dict[str, Any]:
    """`{"type": "<class name>", …fields}`, plain JSON values."""
    fields: dict[str, Any] = msgspec.to_builtins(signal)
    return {"type": type(signal).__name__, **fields}


def signal_from_dict(message: Any) -> Signal:
    """The signal in `message`. Raises RemoteProtocolError naming what is wrong."""
    if not isinstance(message, dict):
        raise RemoteProtocolError("a signal is a JSON object")
    fields = dict(message)
    name = fields.pop("type", None)
    cls = _CLASSES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise RemoteProtocolError(f"no signal is called {name!r}")
    try:
        signal: Signal = msgspec.convert(fields, cls, strict=True)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise RemoteProtocolError(f"{name}: {error}") from error
    _check_times(name, signal)
    return signal


def _check_times(name: Any, signal: Any) -> None:
    """Every time has an offset: one without can't be compared with the clock."""
    for field in dataclasses.fields(signal):
        value = getattr(signal, field.name)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise RemoteProtocolError(f"{name}: {field.name} has no offset")
