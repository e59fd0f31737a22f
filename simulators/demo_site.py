"""The demo's data directory: a site's TOML set among simulators, its secrets, and the office's list.

Any site's TOML serves: its brokers, cameras and office become the simulated ones on ports that are free here, its
serial ports pseudo-terminals in the data directory, and each secret that it refers to is made.
"""

import contextlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from simulators.passes import public_key
from simulators.people import ListedSite, demo_list

PASS_KEY_FILE = Path("secrets", "pass-key")
"""Below the data directory. At a real site it lies where passes are issued, and nowhere else."""
OFFICE_TOKEN = "file:secrets/office-token"
FIRST_LIST = 1
ENCRYPTION_KEYS = frozenset({"key", "scbk"})
"""Settings whose secret is an AES-128 key in hexadecimal, as OSDP readers have it; all others are words."""


class SiteUnusable(Exception):
    """The site's TOML can't be simulated; the text says why."""


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on loopback; `cameras` by the camera's id."""

    broker: int
    office: int
    cameras: dict[str, int]
    console: int


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """Who may ask a camera; `password` is a file below the data directory."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A site among simulators: its TOML, the ports that it names, and the secrets that it refers to."""

    toml: str
    ports: Ports
    listed: ListedSite
    cameras: dict[str, DemoCamera]
    office_token: str
    """File below the data directory."""
    secrets: dict[str, bool]
    """File below the data directory: whether it is an encryption key."""


def read_site(path: Path | None) -> str:
    """The text of a site's TOML; the demo's own without a path. Raises SiteUnusable."""
    if path is None:
        return (files("config") / "demo.toml").read_text(encoding="utf-8")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise SiteUnusable(f"{path} can't be read: {problem}") from problem


def set_among_simulators(text: str, console: int | None) -> DemoSite:
    """The site of that TOML on ports that are free here; comments stay. `console` is the port wished for (0: any).

    Raises SiteUnusable, and OSError when the console's port is taken.
    """
    try:
        document = tomlkit.parse(text)
        site: Any = document["site"]
        cameras: Any = document.get("camera", {})
        listed = ListedSite(str(site["id"]), str(site["zone"]), _points(document))
        ports = choose_ports(console, list(cameras))
        for broker in document.get("broker", {}).values():
            broker.clear()
            # The demo's broker speaks no TLS, and 3.1.1 only.
            broker.update({"host": "127.0.0.1", "port": ports.broker, "insecure": True, "mqtt_version": "3.1.1"})
        for device in document.get("device", {}).values():
            if "port" in device:
                device["port"] = _pseudo_terminal(str(device["port"]))
        for name, camera in cameras.items():
            camera["address"] = f"http://127.0.0.1:{ports.cameras[name]}/onvif/device_service"
        office: Any = document.setdefault("office", tomlkit.table())
        office["url"] = f"http://127.0.0.1:{ports.office}"
        office.setdefault("token", OFFICE_TOKEN)
        for name in ("root_key", "unsigned"):  # The simulated office signs, under a root key of its own.
            office.pop(name, None)
        document.setdefault("console", tomlkit.table()).update({"host": "127.0.0.1", "port": ports.console})
        wanted = dict(_secrets(document))
        seen = {
            str(name): DemoCamera(str(camera["username"]), _file_of(camera["password"]))
            for name, camera in cameras.items()
        }
    except TOMLKitError as problem:
        raise SiteUnusable(f"the site's TOML: {problem}") from problem
    except (KeyError, AttributeError, TypeError) as problem:
        raise SiteUnusable(f"the site's TOML isn't whole ({problem}): `gatehouse check` names its faults") from problem
    return DemoSite(tomlkit.dumps(document), ports, listed, seen, _file_of(office["token"]), wanted)


def choose_ports(console: int | None, cameras: list[str]) -> Ports:
    """Free ports; the console gets the wanted one (0: any), or without a wish 8400 where that is free."""
    with contextlib.ExitStack() as held:
        # All held at once, so that the system gives different ones.
        broker, office, *seen = (_free_port(held, 0) for _ in range(2 + len(cameras)))
        if console is None:
            try:
                chosen = _free_port(held, 8400)
            except OSError:
                chosen = _free_port(held, 0)
        else:
            chosen = _free_port(held, console)
    return Ports(broker, office, dict(zip(cameras, seen, strict=True)), chosen)


def prepare(data: Path, site: DemoSite) -> None:
    """Make folders, secrets (mode 0600) and the key for passes where there are none, and the office's first list."""
    for folder in ("run", "secrets", "tty", "office"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    (data / "secrets").chmod(0o700)
    for name, is_key in site.secrets.items():
        _write_secret(data / name, secrets.token_hex(16) if is_key else secrets.token_urlsafe(24))
    listed = demo_list(FIRST_LIST, pass_key=public_key(data / PASS_KEY_FILE), site=site.listed)
    text = json.dumps(listed, ensure_ascii=False, indent=1)
    _write_private(data / "office-list.json", text + "\n")  # PINs stand in it


def _write_private(path: Path, text: str) -> None:
    """For its owner's eyes only, also where it lay open before."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.truncate()
        file.write(text)


def _points(document: Any) -> dict[str, tuple[str, ...]]:
    lifts = document.get("lift", {})
    return {
        str(name): tuple(str(floor) for floor in lifts[point["lift"]]["floors"]) if "lift" in point else ()
        for name, point in document.get("access_point", {}).items()
    }


def _pseudo_terminal(port: str) -> str:
    """The same name below `tty/`, so that devices on one line stay on one line."""
    return port if port.startswith("tty/") else str(PurePosixPath("tty", PurePosixPath(port).name))


def _file_of(reference: Any) -> str:
    return str(reference).removeprefix("file:")


def _secrets(table: Any) -> Iterator[tuple[str, bool]]:
    """(file, whether it is an encryption key) of each secret; one in the environment becomes a file."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif isinstance(value, str) and value.startswith(("file:", "env:")):
            scheme, _, name = str(value).partition(":")
            file = name if scheme == "file" else f"secrets/{name.lower()}"
            if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
                file = f"secrets/{PurePosixPath(file).name}"
            table[key] = f"file:{file}"
            yield file, str(key) in ENCRYPTION_KEYS


def _free_port(held: contextlib.ExitStack, wanted: int) -> int:
    link = held.enter_context(socket.socket())
    # A console that ended a moment ago leaves its port waiting; it is free all the same.
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    link.bind(("127.0.0.1", wanted))
    return int(link.getsockname()[1])


def _write_secret(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
