"""The camera whole: programme, ONVIF, RTSP, discovery, and what the control socket does to them."""

import asyncio
import contextlib
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulators.camera.control import ControlError, ControlSocket
from simulators.camera.device_service import DEVICE_PATH, EVENT_PATH, MEDIA_PATH, WITHOUT_LOGIN, DeviceService, Identity
from simulators.camera.discovery import Discovery
from simulators.camera.event_service import SUBSCRIPTION_PATH, EventService
from simulators.camera.faults import Fault
from simulators.camera.http_auth import HttpAuth
from simulators.camera.http_server import HttpRequest, HttpResponse, HttpServer
from simulators.camera.media_service import SNAPSHOT_PATH, MediaService
from simulators.camera.picture import PictureFormat
from simulators.camera.programme import Programme
from simulators.camera.rtsp_server import PATH, RtspServer
from simulators.camera.soap import (
    NAMESPACES,
    NOT_AUTHORIZED,
    Call,
    SoapFault,
    TokenCheck,
    parse_envelope,
    write_fault,
    write_response,
)
from simulators.camera.walks import Clip

_log = logging.getLogger(__name__)

_OTHER_SIZES = ((640, 480), (768, 576))
"""The resolution fault goes to the first of these that isn't the camera's own."""
_NAMESPACE = uuid.UUID("6f1e4f0a-0f5b-5a2e-9a58-2d4b5f4a6c11")
_MAX_EVERY_S = 3600


@dataclass(frozen=True, slots=True)
class Settings:
    """How a camera is set up; ports 0 are chosen by the system."""

    name: str
    host: str
    http_port: int
    rtsp_port: int
    username: str
    password: str
    picture: PictureFormat
    control: Path | None = None
    cache: Path | None = None
    discovery: bool = True
    advertise_host: str | None = None
    clock_offset_s: float = 0.0
    session_timeout_s: int = 60
    people_every_s: int = 0


