"""`gatehouse journal person erase`: what is recorded and remembered of somebody is erased, and that is recorded."""

import asyncio
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from gateway.clock import SystemClock, random_bytes
from gateway.commands.data_folder import DataFolder
from gateway.commands.journal_files import unknown
from gateway.domain.events import PersonErased
from gateway.domain.register import Fact, facts_of_person
from gateway.domain.signals import Operator, PersonEraseRequested
from gateway.doors_client import DoorsClient
from gateway.errors import ConfigError, GatehouseError, LinkError
from gateway.paths import Paths
from gateway.store.journal import SqliteJournal

POST = "command line"
CREDENTIALS_MAX = 500
"""Nobody has had as many; a signal's line holds them."""
LOOK_EVERY_S = 0.1
WAIT_S = 600.0
"""A million and a half events are looked at in some minutes."""
_REFUSALS = {
    "StillListed": "the list in force still names this person, and the doors go by what they remember of them: "
    "have the office take them off the list first",
    "ReasonMissing": "say why with --reason",
}


def run_erase(folder: DataFolder, person: str, by: str, reason: str) -> int:
    """Erase somebody, through the doors process if it runs. Raises ConfigError."""
    request, known = _request(folder, person, by, reason), folder.knows(person)
    paths = Paths(folder.path, folder.path)
    paths.prepare()
    with ExitStack() as held:
        try:
            held.enter_context(paths.lock("doors"))
            erasing = _erase_here(folder, paths, request)
        except ConfigError:  # the doors process runs: it is the journal's only writer
            erasing = _ask_the_doors(folder, paths, request)
        asyncio.run(erasing)
    print(f"{person}: erased; credentials of theirs: {len(request.credentials)}", file=sys.stderr)
    if not known:
        print(unknown(person), file=sys.stderr)
    for copy in _copies(folder.path):
        print(f"{copy}: an older copy of the journal still names them: remove it when you can", file=sys.stderr)
    for path in folder.lists_naming(person):
        print(f"{path}: still holds their id, until three newer lists were in force", file=sys.stderr)
    print("Backups, exports and the office's copy are erased where they lie.", file=sys.stderr)
    return 0


def _request(folder: DataFolder, person: str, by: str, reason: str) -> PersonEraseRequested:
    for option, text, most in (("ID", person, 64), ("--by", by, 64), ("--reason", reason, 200)):
        if not text.strip() or len(text) > most:
            raise ConfigError(option, text[:80], f"must be 1 to {most} characters")
    listed = folder.list_in_force()
    if listed is not None and listed.cardholder(person) is not None:
        raise ConfigError("ID", person, _REFUSALS["StillListed"])
    credentials = folder.credentials_of(person)
    theirs = [each for each in credentials if listed is None or listed.credential_by_id(each) is None]
    return PersonEraseRequested(
        random_bytes(8).hex(), person, tuple(theirs[:CREDENTIALS_MAX]), reason, Operator(by, POST)
    )


async def _ask_the_doors(folder: DataFolder, paths: Paths, request: PersonEraseRequested) -> None:
    doors = DoorsClient(paths.doors_socket, "command")
    running = asyncio.get_running_loop().create_task(doors.run())
    try:
        reply = await doors.send(request, 10.0)
    except LinkError as error:
        raise GatehouseError(f"{error}: try again, or stop the gateway and then try") from error
    finally:
        running.cancel()
    if not reply.accepted:
        raise ConfigError("ID", request.cardholder, _REFUSALS.get(reply.reason or "", reply.reason or "was refused"))
    await asyncio.to_thread(_wait, folder)


async def _erase_here(folder: DataFolder, paths: Paths, request: PersonEraseRequested) -> None:
    """With the gateway stopped this process writes the journal."""
    clock = SystemClock()
    journal = SqliteJournal(paths.journal, clock)
    try:
        told = PersonErased(
            cardholder=request.cardholder,
            credentials=request.credentials,
            reason=request.reason,
            actor=request.operator.name,
            post=request.operator.post,
            request_id=request.request_id,
        )
        keys = facts_of_person(request.cardholder, request.credentials)
        facts = [Fact(kind, key, None) for kind, key in keys]
        await journal.append([told], clock.now(), facts=facts).wait(None)
        await asyncio.to_thread(_wait, folder)
    finally:
        await asyncio.to_thread(journal.close)


def _wait(folder: DataFolder) -> None:
    """Until nothing is left to erase."""
    pause = threading.Event()
    for _ in range(int(WAIT_S / LOOK_EVERY_S)):
        if not folder.journal.erasures():
            return
        pause.wait(LOOK_EVERY_S)
    raise GatehouseError("it is ordered and recorded, but not done yet: it goes on while the gateway runs")


def _copies(data: Path) -> list[Path]:
    """What a migration or a damaged file has left behind."""
    return sorted([*data.glob("journal.db.before-*"), *data.glob("journal.corrupt-*.db")])
