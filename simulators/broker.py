"""The demo's MQTT broker: amqtt in a process of its own, on loopback. A real site runs mosquitto.

`python -m simulators.broker --port N` prints one line `{"ready": {"port": N}}` and serves until SIGTERM.
amqtt speaks MQTT 3.1.1 only; nobody signs in: whoever is on this machine may speak.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import sys
from typing import Any

LOOPBACK = "127.0.0.1"

MAX_CONNECTIONS = 64
"""A demo has a gateway, two firmwares and a few curious clients."""

SHUTDOWN_S = 4.0
"""Twice what amqtt gives a client to say goodbye."""


def broker_settings(port: int) -> dict[str, Any]:
    """amqtt's settings for one listener on loopback, anonymous, without its $SYS topics."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}", "max_connections": MAX_CONNECTIONS}},
        "timeout_disconnect_delay": 2,
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises amqtt.errors.BrokerError when the port is taken.
    """
    from amqtt.broker import Broker

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    broker = Broker(broker_settings(port))
    await broker.start()
    print(json.dumps({"ready": {"port": port}}), flush=True)
    await stopping.wait()
    # Where a client is torn away at the same moment, amqtt's shutdown may wait for it for ever.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), SHUTDOWN_S)


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="simulators.broker", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    # Every client that goes without DISCONNECT would be a warning with a traceback.
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(serve(args.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
