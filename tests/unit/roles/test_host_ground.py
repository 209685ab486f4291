# SPDX-License-Identifier: Apache-2.0
"""A host whose ground is not firm is refused with one sentence, before a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.roles.apply import needs_ansible, needs_root
from tests.unit.roles.layers import Layer, role

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [needs_ansible, needs_root]

GROUND = [role("preflight"), role("preflight", "host")]
DEBIAN = 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION="13 (trixie)"\n'
#: Nothing listens at this port (discard).
DEAD = "Types: deb\nURIs: http://127.0.0.1:9/debian\nSuites: trixie\nComponents: main\n"


def package(name: str, status: str) -> Callable[[Layer], None]:
    return lambda layer: layer.add_package(name, status)


def image(layer: Layer) -> None:
    layer.write("/usr/lib/os-release", DEBIAN + "IMAGE_ID=codex-os\n")
    layer.write("/etc/os-release", DEBIAN + "IMAGE_ID=codex-os\n")


def mirror(layer: Layer) -> None:
    layer.write("/etc/apt/sources.list.d/dead.sources", DEAD)


def nothing(layer: Layer) -> None:
    pass


HALF = "install ok half-configured"
CASES: dict[str, tuple[Callable[[Layer], None], dict[str, Any], str]] = {
    "good": (nothing, {}, ""),
    "misspelt": (nothing, {"host_base_pakages": []}, "host_base_pakages is no variable of the"),
    "two-misspelt": (
        nothing, {"version_guard_x": 1, "codex_agent_y": 2},
        "codex_agent_y, version_guard_x are no variables of the roles",
    ),
    "wrong-type": (nothing, {"preflight_free_mib": "much"}, "preflight_free_mib"),
    "image": (image, {}, "was booted from an image of Codex OS, whose root is sealed"),
    "full": (nothing, {"preflight_free_mib": 900_000_000}, "MiB, 900000000 are needed. Nothing"),
    "half": (package("leftover", HALF), {}, "packages that are half installed: leftover;"),
    "unpacked": (package("leftover", "install ok unpacked"), {}, "half installed: leftover;"),
    "triggers": (package("leftover", "install ok triggers-pending"), {}, "installed: leftover;"),
    "kernel": (package("linux-image-6.1.0-9-amd64", HALF), {}, "installed: linux-image-6.1.0-9"),
    "kernel-repair": (
        package("linux-image-6.1.0-9-amd64", HALF), {"preflight_repair": True}, "",
    ),
    "other-repair": (
        package("leftover", HALF), {"preflight_repair": True}, "half installed: leftover;",
    ),
    "held": (
        package("chrony", "hold ok not-installed"), {"preflight_packages": ["chrony"]},
        "is told not to install chrony",
    ),
    "held-other": (package("chrony", "hold ok not-installed"), {}, ""),
    "mirror": (mirror, {"preflight_mirror": True}, "cannot fetch the indexes of its mirrors: "),
    "mirror-bundle": (mirror, {}, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_is_refused_before_a_change(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    change, variables, words = CASES[name]
    layer = Layer(tmp_path_factory.mktemp("ground"))
    layer.variables = {"preflight_mirror": False, "preflight_free_mib": 1}
    change(layer)
    before = layer.written()
    ran = layer.play(GROUND, **variables)
    assert words in ran.message
    assert (ran.message == "") == (words == "")
    assert ran.changed == []
    assert layer.written() == before
