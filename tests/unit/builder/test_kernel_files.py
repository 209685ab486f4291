# SPDX-License-Identifier: Apache-2.0
"""Kernels and sources that are unpacked: by their locked hash, once, where guests look for them."""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from builder import kernel_files, lock
from builder.archive import Package
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

RELEASE = "7.3.4+deb13-amd64"
BINARY = f"linux-binary-{RELEASE}"
SOURCE = "linux-source-6.12"


def _deb(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    stage = folder / f"{name}.stage"
    for path, content in files.items():
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        (stage / path).write_bytes(content)
    (stage / "DEBIAN").mkdir(parents=True, exist_ok=True)
    control = f"Package: {name}\nVersion: 1:2\nArchitecture: all\nMaintainer: x\nDescription: x\n"
    (stage / "DEBIAN/control").write_text(control)
    deb = folder / f"{name}_1%3a2_all.deb"
    subprocess.run(["dpkg-deb", "--build", stage, deb], check=True, capture_output=True)
    return deb


def _source() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:xz") as archive:
        for name in (
            "scripts/checkpatch.pl",
            ".clang-format",
            "Documentation/dev-tools/checkpatch.rst",
            "kernel/fork.c",
        ):
            member = tarfile.TarInfo(f"linux-source-6.12/{name}")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"text"))
    return stream.getvalue()


@pytest.fixture
def served(paths: Paths, tree: HostTree, programs: Programs, tmp_path: Path) -> Path:
    """Folder that stands in for the mirror; the lock has what lies there."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    _deb(mirror, BINARY, {f"usr/lib/modules/{RELEASE}/vmlinuz": b"new kernel"})
    _deb(mirror, SOURCE, {"usr/src/linux-source-6.12.tar.xz": _source()})
    (paths.locks / "kernel-files.in").write_text(f"{BINARY} {SOURCE}\n")
    _lock(paths, mirror)
    boot = paths.tools / "boot"
    boot.mkdir(parents=True)
    (boot / "vmlinuz-6.12.117+deb13-amd64").write_bytes(b"old kernel")
    (paths.stamps / "kernel").write_text("kernel\n")
    wanted = 'name=${3%%=*}; [ "$3" = "$name=1:2" ] && cp ' + f'"{mirror}"/"$name"_*.deb .'
    programs.add("apt-get", f"case $2 in download) {wanted};; esac")
    return mirror


def _lock(paths: Paths, mirror: Path) -> None:
    found = [
        Package(name, "1:2", "all", hashlib.sha256(deb.read_bytes()).hexdigest())
        for name in (BINARY, SOURCE)
        for deb in mirror.glob(f"{name}_*.deb")
    ]
    lock.write(paths.locks / "kernel-files.lock", found)


def test_kernels_and_parts_of_the_source_are_unpacked(
    paths: Paths, tree: HostTree, served: Path
) -> None:
    kernel_files.ensure(paths, tree)
    kernels = {p.parent.name: p.read_bytes() for p in paths.kernels.glob("*/vmlinuz")}
    assert kernels == {RELEASE: b"new kernel", "6.12.117+deb13-amd64": b"old kernel"}
    names = {str(p.relative_to(paths.kernel_source)) for p in paths.kernel_source.rglob("*.*")}
    assert {"scripts/checkpatch.pl", ".clang-format", "linux-source-6.12.tar.xz"} <= names
    assert not (paths.kernel_source / "kernel").exists()
    assert not (paths.build / "kernel-files.new").exists()


def test_done_once_and_again_for_another_lock(
    paths: Paths, tree: HostTree, served: Path, programs: Programs
) -> None:
    for _ in range(2):
        kernel_files.ensure(paths, tree)
    assert len([c for c in programs.calls("apt-get") if "download" in c]) == 2
    programs.forget()
    _deb(served, BINARY, {f"usr/lib/modules/{RELEASE}/vmlinuz": b"newer kernel"})
    _lock(paths, served)
    kernel_files.ensure(paths, tree)
    assert (paths.kernels / RELEASE / "vmlinuz").read_bytes() == b"newer kernel"
    assert len([c for c in programs.calls("apt-get") if "download" in c]) == 1


def test_package_of_another_hash_is_not_unpacked(
    paths: Paths, tree: HostTree, served: Path
) -> None:
    _deb(served, BINARY, {f"usr/lib/modules/{RELEASE}/vmlinuz": b"evil kernel"})
    for _ in range(2):
        with pytest.raises(BuildError, match="does not have its locked hash"):
            kernel_files.ensure(paths, tree)
    assert not (paths.kernels / RELEASE).exists()
    assert not list((paths.build / "cache/kernel-files").glob(f"{BINARY}_*"))


def test_package_that_is_not_locked(paths: Paths, tree: HostTree, served: Path) -> None:
    (paths.locks / "kernel-files.in").write_text(f"{BINARY} {SOURCE} more\n")
    with pytest.raises(BuildError, match=r"more is in kernel-files\.in, but not in its lock"):
        kernel_files.ensure(paths, tree)


def test_what_was_removed_is_unpacked_again(paths: Paths, tree: HostTree, served: Path) -> None:
    kernel_files.ensure(paths, tree)
    (paths.kernels / RELEASE / "vmlinuz").unlink()
    (paths.kernels / RELEASE).rmdir()
    (paths.kernels / "6.12.117+deb13-amd64/vmlinuz").unlink()
    (paths.kernels / "6.12.117+deb13-amd64").rmdir()
    paths.kernels.rmdir()
    kernel_files.ensure(paths, tree)
    assert (paths.kernels / RELEASE / "vmlinuz").exists()
