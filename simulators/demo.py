"""The demo's surroundings in one go: broker, office, camera and site, everything but the gateway itself.

`python -m simulators.demo --data DIR [--quiet] [--config OUT.toml]` prints one line `{"ready": …}` when all are up,
and ends everything that it started on SIGTERM, on Ctrl-C, or when it is killed.
"""

import argparse
import asyncio
import fcntl
import json
import signal
import sys
from pathlib import Path
from typing import Any

from simulators.children import Child, ChildFailed, Program, say
from simulators.client import Request
from simulators.control import Answer, Refused, control_socket
from simulators.demo_site import DemoSite, SiteUnusable, prepare, read_site, set_among_simulators

WRONG_INPUT = 2
STOPPABLE = ("office", "broker")
OFFICE_KEYS = Path("office", "keys")
DRAWER = Path("office-drawer")
"""The keys that must not lie with an office: the root key, and that of the person who gives the second yes."""
ROOT_PUBLIC = "office-root.pub"


def programs(data: Path, config: Path, demo: DemoSite, *, quiet: bool, speed: float, seed: int) -> list[Program]:
    """The demo's processes, in the order in which they start."""
    day = () if quiet else ("--scenario", "--speed", str(speed))
    ports, listed = demo.ports, demo.listed
    office = (
        *("--data", str(data / "office"), "--host", "127.0.0.1", "--port", str(ports.office)),
        *("--token-file", str(data / demo.office_token), "--keys", str(data / OFFICE_KEYS)),
        *("--site", listed.id, "--list", str(data / "office-list.json")),
    )
    site = ("--data", str(data), "--config", str(config), "--seed", str(seed), *day)
    return [
        Program("broker", "simulators.broker", ("--port", str(ports.broker))),
        Program("office", "sync.office", office),
        *(_camera(data, demo, name) for name in demo.cameras),
        Program("site", "simulators.site", site),
    ]


def _camera(data: Path, demo: DemoSite, name: str) -> Program:
    camera = demo.cameras[name]
    words = (
        *("--name", name, "--host", "127.0.0.1", "--http-port", str(demo.ports.cameras[name]), "--rtsp-port", "0"),
        *("--username", camera.username, "--password-file", str(data / camera.password)),
        *("--scene", "yard", "--control", str(data / "run" / f"sim-camera-{name}.sock")),
    )
    # The camera's clock shows the site's time, as a camera set up on site does.
    return Program(f"camera-{name}", "simulators.camera", words, environment={"TZ": demo.listed.zone})


class Demo:
    """All processes of the demo."""

    def __init__(self, children: list[Child]) -> None:
        self.children = {child.program.name: child for child in children}

    async def start(self) -> None:
        """Start all, the site last since it talks to the broker. Raises ChildFailed."""
        *early, site = self.children.values()
        results = await asyncio.gather(*(child.start() for child in early), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        await site.start()

    async def end(self) -> None:
        """End all."""
        await asyncio.gather(*(child.end() for child in self.children.values()))

    async def obey(self, request: Request) -> Answer:
        """Take a process away or bring it back. Raises Refused."""
        name, up = request["do"], request.get("up")
        if name == "status":
            return {"ok": True, "children": {n: describe(child) for n, child in self.children.items()}}
        if name not in STOPPABLE or name not in self.children or not isinstance(up, bool):
            raise Refused(f'the demo takes away or brings back {", ".join(STOPPABLE)}, by "up": true or false')
        child = self.children[name]
        if not up:
            # Killed, not asked: a cut line or a dead machine says no goodbye.
            await child.end(grace_s=0)
            return {"ok": True, "said": f"The {name} is gone.", "up": False}
        try:
            await child.start()
        except ChildFailed as problem:
            raise Refused(str(problem)) from problem
        return {"ok": True, "said": f"The {name} is back.", "up": True}


def describe(child: Child) -> dict[str, Any]:
    """One process, for a status."""
    return {"pid": child.pid, "up": child.up, "starts": child.starts}


async def run(args: argparse.Namespace) -> int:
    """Run the demo until SIGTERM or SIGINT; 1 when it can't start."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    data = args.data.absolute()
    (data / "run").mkdir(parents=True, exist_ok=True)
    with (data / "run" / "demo.lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"A demo runs on {data} already: stop it, or name another --data.")
            return WRONG_INPUT
        return await _run_here(args, data, stopping)


async def _run_here(args: argparse.Namespace, data: Path, stopping: asyncio.Event) -> int:
    config = (args.config or data / "site.toml").absolute()
    try:
        site = set_among_simulators(read_site(args.site), args.console_port)
    except SiteUnusable as problem:
        say(f"{problem}.")
        return WRONG_INPUT
    except OSError as problem:
        say(f"Port {args.console_port} can't be the console's ({problem.strerror}): name another, or 0 for any.")
        return WRONG_INPUT
    prepare(data, site)
    try:
        await make_office_keys(data)
    except ChildFailed as problem:
        say(f"The demo can't start: {problem}.")
        return 1
    config.write_text(site.toml, encoding="utf-8")
    chosen = programs(data, config, site, quiet=args.quiet, speed=args.speed, seed=args.seed)
    demo = Demo([Child(program) for program in chosen if program.name.partition("-")[0] not in args.without])
    try:
        async with control_socket(data / "run" / "sim-demo.sock", demo.obey):
            starting = asyncio.create_task(demo.start())
            ending = asyncio.create_task(stopping.wait())
            await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                return 0
            starting.result()
            print(json.dumps({"ready": ready(data, config, site, demo)}), flush=True)
            await ending
    except ChildFailed as problem:
        say(f"The demo can't start: {problem}.")
        return 1
    finally:
        await demo.end()
    return 0


async def make_office_keys(data: Path) -> None:
    """The office's keys at the first start: they stay on its side, and the gateway gets the public half of the root."""
    keys = data / OFFICE_KEYS
    if not (keys / ROOT_PUBLIC).exists():
        program = (sys.executable, "-m", "sync.office", "keys", "make", str(keys))
        made = await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.DEVNULL)
        if await made.wait() != 0:
            raise ChildFailed(f"the office's keys can't be made in {keys}")
        (data / DRAWER).mkdir(mode=0o700, exist_ok=True)
        for name in ("office-root.key", "signing-2.key"):
            (keys / name).replace(data / DRAWER / name)
    (data / "secrets" / ROOT_PUBLIC).write_bytes((keys / ROOT_PUBLIC).read_bytes())


def ready(data: Path, config: Path, site: DemoSite, demo: Demo) -> dict[str, Any]:
    """What a starter needs to know."""
    ports = site.ports
    return {
        "data": str(data),
        "config": str(config),
        "control": str(data / "run" / "sim.sock"),
        "console": f"http://127.0.0.1:{ports.console}",
        "ports": {"broker": ports.broker, "office": ports.office, "cameras": ports.cameras, "console": ports.console},
        "pids": {name: child.pid for name, child in demo.children.items()},
    }


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="simulators.demo", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data directory, shared with the gateway")
    parser.add_argument("--config", type=Path, help="where the site's TOML is written (DATA/site.toml)")
    parser.add_argument("--site", type=Path, help="another site's TOML (the demo's own)")
    parser.add_argument("--quiet", action="store_true", help="no scripted day: the site stands still")
    parser.add_argument("--speed", type=float, default=20.0, help="the scripted day, times faster than life (20)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same day (1)")
    parser.add_argument("--console-port", type=int, help="the console's port; 0: any (8400 where that is free)")
    parser.add_argument(
        "--without", action="append", default=[], choices=["broker", "office", "camera"], help="leave this one out"
    )
    return asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
