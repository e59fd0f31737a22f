"""Serial readers: how fast framers parse, and how long a read takes from its last byte to its signal.

Throughput is measured in chunks of 4096 bytes, the most that a link hands over, and byte by byte, as a slow line does;
a line at 9600 baud carries 0.00096 MB/s, one at 57600 six times that. Latency is measured on real pseudo-terminals,
beside the time that the wire itself needs for the frame; a UHF reader's from its tag's coming into the field.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from drivers.contracts import Framer
from drivers.links import SerialLink
from drivers.rfid import em18, rdm6300
from drivers.rfid.zk_rfid102 import ZkRfid102Settings
from drivers.scanner import text_scanner
from drivers.serial_frame.driver import make_framer as make_described
from drivers.serial_frame.settings import SerialFrameSettings
from drivers.serial_reader import SerialReader
from drivers.wiegand import s4a, wie232
from gateway.clock import SystemClock
from gateway.domain.signals import CardRead, LinkChanged
from simulators.pty_line import PtyLine
from simulators.uhf_reader import BAUD, UhfOnLine, UhfReader
from tests.bench.rows import Row, row
from tests.drivers.recording import Recorder, running
from tests.drivers.serial_latency import measure_serial_read

PASS = b"GHP1." + b"A" * 290 + b"\r\n"
REPORT = bytes.fromhex("1100EE00E28068940000502C6FE618BB93DF")
DESCRIBED = SerialFrameSettings.model_validate(
    {"port": "-", "start": "02", "end": "03", "length": 12, "checksum": "xor", "bits": 40, "formats": ["EM4100"]}
)
BINARY = SerialFrameSettings.model_validate(
    {"port": "-", "start": "02", "end": "03", "encoding": "binary", "length_at": 0, "length_adds": -2,
     "checksum": "xor", "number": "2-6", "bits": 40, "formats": ["EM4100"]}
)  # fmt: skip

Maker = Callable[[], Framer]
READERS: dict[str, tuple[Maker, bytes, int]] = {
    "rdm6300": (rdm6300.make_framer, b"\x0214008EC793CE\x03", 9600),
    "em18": (em18.make_framer, b"4500C5D1E9B8", 9600),
    "s4a": (s4a.make_framer, b"0008065495\r\n", 9600),
    "wie232": (wie232.make_framer, b"7B11D7\r", 9600),
    "serial-frame, hex": (lambda: make_described(DESCRIBED), b"\x0214008EC793CE\x03", 9600),
    "serial-frame, binary": (lambda: make_described(BINARY), bytes.fromhex("020A0206008E6D5DB003"), 9600),
    "zk-rfid102, listening": (ZkRfid102Settings(port="-", ask=False).framers(), REPORT, 57600),
    "text-scanner, a pass": (text_scanner.make_framer, PASS, 9600),
}
MEGABYTE = 1_000_000
REPEATS = 5
READS = 200
TAGS = 30


def run() -> list[Row]:
    """Throughput of each framer, then latency of each reader."""
    rows = [found for name in READERS for found in _throughput(name)]
    rows += [asyncio.run(_latency(name)) for name in READERS if not name.startswith("zk")]
    return [*rows, asyncio.run(_uhf_latency())]


def _throughput(name: str) -> list[Row]:
    make, frame, baud = READERS[name]
    wire = f"the wire carries {baud / 10 / MEGABYTE:.5f}"
    return [
        row(f"{name}: parsing, chunks of 4096", _rates(make, frame, 4096, MEGABYTE), "MB/s", wire),
        row(f"{name}: parsing, byte by byte", _rates(make, frame, 1, MEGABYTE // 10), "MB/s", wire),
    ]


def _rates(make: Maker, frame: bytes, chunk: int, size: int) -> list[float]:
    stream = frame * (size // len(frame))
    chunks = [stream[at : at + chunk] for at in range(0, len(stream), chunk)]
    rates = []
    for _ in range(REPEATS):
        framer = make()
        began_s = time.perf_counter()
        for each in chunks:
            framer.feed(each, 0.0)
        rates.append(len(stream) / MEGABYTE / (time.perf_counter() - began_s))
    return rates


async def _latency(name: str) -> Row:
    make, frame, baud = READERS[name]
    # An EM-18's frames are whole after 60 ms of silence, so that fewer of them do.
    latencies = await measure_serial_read(make, frame, READS if name != "em18" else READS // 5)
    note = f"the wire needs {len(frame) * 10_000 / baud:.1f} ms for the frame" + (
        ", 60 ms of silence end it" if name == "em18" else ""
    )
    return row(f"{name}: last byte to signal", [latency * 1000 for latency in latencies], "ms", note)


async def _uhf_latency() -> Row:
    """From a tag's coming into the field to its signal, in answer mode, on a line paced at 57600 baud."""
    latencies = []
    with TemporaryDirectory() as folder:
        device = UhfOnLine(UhfReader(), PtyLine(Path(folder) / "uhf", BAUD))
        device.plug()
        sink = Recorder()
        framers = ZkRfid102Settings(port="-").framers()
        reader = SerialReader("r", SerialLink(str(device.line.link), BAUD), framers, sink, SystemClock())
        async with running(reader.run()):
            await sink.wait_for(LinkChanged)
            for number in range(1, TAGS + 1):
                # Spread over the poll's phase.
                await asyncio.sleep(0.01 + number % 7 * 0.01)
                began_s = time.monotonic()
                device.reader.show(number.to_bytes(12, "big"), asyncio.get_running_loop().time() + 0.2)
                await sink.wait_for(CardRead, number)
                latencies.append((time.monotonic() - began_s) * 1000)
        await device.unplug()
    return row(
        "zk-rfid102: tag to signal, asked", latencies, "ms", "asked again 50 ms after each answer; 25 bytes: 4.3 ms"
    )
