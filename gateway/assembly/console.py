"""Wires the console process: the guards' page over the journal, the doors' socket and the cameras' pictures."""

import asyncio

from config.loader import SiteConfig, load_config
from config.wiring import to_site
from gateway.clock import SystemClock
from gateway.console.app import serve_console
from gateway.console.office_list import OfficeList
from gateway.console.parts import ConsoleParts
from gateway.console.site_names import site_names
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
        site=site_names(config),
        journal=SqliteJournalReader(paths.journal),
        doors=doors,
        data_dir=paths.data,
        clock=clock,
        users=UserStore(paths.users, clock),
        card_label=listed.card_label,
        holder_kind=listed.holder_kind,
        holder_label=listed.holder_label,
        area_limits=listed.area_limits,
        find_labels=listed.find_labels,
        cameras_socket=paths.cameras_socket,
        post=config.console.post,
        sees=frozenset(config.console.sees),
        tours=to_site(config).tours,
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
