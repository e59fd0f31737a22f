"""Start Gatehouse from a checkout: make the environment, install, run. Needs Python 3.11 and pip (or uv), no root.

    python3 start.py [OPTIONS]      the demo site; OPTIONS such as --quiet or --data DIR are those of `gatehouse demo`
    python3 start.py test [ARGS]    every check and every test; with ARGS only `pytest ARGS`
    python3 start.py WORDS…         the same as `gatehouse WORDS…`, for example: check SITE.toml

The environment is `.venv` beside this file. It is made once and then used as it is until pyproject.toml,
constraints.txt, the Python version or the checkout's place changes.

This file must stay readable to old Pythons (no syntax newer than 3.7), so that they can say what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
INSTALL_LOG = VENV / "install.log"
OLDEST_PYTHON = (3, 11)
RUN_EXTRAS = frozenset({"demo", "video"})
TEST_EXTRAS = RUN_EXTRAS | {"dev"}
TEST_PROCESSES = 4
"""Twice the cores of a small machine: most tests wait for a wire most of the time."""
SHOWN_LOG_LINES = 15
PROGRESS_EVERY_S = 10.0

HELP = """\
usage: python3 start.py [OPTIONS]    the demo site; `python3 start.py demo --help` tells its OPTIONS
       python3 start.py test [ARGS]  every check and every test; with ARGS only `pytest ARGS`
       python3 start.py WORDS…       the same as `gatehouse WORDS…`, with the environment made first
"""

NO_NETWORK_SIGNS = (
    "name resolution",
    "NewConnectionError",
    "Network is unreachable",
    "Connection refused",
    "Connection timed out",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "dns error",
)


class StartError(Exception):
    """What a person must mend before Gatehouse can start; the message names the remedy."""


class Peer:
    """A real program that tests talk to: how to see that it is there, and the Debian packages that bring it."""

    def __init__(self, name: str, packages: tuple[str, ...], probe: tuple[str, ...]) -> None:
        self.name = name
        self.packages = packages
        self.probe = probe

    def is_there(self) -> bool:
        """Whether one of `probe` exists: a program's name, a file's path, or `gi:` for the RTSP server's bindings."""
        return any(_is_found(sign) for sign in self.probe)


PEERS = (
    Peer("mosquitto (MQTT broker)", ("mosquitto",), ("mosquitto", "/usr/sbin/mosquitto")),
    Peer("chromium (the console's page)", ("chromium",), ("chromium", "chromium-browser", "google-chrome")),
    Peer(
        "GStreamer's RTSP server (a camera that isn't ours)",
        (
            "gir1.2-gst-rtsp-server-1.0",
            "python3-gi",
            "gstreamer1.0-plugins-base",
            "gstreamer1.0-plugins-good",
            "gstreamer1.0-plugins-bad",
            "gstreamer1.0-plugins-ugly",
            "gstreamer1.0-rtsp",
        ),
        ("gi:",),
    ),
    Peer(
        "a Chinese font (pictures of the page)",
        ("fonts-wqy-microhei",),
        ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    ),
)

