"""How long a serial reader needs from a frame's last byte to its signal; for the bench, not a timed test."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from drivers.contracts import Framer
from drivers.links import SerialLink
from drivers.serial_reader import SerialReader
from gateway.clock import SystemClock
from gateway.domain.signals import CardRead, LinkChanged, Signal, TextRead
from tests.drivers.ptys import PtyPort
from tests.drivers.recording import Recorder, running


class _Timing(Recorder):
    """Notes when each read reached the sink."""

    def __init__(self) -> None:
        super().__init__()
        self.told_s: list[float] = []

    def put(self, signal: Signal) -> bool:
        if isinstance(signal, CardRead | TextRead):
            self.told_s.append(time.monotonic())
        return super().put(signal)


async def measure_serial_read(framer: Callable[[], Framer], frame: bytes, count: int = 200) -> list[float]:
    """Seconds from writing a frame's last byte into a pseudo-terminal to the sink, one by one, `count` times."""
    latencies = []
    with TemporaryDirectory() as folder:
        port = PtyPort(Path(folder) / "reader")
        sink = _Timing()
        reader = SerialReader("r", SerialLink(str(port.path)), framer, sink, SystemClock())
        async with running(reader.run()):
            await sink.wait_for(LinkChanged)
            for number in range(1, count + 1):
                port.write(frame[:-1])
                written_s = time.monotonic()
                port.write(frame[-1:])
                await sink.until(lambda number=number: len(sink.told_s) >= number)  # type: ignore[misc]
                latencies.append(sink.told_s[-1] - written_s)
        port.close()
    return latencies
