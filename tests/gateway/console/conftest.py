from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.console.site_at_work import SiteAtWork


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteAtWork]:
    site = SiteAtWork(tmp_path)
    await site.start()
    yield site
    await site.close()
