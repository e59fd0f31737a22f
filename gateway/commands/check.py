"""`gatehouse check`: what a site's config lacks before it can run, in its own file and around it."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from config.card_formats import format_table
from config.loader import ConfigFaults, SiteConfig, load_config
from config.pulses import untimed_pulses
from config.references import is_supervised
from config.toml_lines import line_of
from config.tours import nameless_points
from gateway.errors import ConfigError
from gateway.processes import data_dir_for
from gateway.secret_files import read_secret, read_token
from gateway.store.office_root import load_office_root

_SECRETS = ("password", "token")
"""Settings of these names are references; so is whatever begins like one."""
_TLS_FILES = ("ca_file", "cert_file", "key_file")
_PORT_REMEDIES = {
    errno.EADDRINUSE: "another program listens there: end it, or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address: name one of its own",
    errno.EACCES: "ports below 1024 belong to root: choose a higher one",
}


def check_site(config_path: Path, data: Path | None) -> int:
    """Say what is wrong; 0 when the config itself is good. Raises ConfigFaults.

    Files around it are looked for in `data`, else where a run would look if that directory is there; a missing one is
    a warning here, since a site is often written on another machine than it runs on.
    """
    config = load_config(config_path)
    for text in site_warnings(config, config_path):
        _say(f"warning: {text}")
    found = data_dir_for(config.site.id, data, os.environ.get("GATEHOUSE_DATA"))
    if found.is_dir():
        for fault in _with_lines(config_path, file_faults(config, found)):
            _say(f"warning: {fault}")
    elif data is not None:
        raise ConfigError("--data", str(data), "there is no such directory: name the site's data directory")
    _say(f"{config_path}: good. {_summary(config)}")
    return 0


def site_warnings(config: SiteConfig, config_path: Path) -> Iterator[str]:
    """What is worth a word in a config without faults, wherever it is read."""
    yield from _unsafe(config)
    yield from (f"{key}: {meaning}" for key, meaning in nameless_points(config))
    yield from map(str, _with_lines(config_path, confusions(config)))


def _unsafe(config: SiteConfig) -> Iterator[str]:
    """What runs, but is less safe than it could be."""
    yield from (f"{thing}: a standing alarm will say so" for thing in _unsafe_on_purpose(config))
    for name, site_input in config.inputs.items():
        if site_input.purpose == "fire" and not is_supervised(config, site_input):
            yield f"input.{name} isn't supervised: nobody is told when its line is cut or shorted"
    for name, door in config.doors.items():
        board = config.devices.get(door.lock.device)
        if board is not None and board.driver.kind == "reader":
            yield f"door.{name}.lock hangs on a relay in reader {board.id}: whoever opens the reader opens the door"
    for key, meaning in untimed_pulses(config):
        yield f"{key}: {meaning}"
    free = [name for name, door in config.doors.items() if door.fire_release]
    if free and not any(site_input.purpose == "fire" for site_input in config.inputs.values()):
        yield f"no fire input: nothing tells us of a fire, and we release none of {', '.join(free)}"


def _unsafe_on_purpose(config: SiteConfig) -> Iterator[str]:
    """What the site's config gives up by a word of its own."""
    for name, broker in config.brokers.items():
        if broker.insecure:
            yield f"broker.{name} is insecure (no TLS)"
    for name, device in config.devices.items():
        if getattr(device.settings, "insecure", False):
            yield f"device.{name} is insecure (not encrypted)"
    if config.office is not None and config.office.unsigned:
        yield "office.unsigned: lists are taken without a signature"


def confusions(config: SiteConfig) -> Iterator[ConfigError]:
    """Readers whose formats can take one card for another."""
    table = format_table(config)
    for name, device in config.devices.items():
        formats: tuple[str, ...] | None = getattr(device.settings, "formats", None)
        if formats is None:
            continue
        if not formats:
            remedy = "reads every known format of a message's length: name those that its cards have, in order"
            yield ConfigError(f"device.{name}.formats", None, remedy)
        for one, two in table.confusable(formats):
            remedy = f"parity can't tell {one} from {two}: where the list knows both readings of a card, {one} counts"
            yield ConfigError(f"device.{name}.formats", list(formats), remedy)


def check_start(config: SiteConfig, config_path: Path, data: Path) -> None:
    """Everything that would stop a process of the site after its start. Raises ConfigFaults with every fault."""
    faults = [*_with_lines(config_path, file_faults(config, data)), *_with_lines(config_path, _port_faults(config))]
    if faults:
        raise ConfigFaults(faults)


def file_faults(config: SiteConfig, data: Path) -> Iterator[ConfigError]:
    """Secrets and certificates that can't be used."""
    if config.office is not None:
        yield from _unreadable(data, "office.token", config.office.token, token=True)
        try:
            load_office_root(data / "secrets", config.office.root_key, config.office.unsigned)
        except ConfigError as fault:
            yield fault
    settings: dict[str, BaseModel] = {f"broker.{name}": broker for name, broker in config.brokers.items()}
    settings |= {f"device.{name}": device.settings for name, device in config.devices.items()}
    settings |= {f"camera.{name}": device.settings for name, device in config.camera_devices.items()}
    for table, model in settings.items():
        for name, value in model:
            if not isinstance(value, str) or not value:
                continue
            if name in _SECRETS or value.startswith(("file:", "env:")):
                yield from _unreadable(data, f"{table}.{name}", value)
            elif name in _TLS_FILES and not os.access(data / value, os.R_OK):
                yield ConfigError(f"{table}.{name}", value, f"{data / value} can't be read: put the file there")


def _unreadable(data: Path, key: str, reference: str, *, token: bool = False) -> Iterator[ConfigError]:
    try:
        (read_token if token else read_secret)(data, reference, key)
    except ConfigError as fault:
        yield fault


def _port_faults(config: SiteConfig) -> Iterator[ConfigError]:
    """Can the console listen where it is told to?"""
    host, port = config.console.host, config.console.port
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        yield ConfigError(
            "console.host", host, f"can't be resolved ({error.strerror}): name an address of this machine"
        )
        return
    for family, kind, protocol, _, address in places:
        with socket.socket(family, kind, protocol) as listener:
            # As the console itself: a port whose last connections are still being closed is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind(address)
                listener.listen()
            except OSError as error:
                key, value = ("host", host) if error.errno == errno.EADDRNOTAVAIL else ("port", port)
                remedy = _PORT_REMEDIES.get(error.errno or 0, error.strerror or "can't be listened at")
                yield ConfigError(f"console.{key}", value, f"{host}:{port}: {remedy}")
                return


def _with_lines(config_path: Path, faults: Iterator[ConfigError]) -> Iterator[ConfigError]:
    text = config_path.read_text(encoding="utf-8")
    for fault in faults:
        yield ConfigError(fault.key, fault.value, fault.remedy, line_of(text, tuple(fault.key.split("."))))


def _summary(config: SiteConfig) -> str:
    counted = (
        (config.doors, "door"),
        (config.access_points, "access point"),
        (config.devices, "device"),
        (config.cameras, "camera"),
    )
    return ", ".join(f"{len(what)} {name}{'' if len(what) == 1 else 's'}" for what, name in counted) + "."


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
