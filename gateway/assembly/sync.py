"""Wires the sync process: the journal up to the office, the office's lists down to the doors."""

import asyncio
import logging
from collections.abc import Iterable

from config.card_formats import format_table
from config.loader import load_config
from config.model import OfficeTable
from gateway.assembly.home_assistant import run_home_assistant
from gateway.clock import SystemClock
from gateway.domain.list_update import GuardBounds
from gateway.doors_client import DoorsClient
from gateway.office_tls import load_office_tls
from gateway.paths import Paths
from gateway.secret_files import read_token
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_folder import ListFolder
from gateway.store.office_root import load_office_root
from gateway.store.site_key import load_site_key
from gateway.version import VERSION
from sync.device_key import load_device_key
from sync.office_client import OfficeClient
from sync.trust import Trust
from sync.worker import report_no_office, run_sync


async def run_sync_process(paths: Paths) -> None:
    """Run the sync process until cancelled. Raises ConfigError."""
    config = load_config(paths.config)
    paths.prepare()
    # One line a request would fill the log; the link's own changes are told by sync.link.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    clock = SystemClock()
    doors = DoorsClient(paths.doors_socket, "sync")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(doors.run())
        tasks.create_task(run_home_assistant(config, paths), name="home assistant")
        if config.office is None:
            tasks.create_task(report_no_office(doors))
            return
        site, office = config.site.id, config.office
        token = read_token(paths.data, office.token, "office.token")
        tls = load_office_tls(paths.data, office.ca_file)
        client = OfficeClient(office.url, site, token, load_device_key(paths.secrets), clock, tls=tls)
        journal = SqliteJournalReader(paths.journal)
        formats = format_table(config)
        lists = ListFolder(
            paths.lists, load_site_key(paths.secrets), formats.fits, guard_bounds(office, config.access_points)
        )
        root = load_office_root(paths.secrets, office.root_key, office.unsigned)
        trust = Trust(site, root, paths.lists / "trust.json", clock)
        tasks.create_task(run_sync(trust, client, journal, lists, doors, paths.data, clock, VERSION))


def guard_bounds(office: OfficeTable, wired: Iterable[str]) -> GuardBounds:
    """From where on a list wants a second yes here; `wired` are the site's access points."""
    return GuardBounds(
        office.removed_percent,
        office.removed_least,
        office.granted_percent,
        office.granted_least,
        office.guard_all_doors,
        office.guard_unlocked,
        frozenset(wired),
    )
