"""The real programs that tests talk to; a test without its program is skipped, or fails where CI=true."""

import shutil

import pytest

MISSING = ("missing program:", "missing data:")
"""How the reasons begin that may skip a test on a person's machine and never in CI."""

_PACKAGES = {"mosquitto": "mosquitto", "chromium": "chromium", "gst-rtsp-server": "gir1.2-gst-rtsp-server-1.0"}
# mosquitto is in /usr/sbin, which a person's PATH may lack.
_MORE_PATHS = "/usr/sbin:/usr/local/sbin"


def require_program(name: str) -> str:
    """The path of program `name`; without it the test that asks is skipped."""
    path = shutil.which(name) or shutil.which(name, path=_MORE_PATHS)
    if path is None:
        pytest.skip(missing_program(name))
    return path


def missing_program(name: str) -> str:
    """The reason to skip for want of `name`; it names the remedy."""
    return f"missing program: {name} (apt-get install {_PACKAGES.get(name, name)})"


def must_not_skip(reason: str, environment: dict[str, str]) -> bool:
    """Whether a skip for `reason` counts as a failure: the promise of a complete run in CI."""
    return environment.get("CI") == "true" and reason.removeprefix("Skipped: ").startswith(MISSING)
