# SPDX-License-Identifier: Apache-2.0
"""The two packages of the kernel modules as dpkg sees them, made by the real dpkg-deb."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from builder.kernel_packages import KernelPackages
from builder.modules import Modules
from builder.paths import Paths
from builder.version import Version

from tests.unit.builder.conftest import REPOSITORY, HostTree

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "7.3.4+deb13-amd64"
VERSION = Version("0.1.7", "c0ffee", 1_000_000_000)
COMMON = {
    "./usr/lib/udev/rules.d/60-codex-kernel.rules",
    "./usr/lib/sysusers.d/codex-kernel.conf",
    "./usr/lib/modules-load.d/codex-kernel.conf",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KernelPackages:
    """The repository's own kernel folder, where results go elsewhere and modules are only text."""
    root = tmp_path_factory.mktemp("made")
    (root / "kernel").symlink_to(REPOSITORY / "kernel")
    paths = Paths(root)
    signed = paths.modules_signed / RELEASE
    signed.mkdir(parents=True)
    for name in Modules(paths, HostTree(paths)).names():
        (signed / f"{name}.ko").write_text(name)
    return KernelPackages(paths, HostTree(paths))


@pytest.fixture(scope="module")
def dkms(made: KernelPackages) -> Path:
    return made.ensure_dkms(VERSION)


@pytest.fixture(scope="module")
def prebuilt(made: KernelPackages) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        signed = made.paths.modules_signed / RELEASE
        patch.setattr(Modules, "ensure_signed", lambda self, release: signed)
        return made.ensure_prebuilt(VERSION, RELEASE)


def field(package: Path, name: str) -> str:
    return subprocess.check_output(["dpkg-deb", "--field", package, name], text=True).strip()


def listing(package: Path) -> dict[str, tuple[str, str]]:
    """Mode and owner of each file, by path; folders left out."""
    lines = subprocess.check_output(["dpkg-deb", "--contents", package], text=True).splitlines()
    rows = [line.split() for line in lines]
    return {row[5]: (row[0], row[1]) for row in rows if not row[0].startswith("d")}


def unpacked(package: Path, folder: Path) -> Path:
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    return folder


def test_names_say_what_they_are_for(dkms: Path, prebuilt: Path) -> None:
    assert dkms.name == "codex-kernel-dkms_0.1.7_all.deb"
    assert prebuilt.name == f"codex-kernel-modules_0.1.7+{RELEASE}_amd64.deb"
    assert field(dkms, "Version") == "0.1.7"
    assert field(prebuilt, "Version") == f"0.1.7+{RELEASE}"


def test_a_host_has_one_of_the_two(dkms: Path, prebuilt: Path) -> None:
    assert field(dkms, "Conflicts") == field(prebuilt, "Package")
    assert field(prebuilt, "Conflicts") == field(dkms, "Package")


def test_files_are_roots_and_only_scripts_are_executable(dkms: Path, prebuilt: Path) -> None:
    for package in (dkms, prebuilt):
        for path, (mode, owner) in listing(package).items():
            assert owner == "root/root", path
            assert mode == ("-rwxr-xr-x" if path.endswith(".sh") else "-rw-r--r--"), path


def test_prebuilt_package_holds_the_modules_where_modprobe_looks_first(prebuilt: Path) -> None:
    files = set(listing(prebuilt))
    folder = f"./usr/lib/modules/{RELEASE}/updates/codex"
    assert {f"{folder}/ai_gpu.ko", f"{folder}/ai_mem.ko"} == {
        path for path in files if path.startswith("./usr/lib/modules/")
    }
    assert files >= COMMON


def test_dkms_package_holds_all_sources_and_nothing_that_was_compiled(dkms: Path) -> None:
    files = set(listing(dkms))
    place = "./usr/src/codex-kernel-0.1.7/"
    kept = subprocess.check_output(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "kernel/linux"],
        cwd=REPOSITORY, text=True,
    ).splitlines()  # fmt: skip
    assert {place + path.removeprefix("kernel/linux/") for path in kept} <= files
    assert {f"{place}dkms.conf", f"{place}LICENSE"} <= files
    assert [path for path in files if path.endswith((".ko", ".o", ".mod.c", ".cmd"))] == []
    assert files >= COMMON


def test_nothing_lies_where_an_operator_keeps_settings(dkms: Path, prebuilt: Path) -> None:
    for package in (dkms, prebuilt):
        assert all(path.startswith("./usr/") for path in listing(package))


def test_no_placeholder_is_left(dkms: Path, prebuilt: Path, tmp_path: Path) -> None:
    for package in (dkms, prebuilt):
        folder = unpacked(package, tmp_path / package.name)
        parts = [*(folder / "DEBIAN").iterdir(), *folder.rglob("dkms.conf")]
        for path in parts:
            assert "@" not in path.read_text().replace("codex-os@localhost", ""), path


def test_dkms_configuration_as_dkms_reads_it(dkms: Path, tmp_path: Path) -> None:
    """It is a piece of bash; dkms sets these variables before it reads it."""
    [conf] = unpacked(dkms, tmp_path / "dkms").rglob("dkms.conf")
    script = (
        'kernel_source_dir=/headers dkms_tree=/tree; . "$1"; printf \'%s\\n\' "$PACKAGE_NAME" '
        '"$PACKAGE_VERSION" "$AUTOINSTALL" "${MAKE[0]}" "${BUILT_MODULE_NAME[*]}" '
        '"${BUILT_MODULE_LOCATION[*]}" "${DEST_MODULE_LOCATION[*]}"'
    )
    said = subprocess.check_output(["bash", "-eu", "-c", script, "bash", conf], text=True)
    assert said.splitlines() == [
        "codex-kernel",
        "0.1.7",
        "yes",
        "make -C /headers M=/tree/codex-kernel/0.1.7/build modules",
        "ai_gpu ai_mem",
        "ai_gpu ai_mem",
        "/updates/dkms /updates/dkms",
    ]
    assert conf.parent.name == "codex-kernel-0.1.7"


def test_checksums_are_those_of_the_files(dkms: Path, prebuilt: Path, tmp_path: Path) -> None:
    for package in (dkms, prebuilt):
        folder = unpacked(package, tmp_path / package.name)
        sums = folder / "DEBIAN/md5sums"
        subprocess.run(["md5sum", "--check", "--strict", "--quiet", sums], cwd=folder, check=True)
        assert len(sums.read_text().splitlines()) == len(listing(package))


def test_same_sources_give_the_same_package(made: KernelPackages, dkms: Path) -> None:
    before = dkms.read_bytes()
    dkms.unlink()
    assert made.ensure_dkms(VERSION).read_bytes() == before


def test_older_package_of_the_name_goes(made: KernelPackages, dkms: Path) -> None:
    newer = made.ensure_dkms(Version("0.1.8", "c0ffee", 0))
    names = [path.name for path in made.paths.packages.glob("codex-kernel-dkms_*")]
    assert names == [newer.name]
    assert made.ensure_dkms(VERSION) == dkms
