"""The serial ports of this machine: the name that stays, and whether this user can open it."""

import os
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

BY_ID, BY_PATH = Path("/dev/serial/by-id"), Path("/dev/serial/by-path")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A port. `stable_name` is the one that stays when plugs change places; empty where the system gives none."""

    device: str
    stable_name: str
    description: str
    trouble: str
    """Why it can't be opened, with the remedy; empty where it can."""

    @property
    def name(self) -> str:
        """What a site's config should say."""
        return self.stable_name or self.device


def serial_ports(by_id: Path = BY_ID, by_path: Path = BY_PATH) -> list[SerialPort]:
    """Every serial port, sorted. Names by the adapter's own number go before names by the socket."""
    stable = _stable_names(by_path) | _stable_names(by_id)
    ports = sorted((port.device, port.description or "") for port in list_ports.comports())
    return [SerialPort(name, stable.get(os.path.realpath(name), ""), text, trouble(name)) for name, text in ports]


def trouble(device: str) -> str:
    """Why a port can't be opened, with the remedy; empty where it can. It is opened for a moment."""
    if not os.path.exists(device):
        return "there is no such port"
    if not os.access(device, os.R_OK | os.W_OK):
        return "no permission: add this user to the group that owns it (dialout on Debian), and sign in again"
    try:
        serial.Serial(device, exclusive=True, timeout=0).close()
    except serial.SerialException as error:
        busy = "lock" in str(error).lower() or "busy" in str(error).lower()
        return (
            "in use: the gateway or another program, such as ModemManager or getty, uses it: stop it"
            if busy
            else str(error)
        )
    return ""


def _stable_names(folder: Path) -> dict[str, str]:
    return {os.path.realpath(path): str(path) for path in sorted(folder.glob("*"))} if folder.is_dir() else {}
