"""What an esp-rfid device says (pure): JSON on `<topic>/send`, in older versions on the bare topic or `<topic>/sync`.

README-MQTT and mqtt.esp of esprfid/esp-rfid. Older versions say `door` for `hostname` and `hearthbeat`; with Home
Assistant enabled a card comes on `<topic>/tag` without a type. `isKnown` is text, `access` a list with several doors.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drivers.mqtt.broker import parse_object
from drivers.mqtt.reads import from_decimal, from_hex
from drivers.serial_reader import Card, Rejected
from drivers.wiegand.formats import BUILT_IN, FormatTable
from gateway.domain.credential import Identifier, Reading

OPENS = ("Always", "Admin")
"""What it says of a card whose door it has opened by itself."""

OWN_NAME = "MQTT"
"""The user name under which it logs a door that was opened by command."""

_TYPES = ("boot", "heartbeat", "hearthbeat", "access", "INFO", "WARN", "ERRO")


class Reads(StrEnum):
    """What its reader's uid is."""

    UID = "uid"
    EM4100 = "em4100"
    WIEGAND = "wiegand"


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `uid` is None where it is no card; `at_s` is the device's Unix time, None where it says none."""

    host: str
    booted: bool = False
    uid: str | None = None
    opened_itself: bool = False
    opened_by_command: bool = False
    at_s: int | None = None


def read_said(payload: bytes) -> Said | None:
    """A message of the firmware; None for any other object. Raises ValueError: not a JSON object."""
    report = parse_object(payload)
    kind, uid = report.get("type"), report.get("uid")
    tag = kind is None and isinstance(uid, str) and "access" in report
    if kind not in _TYPES and not tag:
        return None
    host = next((str(report[key])[:64] for key in ("hostname", "door") if isinstance(report.get(key), str)), "")
    at = report.get("time")
    at_s = at if isinstance(at, int) and not isinstance(at, bool) and 0 <= at < 1 << 40 else None
    if kind != "access" and not tag:
        return Said(host, booted=kind == "boot", at_s=at_s)
    text = uid.strip() if isinstance(uid, str) else ""
    if not text and report.get("username") == OWN_NAME:
        return Said(host, opened_by_command=True, at_s=at_s)
    return Said(host, uid=text, opened_itself=_opened(report), at_s=at_s)


def read_uid(
    uid: str, reads: Reads, *, decimal: bool = False, formats: FormatTable = BUILT_IN, names: tuple[str, ...] = ()
) -> Card | Rejected:
    """The card of a `uid`.

    A chip's UID comes without the zeros that pad its bytes (`String(byte, HEX)`): a byte below 16 is one digit, so its
    number is not the one that other readers say, and cards of this reader are enrolled at this reader.
    """
    number = from_decimal(uid) if decimal else from_hex(uid, 20)
    if number is None:
        return Rejected("no card number in it")
    if reads is Reads.WIEGAND:
        readings = formats.read_payload(number, names or ("H10301", "H10306"))
        return Card(readings) if readings else Rejected("no Wiegand number of the reader's formats")
    if reads is Reads.EM4100:
        fits = number >> 40 == 0
        reading = Reading(Identifier("EM4100", None, number & 0xFFFFFFFF), None, number >> 32)
        return Card((reading,)) if fits else Rejected("no EM4100 number of 40 bits")
    length = next((bits for bits, digits in ((32, 8), (56, 14), (80, 20)) if len(uid) <= digits), None)
    return Card((Reading(Identifier(f"UID{length}", None, number), None),)) if length else Rejected("no UID")


def open_door(address: str) -> str:
    """The command that opens its door; a device obeys the one that bears its own address."""
    return json.dumps({"cmd": "opendoor", "doorip": address}, separators=(",", ":"))


def _opened(report: dict[str, Any]) -> bool:
    known, access = report.get("isKnown"), report.get("access")
    doors = access if isinstance(access, list) else [access]
    return known in (None, "true", True) and any(door in OPENS for door in doors[:16])
