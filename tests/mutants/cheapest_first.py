"""A pytest plugin: the cheap tests ask first, and random ones ask the same questions each time, so a mutant dies early
and the same mutants die in each run."""

import pytest
from hypothesis import HealthCheck, Phase, settings

COSTLY = ("test_oracle", "/commands/")
"""These ask thousands of questions, or run a whole day: the rest first, then in this order."""

settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # Nobody reads what was found, so it needn't be made small.
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")


def cost(item: pytest.Item) -> int:
    """How late it is asked."""
    return next((at for at, part in enumerate(COSTLY, 1) if part in item.nodeid), 0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=cost)
