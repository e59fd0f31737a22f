"""`python -m tests.soak NAME [WORDS …]`: one long test; exits 1 when it found anything lost."""

import sys
from importlib import import_module

SOAKS = ("swipes", "office_sync", "kills", "office_http")


def main(words: list[str]) -> int:
    """Run one by name, or all."""
    codes: list[int] = [import_module(f"tests.soak.{name}").run(words[1:]) for name in words[:1] or SOAKS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
