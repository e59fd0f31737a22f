"""Facts about a resolver that doesn't answer: what needs no name goes on, and nobody waits for it at the end."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway import worker
from gateway.name_lookups import LOOKUPS_MOST, LookupsApart

Result = TypeVar("Result")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """No lookup comes back before it is set."""
    event, right = threading.Event(), socket.getaddrinfo

    def hangs(*args: Any) -> Any:
        event.wait()
        return right(*args)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    yield event
    event.set()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=LookupsApart) as runner:
        return runner.run(work)


async def _connect(port: int) -> None:
    _, writer = await asyncio.open_connection("localhost", port)
    writer.close()


def test_names_that_are_looked_up_in_vain_take_no_thread_from_who_needs_none(answers: threading.Event) -> None:
    async def ask() -> int:
        asked = [asyncio.create_task(_connect(1)) for _ in range(40)]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            read = await asyncio.to_thread(lambda: 7)
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return read

    assert run(ask()) == 7
    assert not answers.is_set(), "the loop has ended, and they hang still"


def test_where_too_many_hang_the_next_is_told_so_until_they_come_back(answers: threading.Event) -> None:
    async def ask() -> None:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asked = [asyncio.create_task(_connect(port)) for _ in range(LOOKUPS_MOST)]
        await asyncio.sleep(0)
        with pytest.raises(socket.gaierror, match="64 name lookups hang"):
            await _connect(port)
        answers.set()
        await asyncio.gather(*asked)
        await _connect(port)
        server.close()

    run(ask())


@pytest.mark.parametrize("name", ["a" * 64 + ".example", ".."])
def test_a_name_that_none_can_be_is_an_error_of_the_call(name: str) -> None:
    async def ask() -> None:
        await asyncio.get_running_loop().getaddrinfo(name, 1)

    with pytest.raises((OSError, ValueError)):
        run(ask())


def test_each_process_of_the_gateway_looks_names_up_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loops = []

    async def note() -> None:
        loops.append(type(asyncio.get_running_loop()))

    monkeypatch.setattr(worker, "_process", lambda _name, _paths: note())
    worker.main(["sync", "--config", str(tmp_path / "site.toml"), "--data", str(tmp_path)])
    assert loops == [LookupsApart]


def test_a_process_ends_at_once_though_a_lookup_hangs() -> None:
    program = (
        "import asyncio, socket, threading\n"
        "from gateway.name_lookups import LookupsApart\n"
        "from gateway.worker import leave\n"
        "socket.getaddrinfo = lambda *_: threading.Event().wait()\n"
        "async def ask():\n"
        "    try:\n"
        "        await asyncio.wait_for(asyncio.open_connection('office.example', 1), 0.1)\n"
        "    except TimeoutError:\n"
        "        return 3\n"
        "with asyncio.Runner(loop_factory=LookupsApart) as runner:\n"
        "    code = runner.run(ask())\n"
        "leave(code)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 3
