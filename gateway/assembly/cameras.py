"""Wires the cameras process: ONVIF cameras, analytics, evidence for the doors' alarms."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from analytics.evidence import EvidenceWanted
from analytics.settings import CameraSettings, EvidenceSettings, IngestSettings, RetentionSettings, ZoneSettings
from analytics.untold import Untold
from analytics.worker import run_cameras
from config.loader import SiteConfig, load_config
from config.model import CameraTable
from drivers.contracts import Camera
from drivers.registry import DriverContext
from gateway.clock import SystemClock
from gateway.domain.ports import DoorsPort, RecordedEvent
from gateway.domain.signals import Signal
from gateway.doors_client import DoorsClient
from gateway.errors import JournalUnavailable
from gateway.paths import Paths
from gateway.secret_files import read_secret
from gateway.store.journal_reader import SqliteJournalReader

MIB = 1 << 20


async def run_cameras_process(paths: Paths) -> None:
    """Run the cameras process until cancelled. Raises ConfigError."""
    config = load_config(paths.config)
    paths.prepare()
    clock = SystemClock()
    client = DoorsClient(paths.doors_socket, "cameras")
    cameras = [
        (_camera(config, paths, key, clock), _settings(key, table, _transport(config, key)))
        for key, table in config.cameras.items()
    ]
    retention = RetentionSettings(days=config.evidence.keep_days, total_bytes=config.evidence.keep_mb * MIB)
    journal = SqliteJournalReader(paths.journal)
    wanted, is_stored = _alarms_of_doors(client, journal), partial(_is_stored, journal)
    async with asyncio.TaskGroup() as tasks:
        link = tasks.create_task(client.run())
        try:
            await run_cameras(cameras, client, paths.data, clock, retention, wanted, is_stored)
        finally:
            link.cancel()  # not before: what the end cut off is told at the end


async def _alarms_of_doors(doors: DoorsPort, journal: SqliteJournalReader) -> AsyncIterator[EvidenceWanted]:
    """Every alarm from now on, and every repeat, of a door that a camera sees: such as forced or held open."""
    head = await asyncio.to_thread(journal.head)
    row = 0 if head is None else head.row_id
    async for feed in doors.feed():
        if feed.row_id is None or feed.row_id <= row:
            continue
        while events := await asyncio.to_thread(journal.after, row, 500):
            row = events[-1].row_id
            for event in events:
                raised = await asyncio.to_thread(_raised, journal, event)
                if raised is not None and not raised.erased and raised.body["camera"] and raised.body["door"]:
                    yield EvidenceWanted(raised.body["camera"], raised.body["alarm"])


def _raised(journal: SqliteJournalReader, event: RecordedEvent) -> RecordedEvent | None:
    """The AlarmRaised of an alarm's event that says that it happens now."""
    if event.type == "AlarmRaised":
        return event
    if event.type != "AlarmRepeated":
        return None
    return next(iter(journal.search(types=["AlarmRaised"], subject=f"alarm:{event.body['alarm']}", limit=1)), None)


def _is_stored(journal: SqliteJournalReader, entry: Untold) -> bool:
    """Was the doors process told of this file before its worker could note that?"""
    try:
        events = journal.search(types=["EvidenceStored"], subject=f"observation:{entry.reference}", limit=500)
    except JournalUnavailable:
        return False  # told twice is better than never
    return any(event.body["path"] == entry.path for event in events)


def _settings(camera_id: str, table: CameraTable, transport: str) -> CameraSettings:
    return CameraSettings(
        id=camera_id,
        zones=tuple(ZoneSettings(zone.name, zone.polygon) for zone in table.zones),
        evidence=EvidenceSettings(before_s=table.evidence.before_s, after_s=table.evidence.after_s),
        ingest=IngestSettings(transport=transport),
    )


def _camera(config: SiteConfig, paths: Paths, camera_id: str, clock: SystemClock) -> Camera:
    device = config.camera_devices[camera_id]
    context = DriverContext(camera_id, _NoSink(), clock, {}, partial(read_secret, paths.data))
    built: Camera = device.driver.build(device.settings, context)
    return built


def _transport(config: SiteConfig, camera_id: str) -> str:
    return str(getattr(config.camera_devices[camera_id].settings, "transport", "tcp"))


class _NoSink:
    """Cameras speak through the worker's outbox, never through a sink."""

    def put(self, signal: Signal) -> bool:
        return False
