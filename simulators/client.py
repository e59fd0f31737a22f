"""Ask the running simulators to do something: `gatehouse sim …`, or `python -m simulators.client --data DIR …`.

On a terminal what happened is told in one plain sentence. Elsewhere, and with `--json`, the whole answer goes to
standard output as one line of JSON.
"""

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulators.plan import SitePlan
from simulators.to_try import is_demos_own, plan_at, to_try

Request = dict[str, Any]

MAX_ANSWER = 1 << 20
"""A status of the whole site is a few kilobytes."""
TIMEOUT_S = 20.0
LONGEST_ADDRESS = 100
"""A Unix socket's address holds 108 bytes (unix(7))."""
SHOWN_NAMES = 12
"""A site of hundreds of doors is no help to read."""


class NoAnswer(Exception):
    """The simulators are not there, or said nothing sensible."""


def ask(socket_path: Path, request: Request, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Send one request and return the answer, `{"ok": …}`. Raises NoAnswer."""
    try:
        with short_address(socket_path) as address, socket.socket(socket.AF_UNIX) as link:
            link.settimeout(timeout_s)
            link.connect(address)
            link.sendall(json.dumps(request).encode() + b"\n")
            answer = _read_line(link)
    except OSError as problem:
        raise NoAnswer(f"no simulators at {socket_path}: {problem.strerror or problem}") from problem
    try:
        body = json.loads(answer)
    except ValueError as problem:
        raise NoAnswer(f"{socket_path} answered nonsense") from problem
    if not isinstance(body, dict):
        raise NoAnswer(f"{socket_path} answered nonsense")
    return body


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """An address for a Unix socket at any depth: long paths go by their folder's descriptor."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _read_line(link: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < MAX_ANSWER:
        part = link.recv(65536)
        if not part:
            break
        line += part
    return line


def sim_arguments(parser: argparse.ArgumentParser, plan: SitePlan | None = None) -> None:
    """Give `parser` the words of `gatehouse sim`, with the names of that site; without one with those of the demo's."""
    _data_argument(parser)
    as_json: dict[str, Any] = {"action": "store_true", "help": "the whole answer as JSON, also on a terminal"}
    parser.add_argument("--json", **as_json)
    words = parser.add_subparsers(dest="word", required=True, metavar="WHAT")

    def word(name: str, text: str, **arguments: dict[str, Any]) -> None:
        each = words.add_parser(name, help=text, description=text)
        each.add_argument("--json", default=argparse.SUPPRESS, **as_json)
        for argument, settings in arguments.items():
            each.add_argument(argument, **settings)

    names = _names(plan)
    door, device = {"help": names["door"]}, {"help": names["device"]}
    switch = {"choices": ["on", "off"]}
    word(
        "swipe",
        "hold a card before a reader",
        reader={"help": names["reader"]},
        card={
            "help": "blue-1 … blue-36 (residents; blue-3 needs special care), red-1 … red-4 (staff), stranger, "
            "expired-1, night-1, lost-1, guard-1 and guard-2 (who walk the patrol), tag-1, tag-2 (UHF), fob-1, fob-2 "
            "(13.56 MHz), visitor-1 (passes with a resident's card within 10 s), or FORMAT:FACILITY:NUMBER"
        },
    )
    word(
        "scan",
        "hold a text (a QR pass, a number plate) before a scanner",
        scanner={"help": names["scanner"]},
        what={
            "help": "pass-1 … pass-999 (a visitor's QR pass, which the office has signed for two times), "
            "or any text, such as 京A12345"
        },
    )
    word(
        "press",
        "press a door's exit button, a reader's keys or a named button",
        target={"help": names["target"]},
        key={
            "nargs": "?",
            "help": names["key"],
        },
    )
    word("open", "push a door: it opens only if its lock is released", door=door)
    word("hold", "push a door and keep it open until `close`", door=door)
    word("close", "let go of a door and push it shut", door=door)
    word("force", "break a door open", door=door)
    word("fire", "switch the building's fire signal", state=switch)
    word("panic", "press (on) or release (off) the panic button", state=switch)
    word("person", "let somebody walk through the yard before the camera")
    word("office", "take the office away, or bring it back", state={"choices": ["down", "up"]})
    word("broker", "take the MQTT broker away, or bring it back", state={"choices": ["down", "up"]})
    word(
        "camera",
        "break the camera, or heal it with `none`",
        kind={"metavar": "FAULT", "help": "none, refuse, stall, rubbish, resolution, auth or cut"},
    )
    word("unplug", "pull a device's cable or power", device=device)
    word("plug", "plug it in again", device=device)
    word(
        "noise",
        "put rubbish on a device's line",
        device=device,
        hex={"nargs": "?", "help": "the bytes, such as 02FF31; random without"},
    )
    word(
        "wire",
        "cut or short the wire of a supervised input, or mend it",
        device=device,
        input={"type": int, "help": names["input"]},
        wire={"choices": ["normal", "active", "short", "open"], "help": "normal and active mend it"},
    )
    word(
        "scenario",
        "start or stop the scripted day",
        state={"choices": ["run", "stop"]},
        speed={"nargs": "?", "type": float, "help": "how many times faster than life (20)"},
    )
    word("status", "tell the truth about every door, siren, coil and input")


_DEMO_NAMES = {
    "door": "north, yard or garage",
    "device": "a device of the site, such as north-reader, north-board, garage-relay",
    "reader": "north-reader, yard-reader or garage-reader",
    "scanner": "north-scanner, or another device with the driver text-scanner or mqtt-scanner",
    "target": "a door (its exit button), a reader with keypad (yard-reader), or panic",
    "key": "the keys, 0-9, * and #. From 22:00 to 06:00 by the site's clock the yard door wants a card, and "
    "within 10 s its PIN: 1005# for blue-5 (1000 + N; red-N: 2000 + N; guard-N: 3000 + N). 9007# for blue-7 is "
    "its PIN under duress: it opens, and a silent alarm tells it",
    "input": "its number, such as 4 of north-board: the fire panel",
}


def _names(plan: SitePlan | None) -> dict[str, str]:
    """What each argument may be."""
    if plan is None or is_demos_own(plan):
        return _DEMO_NAMES
    doors = plan.doors
    return {
        "door": _some(door.id for door in doors),
        "device": _some(device.device for device in plan.devices),
        "reader": _some(door.reader for door in doors),
        "scanner": _some(door.scanner for door in doors),
        "target": "a door (its exit button), a reader with keypad, or a named input: " + _some(plan.buttons),
        "key": "the keys, 0-9, * and #",
        "input": "its number: " + _some(f"{each.device} {number}" for each in plan.devices for number in each.loops),
    }


def _some(names: Iterable[str | None]) -> str:
    known = [name for name in names if name is not None]
    return ", ".join(known[:SHOWN_NAMES]) + (" …" if len(known) > SHOWN_NAMES else "") or "none here"


def _data_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("GATEHOUSE_DATA", "data/demo")),
        help="data directory of the running demo (default: $GATEHOUSE_DATA, else data/demo)",
    )


