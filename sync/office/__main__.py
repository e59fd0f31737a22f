"""The office as a process: `gatehouse office --data DIR --token-file FILE [--keys DIR --site ID --list FILE]`.

`gatehouse office keys --help` has the keys that sign its lists, `gatehouse office backup --help` and `restore --help`
its copies; docs/office.md says how an office is run.

Prints one line `{"ready": {"url": …}}` when it listens; ends cleanly on SIGTERM. Exit 2: wrong input.
"""

import argparse
import asyncio
import contextlib
import errno
import json
import logging
import signal
import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvicorn

from sync import wire
from sync.office import backups, keys
from sync.office.app import create_app
from sync.office.connections import BoundedConnection
from sync.office.desk import Desk
from sync.office.lists import Unsound, judge_list
from sync.office.signing import KeysUnusable, Signer, load_signer, misplaced
from sync.office.tokens import ADMIN_TOKEN, TokenUnusable, read_tokens

log = logging.getLogger("office")

_NO_LISTENING = {
    errno.EADDRINUSE: "another program listens there, such as an office that was not stopped: stop it, or choose"
    " another --port",
    errno.EADDRNOTAVAIL: "this machine has no such address: name one of its own with --host",
    errno.EACCES: "ports below 1024 belong to root: choose a higher --port",
}


class _WrongInput(Exception):
    """What the person gave can't be used; the text says the remedy."""


class _Server(uvicorn.Server):
    """Tells when it listens; leaves signals to this process, which lets waiting gateways go first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            print(json.dumps({"ready": {"url": url}}), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run it until SIGTERM; after `keys`, `backup` or `restore`, do what is asked of its keys or its ledger."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["keys"]:
        return keys.main(words[1:])
    if words[:1] in (["backup"], ["restore"]):
        return backups.main(words)
    parser = argparse.ArgumentParser(prog="gatehouse office", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of the ledger")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8500, help="port to listen at, 0 for any (8500)")
    parser.add_argument("--token-file", type=Path, required=True, help="the gateways' bearer token, mode 0600")
    parser.add_argument("--admin-token-file", type=Path, help=f"the administrators' own (made: DATA/{ADMIN_TOKEN})")
    parser.add_argument("--site", action="append", default=[], help="a site that may say hello; can be repeated")
    parser.add_argument("--keys", type=Path, help="folder of signing keys (gatehouse office keys make DIR)")
    parser.add_argument("--list", type=Path, help="the first list of the (one) site, taken if it has none yet")
    args = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s office   %(levelname)s %(message)s")
    # Its own lines name an address that is no person's to open; the ready line tells ours.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        return asyncio.run(_serve(args))
    except _WrongInput as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2


async def _serve(args: argparse.Namespace) -> int:
    """No token, site or list is made before the data and the port are this office's alone."""
    try:
        with contextlib.ExitStack() as held:
            held.enter_context(backups.hold(args.data))
            sockets = [held.enter_context(each) for each in listen_at(args.host, args.port)]
            return await _run(args, sockets)
    except backups.BackupUnusable as error:
        raise _WrongInput(f"--data {error}") from error


def listen_at(host: str, port: int) -> list[socket.socket]:
    """One at each address of the host."""
    if not 0 <= port <= 65535:  # such a one would be cut to 16 bits, and another listened at
        raise _WrongInput(f"--port {port}: a port is a number up to 65535, 0 for any")
    sockets = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            # Of TCP by name, which `socket.create_server` leaves open: asyncio lets an answer go at once on such alone.
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen()
    except OSError as error:
        for each in sockets:
            each.close()
        remedy = _NO_LISTENING.get(error.errno or 0, error.strerror)
        raise _WrongInput(f"{host}:{port} can't be listened at: {remedy}") from error
    return sockets


async def _run(args: argparse.Namespace, sockets: list[socket.socket]) -> int:
    token, admin = _tokens(args)
    desk = _desk(args.data, _signer(args.keys))
    await _prepare(desk, args.site, args.list)
    app = create_app(desk, token, admin)
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        limit_concurrency=1000,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True
        desk.end()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await server.serve(sockets)
    return 0 if server.started else 1


def _tokens(args: argparse.Namespace) -> tuple[str, str]:
    try:
        tokens = read_tokens(args.data, args.token_file, args.admin_token_file)
    except TokenUnusable as error:
        raise _WrongInput(str(error)) from error
    if args.admin_token_file is None:
        log.info("the administrators' token lies in %s", args.data / ADMIN_TOKEN)
    return tokens


def _signer(folder: Path | None) -> Signer:
    if folder is None:
        return Signer()
    try:
        signer = load_signer(folder)
    except KeysUnusable as error:
        raise _WrongInput(f"--keys: {error}") from error
    for key, given in misplaced(folder):
        told = "%s lies with the office: whoever takes its folder also gets %s; move it away (docs/office.md, Keys)"
        log.warning(told, key, given)
    return signer


def _desk(folder: Path, signer: Signer) -> Desk:
    try:
        ledger = folder / backups.LEDGER
        ledger.touch()
        ledger.chmod(0o600)  # Lists lie in it, with their PINs; SQLite's own files beside it follow.
        return Desk(ledger, signer)
    except (OSError, sqlite3.Error) as error:
        raise _WrongInput(f"--data {folder}: the ledger can't be opened: {error}") from error


async def _prepare(desk: Desk, sites: list[str], list_path: Path | None) -> None:
    for site in sites:
        try:
            msgspec.convert(site, wire.Site)
        except msgspec.ValidationError as error:
            raise _WrongInput(f"--site {site!r}: {error}") from error
        await desk.do(lambda ledger, site=site: ledger.add_site(site))  # type: ignore[misc]
    if list_path is None:
        return
    if len(sites) != 1:
        raise _WrongInput("--list belongs to one --site")
    site = sites[0]
    if version := await desk.do(lambda ledger: ledger.list_version(site)):
        log.info("site %s has list version %d: --list changes nothing there; PUT a list instead", site, version)
        return
    try:
        document = msgspec.json.decode(await desk.do(lambda _: list_path.read_bytes()))
    except (OSError, msgspec.DecodeError) as error:
        raise _WrongInput(f"--list {list_path}: {error}") from error
    try:
        judge_list(document, site, keep=True)
    except Unsound as error:
        raise _WrongInput(f"--list {list_path}: {error}") from error
    version = await desk.do(
        lambda ledger: ledger.change_list(site, lambda lists, seen: lists.put(site, document, seen, keep=True))
    )
    log.info("site %s has its first list, version %d by its file; each later one is the next number", site, version)


if __name__ == "__main__":
    sys.exit(main())
