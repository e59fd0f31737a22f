"""The ONVIF services, asked by onvif-zeep-async; discovery, asked by WSDiscovery."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.simulators.camera.conftest import PASSWORD, RunningCamera

onvif = pytest.importorskip("onvif", reason="onvif-zeep-async is not installed")
Fault = pytest.importorskip("zeep.exceptions").Fault


def _client(camera: RunningCamera, password: str = PASSWORD, **options: Any) -> Any:
    return onvif.ONVIFCamera("127.0.0.1", camera.http_port, "admin", password, **options)


async def test_client_finds_profile_stream_and_snapshot(camera: RunningCamera) -> None:
    client = _client(camera)
    try:
        await client.update_xaddrs()
        device = await client.create_devicemgmt_service()
        assert (await device.GetDeviceInformation()).Model == "Simulated yard camera"
        assert (await device.GetHostname()).Name == "yard"
        assert any(scope.ScopeItem.endswith("/name/yard") for scope in await device.GetScopes())
        assert (await device.GetNetworkInterfaces())[0].Info.Name == "eth0"
        assert (await device.GetCapabilities({"Category": "All"})).Events.WSPullPointSupport
        media = await client.create_media_service()
        profile = (await media.GetProfiles())[0]
        assert profile.VideoEncoderConfiguration.Resolution.Width == 768
        assert (await media.GetVideoSources())[0].Resolution.Height == 576
        assert (await media.GetVideoEncoderConfigurations())[0].H264.GovLength == 20
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        stream = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
        assert stream.Uri == camera.rtsp
        assert (await client.get_snapshot(profile.token))[:3] == b"\xff\xd8\xff"
    finally:
        await client.close()


async def test_wrong_password_is_a_not_authorized_fault(camera: RunningCamera) -> None:
    client = _client(camera, "guess")
    try:
        await client.update_xaddrs()
        media = await client.create_media_service()
        with pytest.raises(Exception, match="not authorized") as caught:
            await media.GetProfiles()
        assert isinstance(caught.value, Fault)
        assert [code.localname for code in caught.value.subcodes] == ["NotAuthorized"]
    finally:
        await client.close()


async def test_client_that_reads_the_clock_gets_along_with_a_wrong_one(
    start_camera: Callable[..., RunningCamera],
) -> None:
    camera = start_camera("--no-discovery", "--clock-offset", "-86400")
    client = _client(camera, adjust_time=True)
    try:
        await client.update_xaddrs()
        device = await client.create_devicemgmt_service()
        assert (await device.GetDeviceInformation()).HardwareId == "SIM-1"
    finally:
        await client.close()


async def test_pull_point_tells_when_somebody_walks(camera: RunningCamera) -> None:
    client = _client(camera)
    try:
        await client.update_xaddrs()
        manager = await client.create_pullpoint_manager(timedelta(seconds=60), lambda: None)
        pull = manager.get_service()
        first = await pull.PullMessages({"Timeout": timedelta(seconds=5), "MessageLimit": 10})
        assert [_read(message) for message in first.NotificationMessage] == [
            ("tns1:VideoSource/MotionAlarm", "Initialized", "State", "false"),
            ("tns1:RuleEngine/CellMotionDetector/Motion", "Initialized", "IsMotion", "false"),
        ]
        quiet = await pull.PullMessages({"Timeout": timedelta(seconds=1), "MessageLimit": 10})
        assert not quiet.NotificationMessage
        assert (await asyncio.to_thread(camera.command, cmd="person"))["ok"]
        seen = await pull.PullMessages({"Timeout": timedelta(seconds=5), "MessageLimit": 10})
        assert ("tns1:VideoSource/MotionAlarm", "Changed", "State", "true") in map(_read, seen.NotificationMessage)
        gone = await pull.PullMessages({"Timeout": timedelta(seconds=20), "MessageLimit": 10})
        assert ("tns1:VideoSource/MotionAlarm", "Changed", "State", "false") in map(_read, gone.NotificationMessage)
        await manager.set_synchronization_point()
        again = await pull.PullMessages({"Timeout": timedelta(seconds=5), "MessageLimit": 10})
        assert _read(again.NotificationMessage[0])[1] == "Initialized"
        await manager.shutdown()
    finally:
        await client.close()
    assert camera.command(cmd="status")["subscriptions"] == 0


def test_ws_discovery_client_finds_the_camera(start_camera: Callable[..., RunningCamera]) -> None:
    threaded = pytest.importorskip("wsdiscovery.discovery", reason="WSDiscovery is not installed")
    camera = start_camera("--name", "yard-to-be-found")
    logging.getLogger("threading").setLevel(logging.CRITICAL)
    search = threaded.ThreadedWSDiscovery()
    search.start()
    try:
        found = {service.getEPR(): service for service in search.searchServices(timeout=4)}
    finally:
        search.stop()
    if not found:
        pytest.skip("multicast is not possible on this machine: no answer to a Probe from anybody")
    service = found[camera.uuid]
    assert urlsplit(service.getXAddrs()[0]).port == camera.http_port
    assert [kind.getLocalname() for kind in service.getTypes()] == ["NetworkVideoTransmitter"]


def _read(message: Any) -> tuple[str, str, str, str]:
    content = message.Message._value_1
    item = content.Data.SimpleItem[0]
    return message.Topic._value_1, content.PropertyOperation, item.Name, item.Value
