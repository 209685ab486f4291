# SPDX-License-Identifier: Apache-2.0
"""Pins, holds and the guard are written; a dry run announces just that; what is there works."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.roles.apply import ROLES, have, needs_ansible, needs_root
from tests.unit.roles.layers import Layer, Ran, role

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_ansible, needs_root]

ROLE = ROLES / "version_guard"
STACK = {"name": "archiver", "version": "", "packages": ["zstd", "libstdc++6-not-installed"]}
PROGRAM = "usr/lib/codex/kernel-guard/kernel_guard"


def installed(name: str) -> str:
    return subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", name],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Layer:
    made = Layer(tmp_path_factory.mktemp("guard"))
    made.variables = {"version_guard_stacks": [{**STACK, "version": installed("zstd")}]}
    made.write("/boot/grub/grub.cfg", "")
    made.write("/etc/initramfs-tools/hooks/other", "")
    return made


@pytest.fixture(scope="module")
def runs(layer: Layer) -> dict[str, Ran]:
    """A dry run, the run, a dry run after it, and a second one."""
    tasks = [role("version_guard")]
    before = layer.written()
    dry = layer.play(tasks, "--check", "--diff")
    assert layer.written() == before, "a dry run wrote something"
    return {
        "dry": dry, "first": layer.play(tasks),
        "dry again": layer.play(tasks, "--check"), "second": layer.play(tasks),
    }  # fmt: skip


def test_a_dry_run_announces_what_the_run_does(runs: dict[str, Ran]) -> None:
    assert runs["dry"].message == runs["first"].message == ""
    assert runs["dry"].changed == runs["first"].changed != []


def test_a_second_run_changes_nothing(runs: dict[str, Ran]) -> None:
    assert runs["dry again"].changed == runs["second"].changed == []


def test_the_program_runs_as_it_was_installed(layer: Layer, runs: dict[str, Ran]) -> None:
    """Each module that it imports was copied, and nothing but them; it needs no environment."""
    folder = layer.upper / "usr/lib/codex/kernel-guard"
    done = subprocess.run(
        ["python3", "-I", "-B", str(folder), "status", "--json"],
        capture_output=True, text=True, env={"PYTHONPATH": "/nowhere"}, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2), done.stderr
    assert '"schema": 1' in done.stdout
    source = {path.name for path in (ROLE / "files/kernel-guard/kernel_guard").glob("*.py")}
    assert {path.name for path in (layer.upper / PROGRAM).iterdir()} == source


@pytest.mark.skipif(not have("apt-config"), reason="apt is not there")
def test_apt_understands_what_was_written(layer: Layer, runs: dict[str, Ran]) -> None:
    first = layer.folder / "apt.conf"
    first.write_text(f'Dir::Etc::Parts "{layer.upper}/etc/apt/apt.conf.d";\n')
    done = subprocess.run(
        ["apt-config", "dump"],
        env={"PATH": "/usr/bin:/bin", "APT_CONFIG": str(first)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert 'DPkg::Post-Invoke:: "/usr/sbin/codex-kernel-guard hook-apt";' in lines
    assert 'Unattended-Upgrade::Package-Blacklist:: "zstd$";' in lines
    assert r'Unattended-Upgrade::Package-Blacklist:: "libstdc\+\+6\-not\-installed$";' in lines
    policy = subprocess.run(
        ["apt-cache", "policy", "-o",
         f"Dir::Etc::preferencesparts={layer.upper}/etc/apt/preferences.d", "zstd"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"*** {installed('zstd')} 1001" in policy.stdout


def test_installed_packages_are_held(layer: Layer, runs: dict[str, Ran]) -> None:
    status = layer.text("/var/lib/dpkg/status")
    entry = status[status.index("Package: zstd\n") :].split("\n\n")[0]
    assert "Status: hold ok installed" in entry


def test_the_hook_of_initramfs_takes_the_drivers_out(
    layer: Layer, runs: dict[str, Ran], tmp_path: Path
) -> None:
    drivers = tmp_path / "usr/lib/modules/x/kernel/drivers/gpu"
    drivers.mkdir(parents=True)
    for name in ("nouveau.ko.xz", "nova-core.ko", "nova.ko.zst", "supernova.ko", "ast.ko.xz"):
        (drivers / name).write_text("m")
    wanted = tmp_path / "to-add"
    wanted.write_text("nouveau\nast\nsupernova\nnova_core\n")
    subprocess.run(
        ["sh", str(layer.upper / "etc/initramfs-tools/hooks/zz-codex-drivers")],
        env={"PATH": "/usr/bin:/bin", "DESTDIR": str(tmp_path), "__MODULES_TO_ADD": str(wanted)},
        check=True,
    )
    assert sorted(path.name for path in drivers.iterdir()) == ["ast.ko.xz", "supernova.ko"]
    assert wanted.read_text() == "ast\nsupernova\n"


@pytest.mark.parametrize(
    ("folder", "mode", "expected"),
    [("postinst.d", "configure", "hook-kernel 6.1"), ("postinst.d", "", "hook-kernel 6.1"),
     ("header_postinst.d", "", "hook-headers 6.1"), ("prerm.d", "remove", "hook-remove 6.1"),
     ("prerm.d", "upgrade 6.2", ""), ("postrm.d", "'remove'", "hook-removed 6.1"),
     ("postrm.d", "purge", ""), ("postinst.d", "abort-upgrade", "")],
)  # fmt: skip
def test_each_moment_of_a_kernel_has_its_command(
    tmp_path: Path, folder: str, mode: str, expected: str
) -> None:
    place = tmp_path / folder
    place.mkdir()
    text = (ROLE / "files/hooks/kernel-hook").read_text()
    (tmp_path / "guard").write_text('#!/bin/sh\necho "$@"\nexit 3\n')
    (tmp_path / "guard").chmod(0o755)
    (place / "hook").write_text(text.replace("/usr/sbin/codex-kernel-guard", f"{tmp_path}/guard"))
    done = subprocess.run(
        ["sh", str(place / "hook"), "6.1"],
        env={"PATH": "/bin", **({"DEB_MAINT_PARAMS": mode} if mode else {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == expected
    assert done.returncode == (3 if expected else 0)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "mismatch": (
        {"version_guard_stacks": [{**STACK, "version": "0.1-1"}]},
        "has zstd in another version than the version file says",
    ),
    "pattern": (
        {"version_guard_stacks": [{**STACK, "version": "1", "packages": ["nvidia-*"]}]},
        "a name or a version that Debian does not allow",
    ),
    "newline": (
        {"version_guard_stacks": [{**STACK, "version": "1\nPin: release *"}]},
        "a name or a version that Debian does not allow",
    ),
    "twice": (
        {"version_guard_stacks": [{**STACK, "version": "1", "packages": ["zstd", "zstd"]}]},
        "zstd stands in version_guard_stacks more than once",
    ),
    "two-sets": (
        {"version_guard_stacks": [{**STACK, "version": "1"}, {**STACK, "version": "2"}]},
        "stands in version_guard_stacks more than once",
    ),
    "no-version": ({"version_guard_stacks": [{"name": "x", "packages": ["a"]}]}, "version"),
    "unknown-key": (
        {"version_guard_stacks": [{**STACK, "version": "1", "pins": 3}]}, "pins",
    ),
    "kernel": ({"version_guard_kernel": "../x"}, "a name that no kernel and no module can have"),
    "loader": ({"version_guard_boot_loader": "lilo"}, "version_guard_boot_loader"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_it_is_refused_before_a_change(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    made = Layer(tmp_path_factory.mktemp("refused"))
    variables, words = REFUSED[name]
    ran = made.play([role("version_guard", "preflight"), role("version_guard")], **variables)
    assert words in ran.message
    assert ran.changed == []
    assert made.written() == {}


def test_the_hook_keeps_the_same_drivers_out_as_the_settings_of_the_root() -> None:
    """So a new blacklist of host_base asks for no initramfs where the hook is there."""
    defaults = yaml.safe_load((ROLES / "version_guard/defaults/main.yml").read_text())
    text = (ROLES / "host_base/templates/modprobe.conf.j2").read_text()
    listed = [line.split()[1] for line in text.splitlines() if line.startswith("blacklist ")]
    assert listed == defaults["version_guard_forbidden_drivers"]