GI_PROBE = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
raise SystemExit(not all(map(Gst.ElementFactory.find, ("x264enc", "rtph264pay", "h264parse"))))
"""

STATIC_CHECKS = (
    ("lint", ("ruff", "check", ".")),
    ("format", ("ruff", "format", "--check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports",)),
    # It also compiles the tests, which each of pytest's processes would else do for itself.
    ("collection", ("pytest", "--collect-only", "-qq")),
)

TEST_RUNS = (
    # Whoever has nothing left takes from the others: what waits and what reckons then run side by side to the end.
    ("tests", ("-n", str(TEST_PROCESSES), "--dist", "worksteal", "-m", "not alone")),
    # Most of these wait for processes to be started again: two files at a time leave the cores idle all the same.
    ("tests that run alone", ("-n", "2", "--dist", "loadfile", "-m", "alone")),
)


def main(words: list[str]) -> int:
    """Do what `words` ask; returns the exit code, unless the product takes this process over."""
    try:
        refuse_old_python(sys.version_info[:2])
        if words[:1] in (["-h"], ["--help"]):
            print(HELP, flush=True)
            if not is_installed(RUN_EXTRAS):
                print("Once a first start has made the environment, WORDS are listed here too.")
                return 0
        if words[:1] == ["test"]:
            return run_tests(words[1:])
        ensure_environment(RUN_EXTRAS)
        become_gatehouse(words_for_gatehouse(words))
    except StartError as error:
        print(f"start.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstart.py: stopped; start it again any time", file=sys.stderr)
        return 130


def refuse_old_python(version: tuple[int, int]) -> None:
    """Raises StartError below Python 3.11."""
    if version < OLDEST_PYTHON:
        raise StartError(
            "Gatehouse needs Python 3.11 or newer, and this is {}.{}. Debian 12 has it as python3 "
            "(apt-get install python3); else start with a newer one: python3.12 start.py".format(*version)
        )


def words_for_gatehouse(words: list[str]) -> list[str]:
    """The words as `gatehouse` takes them: without a command the demo is meant, and options before one are its own."""
    of_gatehouse = words and (not words[0].startswith("-") or words[0] in ("-h", "--help", "--version"))
    return words if of_gatehouse else ["demo", *words]


def become_gatehouse(words: list[str]) -> NoReturn:
    """Replace this process by `gatehouse WORDS…`; the working directory stays as it is, for relative paths."""
    program = VENV / "bin" / "gatehouse"
    if not program.exists():
        raise StartError(f"{program} is missing. Remove {VENV} and start again")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(str(program), [str(program), *words])


# ---------------------------------------------------------------- the environment


def fingerprint() -> str:
    """What the environment was made from: pyproject.toml, constraints.txt, the Python version, the checkout's place."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes() + b"\0")
    digest.update(repr((sys.version_info[:2], str(ROOT))).encode())
    return digest.hexdigest()


def is_installed(extras: frozenset[str]) -> bool:
    """Whether the environment was made from what stands here now, with at least `extras`."""
    stamp = read_stamp()
    return (VENV / "bin" / "python").exists() and stamp.fingerprint == fingerprint() and extras <= stamp.extras


class Stamp:
    """What the last complete installation was made from; all empty where there was none."""

    def __init__(self, fingerprint: str = "", extras: frozenset[str] = frozenset(), place: str = "") -> None:
        self.fingerprint = fingerprint
        self.extras = extras
        self.place = place


def read_stamp() -> Stamp:
    """The stamp in `.venv`; what can't be read counts as none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return Stamp(str(stamp["fingerprint"]), frozenset(map(str, stamp["extras"])), str(stamp["place"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Stamp()


def write_stamp(stamp: Stamp) -> None:
    """Keep `stamp` for the next start."""
    fields = {"fingerprint": stamp.fingerprint, "extras": sorted(stamp.extras), "place": stamp.place}
    STAMP.write_text(json.dumps(fields) + "\n", encoding="utf-8")


def ensure_environment(extras: frozenset[str]) -> None:
    """Make `.venv` and install into it, unless that was done before. The stamp is written last."""
    if is_installed(extras):
        return
    begun = time.monotonic()
    before = read_stamp()
    # A tester's environment stays a tester's.
    extras = extras | (before.extras & TEST_EXTRAS)
    say(f"setting up in {VENV} (once; about 500 MB with video)")
    remove_foreign_environment(before)
    STAMP.unlink(missing_ok=True)
    uv = shutil.which("uv")
    if not (uv and install_with_uv(uv, extras)):
        make_environment()
        install_with_pip(extras)
    write_stamp(Stamp(fingerprint(), extras, str(ROOT)))
    say(f"ready after {time.monotonic() - begun:.0f} s")


def remove_foreign_environment(before: Stamp) -> None:
    """Remove a `.venv` of another Python version, or one whose scripts name the place where the checkout was."""
    if not VENV.exists():
        return
    if not (VENV / "pyvenv.cfg").exists():
        raise StartError(f"{VENV} is no Python environment. Remedy: move it away and start again")
    moved = before.place not in ("", str(ROOT))
    version = f"import sys; raise SystemExit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    if moved or not _runs([str(VENV / "bin" / "python"), "-c", version]):
        say(f"{VENV} belongs to another Python or place: making it anew")
        shutil.rmtree(VENV)


def make_environment() -> None:
    """An environment at `.venv`, unless one stands there."""
    if VENV.exists():
        return
    # --without-pip: a bare Debian has no ensurepip, and the pip outside can install into an environment.
    command = [sys.executable, "-m", "venv", "--without-pip", str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        said = (made.stderr or made.stdout).strip()
        raise StartError(f"making {VENV} failed: {said}\nRemedy: a checkout that you may write to, with 1 GB free")


def install_with_uv(uv: str, extras: frozenset[str]) -> bool:
    """Install by uv; False, with a line that says so, where uv can't and pip should try."""
    if not VENV.exists() and not _runs([uv, "venv", "--python", sys.executable, str(VENV)]):
        shutil.rmtree(VENV, ignore_errors=True)
        say("uv could not make the environment; trying pip")
        return False
    python = str(VENV / "bin" / "python")
    command = [uv, "pip", "install", "--python", python, "-c", "constraints.txt", "-e", requirement(extras)]
    if run_install("uv", command) == 0:
        return True
    say(f"uv could not install (see {INSTALL_LOG}); trying pip")
    return False