def request_for(args: argparse.Namespace) -> Request:
    """The request that the words on the command line mean."""
    given = {key: value for key, value in vars(args).items() if key in _ARGUMENTS and value is not None}
    verb = _VERBS.get(args.word, args.word)
    request: Request = {"do": verb} | ({"hold": True} if args.word == "hold" else {})
    for key, value in given.items():
        name, meaning = _ARGUMENTS[key]
        # `state` is the one word that means something else in each place.
        request[_SWITCHES.get(verb, name) if key == "state" else name] = meaning(value)
    return request


_VERBS = {"hold": "open", "camera": "camera_fault"}
_SWITCHES = {"office": "up", "broker": "up", "scenario": "run"}


def read_card(text: str) -> str | dict[str, Any]:
    """A card's name, or the identifier in FORMAT:FACILITY:NUMBER (facility empty where the format has none)."""
    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdecimal() or not (parts[1].isdecimal() or not parts[1]):
        return text
    facility = int(parts[1]) if parts[1] else None
    return {"format": parts[0], "facility_code": facility, "number": int(parts[2])}


_ARGUMENTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "reader": ("reader", str),
    "card": ("card", read_card),
    "scanner": ("scanner", str),
    "what": ("text", str),
    "target": ("target", str),
    "key": ("key", str),
    "door": ("door", str),
    "device": ("device", str),
    "hex": ("bytes_hex", str),
    "kind": ("kind", str),
    "speed": ("speed", float),
    "input": ("input", int),
    "wire": ("state", str),
    "state": ("on", lambda word: word in ("on", "up", "run")),
}
"""Argument: its name in the request, and what its word means."""


def run_sim(args: argparse.Namespace) -> int:
    """Do what `sim_arguments` read: 0 done, 2 refused, 1 nobody there."""
    try:
        answer = ask(args.data / "run" / "sim.sock", request_for(args))
    except NoAnswer as problem:
        remedy = "start one with `gatehouse demo`, or name the directory of the one that runs with --data"
        print(f"No demo answers on {args.data.absolute()}: {remedy} ({problem}).", file=sys.stderr)
        return 1
    as_json = args.json or not sys.stdout.isatty()
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    sentence = str(answer.get("said") or answer.get("error") or "done")
    if not answer.get("ok") and not args.json:
        print(sentence, file=sys.stderr)
    elif not as_json:
        print(sentence)
    return 0 if answer.get("ok") else 2


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    try:
        try:
            return _obey(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()  # Here and not when the interpreter ends, where nobody can catch what it says.
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _obey(words: list[str]) -> int:
    given = argparse.ArgumentParser(prog="gatehouse sim", add_help=False)
    _data_argument(given)
    data = given.parse_known_args(words)[0].data
    plan = plan_at(data)
    named = "" if data == given.get_default("data") else f", with --data {data} after sim"
    parser = argparse.ArgumentParser(
        prog="gatehouse sim",
        description="Do things to the simulated site.",
        epilog=f"to try{named}:\n{to_try(plan)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sim_arguments(parser, plan)
    return run_sim(parser.parse_args(words))


if __name__ == "__main__":
    sys.exit(main())
