"""How many megabytes a second each parser takes that is no serial reader's framer (those are in `readers_bench`).

Answers of boards and messages of a broker come whole: each is read as its driver reads it, down to the card or the
state in it. The bytes of an OSDP line are framed. The samples are those of `tests/vectors`, one after the other. A
device behind a broker is heard ten times a second at most (`drivers.mqtt.flood`). Modbus frames are pymodbus's, and
what is inside an OSDP session is libosdp's.
"""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from drivers.mqtt.broker import parse_object
from drivers.mqtt.esp_rfid_frames import Reads, read_said, read_uid
from drivers.mqtt.esphome_frames import Chip, read_tag
from drivers.mqtt.shelly_frames import read_answer, read_notice
from drivers.mqtt.tasmota_reads import read_sensor, read_time
from drivers.osdp.frames import FrameFinder
from drivers.relay.lcus import read_state
from drivers.relay.numato import read_mask, read_measured, read_reply
from tests.bench.rows import Row, row

MEGABYTE = 1_000_000
SIZE = MEGABYTE // 10
ROUNDS = 15
VECTORS = Path(__file__).parents[1] / "vectors"

TASMOTA = (
    b'{"Time":"2021-01-21T16:04:12","Wiegand":{"UID":8065495,"Size":26}}',
    b'{"Time":"2021-01-21T16:04:12","RDM6300":{"UID":"8EC793CE"}}',
    b'{"Time":"2021-01-21T16:04:12","RC522":{"UID":"BA839D07","Data":"","Type":"MIFARE 1KB"}}',
)

Parse = Callable[[bytes], object]


def run() -> list[Row]:
    """Boards, OSDP, then each firmware behind a broker."""
    relays, mqtt, osdp = (json.loads((VECTORS / f"{name}.json").read_text()) for name in ("relays", "mqtt", "osdp"))
    lcus = [(_bytes(each), partial(read_state, outputs=each["outputs"])) for each in relays["lcus_answers"]]
    numato = [(each["data"].encode(), _numato(each["command"])) for each in relays["numato_replies"]]
    tags = [(each["payload"].encode(), partial(read_tag, chip=Chip(each["chip"]))) for each in mqtt["esphome_tags"]]
    line = b"".join(bytes.fromhex(each["frame"]) for each in osdp["frames"])
    return [
        _rates("lcus: a board's answer", lcus),
        _rates("numato: a board's answer", numato),
        _rates("osdp: a line's frames, chunks of 4096", _chunks(line, 4096), "the wire carries 0.0115 at 115200 baud"),
        _rates("osdp: a line's frames, byte by byte", _chunks(line, 1)),
        _rates("tasmota: a reader's report", [(payload, _tasmota) for payload in TASMOTA]),
        _rates("shelly: a notice", [(each["payload"].encode(), read_notice) for each in mqtt["shelly_notices"]]),
        _rates("shelly: an answer", [(each["payload"].encode(), read_answer) for each in mqtt["shelly_answers"]]),
        _rates("esphome: a tag", tags),
        _rates("esp-rfid: a message", [(each["payload"].encode(), _esp_rfid) for each in mqtt["esp_rfid"]]),
    ]


def _rates(name: str, samples: Sequence[tuple[bytes, Parse]], note: str = "") -> Row:
    size = sum(len(data) for data, _ in samples)
    times = max(1, SIZE // size)
    rates = []
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        for _ in range(times):
            for data, parse in samples:
                parse(data)
        rates.append(size * times / MEGABYTE / (time.perf_counter() - began_s))
    return row(f"{name}: parsing", rates, "MB/s", note)


def _bytes(sample: dict[str, Any]) -> bytes:
    return bytes.fromhex(sample["data"]) if "data" in sample else sample["text"].encode("ascii")


def _numato(command: str) -> Parse:
    def parse(data: bytes) -> object:
        answer = read_reply(data, command)
        if command.endswith("readall"):
            return read_mask(str(answer), 8)
        return read_measured(str(answer)) if command.startswith("adc") else answer

    return parse


def _chunks(line: bytes, chunk: int) -> list[tuple[bytes, Parse]]:
    finder = FrameFinder()
    stream = line * max(1, 10 * chunk // len(line))
    return [(stream[at : at + chunk], finder.feed) for at in range(0, len(stream), chunk)]


def _tasmota(payload: bytes) -> object:
    report = parse_object(payload)
    return read_sensor(report), read_time(report)


def _esp_rfid(payload: bytes) -> object:
    said = read_said(payload)
    return None if said is None or said.uid is None else read_uid(said.uid, Reads.UID)
