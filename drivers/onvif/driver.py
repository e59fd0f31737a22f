"""The driver `onvif`: a network camera by ONVIF (Core, Media 1, Events by pull point)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from drivers.contracts import CameraEvent, CameraStream
from drivers.onvif.addresses import device_address
from drivers.onvif.discovery import discover
from drivers.onvif.events import StuckStates, to_event
from drivers.registry import Driver, DriverContext, DriverSettings, SecretReference
from gateway.errors import AuthenticationFailed, DeviceError, LinkError, RemoteProtocolError

if TYPE_CHECKING:
    from drivers.onvif.session import OnvifSession

_log = logging.getLogger(__name__)

DISCOVERY_S = 3.0
REFUSED_WAIT_S = 300.0
"""After a refused password nothing is asked for so long: cameras lock accounts."""
EVENTS_RETRY_S = (1.0, 60.0)


class OnvifSettings(DriverSettings):
    """`[camera.*]` with `driver = "onvif"`."""

    address: str | None = None
    """Host, host:port or the device service's URL; without it the camera is looked for by `endpoint`."""
    endpoint: str | None = Field(default=None, max_length=256)
    """The WS-Discovery endpoint (`urn:uuid:…`), as `gatehouse discover` prints it."""
    username: str = Field(default="", max_length=64)
    password: SecretReference = ""
    """Where the password is, `file:…` or `env:…`; never the password itself."""
    profile: str = Field(default="main", max_length=128)
    """`main` (the camera's first profile), `sub` (its smallest) or a profile's token."""
    transport: Literal["tcp", "udp"] = "tcp"

    @field_validator("address")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        if value is not None:
            device_address(value)
        return value

    @model_validator(mode="after")
    def _check_reachable(self) -> "OnvifSettings":
        if self.address is None and self.endpoint is None:
            raise ValueError("name an address or an endpoint")
        return self


