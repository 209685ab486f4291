# SPDX-License-Identifier: Apache-2.0
"""A host that the roles leave is as it was, file by file, but for what was changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.playbook import REPOSITORY
from tests.unit.roles.apply import ROLES, needs_ansible, needs_root
from tests.unit.roles.layers import Layer, Ran, role

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_ansible, needs_root]

APPLIED = ["version_guard", "host_base"]
VARIABLES: dict[str, Any] = {
    "ledger_roles": APPLIED,
    "host_base_packages": [],
    "host_base_time_sync": False,
    "host_base_ssh_key_required": False,
}
SSH = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n"
PLAY = [
    role("preflight"), role("ledger", "keep"), *map(role, APPLIED), role("ledger", "seal"),
]  # fmt: skip
#: Notes of programs about their own work, and copies that they keep of what they changed.
NOISE = ("var/lib/dpkg/", "var/log/", "var/cache/", "etc/passwd-", "etc/shadow-", "etc/group-",
         "etc/gshadow-", "etc/.pwd.lock", "etc/subuid-", "etc/subgid-",
         "root/", "tmp/")  # fmt: skip


def state(layer: Layer) -> dict[str, str]:
    return {name: text for name, text in layer.written().items() if not name.startswith(NOISE)}


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Layer:
    made = Layer(tmp_path_factory.mktemp("remove"))
    made.variables = VARIABLES
    made.write("/boot/grub/grub.cfg", "")
    made.write("/etc/initramfs-tools/hooks/other", "")
    made.write("/usr/lib/systemd/system/ssh.service", SSH)
    made.write("/etc/ssh/sshd_config.d/99-other.conf", "# of the operator\n")
    made.write("/usr/lib/sysctl.d/60-codex.conf", "# of another package\n", 0o640)
    return made


@pytest.fixture(scope="module")
def history(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {"before": state(layer)}
    found["applied"] = layer.play(PLAY)
    found["between"] = state(layer)
    layer.write("/etc/ssh/sshd_config.d/10-codex.conf", "# of the operator\n")
    layer.write("/etc/codex/probes.d/mine.toml", "# of the operator\n")
    changed = state(layer)
    found["dry"] = layer.playbook(REPOSITORY / "playbooks/remove.yml", "--check")
    assert state(layer) == changed, "a dry run wrote something"
    found["removed"] = layer.playbook(REPOSITORY / "playbooks/remove.yml")
    found["after"] = state(layer)
    found["again"] = layer.playbook(REPOSITORY / "playbooks/remove.yml")
    return found


def test_the_roles_wrote_only_what_the_ledger_knows(history: dict[str, Any]) -> None:
    assert history["applied"].message == ""
    known = {path.lstrip("/") for name in APPLIED for path in paths(name)}
    accounts = {"etc/group", "etc/gshadow", "etc/passwd", "etc/shadow"}
    own = {"var/lib/codex-ledger", "var/lib/codex-kernel-guard"}
    unknown = [
        name for name in set(history["between"]) - set(history["before"])
        if name not in known | accounts and not any(name.startswith(o) for o in own)
    ]  # fmt: skip
    assert unknown == []


def paths(name: str) -> list[str]:
    found: list[str] = yaml.safe_load((ROLES / name / "meta/ledger.yml").read_text())["paths"]
    return found


def test_the_host_is_as_it_was(history: dict[str, Any]) -> None:
    removed: Ran = history["removed"]
    assert removed.message == ""
    after = dict(history["after"])
    stayed = {
        name: after.pop(name) for name in sorted(after)
        if name.startswith(("etc/codex", "etc/ssh/sshd_config.d/10", "var/lib/codex-ledger"))
    }  # fmt: skip
    assert after == history["before"]
    assert [name for name in stayed if not name.startswith("var/lib")] == [
        "etc/codex", "etc/codex/probes.d", "etc/codex/probes.d/mine.toml",
        "etc/ssh/sshd_config.d/10-codex.conf",
    ]  # fmt: skip


def test_a_dry_run_announces_it(history: dict[str, Any]) -> None:
    dry: Ran = history["dry"]
    assert dry.message == ""
    assert any("would be put back" in name for name in dry.changed)


def test_the_guard_lets_go_of_apt_before_packages_go() -> None:
    tasks = yaml.safe_load((ROLES / "ledger/tasks/remove.yml").read_text())
    names = [task["name"] for task in tasks]
    assert names.index("Take the guard out of apt") < names.index("Take the packages away")


def held(layer: Layer) -> None:
    """A guard that holds a kernel back, as its program tells it."""
    layer.write(
        "/usr/sbin/codex-kernel-guard", "#!/bin/sh\necho 'held: 6.2 is not ready'\nexit 1\n", 0o755
    )


def test_a_kernel_that_is_held_back_does_not_start_by_a_removal(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = Layer(tmp_path_factory.mktemp("held"))
    held(made)
    before = made.written()
    ran = made.playbook(REPOSITORY / "playbooks/remove.yml")
    assert "would take a kernel that is held back (held: 6.2 is not ready); mend it" in ran.message
    assert ran.changed == []
    assert made.written() == before


def test_removing_again_changes_nothing(history: dict[str, Any]) -> None:
    assert history["again"].message == ""
    assert history["again"].changed == []


@pytest.mark.parametrize(
    "name", sorted(path.parent.parent.name for path in ROLES.glob("*/meta/ledger.yml"))
)
def test_paths_are_sorted_and_each_has_its_folder(name: str) -> None:
    listed = paths(name)
    assert listed == sorted(set(listed))


def test_every_role_that_writes_has_its_paths(tmp_path: Path) -> None:
    (play,) = yaml.safe_load((REPOSITORY / "playbooks/host.yml").read_text())
    assert play["vars"]["ledger_roles"] == [entry["role"] for entry in play["roles"]]
