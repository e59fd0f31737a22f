"""Wires the console process: the guards' page over the journal, the doors' socket and the cameras' pictures."""

import asyncio
import logging
from pathlib import Path

from config.loader import SiteConfig, load_config
from config.model import Names
from gateway.clock import SystemClock
from gateway.console.app import serve_console
from gateway.console.parts import ConsoleParts, SiteNames
from gateway.console.users import UserStore
from gateway.doors_client import DoorsClient
from gateway.errors import ConfigError, ListInvalid
from gateway.paths import Paths
from gateway.store.access_list import open_list
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_folder import current_list
from gateway.store.site_key import load_site_key

log = logging.getLogger(__name__)


async def run_console(paths: Paths) -> None:
    """Run the console process until cancelled. Raises ConfigError."""
    config = load_config(paths.config)
    paths.prepare()
    clock = SystemClock()
    doors = DoorsClient(paths.doors_socket, "console")
    parts = ConsoleParts(
        site=_names(config),
        journal=SqliteJournalReader(paths.journal),
        doors=doors,
        data_dir=paths.data,
        clock=clock,
        users=UserStore(paths.users, clock),
        card_label=CardLabels(paths.lists, paths.secrets).label,
        cameras_socket=paths.cameras_socket,
        post=config.console.post,
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
        camera_doors={key: table.doors for key, table in config.cameras.items()},
    )


def _both(names: Names) -> dict[str, str]:
    return {"zh-CN": names.zh_CN, "en": names.en}


class CardLabels:
    """The office's labels by credential id, from the list in force; read anew when another list is."""

    def __init__(self, lists: Path, secrets: Path) -> None:
        self._lists, self._secrets = lists, secrets
        self._path: Path | None = None
        self._labels: dict[str, str] = {}

    def label(self, credential: str) -> str:
        """The label, empty where there is none."""
        path = current_list(self._lists)
        if path is not None and path != self._path:
            try:
                opened = open_list(path, load_site_key(self._secrets))
            except ListInvalid as error:
                log.warning("labels: %s", error)
            else:
                self._labels = {c.id: c.label for c in opened.each_credential() if c.label}
            self._path = path
        return self._labels.get(credential, "")
