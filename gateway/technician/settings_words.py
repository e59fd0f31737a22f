"""A driver's settings as a person types them, `KEY=VALUE`: each value is read as its setting wants it."""

import tomllib
import types
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from config.loader import ConfigFaults
from config.remedies import remedy_for
from drivers.registry import DriverSettings
from gateway.errors import ConfigError

_Settings = TypeVar("_Settings", bound=DriverSettings)


def read_settings(model: type[_Settings], given: list[str]) -> _Settings:
    """The settings of these words. Raises ConfigFaults with every fault, each with its key and remedy."""
    values = dict(_setting(model, text) for text in given)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigFaults([_fault(item, model) for item in error.errors()]) from None


def _fault(item: Any, model: type[DriverSettings]) -> ConfigError:
    key = ".".join(str(part) for part in item["loc"])
    if not key:  # What several settings mean together.
        return ConfigError("--set", None, remedy_for(item, model))
    return ConfigError(f"--set {key}", None if item["type"] == "missing" else item["input"], remedy_for(item, model))


def _setting(model: type[DriverSettings], text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise ConfigError("--set", text, "write KEY=VALUE, such as port=/dev/ttyUSB0")
    field = next((field for name, field in model.model_fields.items() if key in (name, field.alias)), None)
    return key, _read(value, set() if field is None else _kinds(field.annotation))


def _read(value: str, kinds: set[Any]) -> Any:
    """As TOML would read it; but a text needs no quotes, and a list no brackets: commas are enough."""
    try:
        read: Any = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value
    if tuple in kinds and not isinstance(read, list):
        return tuple(part for each in value.split(",") if (part := each.strip()))
    if str in kinds and not kinds & {int, float} and not isinstance(read, str):
        return value
    return read


def _kinds(annotation: Any) -> set[Any]:
    """The plain types of which a value of that annotation is one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin is Literal:
        return {type(choice) for choice in get_args(annotation)}
    if origin in (Union, types.UnionType):
        return {kind for part in get_args(annotation) for kind in _kinds(part)}
    return {origin or annotation}
