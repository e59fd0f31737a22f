"""`gatehouse learn`: every reading of what is shown, its printed forms, and the entry that makes it a credential.

Digits of cards are shown here and nowhere else; nothing of it is recorded.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from config.card_formats import format_table
from config.loader import load_config
from drivers.wiegand.formats import BUILT_IN, FormatTable
from drivers.wiegand.printed import printed_forms
from gateway.domain.credential import Credential, Identifier, Reading
from gateway.domain.signals import CardRead, FramesRejected, KeyPressed, LinkChanged, Signal, TextRead
from gateway.errors import ConfigError
from gateway.paths import Paths
from gateway.technician.hearing import Hearing, lone_device, running, site_devices
from gateway.technician.known import known_credential
from gateway.technician.new_credential import NewCredential, entry_for
from gateway.technician.place import Place

TEXT_SHOWN = 24
"""Characters of a scanned text that are shown; the rest of a pass is nobody's business."""
EM4100 = "EM4100"
"""125 kHz tags: their number is no Wiegand message, and what is printed on them are its 32 bits."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How long to listen: until `reads` reads, or for `seconds`; None is without end."""

    reads: int | None = None
    seconds: float | None = None


async def learn_at_site(
    place: Place, reader: str | None, wanted: Wanted, new: NewCredential | None, *, as_json: bool
) -> int:
    """Listen to the site's readers, or to one. Raises ConfigError: a gateway runs, or there is no such reader."""
    config = load_config(place.config)
    readers = [key for key, device in config.devices.items() if device.driver.kind == "reader"]
    if reader is not None and reader not in readers:
        raise ConfigError("READER", reader, f"is no reader of this site; there are {', '.join(readers) or 'none'}")
    formats = format_table(config)
    if new is not None:
        new.check(formats)
    paths = Paths(place.config, place.data)
    paths.prepare()
    known = known_credential(place)
    with paths.lock("doors"):
        hearing = Hearing()
        devices = site_devices(config, place.data, hearing, ("reader", "bus"))
        _say("Hold a card before a reader, press a key or show a code. Ctrl-C ends.")
        async with running(devices):
            return await _listen(hearing, reader, wanted, _Teller(known, formats, new, as_json))


async def learn_alone(
    driver: str, settings: list[str], wanted: Wanted, new: NewCredential | None, *, as_json: bool
) -> int:
    """Listen to a reader that no site knows yet. Raises ConfigError."""
    if new is not None:
        new.check(BUILT_IN)
    hearing = Hearing()
    device = lone_device(driver, settings, hearing)
    _say("Hold a card before the reader, press a key or show a code. Ctrl-C ends.")
    async with running([device]):
        return await _listen(hearing, None, wanted, _Teller(None, BUILT_IN, new, as_json))


async def _listen(hearing: Hearing, reader: str | None, wanted: Wanted, teller: "_Teller") -> int:
    """0 when something was read, 1 when the time was over before."""
    read = 0
    async for signal in hearing.signals(wanted.seconds):
        if reader not in (None, getattr(signal, "reader", getattr(signal, "device", None))):
            continue
        read += teller.tell(signal)
        if wanted.reads is not None and read >= wanted.reads:
            break
    if not read:
        _say("Nothing was read.")
    return 0 if read else 1


Known = Callable[[Reading], Credential | None]
"""Whom the list in force knows by a reading."""


class _Teller:
    """Prints what is heard: for people, or each read as a line of JSON."""

    def __init__(self, known: Known | None, formats: FormatTable, new: NewCredential | None, as_json: bool) -> None:
        self._known, self._formats, self._new, self._as_json = known, formats, new, as_json

    def tell(self, signal: Signal) -> bool:
        """Whether it was a card or a text."""
        match signal:
            case CardRead():
                self._card(signal)
                return True
            case TextRead(reader=reader, text=text):
                shown = text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…"
                self._print({"reader": reader, "text": shown, "characters": len(text)}, [f"{reader}: text {shown!r}"])
                return True
            case KeyPressed(reader=reader, key=key):
                self._print({"reader": reader, "key": key}, [f"{reader}: key {key}"])
            case LinkChanged(device=device, state=state, detail=detail):
                _say(f"{device} is {state.value}" + (f": {detail}" if detail else ""))
            case FramesRejected(device=device, count=count, reason=reason):
                _say(f"{device}: {count} frames that are none: {reason}")
        return False

    def _card(self, read: CardRead) -> None:
        found = [None if self._known is None else self._known(reading) for reading in read.readings]
        rows = [_row(reading, who, self._formats) for reading, who in zip(read.readings, found, strict=True)]
        in_list = None if self._known is None else any(found)
        entry = None if self._new is None else self._new.entry(read.readings)
        told: dict[str, Any] = {"reader": read.reader, "readings": rows, "in_list": in_list}
        told |= {} if entry is None else {"credential": entry}
        unknown = ["  not in the list"] if in_list is False else []
        self._print(told, [f"{read.reader}: a card", *_lines(rows), *unknown])
        if self._new is not None and entry is not None and self._new.into is not None:
            self._new.put_into_list(entry, self._formats)
            _say(f"{entry['id']} now stands in {self._new.into}: hand that list to the office.")
        elif not self._as_json and not in_list:
            self._hint(entry or entry_for(read.readings))

    def _hint(self, entry: dict[str, Any] | None) -> None:
        """The entry for the list, its id and cardholder still to be filled in where nobody has said them."""
        if entry is not None:
            print(f"  for the list's credentials: {json.dumps(entry, ensure_ascii=False)}", flush=True)

    def _print(self, told: dict[str, Any], lines: list[str]) -> None:
        if self._as_json:
            print(json.dumps(told, ensure_ascii=False), flush=True)
        else:
            print("\n".join(lines), flush=True)


def _row(reading: Reading, known: Credential | None, formats: FormatTable) -> dict[str, Any]:
    name = reading.identifier
    return {
        "format": name.format,
        "facility_code": name.facility_code,
        "card_number": name.number,
        "parity_ok": reading.parity_ok,
        "printed": _printed(name, formats),
        "known": None if known is None else {"id": known.id, "label": known.label, "state": known.state.value},
    }


def _printed(name: Identifier, formats: FormatTable) -> dict[str, str]:
    """What may be printed on the card; nothing for what has no bits, such as a plate."""
    if isinstance(name.number, str):
        return {}
    if name.format == EM4100:
        return printed_forms(name.number, 32)
    try:
        bits, length = formats.encode(name.format, name.facility_code, name.number)
    except ConfigError:
        return {}
    return printed_forms(bits, length)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        facility = "" if row["facility_code"] is None else f"{row['facility_code']}:"
        parity = {True: "", False: "  PARITY WRONG", None: ""}[row["parity_ok"]]
        known = row["known"]
        who = "" if known is None else f"  known as {known['id']} {known['label']} ({known['state']})"
        yield f"  {row['format']:<10} {facility}{row['card_number']}{parity}{who}"
        for form, text in row["printed"].items():
            yield f"             {form}: {text}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
