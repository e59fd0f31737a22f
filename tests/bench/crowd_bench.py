"""A site full of readers: 32 of them, 20 swipes a second over all. Is one lost, and what is the CPU's share?

OSDP readers in secure channels, eight on each of four buses at 115200 baud, each bus a process of its own with
libosdp's peripheral side; and serial readers at 9600 baud, each on a port of its own. GATEHOUSE_CROWD_S says for how
many seconds (60).
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from gateway.store.access_list import compile_list, parse_list
from gateway.store.list_folder import set_current
from gateway.store.site_key import load_site_key
from tests.bench.doors_bench import frame
from tests.bench.process_cost import cpu_s
from tests.bench.rows import Row, row, single
from tests.journeys.doors_process import DoorsProcess, small_list
from tests.journeys.raw_board import RawBoard, RawLine
from tests.waiting import wait_until

BUSES, ON_A_BUS = 4, 8
READERS = BUSES * ON_A_BUS
DOORS = 8
SWIPES_A_SECOND = 20
DURATION_S = float(os.environ.get("GATEHOUSE_CROWD_S", "60"))
FACILITY = 1
SETTLE_S = 8.0
"""Every reader's secure channel stands."""
LAST_ONES_S = 20.0
"""The last swipes are journalled by then: on a busy machine one comes late, and late is not lost."""

Show = Callable[[int, int], None]
"""Holds a card (its number from 1) before a reader (0 to 31)."""


def run() -> list[Row]:
    """OSDP, then serial."""
    return [*_measure("osdp, 115200 baud", _osdp), *_measure("rdm6300, 9600 baud", _serial)]


def _measure(name: str, furnish: "Callable[[DoorsProcess, ExitStack], tuple[str, Show]]") -> list[Row]:
    count = int(SWIPES_A_SECOND * DURATION_S)
    with tempfile.TemporaryDirectory(prefix="gh") as folder, ExitStack() as stack:
        site = DoorsProcess(Path(folder) / "s", [])
        tables, show = furnish(site, stack)
        site.config.write_text(_SITE + tables + _doors(), encoding="utf-8")
        _put_list_in_force(site, count, "EM4100" if furnish is _serial else "H10301")
        line = RawLine(site.data / "tty" / "board")
        stack.callback(line.close)
        board = RawBoard(line, lambda _frame: None)
        site.start()
        stack.callback(site.stop)
        wait_until(lambda: board.polls > 3, 20, "the board is polled")
        time.sleep(SETTLE_S)
        shown, cpu_s, took_s = _swipe(site, show, count)
        granted = _all_granted(site, count)
    late_ms = [(granted[number] - at) * 1000 for number, at in shown.items() if number in granted]
    return [
        row(f"card shown to grant journalled, {name}", late_ms, "ms", f"{count} swipes in {took_s:.0f} s"),
        single(f"swipes lost, {name}", count - len(late_ms), "swipes", f"of {count}"),
        single(f"doors process, {name}", 100 * cpu_s / took_s, "% of a core", f"{READERS} readers"),
    ]


def _swipe(site: DoorsProcess, show: Show, count: int) -> tuple[dict[int, float], float, float]:
    """Show card after card, each reader in its turn: when each was shown (wall), CPU seconds, seconds."""
    assert site.process is not None
    shown: dict[int, float] = {}
    began_s, before_s = time.monotonic(), cpu_s(site.process.pid)
    for number in range(1, count + 1):
        time.sleep(max(0.0, began_s + number / SWIPES_A_SECOND - time.monotonic()))
        shown[number] = time.time()
        show(number % READERS, number)
    return shown, cpu_s(site.process.pid) - before_s, time.monotonic() - began_s


def _all_granted(site: DoorsProcess, count: int) -> dict[int, float]:
    """As `_granted`, once there are so many, or time is up."""
    until_s = time.monotonic() + LAST_ONES_S
    while len(granted := _granted(site)) < count and time.monotonic() < until_s:
        time.sleep(0.5)
    return granted


