"""Facts about the command line as a whole."""

import subprocess
import sys

HEAVY = ("config.loader", "drivers.links", "gateway.domain.controller", "msgspec", "pydantic", "serial")


def test_naming_the_words_loads_nothing_of_what_they_do() -> None:
    code = f"import sys, gateway.cli; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