def install_with_pip(extras: frozenset[str]) -> None:
    """Install by the first pip that can; raises StartError with the remedy."""
    command = [*find_pip(), "install", "--disable-pip-version-check", "-c", "constraints.txt"]
    if run_install("pip", [*command, "-e", requirement(extras)]) == 0:
        return
    log = INSTALL_LOG.read_text(encoding="utf-8", errors="replace")
    tail = "\n".join("    " + line for line in log.splitlines()[-SHOWN_LOG_LINES:])
    raise StartError(f"installing failed; the last lines of {INSTALL_LOG}:\n{tail}\nRemedy: {remedy_for(log)}")


def remedy_for(log: str) -> str:
    """What to do about a failed installation whose output is `log`."""
    if any(sign in log for sign in NO_NETWORK_SIGNS):
        return (
            "no package index answers. Check the network; behind a proxy set https_proxy, with a mirror of your own "
            "set PIP_INDEX_URL, then start again"
        )
    if "No space left" in log:
        return "free 1 GB on this disk, then start again"
    if "No matching distribution" in log:
        return "this machine or Python has no ready-made packages; Python 3.11 to 3.13 on x86-64 or ARM64 Linux has"
    return "read the lines above; a second start continues where this one ended"


def find_pip() -> list[str]:
    """The command of a pip that can install into `.venv`: this Python's, else the environment's own."""
    outer = [sys.executable, "-m", "pip", "--python", str(VENV)]
    if _runs([*outer, "--version"]):
        return outer
    inner = [str(VENV / "bin" / "python"), "-m", "pip"]
    if _runs([*inner, "--version"]) or _runs([str(VENV / "bin" / "python"), "-m", "ensurepip"]):
        return inner
    raise StartError("this Python has no pip (22.3 or newer). Remedy: apt-get install python3-pip, or install uv")


def requirement(extras: frozenset[str]) -> str:
    """This checkout with `extras`, as pip and uv read it."""
    return ".[{}]".format(",".join(sorted(extras)))


def run_install(tool: str, command: list[str]) -> int:
    """Run `command` in the checkout, its output to the log, its last line to the person. Returns its exit code."""
    say(f"{tool}: installing (the log is {INSTALL_LOG})")
    shown_at = time.monotonic()
    with INSTALL_LOG.open("w", encoding="utf-8") as log, _piped(command) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            now = time.monotonic()
            if line.strip() and (sys.stderr.isatty() or now - shown_at >= PROGRESS_EVERY_S):
                shown_at = now
                _show_progress(line.strip())
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return process.returncode


# ---------------------------------------------------------------- the tests


