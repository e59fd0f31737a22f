"""`gatehouse demo`: the simulated surroundings, and the real daemon started exactly as `gatehouse run` starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from config.loader import SiteConfig, load_config
from gateway.clock import SystemClock
from gateway.console.users import UserStore, first_run_password
from gateway.errors import ConfigError, LinkError
from gateway.paths import Paths
from gateway.processes import run_site

WRONG_INPUT = 2
READY_S = 60.0
"""The slowest part of the surroundings draws and encodes the camera's scene on its first start."""


def run_demo(data: Path, *, quiet: bool, speed: float, console_port: int | None) -> int:
    """Start the surroundings, then run the site until Ctrl-C; end everything that was started."""
    config_path = data / "site.toml"
    Paths(config_path, data).prepare()
    flags = ["--data", str(data), "--config", str(config_path), "--speed", str(speed)]
    flags += ["--quiet"] if quiet else []
    flags += [] if console_port is None else ["--console-port", str(console_port)]
    _say("Starting the demo's surroundings: broker, office, camera, readers and doors …")
    surroundings = subprocess.Popen(
        [sys.executable, "-m", "simulators.tether", str(os.getpid()), "simulators.demo", *flags],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _wait_ready(surroundings)
        paths = Paths(config_path, data)
        config = load_config(config_path)
        return run_site(paths, lambda: announce(paths, config, demo=True))
    finally:
        surroundings.send_signal(signal.SIGTERM)
        try:
            surroundings.wait(10)
        except subprocess.TimeoutExpired:
            surroundings.kill()


def announce(paths: Paths, config: SiteConfig, *, demo: bool = False) -> None:
    """Say where the console is, and the one-time password where nobody can sign in yet."""
    password = first_run_password(UserStore(paths.users, SystemClock()))
    _say("")
    _say(f"  Console   http://{config.console.host}:{config.console.port}")
    if password is not None:
        _say(f"  Sign in   admin / {password}   (works once: you choose your own at the first sign-in)")
    else:
        _say(f"  Sign in   as before; forgotten? {_our_name()} user passwd admin --data {paths.data}")
    if demo:
        _say(f"  Try       {_our_name()} sim --help   (state: {paths.data})")
    _say("  Stop      Ctrl-C")
    _say("")


def _wait_ready(surroundings: "subprocess.Popen[str]") -> dict[str, object]:
    """Wait for the one ready line. Raises LinkError when it doesn't come."""
    lines: list[str] = []
    output = surroundings.stdout
    assert output is not None
    reader = threading.Thread(target=lambda: lines.append(output.readline()), daemon=True)
    reader.start()
    reader.join(READY_S)
    if not lines or not lines[0].strip():
        if surroundings.wait(5) == WRONG_INPUT:
            raise ConfigError("data", "in use", "a demo runs here already: stop it, or name another --data")
        raise LinkError("the demo's surroundings did not start; what they said stands above")
    try:
        ready: dict[str, object] = json.loads(lines[0])["ready"]
    except (json.JSONDecodeError, KeyError) as error:
        raise ConfigError(
            "simulators.demo", lines[0][:80], "expected one ready line; is another program's output mixed in?"
        ) from error
    return ready


def _our_name() -> str:
    """How a person at this prompt types our name."""
    if shutil.which("gatehouse") is not None:
        return "gatehouse"
    return "python3 start.py" if Path("start.py").exists() else sys.argv[0]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
