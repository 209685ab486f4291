# SPDX-License-Identifier: Apache-2.0
"""Maintainer scripts, run with programs that only write down how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.builder.conftest import REPOSITORY, Programs

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "7.3.4+deb13-amd64"
CALLED = ("systemd-sysusers", "udevadm", "dkms", "depmod", "rmmod", "groupdel", "getent")
KINDS = ("dkms", "modules")


class Host:
    """A root that the scripts' absolute paths are moved to."""

    def __init__(self, root: Path, programs: Programs) -> None:
        self.root = root
        self.programs = programs
        for name in CALLED:
            programs.add(name)
        self.group("codex:x:600:")
        for name in ("sys/module", "usr/lib/dkms", "usr/lib/sysusers.d", "var/lib", "run/udev"):
            (root / name).mkdir(parents=True)
        (root / f"usr/lib/modules/{RELEASE}").mkdir(parents=True)
        (root / f"usr/lib/modules/{RELEASE}/modules.dep").touch()
        helper = root / "usr/lib/dkms/common.postinst"
        helper.write_text(f'#!/bin/sh\necho "helper $*" >>"{programs.calls_file}"\n')
        helper.chmod(0o755)

    def group(self, line: str) -> None:
        self.programs.add("getent", f"echo '{line}'" if line else "exit 2")

    def run(
        self, kind: str, script: str, *words: str, path: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a script of a package, with all programs or with those of one folder only."""
        text = (REPOSITORY / "kernel/packaging" / kind / script).read_text()
        for name in ("/sys/", "/usr/lib/", "/var/lib/", "/run/"):
            text = text.replace(name, f"{self.root}{name}")
        text = text.replace("@VERSION@", "1.2").replace("@RELEASE@", RELEASE)
        environment = {**os.environ, **({"PATH": path} if path else {})}
        return subprocess.run(
            ["/bin/sh", "-c", text, script, *words], env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    def calls(self) -> list[str]:
        """Calls that change something."""
        return [c for c in self.programs.calls() if not c.startswith(("getent", "dkms status"))]


@pytest.fixture
def host(tmp_path: Path, programs: Programs) -> Host:
    return Host(tmp_path / "root", programs)


@pytest.mark.parametrize("kind", KINDS)
def test_scripts_run_under_debians_sh_and_stop_at_an_error(kind: str) -> None:
    folder = REPOSITORY / "kernel/packaging" / kind
    for name in ("postinst", "prerm", "postrm"):
        lines = (folder / name).read_text().splitlines()
        assert lines[0] == "#!/bin/sh"
        assert "set -e" in lines
        assert os.access(folder / name, os.X_OK)
        assert not [line for line in lines if "|| true" in line]


def test_dkms_is_left_to_its_own_helper(host: Host) -> None:
    assert host.run("dkms", "postinst", "configure", "1.1").returncode == 0
    assert host.calls() == ["helper codex-kernel 1.2 /usr/share/codex-kernel-dkms  1.1"]


def test_prebuilt_modules_are_indexed(host: Host) -> None:
    assert host.run("modules", "postinst", "configure").returncode == 0
    assert host.calls() == [f"depmod {RELEASE}"]


@pytest.mark.parametrize("kind", KINDS)
def test_group_is_made_where_there_is_none_and_goes_with_the_package(host: Host, kind: str) -> None:
    host.group("")
    assert host.run(kind, "postinst", "configure").returncode == 0
    assert "systemd-sysusers codex-kernel.conf" in host.calls()
    host.group("codex:x:999:")
    assert host.run(kind, "postrm", "remove").returncode == 0
    assert "groupdel codex" not in host.calls()
    assert host.run(kind, "postrm", "purge").returncode == 0
    assert "groupdel codex" in host.calls()
    assert list((host.root / "var/lib").iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_group_that_was_there_stays(host: Host, kind: str) -> None:
    for script, word in (("postinst", "configure"), ("postrm", "remove"), ("postrm", "purge")):
        assert host.run(kind, script, word).returncode == 0
    assert not [call for call in host.calls() if call.startswith(("groupdel", "systemd-sysusers"))]
    assert list((host.root / "var/lib").iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_group_with_members_stays_and_the_script_says_so(host: Host, kind: str) -> None:
    host.group("")
    host.run(kind, "postinst", "configure")
    host.group("codex:x:999:alice")
    done = host.run(kind, "postrm", "purge")
    assert done.returncode == 0
    assert "has members and stays" in done.stderr
    assert "groupdel codex" not in host.calls()


@pytest.mark.parametrize("kind", KINDS)
def test_host_without_the_program_keeps_the_group_and_is_told(host: Host, kind: str) -> None:
    """At a purge only essential packages are sure to be there, and passwd is none."""
    host.group("")
    host.run(kind, "postinst", "configure")
    host.group("codex:x:999:")
    script = (REPOSITORY / "kernel/packaging" / kind / "postrm").read_text()
    assert "command -v groupdel" in script
    (host.programs.folder / "groupdel").unlink()
    for name in ("cut", "echo", "rm", "sh"):
        (host.programs.folder / name).symlink_to(shutil.which(name) or "")
    done = host.run(kind, "postrm", "purge", path=str(host.programs.folder))
    assert done.returncode == 0
    assert "the group codex stays" in done.stderr
    assert list((host.root / "var/lib").iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_group_stays_while_the_other_package_is_there(host: Host, kind: str) -> None:
    host.group("")
    host.run(kind, "postinst", "configure")
    (host.root / "usr/lib/sysusers.d/codex-kernel.conf").touch()
    host.run(kind, "postrm", "purge")
    assert "groupdel codex" not in host.calls()
    assert (host.root / "var/lib/codex-kernel/made-the-group").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_loaded_modules_are_removed_and_those_in_use_are_told(host: Host, kind: str) -> None:
    for name in ("ai_mem", "ai_gpu"):
        (host.root / "sys/module" / name).mkdir()
    host.programs.add("rmmod", '[ "$1" != ai_mem ]')
    done = host.run(kind, "prerm", "remove")
    assert done.returncode == 0
    assert [c for c in host.calls() if c.startswith("rmmod")] == ["rmmod ai_gpu", "rmmod ai_mem"]
    assert "ai_mem is in use and stays loaded until the next boot" in done.stderr
    assert "ai_gpu is in use" not in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_upgrade_leaves_loaded_modules_alone(host: Host, kind: str) -> None:
    (host.root / "sys/module/ai_mem").mkdir()
    assert host.run(kind, "prerm", "upgrade", "1.3").returncode == 0
    assert not [c for c in host.calls() if c.startswith("rmmod")]


@pytest.mark.parametrize("word", ["remove", "upgrade", "deconfigure"])
def test_dkms_forgets_the_version_that_goes(host: Host, word: str) -> None:
    host.programs.add("dkms", '[ "$1" != status ] || echo "codex-kernel/1.2, 6.12: installed"')
    assert host.run("dkms", "prerm", word).returncode == 0
    assert host.calls() == ["dkms remove -m codex-kernel -v 1.2 --all"]


def test_dkms_that_knows_nothing_of_it_is_not_asked_to_forget(host: Host) -> None:
    assert host.run("dkms", "prerm", "remove").returncode == 0
    assert host.calls() == []


def test_failure_of_dkms_fails_the_removal(host: Host) -> None:
    host.programs.add("dkms", '[ "$1" != status ] && exit 7; echo "codex-kernel/1.2: added"')
    assert host.run("dkms", "prerm", "remove").returncode == 7


def test_index_is_renewed_when_prebuilt_modules_go(host: Host) -> None:
    assert host.run("modules", "postrm", "remove").returncode == 0
    assert host.calls() == [f"depmod {RELEASE}"]


def test_index_of_a_kernel_that_is_gone_is_not_made_anew(host: Host) -> None:
    (host.root / f"usr/lib/modules/{RELEASE}/modules.dep").unlink()
    assert host.run("modules", "postrm", "remove").returncode == 0
    assert host.calls() == []
