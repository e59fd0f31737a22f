"""`python -m tests.journeys.tidy_doors doors …`: the doors process, whose journal is tidied at once and all the time.

What is kept, and for how long, stays the site's. The machine's clock counts as synchronised: no other throws anything
away.
"""

from functools import partial
from unittest.mock import patch

from gateway.assembly import doors
from gateway.clock import SystemClock
from gateway.store.retention import RetentionRules
from gateway.worker import leave, main

if __name__ == "__main__":
    rules = partial(RetentionRules, look_every_s=0.05, first_look_s=0.0, pause_s=0.005)
    kept_clock = partial(SystemClock, synchronised=lambda: True)
    with patch.object(doors, "RetentionRules", rules), patch.object(doors, "SystemClock", kept_clock):
        code = main()
    leave(code)
