"""Run a module as a process that doesn't outlive the one that started it, even when that one is killed.

`python -m simulators.tether PARENT_PID MODULE [ARGUMENT …]`: the kernel sends SIGTERM when the parent dies (prctl(2),
PR_SET_PDEATHSIG, Linux); then MODULE runs as `python -m MODULE` would.
"""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie_to(parent: int) -> bool:
    """Ask for SIGTERM at the parent's death; False when the parent is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # It may have died before the request: then somebody else is the parent now.
    return os.getppid() == parent


def main() -> int:
    """The process."""
    if len(sys.argv) < 3 or not sys.argv[1].isdecimal():
        print("usage: python -m simulators.tether PARENT_PID MODULE [ARGUMENT …]", file=sys.stderr)
        return 2
    parent, module = int(sys.argv[1]), sys.argv[2]
    if not tie_to(parent):
        return 1
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
