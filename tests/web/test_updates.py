# SPDX-License-Identifier: Apache-2.0
"""The view of updates on the real host: what it shows, and that it asks before it acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, Request, expect

from tests.support import facts, timeouts
from tests.support import page as pages
from tests.support.page import part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]

ACTIONS = ("check", "apply", "rollback", "restart")
POLICY = "/etc/codex/update.toml"
#: A folder without a release: it answers at once, and nothing can come of it.
SOURCE = "/var/lib/codex"


@pytest.fixture
def updates(signed_in: Page, host: Host) -> Page:
    """Page that shows the updates of an image."""
    if facts.os_release(host).get("IMAGE_ID") != "codex-os":
        pytest.skip("only an image has slots")
    pages.open_updates(signed_in)
    return signed_in


@pytest.fixture
def asked(updates: Page) -> list[str]:
    """What the page has asked the host for, in its own words."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/api/updates"):
            found.append(request.post_data or "")

    updates.on("request", note)
    return found


@pytest.fixture
def source(host: Host) -> Iterator[str]:
    """A source that offers nothing; the policy that was there comes back."""
    kept = f"{POLICY}.kept"
    host.check_output(f"if [ -e {POLICY} ]; then mv {POLICY} {kept}; fi")
    try:
        host.check_output("printf %s > %s", f"[update]\nsource = '{SOURCE}'\n", POLICY)
        host.check_output("systemctl start codex-update-status.service")
        yield SOURCE
    finally:
        host.check_output(f"if [ -e {kept} ]; then mv {kept} {POLICY}; else rm -f {POLICY}; fi")
        host.check_output("systemctl start codex-update-status.service")


def _standing(host: Host) -> Any:
    """What an action would change: the versions, and which of them starts next."""
    status = facts.one_json(host, "codex update status --json")
    return status["versions"], status["offered"], status["progress"]


def test_versions_are_those_of_the_host(updates: Page, service: Service) -> None:
    known = service.get("/api/updates")["known"]
    for version in known["standing"]["versions"]:
        row = part(updates, f"version-{version['version']}")
        expect(row).to_contain_text("running" if version["running"] else version["version"])
    slot = service.get("/api/host")["slot"]
    running = known["standing"]["running"]
    expect(part(updates, f"version-{running}")).to_contain_text(slot or "unavailable")


def test_the_probes_that_a_boot_needs_are_shown(updates: Page, service: Service) -> None:
    for check in service.get("/api/host")["verdict"]["checks"]:
        entry = part(updates, f"gate-{check['name']}")
        expect(entry).to_have_count(1 if check["gates"] or check["on_trial"] else 0)


def test_what_cannot_be_done_says_why(updates: Page) -> None:
    for action in ACTIONS:
        button = part(updates, f"action-{action}")
        note = updates.locator(f"#action-{action}-note")
        expect(note).not_to_have_text("")
        assert button.get_attribute("aria-describedby") == f"action-{action}-note"


def test_nothing_happens_before_the_dialog_is_confirmed(
    updates: Page, host: Host, source: str, asked: list[str]
) -> None:
    before = _standing(host)
    button = part(updates, "action-check")
    expect(button).to_be_enabled(timeout=timeouts.CHANGE_S * 1000)
    for leave in ("Escape", "cancel"):
        for action in ACTIONS:
            if part(updates, f"action-{action}").is_disabled():
                continue
            part(updates, f"action-{action}").click()
            expect(part(updates, "ask")).to_be_visible()
            expect(part(updates, "ask-points")).not_to_have_text("")
            if leave == "Escape":
                updates.keyboard.press("Escape")
            else:
                part(updates, "ask-cancel").click()
            expect(part(updates, "ask")).to_have_count(0)
            expect(part(updates, f"action-{action}")).to_be_focused()
    assert asked == []
    assert _standing(host) == before


def test_the_focus_stays_in_the_dialog(updates: Page, source: str) -> None:
    button = part(updates, "action-check")
    expect(button).to_be_enabled(timeout=timeouts.CHANGE_S * 1000)
    button.focus()
    updates.keyboard.press("Enter")
    expect(part(updates, "ask-cancel")).to_be_focused()
    expect(part(updates, "ask-points")).to_contain_text(source)
    for key in ("Tab", "Shift+Tab"):
        for _ in range(6):
            updates.keyboard.press(key)
            # Between its ends the focus may pass the browser itself, never the page behind.
            assert updates.evaluate(
                "() => document.activeElement === document.body"
                " || document.querySelector('dialog').contains(document.activeElement)"
            )
    updates.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_a_confirmed_check_reaches_root_and_its_end_is_told(
    updates: Page, host: Host, source: str, asked: list[str]
) -> None:
    """All of the way: page, agent, socket, root, the file that everybody may read, and the page."""
    button = part(updates, "action-check")
    expect(button).to_be_enabled(timeout=timeouts.CHANGE_S * 1000)
    button.click()
    part(updates, "ask-confirm").click()
    expect(part(updates, "ask")).to_have_count(0, timeout=timeouts.CHANGE_S * 1000)
    expect(part(updates, "action-begun")).not_to_have_text("")
    last = part(updates, "last")
    expect(last).to_contain_text(f"{source} has no SHA256SUMS", timeout=timeouts.CHANGE_S * 1000)
    expect(last).to_have_attribute("data-good", "false")
    assert asked == ['{"action":"check"}']
    # A refusal is told and fails nothing.
    failed = host.check_output("systemctl --failed --plain --no-legend")
    assert "codex-update" not in failed


def test_a_policy_can_close_the_door(updates: Page, host: Host, source: str) -> None:
    host.check_output("printf %s > %s", f"[update]\nsource = '{source}'\npage = false\n", POLICY)
    host.check_output("systemctl start codex-update-status.service")
    note = updates.locator("#action-check-note")
    expect(note).to_contain_text("page = false", timeout=timeouts.CHANGE_S * 1000)
    for action in ACTIONS:
        expect(part(updates, f"action-{action}")).to_be_disabled()
