"""Calls to one camera, each with a time-out and each failure as one of ours. Imports onvif-zeep, which is heavy:
import it late."""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import aiohttp

from drivers.onvif.addresses import with_host_of
from gateway.errors import AuthenticationFailed, DeviceError, LinkError, RemoteProtocolError

_root = logging.getLogger()
_handlers, _level = list(_root.handlers), _root.level
import onvif  # noqa: E402
import zeep.exceptions  # noqa: E402
from lxml.etree import XMLSyntaxError  # noqa: E402
from onvif.exceptions import ONVIFAuthError, ONVIFError, ONVIFTimeoutError  # noqa: E402
from onvif.util import is_auth_error  # noqa: E402

# The import calls logging.basicConfig, which is the program's to decide.
_root.handlers[:] = _handlers
_root.setLevel(_level)

Answer = TypeVar("Answer")

CALL_S = 10.0
"""For one call; healthy cameras answer in under a second, busy ones in some."""
PULL_S = 10.0
"""How long the camera may hold a PullMessages call open."""
PULL_MESSAGES = 32
SUBSCRIPTION = timedelta(seconds=60)
STREAM_SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


class OnvifSession:
    """A camera's services after one login. Every method raises LinkError, RemoteProtocolError or
    AuthenticationFailed."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self._address = address
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"https://{parts.hostname}" if parts.scheme == "https" else parts.hostname
        self._device = onvif.ONVIFCamera(host, port, username, password, adjust_time=True)
        self._device.rewrite_url = self._reachable
        self._device.get_definition = partial(self._definition, self._device.get_definition)
        self._manager: Any = None

    async def open(self) -> None:
        """Read the camera's clock, on which the digests depend, then where its services are."""
        await answer(self._device.update_xaddrs(), CALL_S * 3)

    async def profiles(self) -> list[Any]:
        """The media profiles in the camera's order; at least one."""
        media = await answer(self._device.create_media_service(), CALL_S)
        found = await answer(media.GetProfiles(), CALL_S)
        if not isinstance(found, list) or not found:
            raise RemoteProtocolError("the camera has no media profile")
        return found

    async def stream_url(self, token: str) -> str:
        """The RTSP address of a profile, at the host that we reached."""
        media = await answer(self._device.create_media_service(), CALL_S)
        request = {"StreamSetup": STREAM_SETUP, "ProfileToken": token}
        found = await answer(media.GetStreamUri(request), CALL_S)
        url = getattr(found, "Uri", None)
        if not isinstance(url, str) or urlsplit(url).scheme not in ("rtsp", "rtsps"):
            raise RemoteProtocolError("the camera names no RTSP stream")
        return with_host_of(url.strip(), self._address)

    async def subscribe(self, lost: Any) -> None:
        """Begin a pull-point subscription; it is renewed until `close`, and `lost()` is called when that fails."""
        await self._unsubscribe()
        self._manager = await answer(self._device.create_pullpoint_manager(SUBSCRIPTION, lost), CALL_S * 3)

    async def pull(self) -> list[Any]:
        """The next notifications, none after `PULL_S` of silence."""
        request = {"Timeout": timedelta(seconds=PULL_S), "MessageLimit": PULL_MESSAGES}
        found = await answer(self._manager.get_service().PullMessages(request), PULL_S + CALL_S)
        messages = getattr(found, "NotificationMessage", None)
        return list(messages) if messages else []

    async def close(self) -> None:
        """Let go of everything; a camera that doesn't answer any more is left alone."""
        await self._unsubscribe()
        await self._device.close()

    async def _unsubscribe(self) -> None:
        manager, self._manager = self._manager, None
        if manager is None or manager.closed:
            return
        try:
            await answer(manager.shutdown(), CALL_S)
        except (LinkError, RemoteProtocolError, AuthenticationFailed) as error:
            logging.getLogger(__name__).debug("unsubscribing: %s", error)

    def _reachable(self, url: str | None) -> str | None:
        return with_host_of(url, self._address) if url else url

    def _definition(self, original: Any, name: str, port_type: str | None = None) -> tuple[str, str, str]:
        """The package's own, with the device service where the operator says it is."""
        url, wsdl, binding = cast("tuple[str, str, str]", original(name, port_type))
        return (self._address if name.lower() == "devicemgmt" else url), wsdl, binding


_NO_SENSE = (
    aiohttp.ClientError,
    zeep.exceptions.Error,
    ONVIFError,
    XMLSyntaxError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
"""How the package lets an empty or non-XML reply out."""


async def answer(call: Awaitable[Answer], seconds: float) -> Answer:
    """Wait for a call. Raises LinkError, RemoteProtocolError and AuthenticationFailed."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except (TimeoutError, ONVIFTimeoutError) as error:
        raise LinkError(f"no answer within {seconds:g} s") from error
    except (
        zeep.exceptions.Fault,
        zeep.exceptions.TransportError,
        aiohttp.ClientResponseError,
        ONVIFAuthError,
    ) as error:
        raise _refusal(error) from error
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise LinkError(f"the camera can't be reached: {type(error).__name__}") from error
    except _NO_SENSE as error:
        raise RemoteProtocolError(f"an answer that makes no sense: {type(error).__name__}") from error


def _refusal(error: Exception) -> DeviceError:
    """A fault or an HTTP status: about the password, or about something else."""
    status = getattr(error, "status_code", None) or getattr(error, "status", None)
    if isinstance(error, ONVIFAuthError) or is_auth_error(error) or status in (401, 403):
        return AuthenticationFailed("the camera refuses the user name or password")
    if isinstance(error, zeep.exceptions.Fault):
        return RemoteProtocolError(f"the camera answers with a fault: {str(error)[:200]}")
    return RemoteProtocolError(f"HTTP status {status}")
