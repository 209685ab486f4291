# SPDX-License-Identifier: Apache-2.0
"""What changes on the host changes on the page by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from testinfra.host import Host

from tests.support import timeouts
from tests.support.page import expect_state, part, sequence, wait_for_update

pytestmark = [pytest.mark.guest, pytest.mark.browser]

UNIT = "codex-test-failure.service"


@pytest.fixture
def failing_unit(host: Host) -> Iterator[str]:
    """Name of a unit that the test may let fail; the host forgets it afterwards."""
    host.run("systemctl reset-failed %s", UNIT)
    yield UNIT
    host.run("systemctl reset-failed %s", UNIT)


def test_connection_is_live(signed_in: Page) -> None:
    expect(part(signed_in, "connection")).to_have_attribute("data-connection", "live")


def test_updates_arrive_in_order(signed_in: Page) -> None:
    first = sequence(signed_in)
    second = wait_for_update(signed_in, first)
    assert wait_for_update(signed_in, second) > second > first


def test_failure_on_the_host_appears_and_disappears(
    signed_in: Page, host: Host, failing_unit: str
) -> None:
    limit = timeouts.CHANGE_S * 1000
    verdict = part(signed_in, "verdict")
    expect(verdict).to_have_attribute("data-verdict", "healthy", timeout=limit)

    host.run("systemd-run --quiet --unit=%s false", failing_unit)
    expect(verdict).to_have_attribute("data-verdict", "degraded", timeout=limit)
    expect(part(signed_in, "card-checks")).to_contain_text(failing_unit)
    expect(part(signed_in, "check-failed-units")).to_have_attribute("data-check", "degraded")
    assert signed_in.title().startswith("degraded")

    host.check_output("systemctl reset-failed %s", failing_unit)
    expect(verdict).to_have_attribute("data-verdict", "healthy", timeout=limit)
    expect(part(signed_in, "card-checks")).not_to_contain_text(failing_unit)


def test_a_change_of_the_verdict_is_announced(
    signed_in: Page, host: Host, failing_unit: str
) -> None:
    """For those who hear the page instead of seeing it."""
    announcer = part(signed_in, "announcer")
    expect(announcer).to_have_attribute("role", "status")
    host.run("systemd-run --quiet --unit=%s false", failing_unit)
    expect(announcer).to_contain_text("degraded", timeout=timeouts.CHANGE_S * 1000)


def test_lost_connection_is_said_and_mends_itself(signed_in: Page) -> None:
    before = sequence(signed_in)
    signed_in.context.set_offline(True)
    signed_in.evaluate("() => window.dispatchEvent(new Event('offline'))")
    expect(part(signed_in, "connection")).not_to_have_attribute(
        "data-connection", "live", timeout=timeouts.CHANGE_S * 1000
    )
    signed_in.context.set_offline(False)
    expect_state(signed_in, "ready")
    expect(part(signed_in, "connection")).to_have_attribute(
        "data-connection", "live", timeout=timeouts.CHANGE_S * 1000
    )
    assert before >= 0


def test_restarted_agent_is_found_again(signed_in: Page, host: Host) -> None:
    """The session was the old process's; the page says so or goes on, but shows no stale figure."""
    host.check_output("systemctl restart codex-agent.service")
    state = signed_in.locator("html[data-state=ready], html[data-state=signed-out]")
    expect(state).to_have_count(1, timeout=timeouts.CHANGE_S * 1000)
    expect(part(signed_in, "connection").or_(part(signed_in, "sign-in")).first).to_be_visible()
