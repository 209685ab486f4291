# SPDX-License-Identifier: Apache-2.0
"""The agent's page, by the names that it gives its parts."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect

from tests.support.service import Service


@dataclass
class Witness:
    """What happened on a page beside what it shows."""

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def watch(self, page: Page, service: Service) -> None:
        """Note every console message, exception, answer, and request to another origin."""
        own = urlsplit(service.url).netloc

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.console.append(f"{message.type}: {message.text}")

        def on_request(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme not in {"data", "blob"} and address.netloc != own:
                self.foreign.append(request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", on_request)
        # A bound method of a list would not do: Playwright keeps its wrapper on the function.
        page.on("response", lambda answer: self.responses.append(answer))
        page.on("websocket", lambda socket: self.check_socket(socket.url, own))

    def check_socket(self, url: str, own: str) -> None:
        """Note a WebSocket to another origin."""
        if urlsplit(url).netloc != own:
            self.foreign.append(url)


def part(page: Page, name: str) -> Locator:
    """Element that the page names ``name``."""
    return page.get_by_test_id(name)


def expect_state(page: Page, state: str) -> None:
    """Wait until the page is loading, signed-out, ready, offline or in error."""
    expect(page.locator("html")).to_have_attribute("data-state", state)


def expect_host(page: Page) -> None:
    """Wait until the host is shown: its data are there, and so is the code of the view."""
    expect_state(page, "ready")
    expect(part(page, "hostname")).to_be_visible()


def open_kernel(page: Page) -> None:
    """Go to the view of the kernel services, once the host is shown."""
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Kernel").click()
    expect(part(page, "kernel-view")).to_be_visible()


def open_updates(page: Page) -> None:
    """Go to the view of updates, once the host is shown and has said how they stand."""
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Updates").click()
    expect(part(page, "updates-view")).to_be_visible()
    # The first message comes with the first sample.
    expect(part(page, "updates-view").get_by_text("has not said yet")).to_have_count(0)


def sign_in(page: Page, service: Service) -> None:
    """Open the page and sign in as a person does."""
    page.goto(service.url + "/")
    expect_state(page, "signed-out")
    part(page, "token-input").fill(service.token)
    page.keyboard.press("Enter")
    expect_host(page)


def sequence(page: Page) -> int:
    """Number of the last update that the page has shown; 0 before the first."""
    text = page.locator("html").get_attribute("data-seq") or "0"
    return int(text) if re.fullmatch(r"\d+", text) else 0


def wait_for_update(page: Page, after: int) -> int:
    """Wait for an update later than number ``after`` and return its number."""
    page.wait_for_function(
        "after => Number(document.documentElement.dataset.seq) > after", arg=after
    )
    return sequence(page)
