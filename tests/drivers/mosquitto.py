"""A real mosquitto on a port that the operating system chose, and a plain client beside the driver."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiomqtt


def free_port() -> int:
    """A TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """One broker; `stop` and `start` keep its port. `whole` is a config of its own, for listeners of its own."""

    def __init__(self, program: str, folder: Path, extra: str = "", *, whole: str = "", port: int = 0) -> None:
        self.port = self.gateway_port = port or free_port()
        """`gateway_port` may be another one: of a line that misbehaves between the gateway and the broker."""
        self._program = program
        self._config = folder / "mosquitto.conf"
        access = extra or "allow_anonymous true\n"
        # Started by root it would become the user mosquitto, who may not enter a test's folder.
        self._config.write_text(
            whole or f"user root\nlistener {self.port} 127.0.0.1\npersistence false\nlog_type error\n{access}"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program, "-c", str(self._config), stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while not await self._answers():
                assert self._process.returncode is None, "mosquitto did not start"
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """It takes no step meanwhile, but its connections stay: as on a machine that is paused."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    async def _answers(self) -> bool:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def device_client(port: int) -> AsyncIterator[aiomqtt.Client]:
    """A client as a device would be, without the driver's code."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        yield client
