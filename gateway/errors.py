"""The whole error tree, by who must act.

A denial is a value, never an exception. Each class says in its docstring who mends it and what the caller does.
"""

import json


class GatehouseError(Exception):
    """Root of everything that Gatehouse raises on purpose."""


class ConfigError(GatehouseError):
    """The operator's input is wrong. Exit code 2; the message names the key, the value, the remedy and the line.

    `value` is None where there is none to show.
    """

    def __init__(self, key: str, value: object, remedy: str, line: int | None = None) -> None:
        self.key, self.value, self.remedy, self.line = key, value, remedy, line
        where = f" (line {line})" if line is not None else ""
        super().__init__(f"{self.setting}{where}: {remedy}")

    @property
    def setting(self) -> str:
        """The key, with the value that it has as TOML writes it."""
        return self.key if self.value is None else f"{self.key} = {_as_written(self.value)}"


def _as_written(value: object) -> str:
    """A value as a config has it: lists, tables and switches as TOML writes them."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {as_toml(held)}" for key, held in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def as_toml(value: object) -> str:
    """A value as a line of TOML has it, after `key = `."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _as_written(value)


class DeviceError(GatehouseError):
    """A device or its wire failed."""


class LinkError(DeviceError):
    """The link is gone or silent: retry with back-off."""


class RemoteProtocolError(DeviceError):
    """The peer broke its protocol: count it and reset the link."""


class AuthenticationFailed(DeviceError):
    """The peer refused our credentials: tell the operator; never retry blindly."""


class OfficeRefusesBox(AuthenticationFailed):
    """The office lets this box do nothing; `code` is the protocol's, of which the console has words for a guard."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        super().__init__(words)


class CommandFailed(DeviceError):
    """The device answered that it can't, or did not answer in time."""


class StreamLost(DeviceError):
    """A camera's stream ended or stalled: reopen it with back-off."""


class LocalProtocolError(GatehouseError):
    """Our own bug: crash and be restarted."""


class JournalUnavailable(GatehouseError):
    """The journal can't be written (full disk, failing disk): raise an alarm and keep deciding."""


class ListInvalid(GatehouseError):
    """An access list has faults; `faults` holds one line each, with its path. The old list stays."""

    remedy = "mend the list at the office, whose summary names the faults"
    """What a person does about one that comes from the office."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults[:20]) + (f"; and {len(faults) - 20} more" if len(faults) > 20 else ""))


class ListTorn(ListInvalid):
    """A list, or what changes one, isn't what its manifest promised: fetch it by another way. The old list stays."""

    remedy = "look for what cuts or changes answers on the way, such as a proxy; it is asked for again"


class ListUntrusted(ListInvalid):
    """A manifest that nobody has to believe: not signed, badly signed, another site's, or older than what was seen."""

    def __init__(self, faults: tuple[str, ...], remedy: str) -> None:
        self.remedy = remedy
        super().__init__(faults)


class OfficeUnreachable(GatehouseError):
    """No answer from the office: retry with back-off and full jitter."""

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class OfficeRejected(GatehouseError):
    """The office answered something that can't be used: set it aside and alarm."""
