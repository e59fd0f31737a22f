"""python -m simulators.camera: one simulated ONVIF camera."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from simulators.camera.camera import Camera, Settings
from simulators.camera.picture import PictureFormat

_CACHE = "gatehouse/camera-footage"


def main() -> int:
    """Run until SIGTERM or SIGINT. Exit codes: 0 done, 2 wrong settings, 1 anything else."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        settings = _settings(_parser().parse_args())
    except (OSError, ValueError) as error:
        print(f"camera: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        print(f"camera: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    camera = Camera(settings)
    ready = await camera.start()
    running = asyncio.create_task(camera.run())
    print(json.dumps({"ready": ready}), flush=True)
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    await camera.close()
    if running.done():
        running.result()
    running.cancel()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m simulators.camera", description=__doc__)
    parser.add_argument("--name", default="yard")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--http-port", type=int, default=0, help="0: chosen by the system")
    parser.add_argument("--rtsp-port", type=int, default=0, help="0: chosen by the system")
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--scene", choices=("yard",), default="yard")
    parser.add_argument("--size", default="768x576", help="WIDTHxHEIGHT, multiples of 16 and 48")
    parser.add_argument("--fps", type=int, default=10)
    parser.add_argument("--people-every", type=int, default=0, metavar="S", help="seconds, 0: nobody comes by itself")
    parser.add_argument("--control", type=Path, help="path of the Unix socket for commands")
    parser.add_argument("--cache-dir", type=Path, help="where encoded clips are kept")
    parser.add_argument("--no-discovery", action="store_true", help="don't answer WS-Discovery")
    parser.add_argument("--advertise-host", help="host named in addresses, also a wrong one")
    parser.add_argument("--clock-offset", type=float, default=0.0, metavar="S", help="how wrong its clock is")
    parser.add_argument("--session-timeout", type=int, default=60, metavar="S")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    """Raises ValueError and OSError."""
    width, cross, height = given.size.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ValueError(f"size {given.size!r} is not WIDTHxHEIGHT")
    return Settings(
        name=given.name,
        host=given.host,
        http_port=given.http_port,
        rtsp_port=given.rtsp_port,
        username=given.username,
        password=given.password_file.read_text().strip(),
        picture=PictureFormat(int(width), int(height), given.fps),
        control=given.control,
        cache=given.cache_dir or _default_cache(),
        discovery=not given.no_discovery,
        advertise_host=given.advertise_host,
        clock_offset_s=given.clock_offset,
        session_timeout_s=given.session_timeout,
        people_every_s=given.people_every,
    )


def _default_cache() -> Path | None:
    """The user's own cache directory; none for who has no home."""
    root = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(root) if root else Path.home() / ".cache") / _CACHE
    except RuntimeError:
        return None


if __name__ == "__main__":
    sys.exit(main())