def _granted(site: DoorsProcess) -> dict[int, float]:
    """Card number -> when its grant was journalled, wall seconds."""
    events = site.events("AccessGranted")
    return {int(str(event.body["credential"]).removeprefix("c-")): event.wall.timestamp() for event in events}


def _osdp(site: DoorsProcess, stack: ExitStack) -> tuple[str, Show]:
    tables, inputs = "", []
    (site.data / "secrets").mkdir(exist_ok=True)
    for bus in range(BUSES):
        port = site.data / "tty" / f"bus{bus}"
        tables += f'[device.bus{bus}]\ndriver = "osdp-bus"\nport = "tty/bus{bus}"\nbaud = 115200\n'
        words = []
        for address in range(ON_A_BUS):
            key = secrets.token_hex(16)
            name = f"r{bus * ON_A_BUS + address}"
            (site.data / "secrets" / f"{name}.scbk").write_text(key, encoding="ascii")
            (site.data / "secrets" / f"{name}.scbk").chmod(0o600)
            tables += f'[device.{name}]\ndriver = "osdp-reader"\nbus = "bus{bus}"\naddress = {address}\n'
            tables += f'key = "file:secrets/{name}.scbk"\nformats = ["H10301"]\n'
            words.append(f"{address}:{key}")
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators.osdp_reader", str(port), "--baud", "115200", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        inputs.append(process.stdin)

    def show(reader: int, number: int) -> None:
        bus, address = divmod(reader, ON_A_BUS)
        inputs[bus].write(f"swipe {address} {FACILITY} {number}\n")
        inputs[bus].flush()

    return tables, show


def _serial(site: DoorsProcess, stack: ExitStack) -> tuple[str, Show]:
    tables, lines = "", []
    for reader in range(READERS):
        lines.append(RawLine(site.data / "tty" / f"r{reader}"))
        stack.callback(lines[-1].close)
        tables += f'[device.r{reader}]\ndriver = "rdm6300"\nport = "tty/r{reader}"\n'

    def show(reader: int, number: int) -> None:
        lines[reader].write(frame(number))

    return tables, show


_SITE = """
schema = 1
[site]
id = "small"
name = { zh-CN = "大院", en = "Crowd" }
zone = "Asia/Shanghai"
[device.board]
driver = "modbus-rtu"
port = "tty/board"
inputs = 8
outputs = 8
"""


def _doors() -> str:
    text = ""
    for door in range(DOORS):
        text += f'[door.d{door}]\nname = {{ zh-CN = "门", en = "Door" }}\n'
        text += f'lock = {{ device = "board", output = {door}, kind = "fail_secure", wiring = "NO" }}\n'
    for reader in range(READERS):
        text += f'[access_point.p{reader}]\ndoor = "d{reader % DOORS}"\nreaders = ["r{reader}"]\n'
    return text


def _put_list_in_force(site: DoorsProcess, cards: int, card_format: str) -> None:
    """A card for each swipe, so that a swipe and its grant know each other."""
    facility = FACILITY if card_format == "H10301" else None
    listed = small_list([]) | {"version": 2}
    listed["access_points"] = [{"id": f"p{reader}", "unlock_schedule": None} for reader in range(READERS)]
    grants = [{"access_point": f"p{reader}", "schedule": "always"} for reader in range(READERS)]
    listed["levels"] = [{"id": "all", "grants": grants}]
    listed["credentials"] = [
        {
            "id": f"c-{n}",
            "cardholder": "p-1",
            "format": card_format,
            "facility_code": facility,
            "number": n,
            "label": "",
        }
        for n in range(1, cards + 1)
    ]
    lists = site.data / "lists"
    compiled = compile_list(parse_list(json.dumps(listed).encode()), load_site_key(site.data / "secrets"), lists)
    set_current(lists, compiled)
