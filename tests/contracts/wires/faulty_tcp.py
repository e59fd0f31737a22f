"""Connections that misbehave: a listener between the gateway and its broker. TCP loses nothing and adds nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.contracts.wires.wire import Fault

FAULTS = (
    Fault("one byte at a time", byte_s=0.0001),
    Fault("delay", late_s=0.02),
    Fault("half a message, then silence", spoils="falls silent"),
    Fault("hot unplug", spoils="hangs up"),
)
BEGIN = 150
"""By then the gateway has connected and subscribes, or asks: in the middle of that the first connection is spoilt."""


@asynccontextmanager
async def faulty_connections(broker: int, fault: Fault) -> AsyncIterator[int]:
    """The port that the gateway takes in place of the broker's."""
    spoilt: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", broker)
        first = not spoilt
        spoilt.append(True)
        carrying = [_carry(reader, back, fault, first), _carry(there, writer, fault, first)]
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(*carrying)
        for each in (writer, back):
            each.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _carry(here: asyncio.StreamReader, there: asyncio.StreamWriter, fault: Fault, first: bool) -> None:
    count = 0
    while data := await here.read(4096):
        await asyncio.sleep(fault.late_s)
        count += len(data)
        if first and fault.spoils and count > BEGIN:
            there.write(data[: max(1, len(data) // 2)])
            if fault.spoils == "falls silent":
                await here.read(-1)
            break
        for piece in [data] if not fault.byte_s else [bytes((byte,)) for byte in data]:
            if there.is_closing():
                raise ConnectionResetError
            there.write(piece)
            await asyncio.sleep(0)
    raise ConnectionResetError
