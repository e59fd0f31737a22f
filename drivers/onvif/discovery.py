"""Which cameras are on the network: WS-Discovery, in a process of its own.

The package starts threads that can die with a traceback and sockets on every interface; a child process keeps both
out of ours and can be
ended on time.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from urllib.parse import unquote

FOUND_MOST = 256
"""A /24's worth; whoever answers more is not a network of cameras."""
ANSWER_BYTES_MOST = 1024 * 1024
_START_S = 10.0
_SCOPE = "onvif://www.onvif.org/"


@dataclass(frozen=True, slots=True)
class Found:
    """A device that says it is a network video transmitter. `endpoint` stays when its address changes."""

    endpoint: str
    addresses: tuple[str, ...]
    name: str
    hardware: str


async def discover(timeout_s: float = 3.0) -> list[Found]:
    """Ask the network and collect answers for `timeout_s` seconds; empty when nobody answers or multicast is
    impossible."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "drivers.onvif.discovery",
        f"{timeout_s:.1f}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(timeout_s + _START_S):
            told = await child.stdout.read(ANSWER_BYTES_MOST)
    except TimeoutError:
        told = b""
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return parse_answer(told)


def parse_answer(told: bytes) -> list[Found]:
    """The child's answer: a JSON array of [endpoint, addresses, scopes]; anything else is no camera."""
    try:
        rows = json.loads(told or b"[]")
        return [
            to_found(str(endpoint), [str(a) for a in addresses], [str(s) for s in scopes])
            for endpoint, addresses, scopes in list(rows)[:FOUND_MOST]
        ]
    except (ValueError, TypeError):
        return []


def to_found(endpoint: str, addresses: list[str], scopes: list[str]) -> Found:
    """Name and hardware stand in the scopes (ONVIF Core, 7.3.2.2)."""
    parts = dict(s.removeprefix(_SCOPE).split("/", 1) for s in scopes if s.startswith(_SCOPE) and s.count("/") > 3)
    reachable = tuple(a for a in addresses if a.startswith(("http://", "https://")))
    return Found(endpoint, reachable, unquote(parts.get("name", ""))[:128], unquote(parts.get("hardware", ""))[:128])


def _search(timeout_s: float) -> list[tuple[str, list[str], list[str]]]:
    from wsdiscovery import QName
    from wsdiscovery.discovery import ThreadedWSDiscovery

    searching = ThreadedWSDiscovery()
    searching.start()
    transmitter = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
    services = searching.searchServices(types=[transmitter], timeout=timeout_s)
    rows = [
        (str(s.getEPR()), [str(a) for a in s.getXAddrs()], [str(scope.getValue()) for scope in s.getScopes()])
        for s in services
    ]
    searching.stop()
    return rows


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_search(float(sys.argv[1]))))
