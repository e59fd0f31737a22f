"""What was read as a new credential: its entry for the office's list, and the list with it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.remedies import did_you_mean
from drivers.wiegand.formats import BUILT_IN, FormatTable
from gateway.domain.credential import Reading
from gateway.errors import ConfigError
from gateway.store.list_document import parse_list

LIST_BOUND = 512 << 20
"""A million credentials take some 300 MB."""
ID_PLACE, CARDHOLDER_PLACE = "ID", "CARDHOLDER"
"""What stands in an entry until the office has said it."""


def entry_for(
    readings: tuple[Reading, ...],
    wanted: str | None = None,
    id_: str = ID_PLACE,
    cardholder: str = CARDHOLDER_PLACE,
    label: str = "",
) -> dict[str, Any] | None:
    """The entry of the first reading of the format `wanted` (None: any) whose parity holds; None without one."""
    for reading in readings:
        name = reading.identifier
        if wanted in (None, name.format) and reading.parity_ok is not False:
            return {
                "id": id_,
                "cardholder": cardholder,
                "format": name.format,
                "facility_code": name.facility_code,
                "number": name.number,
                "label": label,
                "state": "active",
                "valid_from": None,
                "valid_until": None,
            }
    return None


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a read shall become. `format` chooses among its readings; the first one otherwise."""

    id: str
    cardholder: str
    label: str = ""
    format: str | None = None
    into: Path | None = None

    def check(self, formats: FormatTable) -> None:
        """Everything that can be known before a card is held. Raises ConfigError, ListInvalid."""
        if self.format is not None and not formats.knows(self.format):
            raise ConfigError("--format", self.format, did_you_mean(self.format, formats.names))
        if self.into is None:
            return
        document = read_list(self.into)
        parse_list(document, formats.fits_if_known)
        if self.cardholder not in {person["id"] for person in document["cardholders"]}:
            remedy = f"is nobody's id in {self.into}: name one of its cardholders, or let the office add this one first"
            raise ConfigError("--cardholder", self.cardholder, remedy)
        if self.id in {each["id"] for each in document["credentials"]}:
            raise ConfigError("--credential", self.id, f"is a credential in {self.into} already: choose another id")

    def entry(self, readings: tuple[Reading, ...]) -> dict[str, Any]:
        """Its entry for the list's `credentials`. Raises ConfigError when no reading has that format."""
        entry = entry_for(readings, self.format, self.id, self.cardholder, self.label)
        if entry is None:
            formats = ", ".join(reading.identifier.format for reading in readings)
            raise ConfigError("--format", self.format, f"this read has none whose parity holds; it has {formats}")
        return entry

    def put_into_list(self, entry: dict[str, Any], formats: FormatTable) -> None:
        """Put its entry into the list that was named. Raises ConfigError, ListInvalid."""
        if self.into is not None:
            add_to_list(self.into, entry, formats)


def read_list(path: Path) -> dict[str, Any]:
    """A LIST.json as it stands. Raises ConfigError when the file is none."""
    try:
        if path.stat().st_size > LIST_BOUND:
            raise ValueError("it is too large")
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise TypeError("it is no object")
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError("--into", str(path), f"is no LIST.json ({error})") from error
    return document


def add_to_list(path: Path, entry: dict[str, Any], formats: FormatTable = BUILT_IN) -> None:
    """Put a credential into a LIST.json and raise its version by one, whole or not at all.

    Raises ConfigError when the file is none, ListInvalid when the list with it would be refused.
    """
    document = read_list(path)
    try:
        document["credentials"].append(entry)
        document["version"] += 1
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError("--into", str(path), f"is no LIST.json ({error})") from error
    parse_list(document, formats.fits_if_known)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    fresh.chmod(path.stat().st_mode & 0o777)
    fresh.replace(path)
