"""Times that a person types."""

from datetime import datetime

from gateway.errors import ConfigError
from gateway.store.list_times import rfc3339


def parse_time(key: str, text: str, line: int | None = None) -> datetime:
    """An RFC 3339 time with offset, in UTC. Raises ConfigError."""
    try:
        return rfc3339(text)
    except ValueError as error:
        raise ConfigError(
            key, text[:80], "write RFC 3339 with an offset, such as 2026-11-23T08:00:00+08:00", line
        ) from error
