# SPDX-License-Identifier: Apache-2.0
"""The page fits every screen, from a small phone to a wall, and enlarged text."""

import pytest
from playwright.sync_api import Page

from tests.support import page as pages
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]

#: Width and height in CSS pixels. 320 is what WCAG 2.2 (1.4.10) asks for: 1280 at 400 %.
SCREENS = {
    "small-phone": (320, 568),
    "phone": (390, 844),
    "tablet": (820, 1180),
    "desktop": (1280, 800),
    "wall": (2560, 1440),
}
_OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > width + 1 && e.checkVisibility()
      && !e.closest('.hidden') && !hasScroller(e))
    .map(e => e.tagName + '.' + e.className);
  function hasScroller(e) {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return true;
    return false;
  }
}"""


@pytest.mark.parametrize("name", SCREENS)
def test_nothing_runs_over_the_side(page: Page, service: Service, name: str) -> None:
    width, height = SCREENS[name]
    page.set_viewport_size({"width": width, "height": height})
    for visit in (_sign_in_form, pages.sign_in, _kernel, _updates):
        visit(page, service)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert page.evaluate(_OVERFLOW) == []


def test_controls_are_large_enough_for_a_finger(page: Page, service: Service) -> None:
    """24 by 24 CSS pixels: WCAG 2.2, 2.5.8; a link that stands alone may be smaller."""
    page.set_viewport_size({"width": 390, "height": 844})
    pages.sign_in(page, service)
    controls = page.locator("button:visible, summary:visible, nav a:visible")
    for index in range(controls.count()):
        box = controls.nth(index).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24, controls.nth(index).inner_text()


def test_twice_as_large_text_still_fits(page: Page, service: Service) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    pages.sign_in(page, service)
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280


def test_motion_can_be_switched_off(page: Page, service: Service) -> None:
    page.emulate_media(reduced_motion="reduce")
    pages.sign_in(page, service)
    moving = page.evaluate(
        "() => document.getAnimations().filter(a => a.playState === 'running').length"
    )
    assert moving == 0


def _kernel(page: Page, _service: Service) -> None:
    pages.open_kernel(page)


def _updates(page: Page, _service: Service) -> None:
    pages.open_updates(page)


def _sign_in_form(page: Page, service: Service) -> None:
    page.goto(service.url + "/")
    pages.expect_state(page, "signed-out")
