"""Real processes, killed fifty times: what was durable is not lost and counts once. `make soak` kills a thousand."""

from pathlib import Path
from random import Random

import pytest

from tests.sync.kills import KilledSite


@pytest.mark.alone
@pytest.mark.timeout(400)
async def test_fifty_kills_and_a_line_that_is_cut_lose_and_double_nothing(tmp_path: Path) -> None:
    site = KilledSite(tmp_path, Random(7))
    assert await site.run(50) == []
    assert len(site.durable) > 500
    assert min(site.done[what] for what in ("gateway killed", "office killed", "line cut")) > 5
