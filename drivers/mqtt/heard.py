"""Which devices a broker's messages tell of (pure): topic and payload to family and topic of the device.

For `gatehouse discover`, which listens for a while with a client of its own; the gateway's connection never hears what
it has not subscribed to. What is found is a guess that a person confirms.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LISTEN_TO = (
    "tele/+/LWT",
    "tele/+/SENSOR",
    "stat/+/RESULT",
    "+/online",
    "+/events/rpc",
    "+/status",
    "+/binary_sensor/+/state",
    "+/switch/+/state",
    "+/lock/+/state",
    "+/tag",
    "+/send",
)
"""Where the firmwares speak, with their usual topics; retained last wills come at once."""

MOST_DEVICES = 1000
"""A broker that shows more is no site's own."""

_ID = r"(?P<id>[^/+#\s]{1,64})"
_READS = re.compile(rb'"(Wiegand|RDM6300|RC522|PN532)"\s*:')
_ESP_RFID = re.compile(rb'"type"\s*:\s*"(boot|heartbeat|hearthbeat|access)"')


@dataclass(frozen=True, slots=True)
class HeardDevice:
    """A device by the driver that would serve it. `topic` is the driver's setting; `parts` what was seen of it.

    Not `sure`: only its last will was heard, which its family's reader has as well as its board.
    """

    driver: str
    topic: str
    parts: tuple[str, ...] = ()
    sure: bool = True


@dataclass(frozen=True, slots=True)
class _Pattern:
    driver: str
    topic: re.Pattern[str]
    payload: re.Pattern[bytes] | None = None


def _pattern(driver: str, topic: str, payload: re.Pattern[bytes] | None = None) -> _Pattern:
    return _Pattern(driver, re.compile(topic.replace("ID", _ID)), payload)


_PATTERNS = (
    _pattern("tasmota-reader", "tele/ID/SENSOR", _READS),
    _pattern("tasmota-relay", "stat/ID/RESULT", re.compile(rb'"POWER\d{0,2}"')),
    _pattern("shelly", "ID/online", re.compile(rb"^(true|false)$")),
    _pattern("shelly", "ID/events/rpc", re.compile(rb'"method"\s*:\s*"Notify')),
    _pattern(
        "esphome-board", "ID/(?P<part>(switch|lock)/[^/]{1,64})/state", re.compile(rb"^(ON|OFF|LOCKED|UNLOCKED)$")
    ),
    _pattern("esphome-board", "ID/(?P<part>binary_sensor/[^/]{1,64})/state", re.compile(rb"^(ON|OFF)$")),
    _pattern("esphome-reader", "ID/tag"),
    _pattern("esp-rfid-reader", "ID/send", _ESP_RFID),
)
"""What tells a device and what it does."""

_WILLS = (
    _pattern("tasmota-relay", "tele/ID/LWT", re.compile(rb"^(Online|Offline)$")),
    _pattern("esphome-board", "ID/status", re.compile(rb"^(online|offline)$")),
)
"""A last will alone tells the family, but not what the device does."""


def heard_devices(messages: Iterable[tuple[str, bytes]]) -> tuple[HeardDevice, ...]:
    """The devices of these messages, by driver and topic; each once, with every part that was seen of it.

    A device that only its last will was heard of comes under its family's board.
    """
    parts: dict[tuple[str, str], set[str]] = {}
    wills: set[tuple[str, str]] = set()
    for topic, payload in messages:
        for pattern in _PATTERNS:
            found = _match(pattern, topic, payload)
            if found is not None and len(parts) < MOST_DEVICES:
                seen = parts.setdefault((pattern.driver, found["id"]), set())
                seen |= {found["part"]} if found.get("part") else set()
        wills |= {
            (pattern.driver, found["id"])
            for pattern in _WILLS
            if (found := _match(pattern, topic, payload)) is not None
        }
    known = {(driver.partition("-")[0], topic) for driver, topic in parts}
    alone = {(driver, topic) for driver, topic in wills if (driver.partition("-")[0], topic) not in known}
    everything = {**parts, **{each: set[str]() for each in sorted(alone)[: MOST_DEVICES - len(parts)]}}
    return tuple(
        HeardDevice(driver, topic, tuple(sorted(seen)), (driver, topic) in parts)
        for (driver, topic), seen in sorted(everything.items())
    )


def _match(pattern: _Pattern, topic: str, payload: bytes) -> dict[str, str] | None:
    found = pattern.topic.fullmatch(topic)
    if found is None or (pattern.payload is not None and pattern.payload.search(payload[:2048]) is None):
        return None
    return found.groupdict()
