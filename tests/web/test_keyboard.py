# SPDX-License-Identifier: Apache-2.0
"""Everything can be done and seen without a mouse."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.page import expect_state, part
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]

#: Name, role and outline of the element that has the focus.
_FOCUS = """() => {
  const e = document.activeElement;
  const s = getComputedStyle(e);
  return {
    tag: e.tagName,
    name: e.getAttribute('aria-label') || e.textContent.trim() || e.id,
    id: e.dataset.testid ?? '',
    shown: e.matches(':focus-visible') &&
      ((s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none'),
  };
}"""


def test_sign_in_by_keyboard(page: Page, service: Service) -> None:
    page.goto(service.url + "/")
    expect_state(page, "signed-out")
    # The page puts the focus where the typing has to start.
    expect(part(page, "token-input")).to_be_focused()
    page.keyboard.type(service.token)
    page.keyboard.press("Enter")
    expect_state(page, "ready")


def test_every_control_is_reached_and_the_focus_is_seen(signed_in: Page) -> None:
    controls = signed_in.locator(
        "a[href]:visible, button:visible:enabled, summary:visible, input:visible"
    )
    count = controls.count()
    reached = []
    signed_in.locator("body").evaluate("() => document.activeElement?.blur()")
    for _ in range(count + 5):
        signed_in.keyboard.press("Tab")
        focus = signed_in.evaluate(_FOCUS)
        if focus["tag"] == "BODY":
            continue
        assert focus["name"], f"a control without a name: {focus}"
        assert focus["shown"], f"the focus on {focus['name']!r} cannot be seen"
        reached.append(focus["name"])
    assert len(reached) >= count


def test_sources_open_by_keyboard(signed_in: Page) -> None:
    summary = signed_in.locator("summary").first
    summary.focus()
    signed_in.keyboard.press("Enter")
    assert summary.evaluate("e => e.parentElement.open")


def test_sign_out_by_keyboard(signed_in: Page) -> None:
    part(signed_in, "sign-out").focus()
    signed_in.keyboard.press("Enter")
    expect_state(signed_in, "signed-out")
    expect(part(signed_in, "token-input")).to_be_focused()