class OnvifCamera:
    """One camera. Implements `drivers.contracts.Camera`."""

    def __init__(self, settings: OnvifSettings, context: DriverContext) -> None:
        self._settings, self._context = settings, context
        self._refused_s: float | None = None
        self._accepted = False
        self._asking = asyncio.Lock()
        self._event_session: OnvifSession | None = None

    @property
    def device_id(self) -> str:
        """The id from the site config."""
        return self._context.device_id

    @property
    def transport(self) -> str:
        """How the stream is wanted: `tcp` or `udp`."""
        return self._settings.transport

    async def stream(self) -> CameraStream:
        """Ask once for the stream. Raises LinkError, RemoteProtocolError, AuthenticationFailed.

        After AuthenticationFailed the camera isn't asked again for `REFUSED_WAIT_S`; meanwhile the same is raised.
        """
        async with self._asking:
            session = await self._open()
            try:
                profile = choose_profile(await session.profiles(), self._settings.profile)
                url = await session.stream_url(str(profile.token))
            except AuthenticationFailed as error:
                raise self._refusal() from error
            else:
                self._accepted = True
                return self._describe(profile, url)
            finally:
                await session.close()

    async def events(self) -> AsyncGenerator[CameraEvent, None]:
        """The camera's own events; subscribes again, with back-off, for as long as it is read."""
        states = StuckStates()
        wait_s = EVENTS_RETRY_S[0]
        while True:
            try:
                async for event in self._subscription(states):
                    wait_s = EVENTS_RETRY_S[0]
                    yield event
            except DeviceError as error:
                _log.debug("%s: events: %s", self.device_id, error)
            for event in states.take_back(self._now_s()):
                yield event
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, EVENTS_RETRY_S[1])

    async def close(self) -> None:
        """Let go of the subscription."""
        session, self._event_session = self._event_session, None
        if session is not None:
            await session.close()

    async def _subscription(self, states: StuckStates) -> AsyncIterator[CameraEvent]:
        """One subscription's events, until it is lost. Raises DeviceError."""
        lost = asyncio.Event()
        session = await self._open()
        self._event_session = session
        try:
            await session.subscribe(lost.set)
            self._accepted = True
            while not lost.is_set():
                notifications = await session.pull()
                now_s = self._now_s()
                for event in filter(None, map(to_event, notifications)):
                    states.note(event, now_s)
                    yield event
                for event in states.take_back(now_s):
                    yield event
        except AuthenticationFailed as error:
            raise self._refusal() from error
        finally:
            await self.close()

    async def _open(self) -> "OnvifSession":
        if self._refused_s is not None and self._now_s() - self._refused_s < REFUSED_WAIT_S:
            raise AuthenticationFailed("the camera refused the user name or password; not asked again yet")
        self._refused_s = None
        # The import takes a second of CPU: only who asks a camera pays for it, and not on the event loop.
        await asyncio.to_thread(_import_session)
        from drivers.onvif.session import OnvifSession

        session = OnvifSession(await self._address(), self._settings.username, self._password())
        try:
            await session.open()
        except AuthenticationFailed as error:
            await session.close()
            raise self._refusal() from error
        except (DeviceError, asyncio.CancelledError):
            await session.close()
            raise
        return session

    def _refusal(self) -> DeviceError:
        """What a refusal means: a wrong password, or, once after the same one was accepted, a spent digest.

        The package sends a request again, with the same nonce, when the connection broke under it; a camera must
        refuse that
        (WS-Security UsernameToken 1.1, 3.1). A fresh digest settles which of the two it was.
        """
        if self._accepted:
            self._accepted = False
            return LinkError("the camera refused a digest after it had accepted the password")
        self._refused_s = self._now_s()
        return AuthenticationFailed("the camera refuses the user name or password")

    async def _address(self) -> str:
        if self._settings.address is not None:
            return device_address(self._settings.address)
        found = [f for f in await discover(DISCOVERY_S) if f.endpoint == self._settings.endpoint and f.addresses]
        if not found:
            raise LinkError("the camera does not answer WS-Discovery")
        return device_address(found[0].addresses[0])

    def _password(self) -> str:
        return self._context.secret(self._settings.password) if self._settings.password else ""

    def _describe(self, profile: Any, url: str) -> CameraStream:
        width, height, fps, encoding = video_shape(profile)
        return CameraStream(url, self._settings.username, self._password(), width, height, fps, encoding)

    def _now_s(self) -> float:
        return self._context.clock.now().monotonic_s


def choose_profile(profiles: list[Any], wanted: str) -> Any:
    """`main` is the first, `sub` the smallest picture, anything else a token. Raises RemoteProtocolError when it
    isn't there."""
    usable = [p for p in profiles if getattr(p, "token", None) and getattr(p, "VideoEncoderConfiguration", None)]
    if not usable:
        raise RemoteProtocolError("no media profile carries video")
    if wanted == "main":
        return usable[0]
    if wanted == "sub":
        return min(usable, key=lambda p: video_shape(p)[0] * video_shape(p)[1])
    for profile in usable:
        if profile.token == wanted:
            return profile
    raise RemoteProtocolError(f"the camera has no media profile {wanted!r}")


def video_shape(profile: Any) -> tuple[int, int, float, str]:
    """Width and height in pixels, frames a second, encoding; zero or empty where the camera doesn't say."""
    encoder = profile.VideoEncoderConfiguration
    size, pace = getattr(encoder, "Resolution", None), getattr(encoder, "RateControl", None)
    width, height = getattr(size, "Width", None) or 0, getattr(size, "Height", None) or 0
    fps = getattr(pace, "FrameRateLimit", None) or 0
    return int(width), int(height), float(fps), str(getattr(encoder, "Encoding", None) or "")


def _import_session() -> None:
    import drivers.onvif.session  # noqa: F401


def _build(settings: OnvifSettings, context: DriverContext) -> OnvifCamera:
    return OnvifCamera(settings, context)


DRIVER = Driver("onvif", "camera", OnvifSettings, _build, "Network camera by ONVIF: stream and events")
