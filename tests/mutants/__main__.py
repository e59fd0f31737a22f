"""`python -m tests.mutants [FOLDER]`: change the decision code in many small ways; which changes does no test see?

Works on a copy in FOLDER, a new one that is kept, else in one that is gone afterwards; in an environment of its own.
Prints each surviving mutant as a diff. docs/mutants.md says what the survivors mean.
"""

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOL = "mutmut==3.8.1"
PACKAGES = ("analytics", "config", "drivers", "gateway", "simulators", "sync")
DECISION = (
    "access",
    "access_case",
    "access_record",
    "access_request",
    "access_requests",
    "area",
    "attempts",
    "authentication",
    "checks_completion",
    "checks_permission",
    "checks_who",
    "counted",
    "door_mode",
    "interlock",
    "passage",
    "reader_watch",
    "schedule",
    "shown",
    "tour_visitor",
    "unlocking",
)
"""The modules of gateway/domain that are changed."""
DOMAIN, COMMANDS = "tests/gateway/domain", "tests/gateway/commands"
ORACLE = f"{DOMAIN}/test_oracle.py"
TESTS = (
    f"{DOMAIN}/test_access.py",
    f"{DOMAIN}/test_access_features.py",
    f"{DOMAIN}/test_access_manual.py",
    f"{DOMAIN}/test_access_record.py",
    f"{DOMAIN}/test_access_requests.py",
    f"{DOMAIN}/test_attempts.py",
    f"{DOMAIN}/test_counted_uses.py",
    f"{DOMAIN}/test_decision_edges.py",
    f"{DOMAIN}/test_decision_trace.py",
    f"{DOMAIN}/test_door_modes.py",
    f"{DOMAIN}/test_interlock.py",
    f"{DOMAIN}/test_mode_override.py",
    f"{DOMAIN}/test_passage.py",
    f"{DOMAIN}/test_reader_watch.py",
    f"{DOMAIN}/test_readings.py",
    f"{DOMAIN}/test_schedule.py",
    f"{DOMAIN}/test_schedule_edges.py",
    f"{DOMAIN}/test_shown.py",
    f"{DOMAIN}/test_tour_visitor.py",
    f"{DOMAIN}/test_unlocking.py",
    f"{COMMANDS}/test_replay.py",
    f"{ORACLE}::test_schedules_cover_what_the_local_clock_shows",
    f"{ORACLE}::test_the_daily_hour_forgives_who_was_seen_last_before_it",
    f"{ORACLE}::test_the_engine_says_what_the_manual_says[0]",
)
TEST_TIMEOUT_S = 60
"""A mutant that never ends counts as seen."""
NEXT = "\n    "
"""Between the items of a list in setup.cfg."""


def main(words: list[str]) -> int:
    """Run in the folder that was named, else in one that is gone afterwards."""
    if words:
        kept = Path(words[0]).resolve()
        kept.mkdir(parents=True)
        return run(kept)
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder))


def run(folder: Path) -> int:
    """Copy, mutate, test, and print what survived; 0 even then, for survivors are read by people."""
    mutmut = prepare(folder)
    done = subprocess.run([mutmut, "run", "--max-children", "1"], cwd=folder, check=False)
    if done.returncode != 0:
        return done.returncode
    told = subprocess.run([mutmut, "results"], cwd=folder, check=True, capture_output=True, text=True)
    for line in told.stdout.splitlines():
        name, _, status = line.strip().partition(": ")
        print(f"\n{name}: {status}", flush=True)
        subprocess.run([mutmut, "show", name], cwd=folder, check=True)
    return 0


def prepare(folder: Path) -> Path:
    """A copy of the code and an environment with the tool, beside the packages that are here already."""
    for name in (*PACKAGES, "docs", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "start.py"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / "setup.cfg").write_text(configuration())
    env = folder / "env"
    venv.create(env, with_pip=True)
    (packages,) = env.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "installed_already.pth").write_text("\n".join(here))
    subprocess.run([env / "bin" / "pip", "install", "-q", TOOL], check=True)
    return env / "bin" / "mutmut"


def configuration() -> str:
    """What the tool is told. It forks from a process that has run no test, for some leave threads behind."""
    settings: dict[str, tuple[str, ...]] = {
        "source_paths": ("gateway",),
        "only_mutate": tuple(f"gateway/domain/{name}.py" for name in DECISION),
        "also_copy": (*(name for name in PACKAGES if name != "gateway"), "docs", "start.py"),
        "pytest_add_cli_args": ("-p", "tests.mutants.cheapest_first", f"--timeout={TEST_TIMEOUT_S}"),
        "pytest_add_cli_args_test_selection": TESTS,
        "timeout_multiplier": ("2.0",),
        "timeout_constant": ("20.0",),  # What fixtures take isn't counted as a test's time.
        "process_isolation": ("forkserver",),
    }
    return "[mutmut]\n" + "".join(f"{key} = {NEXT.join(values)}\n" for key, values in settings.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
