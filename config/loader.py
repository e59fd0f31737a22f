"""Reads a site's TOML. Every fault names key, value, remedy and line; all faults are told at once."""

import codecs
import re
import tomllib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ValidationError

from config.model import (
    FORMAT_PATTERN,
    ID_PATTERN,
    LIST_ID_PATTERN,
    AccessPointTable,
    AccessTable,
    AreaTable,
    CameraTable,
    ClockTable,
    ConsoleTable,
    DoorGroupTable,
    DoorTable,
    EvidenceKeepTable,
    HomeAssistantTable,
    InputTable,
    InterlockTable,
    JournalTable,
    LiftTable,
    OfficeTable,
    ScheduleTable,
    SiteOutputTable,
    SiteTable,
    TourTable,
    Track2Table,
    WiegandFormatTable,
)
from config.references import check_references
from config.remedies import did_you_mean, key_at_fault, misspelt, remedy_for, shown, syntax_fault
from config.rules import check_rules
from config.toml_lines import line_of
from drivers.mqtt.settings import BrokerSettings
from drivers.registry import Driver, DriverSettings, driver_names, find_driver
from gateway.errors import ConfigError

CONFIG_BYTES_MAX = 1 << 20
"""A site of hundreds of doors takes some 100 kB; more isn't a site config."""

MANY_TABLES: dict[str, type[BaseModel]] = {
    "door": DoorTable,
    "access_point": AccessPointTable,
    "lift": LiftTable,
    "interlock": InterlockTable,
    "door_group": DoorGroupTable,
    "area": AreaTable,
    "input": InputTable,
    "output": SiteOutputTable,
    "schedule": ScheduleTable,
    "tour": TourTable,
    "broker": BrokerSettings,
    "wiegand_format": WiegandFormatTable,
}
"""`[name.ID]`"""
SINGLE_TABLES: dict[str, type[BaseModel]] = {
    "site": SiteTable,
    "access": AccessTable,
    "office": OfficeTable,
    "home_assistant": HomeAssistantTable,
    "console": ConsoleTable,
    "evidence": EvidenceKeepTable,
    "journal": JournalTable,
    "clock": ClockTable,
    "track2": Track2Table,
}
"""`[name]`"""
_KEYS = (*MANY_TABLES, *SINGLE_TABLES, "device", "camera", "schema")
_SOUND_IN_PART = (
    SiteTable,
    DoorTable,
    AccessPointTable,
    LiftTable,
    InterlockTable,
    DoorGroupTable,
    InputTable,
    SiteOutputTable,
    ConsoleTable,
)
"""Tables that name others: what they name is checked also where one of their keys is at fault."""
_DEVICE_KINDS = ("reader", "relay_board", "bus")
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ConfiguredDevice:
    """A device or camera with its driver and the driver's own settings."""

    id: str
    driver: Driver
    settings: DriverSettings


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """One generation of the site's configuration."""

    site: SiteTable
    brokers: dict[str, BrokerSettings]
    devices: dict[str, ConfiguredDevice]
    doors: dict[str, DoorTable]
    access_points: dict[str, AccessPointTable]
    lifts: dict[str, LiftTable]
    interlocks: dict[str, InterlockTable]
    door_groups: dict[str, DoorGroupTable]
    areas: dict[str, AreaTable]
    inputs: dict[str, InputTable]
    outputs: dict[str, SiteOutputTable]
    schedules: dict[str, ScheduleTable]
    tours: dict[str, TourTable]
    cameras: dict[str, CameraTable]
    camera_devices: dict[str, ConfiguredDevice]
    access: AccessTable
    office: OfficeTable | None
    home_assistant: HomeAssistantTable | None
    console: ConsoleTable
    evidence: EvidenceKeepTable
    journal: JournalTable
    clock: ClockTable
    wiegand_formats: dict[str, WiegandFormatTable]
    track2: Track2Table


class ConfigFaults(ConfigError):
    """Several faults of one file; `faults` holds each."""

    def __init__(self, faults: list[ConfigError]) -> None:
        self.faults = tuple(faults)
        first = faults[0]
        super().__init__(first.key, first.value, first.remedy, first.line)


