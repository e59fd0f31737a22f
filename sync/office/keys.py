"""The office's keys at a prompt: `python -m sync.office.keys make|rotate DIR`, `… countersign KEY MANIFEST.json`.

`make` writes office-root.key (lock it away: it signs key sets only), office-root.pub (each gateway's secrets/ gets it),
signing-1.key (the office's) and one more for each person who countersigns. Exit 2: wrong input.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from sync.list_wire import Manifest
from sync.office.signing import AT_ONCE, KeysUnusable, make_keys, read_key, rotate, sign


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked; words for people on stderr, a signature on stdout."""
    parser = argparse.ArgumentParser(prog="sync.office.keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("make", "a root key and the first signing keys"), ("rotate", "new signing keys")):
        one = commands.add_parser(name, help=words)
        one.add_argument("folder", type=Path, metavar="DIR")
        one.add_argument(
            "--people", type=int, default=1, choices=range(7), help="who countersigns, beside the office (1)"
        )
        one.add_argument(
            "--valid-from", type=datetime.fromisoformat, default=AT_ONCE, metavar="TIME", help="from when on (at once)"
        )
    countersign = commands.add_parser("countersign", help="a second signature of a manifest")
    countersign.add_argument("key", type=Path, metavar="KEY", help="a person's signing key")
    countersign.add_argument("manifest", type=Path, metavar="MANIFEST.json", help="as GET …/list/signing answers it")
    args = parser.parse_args(arguments)
    try:
        if args.command == "countersign":
            manifest = msgspec.json.decode(args.manifest.read_bytes(), type=Manifest)
            sys.stdout.buffer.write(msgspec.json.encode(sign(read_key(args.key), manifest)) + b"\n")
            return 0
        made = (make_keys if args.command == "make" else rotate)(args.folder, args.people, args.valid_from)
    except (KeysUnusable, OSError, msgspec.DecodeError) as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    sys.stderr.write(f"key set {made.key_epoch} with {len(made.keys)} keys lies in {args.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
