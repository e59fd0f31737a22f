"""The technician's words on the command line. What they do is imported when it is wanted: other commands start fast."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.technician.place import Place

LANGUAGES = ("zh-CN", "en")
LAST_ADDRESS = 247
"""Of a Modbus unit; OSDP's end at 126."""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Give `gatehouse` the words for setting a site up."""
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument(
        "--data",
        type=Path,
        help="its data directory (GATEHOUSE_DATA; data/<site id> of --config; data/demo)",
    )
    place.add_argument("--config", type=Path, help="the site's TOML (site.toml in the data directory)")
    spoken = argparse.ArgumentParser(add_help=False)
    spoken.add_argument("--language", choices=LANGUAGES, default="en", help="of words for people (en)")

    discover = commands.add_parser(
        "discover",
        parents=[place],
        help="serial ports, Modbus units, OSDP readers, MQTT devices and cameras, and what is wrong with the wires",
        description="What is here? Ports and cameras always; a line is scanned where --modbus or --osdp names it, with "
        "the gateway stopped if it uses that port. Nothing is switched or changed.",
    )
    discover.add_argument("--modbus", action="append", default=[], metavar="PORT", help="scan this port for units")
    discover.add_argument("--osdp", action="append", default=[], metavar="PORT", help="scan this port for readers")
    discover.add_argument("--baud", action="append", default=[], type=int, help="at this speed only; may be repeated")
    discover.add_argument("--addresses", type=_addresses, metavar="FIRST-LAST", help="only these; 8 means 0 to 8")
    discover.add_argument("--cameras", type=float, default=3.0, metavar="S", help="look for cameras so long (3; 0: no)")
    discover.add_argument("--mqtt", type=float, default=0.0, metavar="S", help="listen at the site's brokers so long")
    discover.add_argument("--json", action="store_true", help="as one JSON object")
    discover.set_defaults(command=_discover)

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

    learn = commands.add_parser(
        "learn",
        parents=[place],
        help="hold a card: every reading, its printed forms, whether the list knows it, and its entry for the list",
        description="With the gateway stopped: what the site's readers say of what is shown to them. With --driver a "
        "reader that no site knows yet. Card numbers are shown here and recorded nowhere.",
    )
    learn.add_argument("reader", nargs="?", metavar="READER", help="only this reader of the site")
    learn.add_argument("--driver", help="a driver's name, to try a reader without a site")
    learn.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="its setting; a,b is a list")
    learn.add_argument("--reads", type=int, help="end after so many reads")
    learn.add_argument("--seconds", type=float, help="end after so long")
    learn.add_argument("--credential", metavar="ID", help="make it a credential of this id")
    learn.add_argument("--cardholder", metavar="ID", help="… for this cardholder")
    learn.add_argument("--label", default="", help="… with the office's name for the card")
    learn.add_argument("--format", help="… by the reading of this format (the first whose parity holds)")
    learn.add_argument("--into", type=Path, metavar="LIST.json", help="… and put it into this list")
    learn.add_argument("--json", action="store_true", help="a JSON object a line")
    learn.set_defaults(command=_learn)

    identify = commands.add_parser(
        "identify",
        parents=[place],
        help="with the gateway stopped: let a reader blink or a board click, and tell what it hears",
    )
    identify.add_argument("device", metavar="DEVICE")
    identify.add_argument("--seconds", type=float, default=10.0, help="for how long (10)")
    identify.add_argument("--output", type=int, metavar="N", help="click this output of a board, from 0")
    identify.add_argument("--door-may-open", action="store_true", help="also one that a lock hangs on")
    identify.set_defaults(command=_identify)

    report = commands.add_parser("report", parents=[place, spoken], help="the commissioning report, HTML that prints")
    report.add_argument("--out", type=Path, required=True, metavar="FILE.html")
    report.set_defaults(command=_report)


def place_of(args: argparse.Namespace) -> "Place":
    """Where the site's config and data are. Raises ConfigError."""
    from gateway.technician.place import find_place

    return find_place(args.config, args.data, os.environ.get("GATEHOUSE_DATA"))


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


def _addresses(text: str) -> range:
    first, dash, last = text.partition("-")
    parts = (first, last) if dash else ("0", first)
    if not all(part.isdecimal() for part in parts) or not 0 <= int(parts[0]) <= int(parts[1]) <= LAST_ADDRESS:
        raise argparse.ArgumentTypeError(f"{text!r}: write FIRST-LAST, or LAST alone, within 0 and {LAST_ADDRESS}")
    return range(int(parts[0]), int(parts[1]) + 1)


def _discover(args: argparse.Namespace) -> int:
    from drivers.links import BAUD_RATES
    from gateway.technician.discover import Search, run_discover

    for baud in args.baud:
        if baud not in BAUD_RATES:
            raise ConfigError("--baud", baud, f"use one of {', '.join(map(str, BAUD_RATES))}")
    search = Search(tuple(args.modbus), tuple(args.osdp), tuple(args.baud), args.addresses, args.cameras, args.mqtt)
    named = args.config or args.data or os.environ.get("GATEHOUSE_DATA")
    place = place_of(args) if named or args.mqtt > 0 else None
    return asyncio.run(run_discover(search, place, as_json=args.json))


def _learn(args: argparse.Namespace) -> int:
    from gateway.technician.learn import Wanted, learn_alone, learn_at_site
    from gateway.technician.new_credential import NewCredential

    wanted = Wanted(args.reads, args.seconds)
    new = None
    if args.credential is not None or args.into is not None:
        if args.credential is None or args.cardholder is None:
            raise ConfigError("--credential", args.credential, "say --credential ID and --cardholder ID")
        new = NewCredential(args.credential, args.cardholder, args.label, args.format, args.into)
        wanted = Wanted(1, args.seconds)
    if args.driver is not None:
        return asyncio.run(learn_alone(args.driver, args.set, wanted, new, as_json=args.json))
    return asyncio.run(learn_at_site(place_of(args), args.reader, wanted, new, as_json=args.json))


def _identify(args: argparse.Namespace) -> int:
    from gateway.technician.identify import identify

    found = identify(place_of(args), args.device, args.seconds, args.output, door_may_open=args.door_may_open)
    return asyncio.run(found)


def _report(args: argparse.Namespace) -> int:
    from gateway.technician.report import write_report

    write_report(place_of(args), args.out, args.language)
    print(args.out)
    return 0
