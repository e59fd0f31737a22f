from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.gateway.console.browser import browser_page
from tests.gateway.console.site_at_work import SiteAtWork


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteAtWork]:
    site = SiteAtWork(tmp_path)
    await site.start()
    yield site
    await site.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with browser_page() as page:
        yield page
