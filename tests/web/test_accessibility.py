# SPDX-License-Identifier: Apache-2.0
"""axe-core finds no fault, in any colours, signed in or not."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

from tests.support import page as pages
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]

_RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_signed_in(
    page: Page, service: Service, colours: Literal["light", "dark"], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=colours)
    pages.sign_in(page, service)
    assert _faults(page) == []
    pages.open_kernel(page)
    assert _faults(page) == []
    pages.open_updates(page)
    assert _faults(page) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_sign_in_form(page: Page, service: Service, colours: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=colours)
    page.goto(service.url + "/")
    pages.expect_state(page, "signed-out")
    pages.part(page, "token-input").fill("wrong")
    page.keyboard.press("Enter")
    pages.part(page, "sign-in-problem").wait_for()
    assert _faults(page) == []


def test_a_fault_would_be_found(page: Page, service: Service) -> None:
    """Shows that the tests above can fail."""
    page.goto(service.url + "/")
    pages.expect_state(page, "signed-out")
    page.evaluate("() => document.querySelector('label[for=token]').remove()")
    assert any("label" in fault for fault in _faults(page))


def _faults(page: Page) -> list[str]:
    """One line for each element that breaks a rule."""
    result = Axe().run(page, options=_RULES)
    return [
        f"{violation['id']}: {node['html']}: {node.get('failureSummary', '')}"
        for violation in result.response["violations"]
        for node in violation["nodes"]
    ]
