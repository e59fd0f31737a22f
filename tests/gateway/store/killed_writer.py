"""A process that appends for ever and says each seq once it is durable; a test kills it."""

import asyncio
import sys
from pathlib import Path

from gateway.clock import SystemClock
from gateway.domain.events import LockReleased
from gateway.domain.register import Fact, Uses
from gateway.store.journal import SqliteJournal


async def main(path: Path) -> None:
    """Several turns are always on their way; what is printed was promised."""
    clock = SystemClock()
    journal = SqliteJournal(path, clock)
    head = journal.head()

    async def append(number: int) -> None:
        event = LockReleased(door="north", because="test", command_id=str(number), seconds=5.0)
        fact = Fact("uses", "c-1", Uses(number))
        if await journal.append([event, event], clock.now(), {"number": number}, [fact]).wait(5):
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()

    number = 0 if head is None else head.seq
    while True:
        await asyncio.gather(*(append(number + n) for n in range(8)))
        number += 8


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
