# SPDX-License-Identifier: Apache-2.0
"""What a run left that did not end is removed only where somebody asks for just that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.playbook import REPOSITORY
from tests.unit.roles.apply import needs_ansible, needs_root
from tests.unit.roles.layers import Layer, role

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_ansible, needs_root]

REMOVE = REPOSITORY / "playbooks/remove.yml"
SYSCTL = "/usr/lib/sysctl.d/60-codex.conf"


def test_a_run_that_did_not_end_is_ended_first_or_taken_as_a_whole(tmp_path: Path) -> None:
    layer = Layer(tmp_path)
    layer.variables = {"ledger_roles": ["host_base"]}
    layer.write(SYSCTL, "# of another package\n")
    # The run ends behind its first file.
    kept = layer.play([role("preflight"), role("ledger", "keep")])
    assert kept.message == ""
    layer.write(SYSCTL, "# of the role\n")
    before = layer.written()

    refused = layer.playbook(REMOVE)
    assert "did not come to its end: let playbooks/host.yml end it first" in refused.message
    assert refused.changed == []
    assert layer.written() == before

    removed = layer.playbook(REMOVE, ledger_adopt=True)
    assert removed.message == ""
    assert layer.text(SYSCTL) == "# of another package\n"
    assert "var/lib/codex-ledger" not in layer.written()
