"""The demo's data directory: secrets, the office's list, and the site's TOML with ports that are free here."""

import contextlib
import json
import os
import re
import secrets
import socket
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from simulators.passes import public_key
from simulators.people import demo_list

SECRETS = ("camera-yard", "office-token")
PASS_KEY_FILE = Path("secrets", "pass-key")
"""Below the data directory. At a real site it lies where passes are issued, and nowhere else."""
FIRST_LIST = 1


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on loopback."""

    broker: int
    office: int
    camera: int
    console: int


def choose_ports(console: int | None) -> Ports:
    """Free ports; the console gets the wanted one (0: any), or without a wish 8400 where that is free."""
    with contextlib.ExitStack() as held:
        # All held at once, so that the system gives different ones.
        broker, office, camera = (_free_port(held, 0) for _ in range(3))
        if console is None:
            try:
                chosen = _free_port(held, 8400)
            except OSError:
                chosen = _free_port(held, 0)
        else:
            chosen = _free_port(held, console)
    return Ports(broker, office, camera, chosen)


def prepare(data: Path) -> None:
    """Make folders, secrets (mode 0600) and the key for passes where there are none, and the office's first list."""
    for folder in ("run", "secrets", "tty", "office"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    (data / "secrets").chmod(0o700)
    for name in SECRETS:
        _write_secret(data / "secrets" / name)
    listed = demo_list(FIRST_LIST, pass_key=public_key(data / PASS_KEY_FILE))
    text = json.dumps(listed, ensure_ascii=False, indent=1)
    (data / "office-list.json").write_text(text + "\n", encoding="utf-8")


def site_toml(ports: Ports) -> str:
    """The demo site's own TOML, with these ports."""
    text = (files("config") / "demo.toml").read_text(encoding="utf-8")
    text = set_value(text, "broker.local", "port", str(ports.broker))
    text = set_value(text, "camera.yard", "address", f'"http://127.0.0.1:{ports.camera}/onvif/device_service"')
    text = set_value(text, "office", "url", f'"http://127.0.0.1:{ports.office}"')
    return set_value(text, "console", "port", str(ports.console))


def set_value(text: str, table: str, key: str, value: str) -> str:
    """`text` with `key` of `[table]` set; comments stay. Raises KeyError when it isn't there, on a line of its own."""
    start = re.search(rf"^\[{re.escape(table)}\]\s*$", text, re.MULTILINE)
    if start is None:
        raise KeyError(table)
    end = re.compile(r"^\[", re.MULTILINE).search(text, start.end())
    limit = len(text) if end is None else end.start()
    line = re.compile(rf"""^({re.escape(key)}\s*=\s*)("[^"\n]*"|[^\s#]+)""", re.MULTILINE)
    body, count = line.subn(lambda match: match.group(1) + value, text[start.end() : limit], count=1)
    if not count:
        raise KeyError(f"{table}.{key}")
    return text[: start.end()] + body + text[limit:]


def _free_port(held: contextlib.ExitStack, wanted: int) -> int:
    link = held.enter_context(socket.socket())
    # A console that ended a moment ago leaves its port waiting; it is free all the same.
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    link.bind(("127.0.0.1", wanted))
    return int(link.getsockname()[1])


def _write_secret(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(24))
