"""Facts about signals on their way to the doors process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from analytics.outbox import WAITING_MOST, Outbox
from gateway.domain.signals import LinkChanged, LinkState, Signal, StatusReported
from tests.analytics.peers import RecordingDoors
from tests.waiting import wait_until_async


def _said(number: int) -> Signal:
    return LinkChanged(f"camera-{number}", LinkState.ONLINE)


@asynccontextmanager
async def _running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_signals_wait_for_the_doors_process_and_arrive_in_order() -> None:
    doors = RecordingDoors()
    doors.there = False
    outbox = Outbox(doors)
    async with _running(outbox):
        for number in range(5):
            outbox.put(_said(number))
        await asyncio.sleep(0)
        assert doors.signals == []
        doors.there = True
        await wait_until_async(lambda: len(doors.signals) == 5)
    assert doors.signals == [_said(number) for number in range(5)]
    assert outbox.waiting == 0


async def test_a_full_queue_drops_its_oldest_and_counts_them() -> None:
    doors = RecordingDoors()
    outbox = Outbox(doors)
    for number in range(WAITING_MOST + 10):
        outbox.put(_said(number))
    async with _running(outbox):
        await wait_until_async(lambda: outbox.waiting == 0)
    assert outbox.dropped == 10
    assert doors.signals[0] == _said(10)


async def test_a_status_is_not_kept_for_later() -> None:
    doors = RecordingDoors()
    doors.there = False
    outbox = Outbox(doors)
    assert not await outbox.report(StatusReported("cameras", {"yard.fps": 9.9}))
    assert outbox.waiting == 0
    doors.there = True
    assert await outbox.report(StatusReported("cameras", {"yard.fps": 9.9}))
    assert doors.status == {"yard.fps": 9.9}
