"""The real doors process of a small site, started as `gatehouse run` starts it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway.domain.ports import RecordedEvent
from gateway.store.access_list import compile_list, parse_list
from gateway.store.journal_reader import READ_BOUND, SqliteJournalReader
from gateway.store.list_folder import set_current
from gateway.store.site_key import load_site_key

SITE = """
schema = 1
[site]
id = "small"
name = { zh-CN = "小院", en = "Small" }
zone = "Asia/Shanghai"
[device.reader]
driver = "rdm6300"
port = "tty/reader"
[device.board]
driver = "modbus-rtu"
port = "tty/board"
inputs = 8
outputs = 4
[door.gate]
name = { zh-CN = "门", en = "Gate" }
lock = { device = "board", output = 0, kind = "fail_secure", wiring = "NO" }
rex = { device = "board", input = 1 }
escape_route = true
[access_point.gate]
door = "gate"
readers = ["reader"]
"""
OFFICE = """
[office]
url = "{url}"
token = "file:secrets/token"
unsigned = true
"""
ALWAYS = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}


def small_list(tags: Sequence[int], version: int = 1) -> dict[str, Any]:
    """A list with a card for each tag, all of which may always pass."""
    return {
        "schema": 1,
        "site": "small",
        "version": version,
        "issued_at": "2026-11-01T00:00:00Z",
        "zone": "Asia/Shanghai",
        "schedules": [{"id": "always", "periods": [ALWAYS]}],
        "special_days": [],
        "access_points": [{"id": "gate", "unlock_schedule": None}],
        "areas": [],
        "levels": [{"id": "all", "grants": [{"access_point": "gate", "schedule": "always"}]}],
        "cardholders": [
            {"id": "p-1", "kind": "resident", "levels": [{"level": "all", "valid_from": None, "valid_until": None}]}
        ],
        "credentials": [
            {"id": f"c-{n}", "cardholder": "p-1", "format": "EM4100", "facility_code": None, "number": tag, "label": ""}
            for n, tag in enumerate(tags, 1)
        ],
    }


class DoorsProcess:
    """One site's data directory, and its doors process while it runs."""

    def __init__(self, data: Path, tags: Sequence[int], more: str = "") -> None:
        self.data = data
        self.config = data / "site.toml"
        (data / "tty").mkdir(parents=True)
        self.config.write_text(SITE + more, encoding="utf-8")
        document = parse_list(json.dumps(small_list(tags)).encode())
        (data / "lists").mkdir()
        set_current(data / "lists", compile_list(document, load_site_key(data / "secrets"), data / "lists"))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, module: str = "gateway.worker") -> None:
        """Start it; what it says goes to `doors.log`."""
        words = [sys.executable, "-m", module, "doors"]
        with (self.data / "doors.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*words, "--config", str(self.config), "--data", str(self.data)], stderr=log
            )

    def keep_secret(self, name: str, text: str) -> None:
        """A file of the data directory's secrets, for this user alone."""
        secret = self.data / "secrets" / name
        secret.write_text(text, encoding="ascii")
        secret.chmod(0o600)

    def kill(self) -> None:
        """SIGKILL, without waiting."""
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """End it and wait."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def events(self, *types: str) -> list[RecordedEvent]:
        """What the journal holds of these types, oldest first."""
        reader = SqliteJournalReader(self.data / "journal.db")
        try:
            return [event for event in _all_of(reader) if not types or event.type in types]
        finally:
            reader.close()

    def newest(self, count: int) -> list[RecordedEvent]:
        """The journal's last events, oldest first."""
        reader = SqliteJournalReader(self.data / "journal.db")
        try:
            head = reader.head()
            return reader.after(max(0, head.row_id - count), count) if head else []
        finally:
            reader.close()


def _all_of(reader: SqliteJournalReader) -> Iterator[RecordedEvent]:
    """Page after page: one read has a bound."""
    row_id = 0
    while page := reader.after(row_id, READ_BOUND):
        yield from page
        row_id = page[-1].row_id
