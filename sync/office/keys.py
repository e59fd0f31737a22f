"""The office's keys at a prompt: `gatehouse office keys make|rotate DIR`, `… countersign KEY MANIFEST.json`.

`make` writes office-root.key (lock it away: it signs key sets only), office-root.pub (each gateway's secrets/ gets it),
signing-1.key (the office's) and one more for each person who countersigns. `rotate` makes new signing keys: the root
key comes out of its drawer for it. Exit 2: wrong input.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from sync.list_wire import Manifest
from sync.office.signing import AT_ONCE, ROOT, KeysUnusable, make_keys, misplaced, read_key, rotate, sign


def main(arguments: list[str]) -> int:
    """Do what is asked; words for people on stderr, a signature on stdout."""
    args = _parser().parse_args(arguments)
    try:
        if args.command == "countersign":
            _countersign(args.key, args.manifest)
            return 0
        if args.command == "make":
            made = make_keys(args.folder, args.people, args.valid_from)
        else:
            made = rotate(args.folder, args.people, args.valid_from, args.root_key)
    except (KeysUnusable, OSError, msgspec.DecodeError) as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    sys.stderr.write(f"key set {made.key_epoch} with {len(made.keys)} keys lies in {args.folder}\n")
    for key, given in misplaced(args.folder):
        place = "its drawer" if key.name == ROOT else "the person who gives the second yes"
        sys.stderr.write(f"move {key} to {place}: left in {args.folder}, it gives whoever takes that folder {given}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gatehouse office keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = argparse.ArgumentParser(add_help=False)
    making.add_argument("folder", type=Path, metavar="DIR")
    making.add_argument(
        "--people", type=int, default=1, choices=range(7), help="who countersigns, beside the office (1)"
    )
    making.add_argument(
        "--valid-from", type=datetime.fromisoformat, default=AT_ONCE, metavar="TIME", help="from when on (at once)"
    )
    commands.add_parser("make", parents=[making], help="a root key and the first signing keys")
    rotating = commands.add_parser("rotate", parents=[making], help="new signing keys; wants the root key")
    rotating.add_argument("--root-key", type=Path, metavar="FILE", help="the root key (office-root.key in DIR)")
    countersign = commands.add_parser("countersign", help="a second signature of a manifest")
    countersign.add_argument("key", type=Path, metavar="KEY", help="a person's signing key")
    countersign.add_argument("manifest", type=Path, metavar="MANIFEST.json", help="as GET …/list/signing answers it")
    return parser


def _countersign(key_path: Path, manifest_path: Path) -> None:
    """What is signed, for the person; then the signature. A manifest can't say how many lose or gain passage."""
    manifest, key = msgspec.json.decode(manifest_path.read_bytes(), type=Manifest), read_key(key_path)
    issued = msgspec.to_builtins(manifest.issued_at)
    sys.stderr.write(
        f"site {manifest.site}: list version {manifest.version} of generation {manifest.generation}, after version "
        f"{manifest.previous}; {manifest.count:,} entries, issued {issued}, root {manifest.root[:16]}…\n"
        f"How many lose or gain passage: list_held of GET …/sites/{manifest.site}/summary, once the site has it.\n"
    )
    sys.stderr.flush()
    sys.stdout.buffer.write(msgspec.json.encode(sign(key, manifest)) + b"\n")
