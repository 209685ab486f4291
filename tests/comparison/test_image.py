# SPDX-License-Identifier: Apache-2.0
"""Takes the portrait of the booted image, for the hosts that are compared with it."""

import pytest
from testinfra.host import Host

from tests.comparison import kept, portrait

pytestmark = pytest.mark.guest


def test_the_image_gives_its_portrait(host: Host) -> None:
    host.run("systemctl is-system-running --wait")  # its verdict is another one while it starts
    found = portrait.take(host)
    unreadable = {key: value for key, value in found.items() if value.startswith("unreadable")}
    assert unreadable == {}
    assert found["status.delivery"] == "image"
    assert len(found) > 150
    kept.write("image", found)
