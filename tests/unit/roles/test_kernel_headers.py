# SPDX-License-Identifier: Apache-2.0
"""With the next kernel its headers come too: DKMS compiles nothing for a kernel without them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.unit.roles.apply import ROLES, needs_ansible, needs_root
from tests.unit.roles.layers import Layer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_ansible, needs_root]

RUNNING = "6.12.117+deb13-amd64"
#: Packages of kernels on a host; then the headers that are wanted besides the running one's.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "debian": (["linux-image-amd64", "linux-image-6.12.117+deb13-amd64"], ["linux-headers-amd64"]),
    "cloud": (["linux-image-cloud-amd64"], ["linux-headers-cloud-amd64"]),
    "ubuntu": (
        ["linux-image-generic-hwe-22.04", "linux-image-unsigned-6.8.0-40-generic"],
        ["linux-headers-generic-hwe-22.04"],
    ),
    "symbols": (["linux-image-amd64-dbg"], []),
    "none": (["linux-image-6.12.117+deb13-amd64", "git"], []),
}


def _wanted(folder: Path, installed: list[str], more: dict[str, object]) -> list[str]:
    """Return what the role has apt bring for DKMS."""
    known: dict[str, object] = yaml.safe_load((ROLES / "kernel_modules/vars/main.yml").read_text())
    known["__kernel_modules_kernel"] = {"stdout_lines": [RUNNING]}
    known["codex_packages"] = [f"ii  {name} 1.0" for name in installed]
    say = {"ansible.builtin.fail": {"msg": "{{ __kernel_modules_compiled_with | join(' ') }}"}}
    ran = Layer(folder / "tree").play([say], "--extra-vars", json.dumps({**known, **more}))
    return ran.message.split()


@pytest.mark.parametrize("name", sorted(CASES))
def test_headers_of_the_next_kernel(tmp_path: Path, name: str) -> None:
    installed, besides = CASES[name]
    assert _wanted(tmp_path, installed, {}) == ["dkms", f"linux-headers-{RUNNING}", *besides]


@pytest.mark.parametrize(("there", "besides"), [("amd64", ["linux-headers-amd64"]), ("rt", [])])
def test_a_bundle_gives_what_it_has(tmp_path: Path, there: str, besides: list[str]) -> None:
    more: dict[str, object] = {
        "bundle_path": "/bundle",
        "__bundle_about": {"packages": {f"linux-headers-{there}": "1.0"}},
    }
    wanted = _wanted(tmp_path, ["linux-image-amd64"], more)
    assert wanted == ["dkms", f"linux-headers-{RUNNING}", *besides]
