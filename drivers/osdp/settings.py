"""Settings of an OSDP line and of the readers on it."""

import re
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from drivers.osdp.frames import ADDRESS_MAX
from drivers.registry import DriverSettings, FormatNames, SecretReference
from drivers.wiegand.keypad import KeypadSettings
from gateway.errors import ConfigError

BAUD_RATES = (9600, 19200, 38400, 57600, 115200, 230400)
"""What OSDP readers speak (v2.2, section 5.1)."""

BUS_OFFLINE = "the bus is offline"
"""How it begins why a reader is lost with its bus, for whoever must tell that from a loss of its own."""

DEFAULT_KEY = bytes(range(0x30, 0x40))
"""SCBK-D: everybody knows it."""


class BusSettings(DriverSettings):
    """Settings of `driver = "osdp-bus"`."""

    port: str = Field(min_length=1)
    baud: int = 9600
    probe_s: float = Field(default=1.0, ge=0.2, le=60)
    """How often a reader that doesn't answer is asked whether it is back; more often takes the others' time."""

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}")
        return baud


class ReaderSettings(KeypadSettings):
    """Settings of `driver = "osdp-reader"`."""

    unshared: ClassVar[tuple[str, ...]] = ("key",)
    """Whoever takes one reader off the wall must not read the line of another."""

    bus: str
    address: int = Field(ge=0, le=ADDRESS_MAX)
    key: SecretReference | None = None
    insecure: bool = False
    formats: FormatNames = ()
    lights: bool = True
    sounds: bool = True
    outputs: int = Field(default=0, ge=0, le=8)
    inputs: int = Field(default=0, ge=0, le=8)

    @model_validator(mode="after")
    def _is_secure_or_says_so(self) -> "ReaderSettings":
        if self.insecure and self.key is not None:
            raise ValueError("insecure = true means no secure channel: remove it, or the key")
        if not self.insecure and self.key is None:
            raise ValueError('needs key = "file:secrets/NAME.scbk", or insecure = true to let anybody on the line in')
        return self

    def secret_fault(self, device_id: str, key: str, secret: str | None) -> str | None:
        """What to do about a missing or wrong key of the secure channel."""
        make = f"`gatehouse osdp set-key {device_id} --config SITE.toml` makes one, with the gateway stopped"
        if secret is None:
            return make
        try:
            read_key(secret, str(self.key))
        except ConfigError as fault:
            return f"{fault.remedy.partition(':')[0]}: remove it, put the reader into install mode, and {make}"
        return None


def read_key(text: str, reference: str) -> bytes:
    """The secure channel's base key (SCBK) from a secret's text. Raises ConfigError, which shows nothing of it."""
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        raise ConfigError("key", reference, "must hold 32 hex digits: make one with `gatehouse osdp set-key`")
    key = bytes.fromhex(text)
    if key == DEFAULT_KEY or len(set(key)) == 1:
        raise ConfigError("key", reference, "holds a key that everybody knows: make one with `gatehouse osdp set-key`")
    return key
