"""A gateway as one process: journal and sync. Says each number once its event is durable; a test kills it."""

import asyncio
import sys
from pathlib import Path

from gateway.domain.events import DoorOpened
from gateway.domain.ports import Feed
from tests.sync.site import Gateway

PAUSE_S = 0.005


async def main(folder: Path, url: str, quiet: bool) -> None:
    """Record for ever, some events a turn; `quiet`: only send what there is."""
    gate = Gateway(folder, url)
    head = gate.reader.head()
    number = 0 if head is None else head.row_id
    gate.start()
    while quiet:
        await asyncio.sleep(1)
    while True:
        told = range(number, number + 1 + number % 3)
        events = [DoorOpened(door=f"n-{one}") for one in told]
        assert await gate.journal.append(events, gate.clock.now()).wait(10)
        sys.stdout.write("".join(f"{one}\n" for one in told))
        sys.stdout.flush()
        number += len(events)
        gate.doors.put(Feed(connected=True, row_id=number))
        await asyncio.sleep(PAUSE_S)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["quiet"]))
