"""Gateway and office, killed again and again over a line that is cut: what was durable must arrive, and once."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from gateway.store.journal_reader import SqliteJournalReader
from tests.sync.site import Office


class CutLine:
    """A TCP way to a port; what goes over it is cut in the middle whenever asked."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: set[asyncio.StreamWriter] = set()
        self.url = ""
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Everybody who speaks just now is cut off."""
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def close(self) -> None:
        """Listen no more."""
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            there, out = await asyncio.open_connection("127.0.0.1", self._port)
            self._ends |= {writer, out}
            await asyncio.gather(_copy(reader, out), _copy(there, writer))
        writer.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await source.read(4096):
            sink.write(part)
            await sink.drain()
    sink.close()


class KilledSite:
    """One site in a folder. `durable` are the numbers that the gateway has said; `done` counts what was done to it."""

    def __init__(self, folder: Path, chance: Random) -> None:
        self.office, self._folder, self._chance = Office(folder / "office"), folder / "gate", chance
        self.line = CutLine(self.office.port)
        self.durable: list[int] = []
        self.done: Counter[str] = Counter()
        self._gateway: asyncio.subprocess.Process | None = None
        self._hears: asyncio.Task[None] | None = None

    async def run(self, kills: int, told: Callable[[int], None] = lambda _: None) -> list[str]:
        """Kill one or the other so often; what is wrong in the end. `told` hears how many kills are done."""
        await self.office.start()
        await self.line.open()
        await self._start()
        try:
            for number in range(kills):
                heard = len(self.durable)
                async with asyncio.timeout(60):
                    while len(self.durable) < heard + self._chance.randrange(2, 40):
                        await asyncio.sleep(0.005)
                await self._kill_somebody()
                told(number + 1)
            return await self._wrong()
        finally:
            await self._kill()
            await self.office.kill()
            self.line.close()

    async def _kill_somebody(self) -> None:
        if self._chance.random() < 0.3:
            self.line.cut()
            self.done["line cut"] += 1
        if self._chance.random() < 0.25:
            self.done["office killed"] += 1
            await self.office.kill()
            await self.office.start()
        else:
            self.done["gateway killed"] += 1
            await self._kill()
            await self._start()

    async def _start(self, *how: str) -> None:
        command = (sys.executable, "-m", "tests.sync.killed_gateway", str(self._folder), self.line.url, *how)
        self._gateway = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        self._hears = asyncio.create_task(self._hear(self._gateway))

    async def _hear(self, gateway: asyncio.subprocess.Process) -> None:
        assert gateway.stdout is not None
        async for line in gateway.stdout:
            if line.endswith(b"\n"):
                self.durable.append(int(line))

    async def _kill(self) -> None:
        if self._gateway is not None and self._hears is not None and self._gateway.returncode is None:
            self._gateway.kill()
            await self._gateway.wait()
            await self._hears

    async def _wrong(self) -> list[str]:
        await self._kill()
        reader = SqliteJournalReader(self._folder / "journal.db")
        ids: list[str] = []
        numbers: set[int] = set()
        row_id = 0
        while page := reader.after(row_id, 5000):
            ids += [event.event_id for event in page]
            numbers |= {int(event.body["door"].removeprefix("n-")) for event in page}
            row_id = page[-1].row_id
        reader.close()
        lost = set(self.durable) - numbers
        await self._start("quiet")
        await self.office.has(len(ids), 60)
        arrived = await self.office.event_ids()
        summary = await self.office.summary()
        return [
            *([f"{len(lost)} durable events are gone from the journal"] if lost else []),
            *(["the office has other events than the journal, or in another order"] if arrived != ids else []),
            *(["there are gaps at the office"] if summary["gaps"] else []),
            *([f"{len(summary['epochs'])} epochs"] if len(summary["epochs"]) != 1 else []),
        ]
