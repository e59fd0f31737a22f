"""Wires the cameras process: ONVIF cameras, analytics, evidence for the doors' alarms."""

import asyncio
from functools import partial

from analytics.settings import CameraSettings, EvidenceSettings, IngestSettings, RetentionSettings, ZoneSettings
from analytics.worker import run_cameras
from config.loader import SiteConfig, load_config
from config.model import CameraTable
from drivers.contracts import Camera
from drivers.registry import DriverContext
from gateway.clock import SystemClock
from gateway.domain.signals import Signal
from gateway.doors_client import DoorsClient
from gateway.paths import Paths
from gateway.secret_files import read_secret

MIB = 1 << 20


async def run_cameras_process(paths: Paths) -> None:
    """Run the cameras process until cancelled. Raises ConfigError."""
    config = load_config(paths.config)
    paths.prepare()
    clock = SystemClock()
    client = DoorsClient(paths.doors_socket, "cameras")
    cameras = [(_camera(config, paths, key, clock), _settings(key, table)) for key, table in config.cameras.items()]
    retention = RetentionSettings(days=config.evidence.keep_days, total_bytes=config.evidence.keep_mb * MIB)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.run())
        tasks.create_task(run_cameras(cameras, client, paths.data, clock, retention))


def _settings(camera_id: str, table: CameraTable) -> CameraSettings:
    return CameraSettings(
        id=camera_id,
        zones=tuple(ZoneSettings(zone.name, zone.polygon) for zone in table.zones),
        evidence=EvidenceSettings(before_s=table.evidence.before_s, after_s=table.evidence.after_s),
        ingest=IngestSettings(),
    )


def _camera(config: SiteConfig, paths: Paths, camera_id: str, clock: SystemClock) -> Camera:
    device = config.camera_devices[camera_id]
    context = DriverContext(camera_id, _NoSink(), clock, {}, partial(read_secret, paths.data))
    built: Camera = device.driver.build(device.settings, context)
    return built


class _NoSink:
    """Cameras speak through the worker's outbox, never through a sink."""

    def put(self, signal: Signal) -> bool:
        return False
