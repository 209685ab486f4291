# SPDX-License-Identifier: Apache-2.0
"""The playbook of a host as a whole: a dry run comes to its end and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.playbook import REPOSITORY
from tests.unit.roles.apply import needs_ansible, needs_root
from tests.unit.roles.layers import Layer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_ansible, needs_root]

SSH = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def test_a_dry_run_comes_to_its_end(tmp_path: Path) -> None:
    """Ansible resolves every word of a task, also of sentences that nobody is to read."""
    package = tmp_path / "codex-agent_1_amd64.deb"
    package.write_text("a package that a dry run does not open")
    layer = Layer(tmp_path / "layer")
    layer.variables = {
        "codex_agent_package": str(package),
        "host_base_packages": ["zstd"],
        "host_base_time_sync": False,
        "preflight_boot_free_mib": 1,
        "preflight_free_mib": 1,
        "preflight_mirror": False,
    }
    layer.write("/boot/grub/grub.cfg", "")
    layer.write("/etc/initramfs-tools/hooks/other", "")
    layer.write("/usr/lib/systemd/system/ssh.service", SSH)
    layer.write("/etc/ssh/sshd_config.d/99-other.conf", "")
    before = layer.written()
    ran = layer.playbook(REPOSITORY / "playbooks/host.yml", "--check")
    assert ran.message == ""
    assert ran.changed != []
    assert layer.written() == before
