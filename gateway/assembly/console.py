"""Wires the console process: the guards' page over the journal, the doors' socket and the cameras' pictures."""

import asyncio

from config.loader import SiteConfig, load_config
from config.model import Names
from gateway.clock import SystemClock
from gateway.console.app import serve_console
from gateway.console.office_list import OfficeList
from gateway.console.parts import ConsoleParts, SiteNames
from gateway.console.users import UserStore
from gateway.doors_client import DoorsClient
from gateway.errors import ConfigError
from gateway.paths import Paths
from gateway.store.journal_reader import SqliteJournalReader


async def run_console(paths: Paths) -> None:
    """Run the console process until cancelled. Raises ConfigError."""
    config = load_config(paths.config)
    paths.prepare()
    clock = SystemClock()
    doors = DoorsClient(paths.doors_socket, "console")
    listed = OfficeList(paths.lists, paths.secrets)
    parts = ConsoleParts(
        site=_names(config),
        journal=SqliteJournalReader(paths.journal),
        doors=doors,
        data_dir=paths.data,
        clock=clock,
        users=UserStore(paths.users, clock),
        card_label=listed.card_label,
        holder_kind=listed.holder_kind,
        holder_label=listed.holder_label,
        area_limits=listed.area_limits,
        cameras_socket=paths.cameras_socket,
        post=config.console.post,
        sees=frozenset(config.console.sees),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(doors.run())
        tasks.create_task(_serve(parts, config))


async def _serve(parts: ConsoleParts, config: SiteConfig) -> None:
    host, port = config.console.host, config.console.port
    try:
        await serve_console(parts, host, port)
    except SystemExit as error:
        raise ConfigError(
            "console.port", f"{host}:{port}", "can't be listened on: is it in use? choose another"
        ) from error


def _names(config: SiteConfig) -> SiteNames:
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
        door_groups={key: _both(table.name) for key, table in config.door_groups.items()},
        camera_doors={key: table.doors for key, table in config.cameras.items()},
        point_doors={key: table.door for key, table in config.access_points.items()},
        group_doors={key: table.doors for key, table in config.door_groups.items()},
        lock_devices={key: table.lock.device for key, table in config.doors.items()},
        contact_devices={key: table.contact.device for key, table in config.doors.items() if table.contact is not None},
    )


def _both(names: Names) -> dict[str, str]:
    return {"zh-CN": names.zh_CN, "en": names.en}
