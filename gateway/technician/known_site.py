"""A site's config as a search for devices needs it: where its ports are, and which of its devices was found."""

import os
from typing import Any

from config.loader import load_config
from gateway.technician.place import Place


class KnownSite:
    """The site at a place. Raises ConfigFaults."""

    def __init__(self, place: Place) -> None:
        self.config, self.data = load_config(place.config), place.data

    def placed(self, port: str) -> str:
        """A port as the site's file names it; a relative one lies below the data directory."""
        return str(self.data / port)

    def name(self, found: Any) -> None:
        """Add `device`, the site's id or None, to each Modbus unit and OSDP reader."""
        for rows, driver, key in ((found.modbus, "modbus-rtu", "unit"), (found.osdp, "osdp-reader", "address")):
            known = self._on_lines(driver, key)
            for row in rows:
                row["device"] = known.get((os.path.realpath(row["port"]), row[key]))

    def _on_lines(self, driver: str, key: str) -> dict[tuple[str, int], str]:
        known = {}
        for name, device in self.config.devices.items():
            if device.driver.name == driver:
                bus = getattr(device.settings, "bus", None)
                line: Any = device.settings if bus is None else self.config.devices[bus].settings
                known[os.path.realpath(self.placed(line.port)), getattr(device.settings, key)] = name
        return known
