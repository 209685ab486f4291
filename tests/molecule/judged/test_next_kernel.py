# SPDX-License-Identifier: Apache-2.0
"""The next kernel comes with what our modules are compiled with for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

pytestmark = pytest.mark.guest

#: Debian's metapackage for the machines of the scenarios.
KERNEL = "linux-image-amd64"
HEADERS = "linux-headers-amd64"


def test_headers_come_with_the_next_kernel(host: Host) -> None:
    if not host.package("codex-kernel-dkms").is_installed:
        pytest.skip("nothing of ours is compiled here")
    assert host.package(KERNEL).is_installed, "the machine gets no next kernel"
    assert host.package(HEADERS).is_installed