class Camera:
    """One camera in one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        own = uuid.uuid5(_NAMESPACE, settings.name)
        self.identity = Identity(settings.name, f"urn:uuid:{own}", own.hex[:12])
        self.programme = Programme(settings.name, settings.picture, settings.cache)
        self._tokens = TokenCheck(settings.username, settings.password)
        self._auth = HttpAuth(settings.name, settings.username, settings.password)
        self._device = DeviceService(self.identity)
        self._media = MediaService(settings.name, lambda: self.programme.picture)
        self._events = EventService()
        self._http = HttpServer(settings.host, self._answer_http)
        self._rtsp = RtspServer(
            self.programme, self._auth, settings.host, lambda: self._fault, settings.session_timeout_s
        )
        self._control = None if settings.control is None else ControlSocket(settings.control, self._command)
        self._discovery: Discovery | None = None
        self._fault = Fault.NONE
        self._people_every_s = settings.people_every_s
        self._people_changed = asyncio.Event()
        self.programme.on_motion.append(lambda motion: self._events.tell_motion(motion, self._now()))

    async def start(self) -> dict[str, str]:
        """Begin to serve; returns the addresses. Raises OSError when a port or path can't be had."""
        await self.programme.prepare()
        await self._http.start(self._settings.http_port)
        await self._rtsp.start(self._settings.rtsp_port)
        if self._control is not None:
            await self._control.start()
        addresses = {
            "device_service": self._base_url(self._settings.host) + DEVICE_PATH,
            "rtsp": self._stream_url(self._settings.host),
            "uuid": self.identity.uuid,
        }
        if self._settings.discovery:
            self._discovery = await _discover(Discovery(self.identity, addresses["device_service"]))
        return addresses

    async def run(self) -> None:
        """Play until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.programme.run())
            group.create_task(self._send_people())

    async def close(self) -> None:
        """Say Bye and end every connection."""
        if self._discovery is not None:
            self._discovery.close()
        if self._control is not None:
            await self._control.close()
        await self._rtsp.close()
        await self._http.close()

    def _now(self) -> datetime:
        """The camera's own clock, which may be wrong."""
        return datetime.now(UTC) + timedelta(seconds=self._settings.clock_offset_s)

    def _base_url(self, local_host: str) -> str:
        return f"http://{self._settings.advertise_host or local_host}:{self._http.port}"

    def _stream_url(self, local_host: str) -> str:
        return f"rtsp://{self._settings.advertise_host or local_host}:{self._rtsp.port}{PATH}"

    async def _answer_http(self, request: HttpRequest) -> HttpResponse:
        if request.path == SNAPSHOT_PATH:
            return await self._snapshot(request)
        if not request.path.startswith("/onvif/"):
            return HttpResponse(404)
        if request.method != "POST":
            return HttpResponse(405, headers=(("Allow", "POST"),))
        try:
            call = parse_envelope(request.body)
            body = await self._answer_call(call, request)
        except SoapFault as fault:
            return HttpResponse(400 if fault.code == "Sender" else 500, write_fault(fault))
        action = f"{call.namespace}/{call.operation}Response"
        return HttpResponse(200, write_response(body, action, call.message_id))

    async def _answer_call(self, call: Call, request: HttpRequest) -> str:
        open_to_all = call.namespace == NAMESPACES["tds"] and call.operation in WITHOUT_LOGIN
        now = self._now()
        if not open_to_all and not self._tokens.accepts(call.token, now):
            raise NOT_AUTHORIZED
        base = self._base_url(request.local_host)
        if request.path.startswith(SUBSCRIPTION_PATH):
            return await self._events.answer_subscription(call, request.path.removeprefix(SUBSCRIPTION_PATH), now)
        match request.path:
            case _ if request.path == DEVICE_PATH and call.namespace == NAMESPACES["tds"]:
                return self._device.answer(call, base, now)
            case _ if request.path == MEDIA_PATH and call.namespace == NAMESPACES["trt"]:
                return self._media.answer(call, base, self._stream_url(request.local_host))
            case _ if request.path == EVENT_PATH and call.namespace == NAMESPACES["tev"]:
                return self._events.answer(call, base, now)
        raise SoapFault("Receiver", "ter:ActionNotSupported", f"{call.operation} is not offered at {request.path}")

    async def _snapshot(self, request: HttpRequest) -> HttpResponse:
        if not self._auth.accepts(request.headers.get("authorization"), request.method, basic=True):
            return HttpResponse(401, headers=self._auth.challenges(basic=True))
        from simulators.camera.encoding import decode_jpeg

        units = self.programme.shown()
        if not units:
            return HttpResponse(500)
        return HttpResponse(200, await asyncio.to_thread(decode_jpeg, units), "image/jpeg")

    async def _command(self, command: dict[str, Any]) -> dict[str, Any]:
        match command:
            case {"cmd": "person"}:
                return {"clip": await self._walk(command.get("clip"))}
            case {"cmd": "people", "every_s": int(every_s)} if 0 <= every_s <= _MAX_EVERY_S:
                self._people_every_s = every_s
                self._people_changed.set()
                return {"every_s": every_s}
            case {"cmd": "fault", "kind": str(kind)} if kind in set(Fault):
                await self._set_fault(Fault(kind))
                return {"fault": self._fault}
            case {"cmd": "fault"}:
                others = ", ".join(fault for fault in Fault if fault is not Fault.NONE)
                raise ControlError(
                    f"no fault {str(command.get('kind'))[:40]!r}; there are {others}, and none to heal it"
                )
            case {"cmd": "status"}:
                return self._status()
        raise ControlError(f"unknown command {str(command)[:120]}")

    async def _walk(self, named: object) -> str:
        if named is not None and named not in set(Clip):
            raise ControlError(f"no such clip, there are {', '.join(Clip)}")
        try:
            return await self.programme.walk(None if named is None else Clip(str(named)))
        except ValueError as error:
            raise ControlError(str(error)) from error

    async def _set_fault(self, fault: Fault) -> None:
        _log.info("fault: %s", fault)
        if fault is Fault.CUT:
            self._rtsp.cut()
            self._http.cut()
            fault = Fault.NONE
        self._fault = fault
        self._tokens.reject_all = self._auth.reject_all = fault is Fault.AUTH
        own = self._settings.picture
        size = next(size for size in _OTHER_SIZES if size != (own.width, own.height))
        wanted = PictureFormat(*size, own.fps) if fault is Fault.RESOLUTION else own
        await self.programme.change_picture(wanted)
        if fault is Fault.REFUSE:
            self._http.stop_listening()
            self._rtsp.stop_listening()
        else:
            await self._http.resume()
            await self._rtsp.resume()

    def _status(self) -> dict[str, Any]:
        return {
            "name": self._settings.name,
            "fault": self._fault,
            "size": self.programme.picture.name,
            "fps": self.programme.picture.fps,
            "frames": self.programme.frames_sent,
            "viewers": self._rtsp.viewers,
            "viewers_dropped": self._rtsp.dropped,
            "subscriptions": self._events.subscriptions,
            "walking": self.programme.walking,
            "walks": self.programme.walks_started,
            "motion": self.programme.motion,
            "people_every_s": self._people_every_s,
        }

    async def _send_people(self) -> None:
        """Somebody walks through every so often, while that is wished."""
        while True:
            self._people_changed.clear()
            wait_s = self._people_every_s or None
            try:
                async with asyncio.timeout(wait_s):
                    await self._people_changed.wait()
            except TimeoutError:
                with contextlib.suppress(ValueError):  # enough people wait already
                    await self.programme.walk()


async def _discover(discovery: Discovery) -> Discovery | None:
    try:
        await discovery.start()
    except OSError as error:
        _log.warning("discovery is off, multicast is not possible here: %s", error)
        return None
    return discovery