def run_tests(arguments: list[str]) -> int:
    """Every check and every test, or `pytest ARGUMENTS` alone. Returns 0 only when all are green."""
    ensure_environment(TEST_EXTRAS)
    ensure_peers()
    environment = test_environment()
    if arguments:
        return _run_tool(("pytest", *arguments), environment)
    counts: dict[str, int] = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="gatehouse-tests-") as folder:
        failed = failing_checks(Path(folder), environment)
        for name, options in TEST_RUNS:
            say(f"== {name}")
            report = Path(folder) / "report.xml"
            report.unlink(missing_ok=True)
            code = _run_tool(("pytest", f"--junitxml={report}", *options), environment)
            add_counts(report, counts)
            if code not in (0, 5):  # 5: nothing bears the mark
                failed.append(name)
    say("failed: " + ", ".join(failed) if failed else "all green")
    print("total: {passed} passed, {failed} failed, {skipped} skipped".format(**counts), flush=True)
    return 1 if failed or not counts["passed"] else 0


def failing_checks(folder: Path, environment: dict[str, str]) -> list[str]:
    """Run the static checks beside one another; what a failed one said, which lies in `folder`, is shown.

    Returns the names of those that failed.
    """
    running = []
    for name, command in STATIC_CHECKS:
        with (folder / name).open("w", encoding="utf-8") as said:
            started = subprocess.Popen(
                _of_environment(command), cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT
            )
        running.append((name, command, started))
    failed = []
    for name, command, started in running:
        passed = started.wait() == 0
        say(f"== {name}: {' '.join(command)}: {'passed' if passed else 'FAILED'}")
        if not passed:
            failed.append(name)
            say((folder / name).read_text(encoding="utf-8", errors="replace"))
    return failed


def add_counts(report: Path, counts: dict[str, int]) -> None:
    """Add pytest's own report of one run to `counts`."""
    if not report.exists():
        return
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        counts["failed"] += failed
        counts["skipped"] += skipped
        counts["passed"] += int(suite.get("tests", 0)) - failed - skipped


def test_environment() -> dict[str, str]:
    """This process's environment, with the folder of real video where a checkout has one beside it."""
    environment = dict(os.environ)
    # Tests start the product's processes hundreds of times: each would compile it anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    video = ROOT.parent / "shared" / "data" / "video"
    if video.is_dir():
        environment.setdefault("GATEHOUSE_VIDEO_DATA", str(video))
    return environment


def ensure_peers() -> None:
    """Install the real peers that are missing, where that can be done; else say which tests will be skipped."""
    missing = [peer for peer in PEERS if not peer.is_there()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = [package for peer in missing for package in peer.packages]
        say("apt-get: installing " + " ".join(packages))
        install_packages(packages)
        missing = [peer for peer in missing if not peer.is_there()]
    for peer in missing:
        say(f"no {peer.name}: its tests will be skipped. As root: apt-get install {' '.join(peer.packages)}")


def install_packages(packages: list[str]) -> None:
    """apt-get install; a failure is told with apt's last lines, and the tests go on."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-q"], install):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            say(f"{' '.join(command[:2])} failed:")
            for line in deque(done.stdout.splitlines(), SHOWN_LOG_LINES):
                say("    " + line)


# ---------------------------------------------------------------- small things


def say(text: str) -> None:
    """One line for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def _show_progress(line: str) -> None:
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 3
        print("\r\033[K  " + line[:width], end="", file=sys.stderr, flush=True)
    else:
        say("  " + line[:100])


def _piped(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _run_tool(command: tuple[str, ...], environment: dict[str, str]) -> int:
    return subprocess.run(_of_environment(command), cwd=ROOT, env=environment, check=False).returncode


def _of_environment(command: tuple[str, ...]) -> list[str]:
    """The command, by the program of that name in `.venv`."""
    return [str(VENV / "bin" / command[0]), *command[1:]]


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def _is_found(sign: str) -> bool:
    if sign == "gi:":
        # The bindings belong to the system's Python, whichever Python runs this.
        return Path("/usr/bin/python3").exists() and _runs(["/usr/bin/python3", "-c", GI_PROBE])
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
