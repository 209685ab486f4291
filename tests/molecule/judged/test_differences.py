# SPDX-License-Identifier: Apache-2.0
"""The host is what the image is, but for what is declared."""

import pytest
from testinfra.host import Host

from tests.comparison import compare, kept, portrait

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def found(host: Host) -> list[compare.Difference]:
    """The differences; the table of them is kept, whether one is undeclared or not."""
    name = host.backend.host.name.removeprefix("molecule-")
    image, own = kept.read("image"), portrait.take(host)
    kept.write(name, own)
    differences = compare.differences(image, own, compare.allowed(release=name))
    text = compare.table(differences, len(image.keys() | own.keys()))
    print(f"\n{text}\nkept in {kept.write_table(name, text)}")
    return differences


def test_every_difference_is_declared(found: list[compare.Difference]) -> None:
    undeclared = [f"{d.key}: {d.image} on the image, {d.host} here" for d in found if not d.why]
    assert undeclared == []


def test_hosts_are_different_at_all(found: list[compare.Difference]) -> None:
    """The control: a comparison that finds nothing has looked at one host twice."""
    keys = {difference.key for difference in found}
    assert {"status.delivery", "mounts./usr"} <= keys
