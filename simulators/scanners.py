"""Scanners of QR codes and plates: what they say of a text, on a serial line or as a message on MQTT."""

from dataclasses import dataclass, fields

import aiomqtt

from simulators.device import Surroundings
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice, PtyLine

ANSWER_S = 2.0
"""A broker on this machine answers in milliseconds."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What a scanner is set up to say around a text, and in which characters."""

    prefix: str = ""
    suffix: str = ""
    encoding: str = "utf-8"

    def bytes_of(self, text: str) -> bytes:
        """What it says of a text."""
        return f"{self.prefix}{text}{self.suffix}".encode(self.encoding)


class SerialScanner(LineDevice):
    """Says each text as a line that ends in CR LF."""

    def __init__(self, line: PtyLine, writing: Writing = Writing()) -> None:
        super().__init__(line)
        self._writing = writing

    async def scan(self, text: str) -> bool:
        """Say it; False without a cable."""
        return self.line.send(self._writing.bytes_of(text) + b"\r\n")


class TopicScanner:
    """Connects for each text and publishes it to its topic at QoS 0, as cameras that read plates do."""

    def __init__(self, topic: str, host: str, port: int, writing: Writing = Writing()) -> None:
        self.topic = topic
        self._host, self._port, self._writing = host, port, writing
        self.plugged = False

    def plug(self) -> None:
        """Give it power."""
        self.plugged = True

    async def unplug(self) -> None:
        """Take its power."""
        self.plugged = False

    async def scan(self, text: str) -> bool:
        """Say it; False without power or broker."""
        if not self.plugged:
            return False
        try:
            async with aiomqtt.Client(self._host, self._port, timeout=ANSWER_S) as client:
                await client.publish(self.topic, self._writing.bytes_of(text), qos=0)
        except aiomqtt.MqttError:
            return False
        return True


def make_serial_scanner(plan: DevicePlan, surroundings: Surroundings) -> SerialScanner:
    """`driver = "text-scanner"`."""
    return SerialScanner(surroundings.line(plan.port), _writing(plan))


def make_topic_scanner(plan: DevicePlan, _surroundings: Surroundings) -> TopicScanner:
    """`driver = "mqtt-scanner"`."""
    return TopicScanner(plan.settings["topic"], *plan.broker, _writing(plan))


def _writing(plan: DevicePlan) -> Writing:
    return Writing(**{each.name: plan.settings[each.name] for each in fields(Writing) if each.name in plan.settings})
