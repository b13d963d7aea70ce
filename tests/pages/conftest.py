"""One Chromium for all tests of pages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.browsing import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - other tests need no browser

    with sync_playwright() as playwright:
        # As root, as in a container, Chromium has no sandbox to put a page into.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()
