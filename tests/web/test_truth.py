# SPDX-License-Identifier: Apache-2.0
"""The page shows what the host is."""

import re

import pytest
from playwright.sync_api import Page, expect
from testinfra.host import Host

from tests.support import facts
from tests.support import page as pages
from tests.support.page import Witness, part
from tests.support.service import Service

pytestmark = [pytest.mark.guest, pytest.mark.browser]


def test_name_and_version(signed_in: Page, host: Host) -> None:
    expect(part(signed_in, "hostname")).to_have_text(
        host.check_output("cat /proc/sys/kernel/hostname")
    )
    release = facts.os_release(host)
    if "IMAGE_VERSION" in release:
        expect(part(signed_in, "image-version")).to_have_text(release["IMAGE_VERSION"])
    expect(part(signed_in, "kernel-release")).to_have_text(host.check_output("uname -r"))


def test_trust(signed_in: Page, service: Service) -> None:
    snapshot = service.get("/api/host")
    for name, value in (
        ("verity-state", snapshot["verity"]["state"]),
        ("secure-boot", {True: "on", False: "off", None: None}[snapshot["secure_boot"]]),
        ("lockdown", snapshot["lockdown"]),
        ("slot", snapshot["slot"]),
    ):
        expect(part(signed_in, name)).to_contain_text(value or "unavailable")
    if snapshot["verity"]["root_hash"]:
        expect(part(signed_in, "root-hash")).to_contain_text(snapshot["verity"]["root_hash"])


def test_verdict_and_its_checks(signed_in: Page, service: Service) -> None:
    verdict = service.get("/api/host")["verdict"]
    expect(part(signed_in, "verdict")).to_have_attribute("data-verdict", verdict["state"])
    assert signed_in.title().startswith(verdict["state"])
    for check in verdict["checks"]:
        entry = part(signed_in, f"check-{check['name']}")
        expect(entry).to_have_attribute("data-check", check["state"])
        expect(entry).to_contain_text(check["message"])


def test_kernel_services(signed_in: Page, service: Service) -> None:
    """What the modules say stands on the page; what is not there has its reason."""
    stats = service.get("/api/kernel/stats")
    pages.open_kernel(signed_in)
    memory, gpu = stats["memory"]["figures"], stats["gpu"]["figures"]
    if memory is None:
        expect(part(signed_in, "pool-missing")).to_contain_text(stats["memory"]["reason"])
    else:
        total = f"{memory['pool_bytes'] >> 20} MiB"
        expect(part(signed_in, "pool")).to_contain_text(total)
    if gpu is None:
        expect(part(signed_in, "gpu-missing")).to_contain_text(stats["gpu"]["reason"])
    else:
        for place, device in enumerate(gpu["devices"]):
            card = part(signed_in, f"gpu-device-{place}")
            expect(card).to_contain_text(f"{device['vendor_id']}:{device['device_id']}")
        for seen in gpu["observed"]:
            expect(part(signed_in, f"observed-{seen['address']}")).to_be_visible()
    for name in ("scheduler", "tracing"):
        expect(part(signed_in, f"service-{name}")).to_contain_text(stats[name]["reason"])
    _assert_reasons(signed_in)


def test_every_missing_value_shows_its_reason(signed_in: Page) -> None:
    _assert_reasons(signed_in)


def _assert_reasons(signed_in: Page) -> None:
    lines = signed_in.locator("dl > *, li, td").filter(has=signed_in.locator(".unavailable"))
    texts = lines.all_inner_texts()
    bad = [t for t in texts if "gave no reason" in t or not re.search(r"unavailable\s+\(.", t)]
    assert bad == []


def test_nothing_undefined_is_shown(signed_in: Page, witness: Witness) -> None:
    text = signed_in.locator("body").inner_text()
    for word in ("undefined", "NaN", "[object", "null"):
        assert word not in text
    assert [line for line in witness.console if "401" not in line] == []
