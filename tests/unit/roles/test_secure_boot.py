# SPDX-License-Identifier: Apache-2.0
"""Under Secure Boot modules that nobody signed are refused before DKMS compiles the first."""

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

ROLE = ROLES / "kernel_modules"
#: What the host says (firmware, then certificate), what the operator gave, and the sentence.
CASES: dict[str, tuple[list[str], dict[str, str], str]] = {
    "on": (["on", "absent"], {}, "tree has Secure Boot on, and its kernel knows no key"),
    "not-read": (["unknown", "absent"], {}, "tree does not say whether Secure Boot is on"),
    "enrolled": (["on", "enrolled"], {}, ""),
    "hash": (["on", "absent"], {"kernel_modules_mok_password_hash": "$6$a$b"}, ""),
}


def load(path: Path) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(path.read_text())
    return found


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_is_refused_before_a_change(tmp_path: Path, name: str) -> None:
    said, given, words = CASES[name]
    known = {**load(ROLE / "defaults/main.yml"), **load(ROLE / "vars/main.yml"), **given}
    known["__kernel_modules_boot"] = {"stdout_lines": said}
    tasks = yaml.safe_load((ROLE / "tasks/secure_boot.yml").read_text())[1:]
    layer = Layer(tmp_path / "tree")
    ran = layer.play(tasks, "--extra-vars", json.dumps(known))
    assert words in ran.message
    assert (ran.message == "") == (words == "")
    assert ran.changed == []
