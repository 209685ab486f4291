# SPDX-License-Identifier: Apache-2.0
"""A browser that trusts the host's authority, and a page on which everything is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support import browser as browsers
from tests.support import page as pages
from tests.support import timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Playwright

    from tests.support.service import Service


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright itself; it brings no browser."""
    with sync_playwright() as running:
        expect.set_options(timeout=timeouts.BROWSER_S * 1000)
        yield running


@pytest.fixture(scope="session")
def browser(
    playwright: Playwright, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Browser of a person who has imported the host's certificate authority."""
    home = browsers.home_that_trusts(tmp_path_factory.mktemp("home"), service.ca_file)
    with browsers.launched(playwright, home) as running:
        yield running


@pytest.fixture
def witness() -> pages.Witness:
    """What happened on the page of this test."""
    return pages.Witness()


@pytest.fixture
def page(browser: Browser, service: Service, witness: pages.Witness) -> Iterator[Page]:
    """Fresh page without a session; a test that leaves errors behind fails."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(timeouts.BROWSER_S * 1000)
    opened = context.new_page()
    witness.watch(opened, service)
    yield opened
    context.close()
    assert witness.errors == []
    assert witness.foreign == []


@pytest.fixture
def signed_in(page: Page, service: Service) -> Page:
    """Page that shows the host."""
    pages.sign_in(page, service)
    return page
