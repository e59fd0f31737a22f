"""The words of `gatehouse journal`. What they do is imported when it is wanted: other commands start fast."""

import argparse
from pathlib import Path

from gateway.commands.data_word import add_data_word


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them to the program's own."""
    journal = commands.add_parser(
        "journal", help="the journal: verify its chain, export events, export or erase a person"
    ).add_subparsers(title="commands", metavar="verify|export|person", required=True)
    verify = journal.add_parser(
        "verify",
        help="whether the whole chain holds; exit 1 and the first row that doesn't",
        description="Verify a data directory's journal (in use or not), a copy of a journal, or an export.",
    )
    verify.add_argument("path", type=Path, metavar="PATH", help="a data directory, a journal.db, or a file of lines")
    verify.add_argument(
        "--signer",
        metavar="KEY",
        help="an export must be signed by this key: its 64 hex digits, or its fingerprint's 32",
    )
    verify.set_defaults(command=_journal_verify)
    place = argparse.ArgumentParser(add_help=False)
    add_data_word(place)
    place.add_argument("--site", type=Path, metavar="SITE.toml", help="the site's configuration (site.toml in DIR)")
    out = argparse.ArgumentParser(add_help=False)
    out.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON lines; FILE.manifest.json beside it")
    out.add_argument("--since", metavar="T", help="from this time on, RFC 3339 with offset")
    out.add_argument("--until", metavar="T", help="before this time")
    out.add_argument("--unsigned", action="store_true", help="don't sign the manifest with this device's key")
    export = journal.add_parser("export", parents=[place, out], help="events as JSON lines, with a signed manifest")
    export.set_defaults(command=_journal_export, person=None)
    person = journal.add_parser("person", help="what is recorded of one person").add_subparsers(
        title="commands", metavar="export|erase", required=True
    )
    theirs = person.add_parser("export", parents=[place, out], help="their events, and what is remembered of them")
    theirs.add_argument("person", metavar="ID", help="the cardholder's id in the office's list")
    theirs.set_defaults(command=_journal_export)
    erase = person.add_parser(
        "erase",
        parents=[place],
        help="erase what is recorded and remembered of them; that is recorded",
        description="The gateway may run or not. Somebody whom the list in force names can't be erased.",
    )
    erase.add_argument("person", metavar="ID", help="the cardholder's id in the office's list")
    erase.add_argument("--by", required=True, metavar="NAME", help="who asks")
    erase.add_argument("--reason", required=True, metavar="TEXT", help="why")
    erase.set_defaults(command=_journal_erase)


def _journal_verify(args: argparse.Namespace) -> int:
    from gateway.commands.journal_files import run_verify

    return run_verify(args.path, args.signer)


def _journal_export(args: argparse.Namespace) -> int:
    from gateway.commands.data_folder import DataFolder
    from gateway.commands.journal_files import Wish, run_export

    wish = Wish(args.out, args.since, args.until, args.person, signed=not args.unsigned)
    return run_export(DataFolder(args.data, args.site), wish)


def _journal_erase(args: argparse.Namespace) -> int:
    from gateway.commands.data_folder import DataFolder
    from gateway.commands.journal_person import run_erase

    return run_erase(DataFolder(args.data, args.site), args.person, args.by, args.reason)
