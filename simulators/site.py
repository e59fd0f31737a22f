"""The process that is the simulated site: its hardware, its control socket, and the scripted day.

`python -m simulators.site --data DIR --config SITE.toml` prints one line `{"ready": …}` and runs until SIGTERM.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from simulators.acts import Acts
from simulators.control import control_socket
from simulators.hardware import Hardware
from simulators.plan import read_plan


async def run(args: argparse.Namespace) -> None:
    """Simulate until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    hardware = Hardware(read_plan(args.config), args.data)
    acts = Acts(hardware, args.data / "run", seed=args.seed, speed=args.speed)
    control = args.data / "run" / "sim.sock"
    hardware.power_up()
    try:
        async with control_socket(control, acts.obey):
            if args.scenario:
                acts.scenario.start()
            print(json.dumps({"ready": {"control": str(control)}}), flush=True)
            await stopping.wait()
            await acts.scenario.stop()
    finally:
        await hardware.power_down()


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="simulators.site", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data directory; lines appear in its tty/")
    parser.add_argument("--config", type=Path, required=True, help="the site whose hardware is simulated")
    parser.add_argument("--scenario", action="store_true", help="run the scripted day")
    parser.add_argument("--speed", type=float, default=20.0, help="how many times faster than life (20)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same day (1)")
    # A broker that goes is told by `status`, not by the MQTT library on top.
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)
    asyncio.run(run(parser.parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
