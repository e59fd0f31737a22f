"""The commands a person types.

Machine output goes to stdout, words for people to stderr. Exits: 0 done, 2 wrong input, 1 anything else.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.commands.data_word import add_data_word
from gateway.commands.journal_cli import add_commands as add_journal_commands
from gateway.errors import ConfigError, GatehouseError
from gateway.technician.cli import add_commands as add_technician_commands
from gateway.version import VERSION

Command = Callable[[argparse.Namespace], int]

_ELSEWHERE = {"office": "sync.office", "sim": "simulators.client"}
"""Commands that are programs of their own, with help of their own."""


def main(arguments: list[str] | None = None) -> int:
    """Parse, run one command, and turn errors into words and exit codes."""
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in _ELSEWHERE:
        os.execv(sys.executable, (sys.executable, "-m", _ELSEWHERE[words[0]], *words[1:]))
    parser = _parser()
    args = parser.parse_args(words)
    command: Command | None = getattr(args, "command", None)
    if command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return command(args)
    except ConfigError as error:
        for fault in getattr(error, "faults", (error,)):
            _say(f"error: {fault}")
        return 2
    except GatehouseError as error:
        _say(f"error: {error}")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gatehouse",
        description="The brain of a residential compound's gates: readers, doors, cameras, the office's list.",
        epilog="Exit codes: 0 done, 2 wrong input or configuration, 1 anything else.",
    )
    parser.add_argument("--version", action="version", version=f"gatehouse {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _site_commands(commands)
    _list_commands(commands)
    _journal_commands(commands)
    add_journal_commands(commands)
    _card_commands(commands)
    _pass_commands(commands)
    _people_commands(commands)
    add_technician_commands(commands)
    return parser


def _site_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="a whole site on this machine: the real daemon, simulated hardware and office",
        description="A whole site on this machine: the real daemon, simulated hardware and office. Residents' cards, "
        "visitors' QR passes that are used up, a visitor who needs an escort, card and PIN by night at the yard door "
        "(one PIN is for duress), areas with a muster list, a group of gates to lock down. `gatehouse sim --help` says "
        "what to try.",
    )
    demo.add_argument("--data", type=Path, default=Path("data", "demo"), help="where its state lives (data/demo)")
    demo.add_argument("--site", type=Path, help="another site's TOML, its hardware simulated (the demo's own)")
    demo.add_argument("--quiet", action="store_true", help="leave the site still, to try things by hand")
    demo.add_argument("--speed", type=float, default=20.0, help="how much faster than life the scripted day goes (20)")
    demo.add_argument(
        "--hardware-only",
        action="store_true",
        help="without the gateway: to try discover, identify, learn, walk wiring",
    )
    demo.add_argument("--console-port", type=int, help="the console's port (8400, or any free one)")
    demo.set_defaults(command=_demo)
    run = commands.add_parser("run", help="run a site: doors, console, sync and cameras, each in a process of its own")
    run.add_argument("--config", type=Path, required=True, metavar="SITE.toml", help="the site's configuration")
    run.add_argument("--data", type=Path, help="where its state lives (GATEHOUSE_DATA, or data/<site id>)")
    run.set_defaults(command=_run)
    check = commands.add_parser(
        "check",
        help="check a site's configuration; exit 2 and its faults, each with its line",
        description="Check a site's configuration; exit 2 and its faults, each with key, value, remedy and line. "
        "What hangs on a table that is no whole one yet, such as a device without its port, is told once that is "
        "mended.",
    )
    check.add_argument("config", type=Path, metavar="SITE.toml")
    check.add_argument("--data", type=Path, help="warn of what is missing here (GATEHOUSE_DATA, or data/<site id>)")
    check.set_defaults(command=_check)
    osdp = commands.add_parser("osdp", help="OSDP readers: the keys of their secure channels").add_subparsers(
        dest="word", required=True, metavar="WHAT"
    )
    key = osdp.add_parser(
        "set-key",
        help="with the gateway stopped: give a reader the key of its secure channel",
        description="With the gateway stopped: make a key, give it to a reader in install mode by the default key that "
        "everybody knows, connect with it, and keep it in the reader's secret file. Do it with the line in sight.",
    )
    key.add_argument("device", metavar="DEVICE")
    key.add_argument("--config", type=Path, required=True, metavar="SITE.toml", help="the site's configuration")
    key.add_argument("--data", type=Path, help="where its state lives (GATEHOUSE_DATA, or data/<site id>)")
    key.add_argument("--replace", action="store_true", help="the reader has a key from here: change it")
    key.set_defaults(command=_osdp_key)
    commands.add_parser(
        "office", help="the office's side of the sync protocol; `office keys`, `office backup`: its keys, its copies"
    )
    commands.add_parser("sim", help="do something to the demo site: swipe, press, open, force, fire …")


def _list_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    decide = commands.add_parser("decide", help="what would be decided: requests in, one JSON answer a line out")
    decide.add_argument("--list", type=Path, required=True, metavar="LIST.json", help="the office's access list")
    decide.add_argument(
        "--requests", required=True, metavar="REQUESTS.jsonl", help="one request a line; - for standard input"
    )
    decide.add_argument("--site", type=Path, metavar="SITE.toml", help="the wiring: grades, exits, what readers accept")
    decide.add_argument("--stateful", action="store_true", help="lines follow in time; uses and passages carry over")
    decide.set_defaults(command=_decide)
    schema = commands.add_parser("schema", help="print a JSON Schema")
    schema.add_argument("name", choices=("access-list", "decide-request", "decide-answer", "events"))
    schema.set_defaults(command=_schema)


def _journal_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    place = argparse.ArgumentParser(add_help=False)
    add_data_word(place, "the site's data directory; only read")
    place.add_argument("--site", type=Path, metavar="SITE.toml", help="the site's configuration (site.toml in DIR)")
    place.add_argument("--language", choices=("zh-CN", "en"), default="en", help="of words for people (en)")
    replay = commands.add_parser(
        "replay", parents=[place], help="decide what is recorded again: what differs, by this list or another"
    )
    replay.add_argument("--list", type=Path, metavar="LIST.json", help="another list; else the one in force")
    replay.add_argument("--since", metavar="T", help="from this time on, RFC 3339 with offset")
    replay.add_argument("--until", metavar="T", help="before this time")
    replay.add_argument("--only-changes", action="store_true", help="leave out what is denied for another reason only")
    replay.set_defaults(command=_replay)
    why = commands.add_parser("why", parents=[place], help="recorded decisions in words: each check and what it saw")
    why.add_argument("which", nargs="?", metavar="ROW|EVENT_ID", help="one decision; else the newest")
    why.add_argument("--last", type=int, metavar="N", help="the newest N, the last one at the end (1)")
    why.set_defaults(command=_why)


def _card_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    card = commands.add_parser("card", help="card numbers: from bits, and to bits").add_subparsers(
        title="commands", metavar="decode|encode", required=True
    )
    decode = card.add_parser("decode", help="every reading of a card's bits")
    decode.add_argument("source", nargs="?", help="- reads many from standard input, one `BITS HEX` a line")
    decode.add_argument("--bits", type=int, help="how many bits, such as 26")
    decode.add_argument("--hex", help="the bits as hex digits, right-aligned")
    decode.add_argument("--printed", action="store_true", help="also the numbers that may be printed on the card")
    decode.add_argument("--site", type=Path, metavar="SITE.toml", help="the site's own formats, too")
    decode.set_defaults(command=_card_decode)
    encode = card.add_parser("encode", help="the bits of a card's number")
    encode.add_argument("--format", required=True, help="a format's name, such as H10301")
    encode.add_argument("--facility", type=int, help="the facility code, where the format has one")
    encode.add_argument("--number", type=_card_number, required=True, help="the card number; in hex as 0x8EC793")
    encode.add_argument("--site", type=Path, metavar="SITE.toml", help="the site's own formats, too")
    encode.set_defaults(command=_card_encode)


def _pass_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = commands.add_parser("pass", help="QR passes: a key that signs them, and passes").add_subparsers(
        title="commands", metavar="key|sign", required=True
    )
    key = words.add_parser("key", help="make a private key; prints its entry for the list's pass_keys")
    key.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the private key goes (mode 0600)")
    key.add_argument("--key-id", metavar="ID", help="the key's id in LIST.json (the file's name)")
    key.set_defaults(command=_pass_key)
    sign = words.add_parser("sign", help="sign a pass; prints the text for a QR code")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="the private key")
    sign.add_argument("--key-id", required=True, metavar="ID", help="the key's id in LIST.json")
    sign.add_argument("--id", required=True, metavar="PASS", help="the pass's own id")
    sign.add_argument("--until", required=True, metavar="T", help="when it ends, RFC 3339 with offset")
    sign.add_argument("--from", dest="valid_from", metavar="T", help="when it begins")
    kind = sign.add_mutually_exclusive_group(required=True)
    kind.add_argument("--uses", type=int, metavar="N", help="so many grants in all")
    kind.add_argument("--rotating", action="store_true", help="good for a minute from now")
    kind.add_argument("--at", metavar="T", help="the same, as if made at that time")
    sign.add_argument("--cardholder", metavar="ID", help="whose pass it is (a visitor's)")
    sign.add_argument("--level", action="append", default=[], metavar="ID", help="an access level; may be repeated")
    sign.set_defaults(command=_pass_sign)


def _people_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    user = commands.add_parser("user", help="who may sign in at the console")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--data", type=Path, help="the site's data directory (GATEHOUSE_DATA, or data/demo)")
    words = user.add_subparsers(title="commands", metavar="add|passwd|list|remove", required=True, dest="word")
    add = words.add_parser("add", parents=[place], help="add somebody; prints a one-time password")
    add.add_argument("name")
    add.add_argument("--role", choices=("guard", "supervisor", "technician"), default="guard")
    for word, text in (("passwd", "give a new one-time password"), ("remove", "take the sign-in away")):
        words.add_parser(word, parents=[place], help=text).add_argument("name")
    words.add_parser("list", parents=[place], help="everybody who may sign in")
    user.set_defaults(command=_user)


def _user(args: argparse.Namespace) -> int:
    from gateway.clock import SystemClock
    from gateway.console import user_commands as commands
    from gateway.console.users import UserRefused, UserStore

    data = args.data or Path(os.environ.get("GATEHOUSE_DATA", Path("data", "demo")))
    if not data.is_dir():
        raise ConfigError("--data", str(data), "there is no such directory: name the site's data directory")
    users = UserStore(data / "users.db", SystemClock())
    try:
        if args.word == "add":
            lines = commands.add_user(users, args.name, args.role)
        elif args.word == "passwd":
            lines = commands.reset_password(users, args.name)
        elif args.word == "remove":
            lines = commands.remove_user(users, args.name)
        else:
            lines = commands.list_users(users)
    except UserRefused as error:
        raise ConfigError("user", args.name, _USER_REFUSALS.get(error.code, error.code)) from error
    print("\n".join(lines))
    return 0


_USER_REFUSALS = {
    "user_exists": "somebody has this name already: choose another, or `user passwd` for a new password",
    "no_such_user": "nobody has this name: see `user list`",
    "last_supervisor": "is the last supervisor: add another one first",
    "bad_user_name": "use up to 32 letters, digits, `.`, `-` and `_`",
}


def _demo(args: argparse.Namespace) -> int:
    from gateway.commands.demo import run_demo

    return run_demo(
        args.data.absolute(),
        site=args.site,
        quiet=args.quiet or args.hardware_only,
        speed=args.speed,
        console_port=args.console_port,
        hardware_only=args.hardware_only,
    )


def _run(args: argparse.Namespace) -> int:
    from gateway.commands.run import run_configured

    return run_configured(args.config, args.data)


def _osdp_key(args: argparse.Namespace) -> int:
    from gateway.commands.osdp import set_key
    from gateway.paths import Paths
    from gateway.technician.place import find_place

    place = find_place(args.config, args.data, os.environ.get("GATEHOUSE_DATA"))
    return asyncio.run(set_key(Paths(place.config, place.data), args.device, replace=args.replace))


def _check(args: argparse.Namespace) -> int:
    from gateway.commands.check import check_site

    return check_site(args.config, args.data)


def _decide(args: argparse.Namespace) -> int:
    from gateway.commands.decide import decide_lines

    for answer in decide_lines(args.list, args.requests, args.site, stateful=args.stateful):
        print(json.dumps(answer, ensure_ascii=False), flush=args.requests == "-")
    return 0


def _replay(args: argparse.Namespace) -> int:
    from gateway.commands.data_folder import DataFolder
    from gateway.commands.replay import run_replay

    folder = DataFolder(args.data, args.site)
    return run_replay(folder, args.list, args.since, args.until, only_changes=args.only_changes, language=args.language)


def _why(args: argparse.Namespace) -> int:
    from gateway.commands.data_folder import DataFolder
    from gateway.commands.why import run_why

    return run_why(DataFolder(args.data, args.site), args.which, args.last, args.language)


def _schema(args: argparse.Namespace) -> int:
    from gateway.commands.decide import schema

    print(json.dumps(schema(args.name), ensure_ascii=False, indent=2))
    return 0


def _card_number(text: str) -> int:
    try:
        return int(text, 16) if text[:2].lower() == "0x" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: write 4567, or 0x11D7 in hex") from None


def _card_decode(args: argparse.Namespace) -> int:
    from gateway.commands.card import run_decode, run_decode_many

    if args.source == "-":
        return run_decode_many(sys.stdin, args.site, printed=args.printed)
    if args.source is not None or args.bits is None or args.hex is None:
        raise ConfigError("card decode", args.source, "give --bits N --hex HEX, or - to read lines of `BITS HEX`")
    return run_decode(args.bits, args.hex, args.site, printed=args.printed)


def _card_encode(args: argparse.Namespace) -> int:
    from gateway.commands.card import run_encode

    return run_encode(args.format, args.facility, args.number, args.site)


def _pass_key(args: argparse.Namespace) -> int:
    from gateway.commands.pass_commands import make_key

    entry = make_key(args.out, args.key_id)
    print(json.dumps(entry, ensure_ascii=False))
    _say(f"{args.out}: the private key; whoever has it can issue passes. Public key: {entry['public_key']}")
    _say("Put the line above under pass_keys of LIST.json; name the levels that its passes may give.")
    return 0


def _pass_sign(args: argparse.Namespace) -> int:
    from gateway.clock import SystemClock
    from gateway.commands.pass_commands import Wish, sign

    now = SystemClock().now().wall
    wish = Wish(
        key_id=args.key_id,
        id=args.id,
        until=args.until,
        valid_from=args.valid_from,
        uses=args.uses,
        made_at=now if args.rotating else args.at,
        cardholder=args.cardholder,
        levels=tuple(args.level),
    )
    print(sign(args.key, wish, now))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
