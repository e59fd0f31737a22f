"""The technician's words on the command line."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from gateway.errors import ConfigError
from gateway.technician.walk_commands import Place

LANGUAGES = ("zh-CN", "en")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give `gatehouse` the words for setting a site up."""
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--data", type=Path, help="the site's data directory (GATEHOUSE_DATA, or data/demo)")
    place.add_argument("--config", type=Path, help="the site's TOML (site.toml in the data directory)")
    spoken = argparse.ArgumentParser(add_help=False)
    spoken.add_argument("--language", choices=LANGUAGES, default="zh-CN", help="zh-CN (default) or en")

    walk = commands.add_parser("walk", help="walk test: what was not tested yet, and the bare wiring").add_subparsers(
        dest="word", required=True, metavar="WHAT"
    )
    start = walk.add_parser("start", parents=[place], help="begin a walk test; what happened before doesn't count")
    start.add_argument("--by", required=True, metavar="NAME", help="who tests")
    start.set_defaults(command=_start)
    status = walk.add_parser("status", parents=[place, spoken], help="what was not tested yet, and what was")
    status.add_argument("--follow", action="store_true", help="go on until everything is tested")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.set_defaults(command=_status)
    wiring = walk.add_parser(
        "wiring",
        parents=[place, spoken],
        help="with the gateway stopped: do exit buttons and the fire contact free the doors by the wiring alone?",
    )
    wiring.add_argument("--by", required=True, metavar="NAME", help="who tests")
    wiring.add_argument("--door", action="append", default=[], help="only this door; may be given again")
    wiring.set_defaults(command=_wiring)

    report = commands.add_parser("report", parents=[place, spoken], help="the commissioning report, HTML that prints")
    report.add_argument("--out", type=Path, required=True, metavar="FILE.html")
    report.set_defaults(command=_report)


def place_of(args: argparse.Namespace) -> Place:
    """Where the site's config and data are. Raises ConfigError."""
    data = (args.data or Path(os.environ.get("GATEHOUSE_DATA", Path("data", "demo")))).absolute()
    config = args.config or data / "site.toml"
    if not data.is_dir():
        raise ConfigError("--data", str(data), "there is no such directory: name the site's data directory")
    return Place(config, data)


def _start(args: argparse.Namespace) -> int:
    from gateway.technician.walk_commands import start_walk

    started = start_walk(place_of(args), args.by)
    print(
        f"Walk test begun at {started.started_at:%Y-%m-%d %H:%M:%S} UTC. `gatehouse walk status --follow` follows it."
    )
    return 0


def _status(args: argparse.Namespace) -> int:
    from gateway.technician.walk_commands import run_status

    return run_status(place_of(args), args.language, as_json=args.json, follow=args.follow)


def _wiring(args: argparse.Namespace) -> int:
    from gateway.technician.wiring import prove_wiring

    if not sys.stdin.isatty():
        raise ConfigError("stdin", "not a terminal", "somebody must stand at the door and answer")

    async def ask(question: str) -> str:
        return await asyncio.to_thread(input, question)

    return asyncio.run(prove_wiring(place_of(args), args.by, args.door, args.language, ask))


def _report(args: argparse.Namespace) -> int:
    from gateway.technician.report import write_report

    write_report(place_of(args), args.out, args.language)
    print(args.out)
    return 0
