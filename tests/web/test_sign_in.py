# SPDX-License-Identifier: Apache-2.0
"""Getting in and out."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.page import Witness, expect_state, part
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]


def test_without_a_session_nothing_of_the_host_is_shown(page: Page, service: Service) -> None:
    page.goto(service.url + "/")
    expect_state(page, "signed-out")
    expect(part(page, "sign-in")).to_be_visible()
    version = service.get("/api/host")["kernel"]["release"]
    assert version not in page.content()


def test_wrong_token_is_refused_in_words(page: Page, service: Service) -> None:
    page.goto(service.url + "/")
    part(page, "token-input").fill("x" * 43)
    part(page, "sign-in-button").click()
    problem = part(page, "sign-in-problem")
    expect(problem).to_be_visible()
    expect(problem).to_have_attribute("role", "alert")
    expect_state(page, "signed-out")
    expect(part(page, "token-input")).to_be_focused()


def test_token_is_not_kept_in_the_page(signed_in: Page, service: Service) -> None:
    stored = signed_in.evaluate(
        "() => JSON.stringify("
        "[{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert service.token not in stored
    assert service.token not in signed_in.content()
    [cookie] = signed_in.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["secure"]
    assert cookie["sameSite"] == "Strict"


def test_printed_link_signs_in_and_leaves_no_token_in_the_address(
    page: Page, service: Service
) -> None:
    page.goto(f"{service.url}/#token={service.token}")
    expect_state(page, "ready")
    assert service.token not in page.url
    page.goto("about:blank")
    page.go_back()
    assert service.token not in page.url


def test_session_survives_a_reload(signed_in: Page) -> None:
    signed_in.reload()
    expect_state(signed_in, "ready")


def test_sign_out_ends_the_session(signed_in: Page) -> None:
    part(signed_in, "sign-out").click()
    expect_state(signed_in, "signed-out")
    signed_in.reload()
    expect_state(signed_in, "signed-out")


def test_going_in_and_out_leaves_no_message_in_the_console(
    signed_in: Page, witness: Witness
) -> None:
    part(signed_in, "sign-out").click()
    expect_state(signed_in, "signed-out")
    # Before the sign-in the page asks whether there is a session, and the browser notes the 401.
    noted = [line for line in witness.console if "401" not in line]
    assert noted == []
