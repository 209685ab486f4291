# SPDX-License-Identifier: Apache-2.0
"""The page looks as it was approved.

The host is the real one; its changing figures are held still (tests/support/frozen.py), so that a
difference is one of the page. ``--update-screenshots`` stores new pictures, to be looked at before
they are committed.
"""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute

from tests.support import frozen, pictures
from tests.support import page as pages
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]

STORED = Path(__file__).parent / "screenshots"
REPORT = Path(__file__).parents[2] / "build" / "test-logs" / "screenshots"
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
#: How to come to a view from the first one.
VIEWS = {
    "host": pages.expect_host, "kernel": pages.open_kernel, "updates": pages.open_updates,
}  # fmt: skip


@pytest.fixture(scope="module")
def still(service: Service) -> dict[str, Any]:
    """Snapshot of the host without what changes by itself."""
    return frozen.frozen(service.get("/api/host"))


def _hold_still(page: Page, snapshot: dict[str, Any]) -> None:
    """Let the page see only ``snapshot``, by both ways that it asks."""

    def answer(route: Route) -> None:
        body = {"success": True, "data": snapshot, "error": None}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    def talk(socket: WebSocketRoute) -> None:
        version = snapshot["image"]["version"] if snapshot["image"] else "0"
        socket.send(json.dumps({"type": "connected", "version": version, "interval_ms": 2000}))
        socket.send(json.dumps({"type": "host", "seq": 1, "data": snapshot}))
        socket.send(json.dumps({"type": "updates", "seq": 1, "data": frozen.UPDATES}))

    page.route("**/api/host", answer)
    page.route_web_socket("**/api/realtime", talk)


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("view", VIEWS)
def test_view(
    page: Page,
    service: Service,
    still: dict[str, Any],
    pytestconfig: pytest.Config,
    view: str,
    screen: str,
    colours: Literal["light", "dark"],
) -> None:
    width, height = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    page.clock.set_fixed_time("2026-01-01T00:00:01Z")
    _hold_still(page, still)
    page.goto(f"{service.url}/#token={service.token}")
    pages.expect_host(page)
    VIEWS[view](page)
    page.evaluate("() => document.fonts.ready")
    taken = page.screenshot(full_page=True, animations="disabled", caret="hide")
    update = pytestconfig.option.update_screenshots
    pictures.compare(taken, STORED / f"{view}-{screen}-{colours}.png", REPORT, update=update)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_sign_in(
    page: Page, service: Service, pytestconfig: pytest.Config, colours: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    page.goto(service.url + "/")
    pages.expect_state(page, "signed-out")
    taken = page.screenshot(animations="disabled", caret="hide")
    update = pytestconfig.option.update_screenshots
    pictures.compare(taken, STORED / f"sign-in-{colours}.png", REPORT, update=update)
