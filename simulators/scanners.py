"""Scanners of QR codes and plates: what they say of a text, on a serial line or as a message on MQTT."""

import aiomqtt

from simulators.device import Surroundings
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice, PtyLine

ANSWER_S = 2.0
"""A broker on this machine answers in milliseconds."""


class SerialScanner(LineDevice):
    """Says each text as a line that ends in CR LF, with what it is set up to say before it."""

    def __init__(self, line: PtyLine, prefix: str = "") -> None:
        super().__init__(line)
        self._prefix = prefix

    async def scan(self, text: str) -> bool:
        """Say it; False without a cable."""
        return self.line.send(f"{self._prefix}{text}\r\n".encode())


class TopicScanner:
    """Connects for each text and publishes it to its topic at QoS 0, as cameras that read plates do."""

    def __init__(self, topic: str, host: str, port: int, prefix: str = "") -> None:
        self.topic = topic
        self._host, self._port, self._prefix = host, port, prefix
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
                await client.publish(self.topic, f"{self._prefix}{text}".encode(), qos=0)
        except aiomqtt.MqttError:
            return False
        return True


def make_serial_scanner(plan: DevicePlan, surroundings: Surroundings) -> SerialScanner:
    """`driver = "text-scanner"`."""
    return SerialScanner(surroundings.line(plan.port), str(plan.settings.get("prefix", "")))


def make_topic_scanner(plan: DevicePlan, _surroundings: Surroundings) -> TopicScanner:
    """`driver = "mqtt-scanner"`."""
    return TopicScanner(plan.settings["topic"], *plan.broker, str(plan.settings.get("prefix", "")))
