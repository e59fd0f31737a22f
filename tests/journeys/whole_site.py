"""The whole demo site as a newcomer starts it, and a guard's and the office's way in."""

import os
import re
import signal
import subprocess
import sys
import threading
import tomllib
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from simulators.client import ask
from simulators.people import pin_wanted, pins
from tests.waiting import wait_until

PASSWORD = "a-long-walk-home"
SITE_ZONE = ZoneInfo("Asia/Shanghai")
_SIGN_IN = re.compile(r"admin / (\S+)")
_CONSOLE = re.compile(r"Console +(http://\S+)")


class WholeSite:
    """`gatehouse demo --quiet` on a data directory of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        words = [sys.executable, "-m", "gateway.cli", "demo", "--quiet", "--data", str(data), "--console-port", "0"]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._begin()
        except BaseException:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            raise

    def _begin(self) -> None:
        wait_until(lambda: self._found(_SIGN_IN) is not None, 60, "the first-run password is printed")
        self.url = str(self._found(_CONSOLE))
        headers = {"x-gatehouse-console": "1", "origin": self.url}
        self.http = httpx2.Client(base_url=self.url, headers=headers, timeout=30.0)
        wait_until(self.answers, 20, "the console answers")
        self._sign_in(str(self._found(_SIGN_IN)))
        config = tomllib.loads((self.data / "site.toml").read_text(encoding="utf-8"))
        token = (self.data / "office" / "secrets" / "admin-token").read_text(encoding="ascii").strip()
        bearer = {"authorization": f"Bearer {token}"}
        self.office = httpx2.Client(base_url=config["office"]["url"], headers=bearer, timeout=30.0)
        wait_until(lambda: self.events("ListActivated") != [], 30, "the office's list is in force")
        wait_until(lambda: self.sim("status")["polled"], 20, "the board is polled")
        wait_until(self.all_online, 30, "every device is online")
        self.swipe_opens("garage-reader", "blue-36", "garage", tries=5)  # reads within 2 s of SUBACK do not count

    def sim(self, what: str, **more: Any) -> dict[str, Any]:
        """Do something to the simulated site."""
        answer = ask(self.data / "run" / "sim.sock", {"do": what, **more})
        assert answer["ok"], answer
        return answer

    def releases(self, door: str) -> int:
        """How often a door's relay has released its lock."""
        count: int = self.sim("status")["doors"][door]["releases_by_coil"]
        return count

    def swipe_opens(self, reader: str, card: str, door: str, tries: int = 1) -> None:
        """A card is held to a reader, by night its PIN is typed, and the door's relay releases its lock."""
        self.until_locked(door)
        before = self.releases(door)
        for left in range(tries, 0, -1):
            self.sim("swipe", reader=reader, card=card)
            if pin_wanted(door, datetime.now(SITE_ZONE)):
                self.sim("press", target=reader, key=f"{pins()[card]}#")
            try:
                wait_until(lambda: self.releases(door) > before, 3, f"{door} is released")
            except AssertionError:
                if left == 1:
                    raise
            else:
                return

    def until_locked(self, door: str) -> None:
        """The relay lets go of the lock: the last release is over."""
        wait_until(lambda: not self.sim("status")["doors"][door]["released_by_coil"], 15, f"{door} is locked")

    def get(self, path: str, **query: Any) -> Any:
        """A GET at the console."""
        answer = self.http.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Events of these types, newest first."""
        found: list[dict[str, Any]] = self.get("/api/events", types=",".join(types), limit=500)["events"]
        return found

    def alarms(self, kind: str) -> list[dict[str, Any]]:
        """Alarms of this kind."""
        return [alarm for alarm in self.get("/api/alarms")["alarms"] if alarm["kind"] == kind]

    def open_door(self, door: str, reason: str) -> httpx2.Response:
        """A guard's click."""
        body = {"request_id": str(uuid.uuid4()), "reason": reason, "note": ""}
        return self.http.post(f"/api/doors/{door}/open", json=body)

    def reset_fire(self) -> httpx2.Response:
        """A supervisor clears the fire release."""
        return self.http.post("/api/fire/reset", json={"request_id": str(uuid.uuid4())})

    def summary(self) -> dict[str, Any]:
        """What the office has counted."""
        found: dict[str, Any] = self.office.get("/admin/v1/sites/demo/summary").raise_for_status().json()
        return found

    def pid_of(self, name: str, otherwise: int = 0) -> int:
        """The process id of one of the gateway's processes; `otherwise` while it is away."""
        pattern = f"gateway.worker {name} --config {self.data}/site.toml"
        found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
        return int(found.stdout.split()[0]) if found.stdout else otherwise

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one of the gateway's processes."""
        os.kill(self.pid_of(name), number)

    def stop(self) -> None:
        """Ctrl-C; everything that was started must end."""
        self.http.close()
        self.office.close()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def leftovers(self) -> str:
        """Processes that still name the data directory."""
        return subprocess.run(["pgrep", "-af", str(self.data)], capture_output=True, text=True, check=False).stdout

    def _sign_in(self, once: str) -> None:
        self.http.post("/api/session", json={"user": "admin", "password": once}).raise_for_status()
        changed = self.http.post("/api/session/password", json={"current": once, "new": PASSWORD})
        changed.raise_for_status()

    def all_online(self) -> bool:
        """Every device, as the console shows it."""
        devices = self.get("/api/system")["status"].get("devices", {})
        return bool(devices) and all(device["state"] == "online" for device in devices.values())

    def answers(self) -> bool:
        """Whether the console can be reached."""
        try:
            return self.http.get("/").status_code == 200
        except httpx2.TransportError:
            return False

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())

    def _found(self, pattern: re.Pattern[str]) -> str | None:
        return next((found.group(1) for line in self.said if (found := pattern.search(line))), None)