def load_config(path: Path) -> SiteConfig:
    """Read and check `path`. Raises ConfigFaults with every fault found."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigFaults(
            [ConfigError(str(path), None, f"can't be read: {error.strerror}; name a TOML file")]
        ) from error
    if len(raw) > CONFIG_BYTES_MAX:
        raise ConfigFaults(
            [ConfigError(str(path), None, f"is larger than {CONFIG_BYTES_MAX} bytes: not a site config")]
        )
    return parse_config(raw, str(path))


def parse_config(raw: bytes, name: str = "file") -> SiteConfig:
    """Like `load_config`, from bytes; faults of the file as a whole are told under `name`."""
    raw = raw.removeprefix(codecs.BOM_UTF8)  # some editors on Windows begin every text with it
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        remedy = f"holds the byte {raw[error.start]:#04x}, which is not UTF-8: save the file as UTF-8"
        raise ConfigFaults([ConfigError(name, None, remedy, line)]) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigFaults([ConfigError(name, None, *syntax_fault(error, text))]) from error
    return _Reading(text, document).config()


class _Reading:
    """Walks the document and gathers faults."""

    def __init__(self, text: str, document: dict[str, Any]) -> None:
        self.text, self.document = text, document
        self.faults: list[ConfigError] = []
        self.in_part: set[tuple[str, ...]] = set()

    def config(self) -> SiteConfig:
        self._check_top()
        many = {name: self._many(name, model) for name, model in MANY_TABLES.items()}
        devices = self._devices("device", _DEVICE_KINDS)
        cameras, camera_devices = self._cameras()
        single = {name: self._single(name, model) for name, model in SINGLE_TABLES.items()}
        site = single["site"]
        if isinstance(site, SiteTable):
            self._check_zone(site)
        if not isinstance(site, SiteTable):
            raise ConfigFaults(self.faults)
        config = SiteConfig(
            site=site,
            brokers=many["broker"],
            devices=devices,
            doors=many["door"],
            access_points=many["access_point"],
            lifts=many["lift"],
            interlocks=many["interlock"],
            door_groups=many["door_group"],
            areas=many["area"],
            inputs=many["input"],
            outputs=many["output"],
            schedules=many["schedule"],
            tours=many["tour"],
            cameras=cameras,
            camera_devices=camera_devices,
            access=single["access"] if isinstance(single["access"], AccessTable) else AccessTable(),
            office=single["office"] if isinstance(single["office"], OfficeTable) else None,
            home_assistant=(
                single["home_assistant"] if isinstance(single["home_assistant"], HomeAssistantTable) else None
            ),
            console=single["console"] if isinstance(single["console"], ConsoleTable) else ConsoleTable(),
            evidence=single["evidence"] if isinstance(single["evidence"], EvidenceKeepTable) else EvidenceKeepTable(),
            journal=single["journal"] if isinstance(single["journal"], JournalTable) else JournalTable(),
            clock=single["clock"] if isinstance(single["clock"], ClockTable) else ClockTable(),
            wiegand_formats=many["wiegand_format"],
            track2=single["track2"] if isinstance(single["track2"], Track2Table) else Track2Table(),
        )
        named = self._named()
        whole = {name: frozenset(id_ for id_ in ids if (name, id_) not in self.in_part) for name, ids in named.items()}
        for path, value, remedy in chain(check_references(config, named), check_rules(config, named, whole)):
            self.fault(path, value, misspelt(path, value, named) + remedy)
        if self.faults:
            raise ConfigFaults(self.faults)
        return config

    def _named(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(self._tables(name)) for name in (*MANY_TABLES, "device", "camera")}

    def fault(self, path: tuple[str, ...], value: object, remedy: str) -> None:
        told = None if isinstance(value, dict) else value  # A table is found by its name and line.
        self.faults.append(ConfigError(".".join(path), told, remedy, line_of(self.text, path)))

    def _check_top(self) -> None:
        if self.document.get("schema") != 1:
            self.fault(("schema",), self.document.get("schema"), "write schema = 1 at the top of the file")
        if "site" not in self.document:
            self.fault(("site",), None, "add a [site] table with id, name and zone")
        for key, value in self.document.items():
            if key not in _KEYS:
                self._unknown(key, value)

    def _unknown(self, key: str, value: object) -> None:
        """A table goes by its name: the first `[key.ID]`, or `[key]` itself."""
        if isinstance(value, dict):
            part = next((name for name, inner in value.items() if isinstance(inner, dict)), None)
            path = (key,) if part is None else (key, part)
            hint = "write it as [device.ID]" if key in _DEVICE_KINDS else did_you_mean(key, _KEYS)
            self.fault(path, None, f"is a table of no known kind: {hint}")
        else:
            self.fault((key,), None, f"is unknown; {did_you_mean(key, _KEYS)}")

    def _check_zone(self, site: SiteTable) -> None:
        try:
            ZoneInfo(site.zone)
        except (ZoneInfoNotFoundError, ValueError):
            self.fault(("site", "zone"), site.zone, 'name an IANA time zone, such as "Asia/Shanghai"')

    def _tables(self, name: str) -> dict[str, dict[str, Any]]:
        tables = self.document.get(name, {})
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            self.fault((name,), tables, f"write it as [{name}.SOME_ID] tables")
            return {}
        return tables

    def _many(self, name: str, model: type[_Model]) -> dict[str, Any]:
        found = {}
        for key, table in self._tables(name).items():
            if model is WiegandFormatTable:
                self._check_format_name((name, key))
            else:
                self._check_id((name, key))
            made = self._validate(model, table, (name, key))
            if made is not None:
                found[key] = made
        return found

    def _single(self, name: str, model: type[_Model]) -> _Model | None:
        return None if name not in self.document else self._validate(model, self.document[name], (name,))

    def _devices(self, name: str, kinds: tuple[str, ...]) -> dict[str, ConfiguredDevice]:
        found = {}
        for key, table in self._tables(name).items():
            self._check_id((name, key))
            device = self._device((name, key), table, kinds)
            if device is not None:
                found[key] = device
        return found

    def _device(self, path: tuple[str, ...], table: dict[str, Any], kinds: tuple[str, ...]) -> ConfiguredDevice | None:
        driver_name = table.get("driver")
        if driver_name is None:
            self.fault((*path, "driver"), None, f"is needed and missing; known here: {', '.join(driver_names())}")
            return None
        driver = find_driver(driver_name) if isinstance(driver_name, str) else None
        if driver is None:
            remedy = f"there is no such driver; {did_you_mean(str(driver_name), driver_names())}"
            self.fault((*path, "driver"), driver_name, remedy)
            return None
        if driver.kind not in kinds:
            self.fault((*path, "driver"), driver_name, f"is a {driver.kind}; it belongs in a table of another kind")
            return None
        own = {key: value for key, value in table.items() if key != "driver"}
        settings = self._validate(driver.settings, own, path)
        return None if settings is None else ConfiguredDevice(path[-1], driver, settings)

    def _cameras(self) -> tuple[dict[str, CameraTable], dict[str, ConfiguredDevice]]:
        cameras, devices = {}, {}
        ours = {field.alias or name for name, field in CameraTable.model_fields.items()}
        for key, table in self._tables("camera").items():
            self._check_id(("camera", key))
            camera = self._validate(CameraTable, {k: v for k, v in table.items() if k in ours}, ("camera", key))
            rest = {k: v for k, v in table.items() if k not in ours or k == "driver"}
            device = self._device(("camera", key), rest, ("camera",))
            if camera is not None and device is not None:
                cameras[key], devices[key] = camera, device
        return cameras, devices

    def _check_id(self, path: tuple[str, ...]) -> None:
        if path[0] == "area":
            if not re.fullmatch(LIST_ID_PATTERN, path[-1]):
                self.fault(path, path[-1], "use the area's id in the office's list: up to 64 characters without spaces")
        elif not re.fullmatch(ID_PATTERN, path[-1]):
            self.fault(path, path[-1], "use up to 32 of a-z, 0-9, - and _ for an id")

    def _check_format_name(self, path: tuple[str, ...]) -> None:
        if not re.fullmatch(FORMAT_PATTERN, path[-1]):
            self.fault(path, path[-1], "use up to 16 letters and digits for a format's name")

    def _validate(self, model: type[_Model], table: Any, path: tuple[str, ...]) -> _Model | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            for item in error.errors():
                where = (*path, *(str(part) for part in item["loc"] if part != "[key]"))
                line = line_of(self.text, (*where, *key_at_fault(item)))
                self.faults.append(ConfigError(".".join(where), shown(item), remedy_for(item, model), line))
            self.in_part.add(path)
            return _sound_part(model, table, error) if model in _SOUND_IN_PART else None


def _sound_part(model: type[_Model], table: Any, error: ValidationError) -> _Model | None:
    """The table without its keys at fault; None where it is none without them."""
    at_fault = {item["loc"][0] if item["loc"] else None for item in error.errors()}
    if not isinstance(table, dict) or None in at_fault:
        return None
    try:
        return model.model_validate({key: value for key, value in table.items() if key not in at_fault})
    except ValidationError:
        return None
