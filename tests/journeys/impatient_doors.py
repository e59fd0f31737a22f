"""`python -m tests.journeys.impatient_doors doors …`: the doors process, whose sirens wait half a second alone."""

from unittest.mock import patch

from gateway.domain import sirens
from gateway.worker import leave, main

if __name__ == "__main__":
    with patch.object(sirens, "UNWATCHED_AFTER_S", 0.5):
        code = main()
    leave(code)
