# SPDX-License-Identifier: Apache-2.0
"""A page that is open while the root is damaged turns red by itself.

tests/host/test_corruption.py damages the guest before this runs; alone, this test is skipped.
"""

import pytest
from playwright.sync_api import Page, expect
from testinfra.host import Host

from tests.support import page as pages
from tests.support.page import part

pytestmark = [pytest.mark.guest, pytest.mark.browser, pytest.mark.damages_guest]


def test_page_says_that_the_root_is_corrupted(signed_in: Page, host: Host) -> None:
    if host.run("dmsetup status root").stdout.split()[3:4] != ["C"]:
        pytest.skip("the root is intact: run tests/host/test_corruption.py with this")
    expect(part(signed_in, "verity-state")).to_contain_text("corrupted")
    expect(part(signed_in, "verdict")).to_have_attribute("data-verdict", "failed")
    pages.wait_for_update(signed_in, 0)
    assert signed_in.title().startswith("failed")
