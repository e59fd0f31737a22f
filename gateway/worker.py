"""One of the gateway's processes: `python -m gateway.worker NAME --config SITE.toml --data DIR`."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.paths import Paths

DOORS_NICE = -10
THREAD_SWITCH_S = 0.0005
"""Python's 5 ms would let the journal's thread hold up the loop for as long as a swipe may take."""


def main(arguments: list[str] | None = None) -> int:
    """Run it until SIGTERM; exit 2 when the configuration is at fault."""
    parser = argparse.ArgumentParser(prog="gateway.worker", description=__doc__)
    parser.add_argument("name", choices=("doors", "console", "sync", "cameras"))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {args.name:8} %(levelname)s %(message)s"
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if args.name == "doors":
        _come_first()
    paths = Paths(args.config, args.data)
    try:
        return asyncio.run(_until_stopped(_process(args.name, paths)))
    except ConfigError as error:
        logging.getLogger(__name__).error("%s", error)
        return 2


def _come_first() -> None:
    """A swipe waits for no thread and, where the system lets us (CAP_SYS_NICE), for no other process."""
    sys.setswitchinterval(THREAD_SWITCH_S)
    with contextlib.suppress(PermissionError):
        os.nice(DOORS_NICE)


def _process(name: str, paths: Paths) -> Coroutine[Any, Any, None]:
    """Each process imports only what it needs: the doors never load video or a web server."""
    if name == "doors":
        from gateway.assembly.doors import run_doors

        return run_doors(paths)
    if name == "console":
        from gateway.assembly.console import run_console

        return run_console(paths)
    if name == "sync":
        from gateway.assembly.sync import run_sync_process

        return run_sync_process(paths)
    from gateway.assembly.cameras import run_cameras_process

    return run_cameras_process(paths)


async def _until_stopped(work: Coroutine[Any, Any, None]) -> int:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
