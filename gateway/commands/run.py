"""`gatehouse run`: check what can be checked, start the site, and say where its console is once it answers."""

import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path

from config.loader import SiteConfig, load_config
from gateway.clock import SystemClock
from gateway.commands.check import check_start
from gateway.console.users import UserStore, first_run_password
from gateway.paths import Paths
from gateway.processes import data_dir_for, run_site
from gateway.technician.place import Place, refuse_other_site

ANSWER_S = 30.0
"""On a slow box the console's first start takes some seconds; after this the address is told all the same."""
LOOK_S = 0.1
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - read here, never listened at


def run_configured(config_path: Path, data: Path | None) -> int:
    """Run the site of `config_path` until it is told to stop; returns the exit code. Raises ConfigError."""
    config = load_config(config_path)
    paths = Paths(config_path.absolute(), data_dir_for(config.site.id, data, os.environ.get("GATEHOUSE_DATA")))
    refuse_other_site(Place(paths.config, paths.data), config.site.id)
    paths.prepare()
    code = start_site(paths, config)
    say("Stopped.")
    return code


def start_site(paths: Paths, config: SiteConfig, *, demo: bool = False) -> int:
    """The same with the config read. Raises ConfigError, all of it, before anything starts."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s site     %(levelname)s %(message)s")

    async def ready() -> None:
        answers = await console_answers(config)
        _announce(paths, config, answers=answers, demo=demo)

    return run_site(paths, lambda: check_start(config, paths.config, paths.data), ready)


async def console_answers(config: SiteConfig) -> bool:
    """Wait until the console takes connections; False when it doesn't in time."""
    host, port = config.console.host, config.console.port
    if port == 0:
        return True  # nobody here knows which one the system chose
    try:
        async with asyncio.timeout(ANSWER_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection(_ANY_HOST.get(host, host), port)
                except OSError:
                    await asyncio.sleep(LOOK_S)
                else:
                    writer.close()
                    return True
    except TimeoutError:
        return False


def _announce(paths: Paths, config: SiteConfig, *, answers: bool, demo: bool) -> None:
    """Say where the console is, and the one-time password where nobody can sign in yet."""
    password = first_run_password(UserStore(paths.users, SystemClock()))
    say("")
    if not answers:
        say("  The console does not answer yet; what it said stands above.")
    say(f"  Console   http://{config.console.host}:{config.console.port}")
    if password is not None:
        say(f"  Sign in   admin / {password}   (works once: you choose your own at the first sign-in)")
    else:
        say(f"  Sign in   as before; forgotten? {our_name()} user passwd admin --data {paths.data}")
    if demo:
        say(f"  Try       {our_name()} sim --data {paths.data} --help")
    say("  Stop      Ctrl-C")
    say("")


def our_name() -> str:
    """How a person at this prompt types our name."""
    if shutil.which("gatehouse") is not None:
        return "gatehouse"
    return "python3 start.py" if Path("start.py").exists() else sys.argv[0]


def say(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
