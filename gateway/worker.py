"""One of the gateway's processes: `python -m gateway.worker NAME --config SITE.toml --data DIR`."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, NoReturn

from gateway.errors import ConfigError
from gateway.name_lookups import LookupsApart
from gateway.paths import Paths

log = logging.getLogger(__name__)

DOORS_NICE = -10
THREAD_SWITCH_S = 0.0005
"""Python's 5 ms would let the journal's thread hold up the loop for as long as a swipe may take."""


def main(arguments: list[str] | None = None) -> int:
    """Run it until SIGTERM; exit 2 when the configuration is at fault."""
    parser = argparse.ArgumentParser(prog="gateway.worker", description=__doc__)
    parser.add_argument("name", choices=("doors", "console", "sync", "cameras"))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faults", type=Path, help="write faults of the configuration here, for the starter to tell")
    args = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {args.name:8} %(levelname)s %(message)s"
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    os.umask(0o077)  # Journal, lists and evidence are this user's alone.
    if args.name == "doors":
        _come_first()
    code, faults = 1, list[ConfigError]()
    try:
        with asyncio.Runner(loop_factory=LookupsApart) as runner:
            code = runner.run(_until_stopped(_process(args.name, Paths(args.config, args.data))))
    except* ConfigError as group:
        faults += _each(group)
    if faults:
        _tell(faults, args.faults)
        return 2
    return code


def leave(code: int) -> NoReturn:
    """End this process.

    A thread that a C library still holds, such as a hanging stream's, would crash in the interpreter's end when it
    comes back: then the process ends without one.
    """
    if any(thread.daemon for thread in threading.enumerate() if thread is not threading.current_thread()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _each(group: BaseExceptionGroup[ConfigError]) -> Iterator[ConfigError]:
    """The faults in it, however deep; a fault that stands for several gives them."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _each(error)
        else:
            yield from getattr(error, "faults", (error,))


def _tell(faults: list[ConfigError], place: Path | None) -> None:
    """One line each."""
    if place is not None:
        try:
            place.write_text("".join(f"{fault}\n" for fault in faults), encoding="utf-8")
        except OSError as error:
            log.warning("%s can't be written: %s", place, error.strerror)
        else:
            return
    for fault in faults:
        log.error("%s", fault)


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
    leave(main())
