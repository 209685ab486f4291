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

#: What dpkg says of a host, then what follows its kernels.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "debian": (
        ["ii  linux-image-amd64 6.12-1", "ii  linux-image-6.12+deb13-amd64 6.12-1"],
        ["linux-headers-amd64=6.12-1"],
    ),
    "held": (["hi  linux-image-cloud-amd64 6.1-1"], ["linux-headers-cloud-amd64=6.1-1"]),
    "ubuntu": (
        ["ii  linux-image-generic-hwe-22.04 6.8.0.40", "ii  linux-image-unsigned-6.8.0-40 6.8"],
        ["linux-headers-generic-hwe-22.04=6.8.0.40"],
    ),
    "there": (["ii  linux-image-amd64 6.12-1", "ii  linux-headers-amd64 6.12-1"], []),
    "symbols": (["ii  linux-image-amd64-dbg 6.12-1"], []),
    "gone": (["rc  linux-image-amd64 6.12-1"], []),
}


def _followers(folder: Path, listed: list[str], more: dict[str, object]) -> list[str]:
    """Return what would be asked for beside a host's kernels."""
    known: dict[str, object] = yaml.safe_load((ROLES / "version_guard/vars/main.yml").read_text())
    known["codex_packages"] = listed
    say = {"ansible.builtin.fail": {"msg": "{{ __version_guard_followers | join(' ') }} ."}}
    ran = Layer(folder / "tree").play([say], "--extra-vars", json.dumps({**known, **more}))
    return ran.message.split()[:-1]


@pytest.mark.parametrize("name", sorted(CASES))
def test_headers_follow_the_kernel(tmp_path: Path, name: str) -> None:
    listed, wanted = CASES[name]
    assert _followers(tmp_path, [*listed, "ii  dkms 3.2.2"], {}) == wanted


@pytest.mark.parametrize("ours", [True, False])
def test_only_where_something_is_compiled(tmp_path: Path, *, ours: bool) -> None:
    more: dict[str, object] = {"__kernel_modules_dkms": ours}
    found = _followers(tmp_path, ["ii  linux-image-amd64 6.12-1"], more)
    assert found == (["linux-headers-amd64=6.12-1"] if ours else [])
