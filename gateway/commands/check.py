"""`gatehouse check`: what a site's config lacks before it can run, in its own file and around it."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pydantic import BaseModel

from config.caution import Caution
from config.cautions import cautions
from config.loader import ConfigFaults, SiteConfig, load_config
from config.toml_lines import line_of
from drivers.registry import DriverSettings
from gateway.errors import ConfigError
from gateway.office_tls import load_office_tls
from gateway.processes import data_dir_for
from gateway.secret_files import read_secret, read_token
from gateway.store.office_root import load_office_root
from gateway.technician.place import Place, refuse_other_site

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
    a warning here, since a site is often written on another machine than it runs on. Another site's data is refused.
    """
    config = load_config(config_path)
    found = data_dir_for(config.site.id, data, os.environ.get("GATEHOUSE_DATA"))
    if found.is_dir():
        refuse_other_site(Place(config_path, found), config.site.id)
    for caution in site_warnings(config, config_path):
        _say(f"warning: {caution}")
    if found.is_dir():
        for fault in _with_lines(config_path, chain(file_faults(config, found), absent_ports(config, found))):
            _say(f"warning: {fault}")
    elif data is not None:
        raise ConfigError("--data", str(data), "there is no such directory: name the site's data directory")
    _say(f"{config_path}: good. {_summary(config)}")
    return 0


def site_warnings(config: SiteConfig, config_path: Path) -> Iterator[Caution]:
    """What is worth a word in a config without faults, wherever it is read."""
    text = config_path.read_text(encoding="utf-8-sig")
    for caution in cautions(config):
        yield caution.at_line(line_of(text, tuple(caution.key.split("."))))


def check_start(config: SiteConfig, config_path: Path, data: Path) -> None:
    """Everything that would stop a process of the site after its start. Raises ConfigFaults with every fault."""
    faults = [*_with_lines(config_path, file_faults(config, data)), *_with_lines(config_path, _port_faults(config))]
    if faults:
        raise ConfigFaults(faults)


def file_faults(config: SiteConfig, data: Path) -> Iterator[ConfigError]:
    """Secrets and certificates that can't be used."""
    if config.office is not None:
        yield from _unusable_token(data, "office.token", config.office.token)
        try:
            load_office_root(data / "secrets", config.office.root_key, config.office.unsigned)
            load_office_tls(data, config.office.ca_file)
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
                yield from _unfit(data, table, name, value, model)
            elif name in _TLS_FILES and not os.access(data / value, os.R_OK):
                yield ConfigError(f"{table}.{name}", value, f"{data / value} can't be read: put the file there")


def absent_ports(config: SiteConfig, data: Path) -> Iterator[ConfigError]:
    """Serial ports that aren't there: no fault of the config, as a device may be plugged in later."""
    told: set[str] = set()
    for name, device in config.devices.items():
        port = getattr(device.settings, "port", None)
        if isinstance(port, str) and port not in told and not (data / port).exists():
            told.add(port)
            yield ConfigError(f"device.{name}.port", port, _no_port(data / port))


def _no_port(path: Path) -> str:
    return f"{path} isn't there: plug the device in, or name its port; `ls /dev/serial/by-id` shows those of USB"


def _unfit(data: Path, table: str, name: str, reference: str, model: BaseModel) -> Iterator[ConfigError]:
    """A secret that can't be read, or is none that its driver could use."""
    key, secret, fault = f"{table}.{name}", None, None
    try:
        secret = read_secret(data, reference, key)
    except ConfigError as unreadable:
        fault = unreadable
    hint = model.secret_fault(table.partition(".")[2], name, secret) if isinstance(model, DriverSettings) else None
    if fault is not None:
        yield fault if hint is None else ConfigError(key, fault.value, f"{fault.remedy}; {hint}")
    elif hint is not None:
        yield ConfigError(key, reference, hint)


def _unusable_token(data: Path, key: str, reference: str) -> Iterator[ConfigError]:
    try:
        read_token(data, reference, key)
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
    text = config_path.read_text(encoding="utf-8-sig")
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
