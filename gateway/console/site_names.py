"""The site config -> the names that the page, and words of a recorded decision, are told with."""

from config.loader import SiteConfig
from config.model import Names
from gateway.console.parts import SiteNames


def site_names(config: SiteConfig) -> SiteNames:
    """The names of everything that the config gives one, and what hangs on what."""
    return SiteNames(
        id=config.site.id,
        zone=config.site.zone,
        name=_both(config.site.name),
        doors={key: _both(table.name) for key, table in config.doors.items()},
        cameras={key: _both(table.name) for key, table in config.cameras.items()},
        inputs={key: _both(table.name) for key, table in config.inputs.items()},
        lifts={key: _both(table.name) for key, table in config.lifts.items()},
        access_points={
            key: _both(config.lifts[table.lift].name)
            for key, table in config.access_points.items()
            if table.lift is not None
        },
        areas={key: _both(table.name) for key, table in config.areas.items()},
        door_groups={key: _both(table.name) for key, table in config.door_groups.items()},
        camera_doors={key: table.doors for key, table in config.cameras.items()},
        point_doors={key: table.door for key, table in config.access_points.items()},
        group_doors={key: table.doors for key, table in config.door_groups.items()},
        lock_devices={key: table.lock.device for key, table in config.doors.items()},
        contact_devices={key: table.contact.device for key, table in config.doors.items() if table.contact is not None},
    )


def _both(names: Names) -> dict[str, str]:
    return {"zh-CN": names.zh_CN, "en": names.en}
