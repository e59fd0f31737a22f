"""`gatehouse demo`: the simulated surroundings, and the real daemon started exactly as `gatehouse run` starts it."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from config.loader import load_config
from gateway.commands.run import our_name, say, start_site
from gateway.errors import ConfigError, LinkError
from gateway.paths import Paths

WRONG_INPUT = 2
READY_S = 60.0
"""The slowest part of the surroundings draws and encodes the camera's scene on its first start."""
STOP_S = 10.0


def run_demo(
    data: Path,
    *,
    site: Path | None = None,
    quiet: bool,
    speed: float,
    console_port: int | None,
    hardware_only: bool = False,
) -> int:
    """Start the surroundings of `site` (the demo's own without), then run it until Ctrl-C; end all that was started.

    With `hardware_only` nothing runs but the surroundings, so that the ports are free for a technician's commands.
    """
    config_path = data / "site.toml"
    Paths(config_path, data).prepare()
    flags = ["--data", str(data), "--config", str(config_path), "--speed", str(speed)]
    flags += ["--quiet"] if quiet else []
    flags += [] if site is None else ["--site", str(site.absolute())]
    flags += [] if console_port is None else ["--console-port", str(console_port)]
    say("Starting the demo's surroundings: broker, office, camera, readers and doors …")
    surroundings = subprocess.Popen(
        [sys.executable, "-m", "simulators.tether", str(os.getpid()), "simulators.demo", *flags],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        if not _are_ready(surroundings):
            return WRONG_INPUT
        if hardware_only:
            code = _stand_by(data, surroundings)
        else:
            code = start_site(Paths(config_path, data), load_config(config_path), demo=True)
    finally:
        surroundings.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            surroundings.wait(STOP_S)
        with suppress(ProcessLookupError):  # whoever of them didn't end in that time
            os.killpg(surroundings.pid, signal.SIGKILL)
    say("Stopped.")
    return code


def _stand_by(data: Path, surroundings: "subprocess.Popen[str]") -> int:
    """Say what can be tried, and wait for Ctrl-C; 1 when the surroundings end by themselves."""
    name = our_name()
    say("")
    say("  The hardware is there, and no gateway runs. In another terminal:")
    say(f"  Look      {name} identify DEVICE --data {data}")
    say(f"  Learn     {name} learn --data {data}")
    say(f"  Hold      {name} sim --data {data} --help   (a card, a button, the fire contact)")
    say(f"  Wiring    {name} walk start --by NAME --data {data}, then {name} walk wiring --by NAME --data {data}")
    say("  Stop      Ctrl-C")
    say("")
    try:
        surroundings.wait()
    except KeyboardInterrupt:
        return 0
    return 1


def _are_ready(surroundings: "subprocess.Popen[str]") -> bool:
    """Wait for the one ready line; False when they have told the person what to mend. Raises LinkError, ConfigError."""
    lines: list[str] = []
    output = surroundings.stdout
    assert output is not None
    reader = threading.Thread(target=lambda: lines.append(output.readline()), daemon=True)
    reader.start()
    reader.join(READY_S)
    if not lines:
        raise LinkError(f"the demo's surroundings were not ready in {READY_S:.0f} s")
    if not lines[0].strip():  # they have ended
        if surroundings.wait() == WRONG_INPUT:
            return False
        raise LinkError("the demo's surroundings did not start; what they said stands above")
    try:
        json.loads(lines[0])["ready"]
    except (json.JSONDecodeError, KeyError) as error:
        raise ConfigError(
            "simulators.demo", lines[0][:80], "expected one ready line; is another program's output mixed in?"
        ) from error
    return True
