"""Settings of a broker, and what a topic may look like."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from drivers.registry import DriverSettings, SecretReference

_TOPIC = re.compile(r"[^\s+#/\x00$][^\s+#\x00]*")


class BrokerSettings(DriverSettings):
    """`[broker.NAME]`. TLS unless `insecure = true` stands there; passwords are references (`file:` or `env:`)."""

    host: str = Field(min_length=1)
    port: int = Field(default=8883, ge=1, le=65535)
    insecure: bool = False
    username: str | None = None
    password: SecretReference | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    mqtt_version: Literal["auto", "3.1.1", "5"] = "auto"
    """`auto`: 5 where the broker speaks it, else 3.1.1."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.insecure and (self.ca_file or self.cert_file or self.key_file):
            raise ValueError("insecure = true means no TLS: remove it, or remove ca_file, cert_file and key_file")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together: give both or neither")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        return self


def check_topic(topic: str) -> str:
    """A device's topic as it is. Raises ValueError for wildcards, spaces, and slashes or `$` at the ends."""
    if len(topic) > 200 or not _TOPIC.fullmatch(topic) or topic.endswith("/"):
        raise ValueError("give the device's own topic, such as garage-relay: no + # wildcards, spaces or outer slashes")
    return topic


class TopicSettings(DriverSettings):
    """What every device behind a broker needs."""

    broker: str = Field(min_length=1)
    topic: str

    @field_validator("topic")
    @classmethod
    def _own_topic(cls, topic: str) -> str:
        return check_topic(topic)


class WindowSettings(DriverSettings):
    """A device that says when it read a card: a read of another time is ignored; `window_s = 0` takes any."""

    window_s: float = Field(default=0.0, ge=0, le=3600)
    utc_offset_h: float = Field(default=0.0, ge=-14, le=14)
    """How far ahead of UTC the device's clock is: firmwares say local time without a zone."""
