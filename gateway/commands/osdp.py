"""`gatehouse osdp set-key`: gives an OSDP reader the key of its secure channel, with the gateway stopped."""

import os
import sys
from pathlib import Path

from config.loader import ConfiguredDevice, SiteConfig, load_config
from drivers.links import SerialLink
from drivers.osdp.identity import ReaderIdentity
from drivers.osdp.keying import give_key, make_key, prove_key
from drivers.osdp.line import OsdpLine
from drivers.osdp.settings import BusSettings, ReaderSettings, read_key
from gateway.assembly.devices import place_settings
from gateway.clock import SystemClock
from gateway.errors import CommandFailed, ConfigError
from gateway.paths import Paths
from gateway.secret_files import read_secret

KEY_MODE = 0o600
PENDING = ".new"


async def set_key(paths: Paths, device_id: str, *, replace: bool) -> int:
    """Make a key, give it to the reader, prove it, keep it. Raises ConfigError, DeviceError.

    The key is on the disk before the reader has it: a reader whose key nobody knows opens to nobody. A key that was
    not proven stays beside the secret, under its name and `.new`.
    """
    config = load_config(paths.config)
    reader = _find(config, device_id).settings
    assert isinstance(reader, ReaderSettings)
    bus = place_settings(config.devices[reader.bus].settings, paths.data)
    assert isinstance(bus, BusSettings)
    file = _secret_file(paths.data, device_id, reader.key)
    old = None
    if file.exists():
        if not replace:
            raise ConfigError(f"device.{device_id}.key", reader.key, "is there already: add --replace to change it")
        old = read_key(read_secret(paths.data, f"file:{file.relative_to(paths.data)}"), str(reader.key))
    paths.prepare()
    with paths.lock("doors"):
        line = OsdpLine(SerialLink(bus.port, bus.baud), bus.baud, SystemClock(), lambda _reason: None)
        await line.open()
        try:
            keyed = await _give(line, reader.address, file, old)
        finally:
            await line.close()
    _say(f"{device_id}: has its key, and was connected to with it. Vendor {keyed.vendor}, serial {keyed.serial}.")
    _say(f"The key lies in {file} (mode 600). Whoever has it can be this reader: it belongs into no back-up in clear.")
    return 0


async def _give(line: OsdpLine, address: int, file: Path, old: bytes | None) -> ReaderIdentity:
    """A key that was given and not proven is tried first: the reader may have it."""
    pending, clock = file.with_name(file.name + PENDING), SystemClock()
    if pending.exists():
        try:
            keyed = await prove_key(line, address, bytes.fromhex(pending.read_text(encoding="ascii")), clock)
        except (CommandFailed, ValueError):
            pending.unlink()
        else:
            pending.replace(file)
            return keyed
    key = make_key()
    _write(pending, key)
    keyed = await give_key(line, address, key, old, clock)
    pending.replace(file)
    return keyed


def _find(config: SiteConfig, device_id: str) -> ConfiguredDevice:
    readers = [key for key, device in config.devices.items() if device.driver.name == "osdp-reader"]
    if device_id not in readers:
        raise ConfigError(
            "DEVICE", device_id, f"is no OSDP reader of this site; there are {', '.join(readers) or 'none'}"
        )
    return config.devices[device_id]


def _secret_file(data: Path, device_id: str, reference: str | None) -> Path:
    """Where the key goes. Raises ConfigError."""
    key = f"device.{device_id}.key"
    if reference is None:
        raise ConfigError(f"device.{device_id}.insecure", True, "remove it, and say where the key is to lie: key = …")
    if not reference.startswith("file:"):
        raise ConfigError(key, reference, 'say key = "file:secrets/NAME.scbk": a key in the environment is not written')
    file = (data / reference.removeprefix("file:")).resolve()
    if not file.is_relative_to(data.resolve()) or not file.parent.is_dir():
        raise ConfigError(key, reference, f"{file.parent} is no folder of the site's data: use file:secrets/NAME.scbk")
    return file


def _write(file: Path, key: bytes) -> None:
    """Durable, and nobody else's from its first byte on."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(key.hex() + "\n")
        opened.flush()
        os.fsync(opened.fileno())


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
