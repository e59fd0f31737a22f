"""Facts about the command line as a whole."""

import argparse
import subprocess
import sys
from collections.abc import Iterator

from gateway import cli

HEAVY = ("config.loader", "drivers.links", "gateway.domain.controller", "msgspec", "pydantic", "serial")


def test_naming_the_words_loads_nothing_of_what_they_do() -> None:
    code = f"import sys, gateway.cli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_command_speaks_english_until_told_otherwise() -> None:
    def spoken(parser: argparse.ArgumentParser) -> Iterator[tuple[str, object]]:
        for action in parser._actions:
            if "--language" in action.option_strings:
                yield parser.prog, action.default
            for each in action.choices.values() if isinstance(action.choices, dict) else ():
                yield from spoken(each)

    defaults = dict(spoken(cli._parser()))
    assert {"gatehouse why", "gatehouse report", "gatehouse walk status"} <= defaults.keys()
    assert set(defaults.values()) == {"en"}
