# SPDX-License-Identifier: Apache-2.0
"""The page trusts its host alone, and the browser is told so."""

import pytest
from playwright.sync_api import Error, Page, Playwright

from tests.support import browser as browsers
from tests.support.page import Witness, expect_state
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]

#: Directives that must not be wider than this.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def test_without_the_authority_the_page_is_refused(
    playwright: Playwright, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The other tests trust it because it was imported, not because anything is trusted."""
    home = browsers.home_that_trusts(tmp_path_factory.mktemp("stranger"), None)
    with browsers.launched(playwright, home) as stranger:
        opened = stranger.new_page()
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            opened.goto(service.url + "/")


def test_connection_is_encrypted_by_the_hosts_authority(page: Page, service: Service) -> None:
    answer = page.goto(service.url + "/")
    assert answer is not None
    details = answer.security_details()
    assert details is not None
    assert details["protocol"] in {"TLS 1.2", "TLS 1.3"}


def test_policy_is_as_narrow_as_it_can_be(page: Page, service: Service) -> None:
    answer = page.goto(service.url + "/")
    assert answer is not None
    policy = answer.header_value("content-security-policy") or ""
    directives = dict(
        directive.strip().partition(" ")[::2]
        for directive in policy.split(";")
        if directive.strip()
    )
    assert {name: directives.get(name) for name in POLICY} == POLICY
    assert {name: answer.header_value(name) for name in HEADERS} == HEADERS


def test_policy_is_in_force(page: Page, service: Service, witness: Witness) -> None:
    """The browser itself refuses what a foreign script would do."""
    page.goto(service.url + "/")
    refused = page.evaluate(
        """async () => {
          const seen = [];
          document.addEventListener(
            'securitypolicyviolation', e => seen.push(e.effectiveDirective));
          const script = document.createElement('script');
          script.textContent = 'window.injected = true';
          document.head.append(script);
          const image = new Image();
          image.src = 'https://127.0.0.2/x.png';
          await fetch('https://127.0.0.2/').catch(() => {});
          await new Promise(resolve => setTimeout(resolve, 500));
          return { seen, injected: window.injected === true };
        }"""
    )
    assert refused["injected"] is False
    directives = {name.removesuffix("-elem") for name in refused["seen"]}
    assert {"script-src", "img-src", "connect-src"} <= directives
    witness.foreign.clear()  # Playwright shows the attempts although nothing was sent.


def test_page_cannot_be_framed(page: Page, service: Service) -> None:
    answer = page.goto(service.url + "/")
    assert answer is not None
    assert "frame-ancestors 'none'" in (answer.header_value("content-security-policy") or "")


def test_normal_use_breaks_no_rule(page: Page, service: Service, witness: Witness) -> None:
    page.add_init_script(
        "window.violations = [];"
        "document.addEventListener('securitypolicyviolation',"
        " e => violations.push(e.violatedDirective))"
    )
    page.goto(f"{service.url}/#token={service.token}")
    expect_state(page, "ready")
    assert page.evaluate("() => window.violations") == []
    assert witness.foreign == []
    wrong = [
        a.url for a in witness.responses if a.status >= 400 and not a.url.endswith("/api/host")
    ]
    assert wrong == []
