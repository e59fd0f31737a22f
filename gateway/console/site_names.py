"""The site config -> the names that the page, and words of a recorded decision, are told with."""

from config.loader import SiteConfig
from config.model import Names, TourPointTable
from gateway.console.parts import SiteNames


def site_names(config: SiteConfig) -> SiteNames:
    """The names of everything that the config gives one, and what hangs on what."""
    return SiteNames(
        id=config.site.id,
        zone=config.site.zone,
        name=_both(config.site.name),
        doors={key: _both(table.name) for key, table in config.doors.items()},
        cameras={key: _both(table.name) for key, table in config.cameras.items()},
        outputs={key: _both(table.name) for key, table in config.outputs.items()},
        inputs={key: _both(table.name) for key, table in config.inputs.items()},
        lifts={key: _both(table.name) for key, table in config.lifts.items()},
        access_points={
            key: _both(config.lifts[table.lift].name)
            for key, table in config.access_points.items()
            if table.lift is not None
        },
        areas={key: _both(table.name) for key, table in config.areas.items()},
        door_groups={key: _both(table.name) for key, table in config.door_groups.items()},
        tours={key: _both(table.name) for key, table in config.tours.items()},
        tour_points={
            key: {point.reader: _point_name(point, config) for point in table.points}
            for key, table in config.tours.items()
        },
        camera_doors={key: table.doors for key, table in config.cameras.items()},
        point_doors={key: table.door for key, table in config.access_points.items()},
        group_doors={key: table.doors for key, table in config.door_groups.items()},
        lock_devices={key: table.lock.device for key, table in config.doors.items()},
        contact_devices={key: table.contact.device for key, table in config.doors.items() if table.contact is not None},
    )


def _point_name(point: TourPointTable, config: SiteConfig) -> dict[str, str]:
    """Its own name; else that of the door or lift that its reader stands at; else the reader's id."""
    if point.name is not None:
        return _both(point.name)
    at = next((table for table in config.access_points.values() if point.reader in table.readers), None)
    if at is not None and at.door is not None:
        return _both(config.doors[at.door].name)
    if at is not None and at.lift is not None:
        return _both(config.lifts[at.lift].name)
    return dict.fromkeys(("zh-CN", "en"), point.reader)


def _both(names: Names) -> dict[str, str]:
    return {"zh-CN": names.zh_CN, "en": names.en}
