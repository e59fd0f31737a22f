"""`python -m tests.journeys.another_machine BOOT_ID NAME …`: a gateway's process as on a machine of its own.

The kernel's boot id is one for all processes of a machine; two boxes have two.
"""

import sys
import tempfile
from pathlib import Path

from gateway import clock
from gateway.worker import leave, main

if __name__ == "__main__":
    with tempfile.NamedTemporaryFile("w", suffix=".boot-id") as file:
        file.write(sys.argv[1])
        file.flush()
        clock._BOOT_ID = Path(file.name)
        code = main(sys.argv[2:])
    leave(code)
