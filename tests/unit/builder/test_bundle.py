# SPDX-License-Identifier: Apache-2.0
"""The bundle has what the roles ask for, in the locked versions, in a repository that apt takes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from builder import bundle, cli, lock, settings
from builder.archive import Archive, Package
from builder.errors import BuildError
from builder.packages import TARGETS
from builder.paths import Paths
from builder.tree import Tree, names
from builder.version import Version

ROOT = Path(__file__).parents[3]
VERSION = Version("0.1.7", "c0ffee", 1_700_000_000)
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not there")
SUITES = ["trixie", "bookworm"]


def deb(folder: Path, name: str, version: str = "1:2-3") -> Package:
    """Build a package and return what a lock says of it."""
    stage = folder / f"{name}.stage"
    (stage / "DEBIAN").mkdir(parents=True)
    (stage / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: x <x@example.org>\nDescription: nothing\n more of it\n"
    )
    made = Package(name, version, "all", "")
    path = folder / bundle.file_name(made)
    subprocess.run(["dpkg-deb", "--build", stage, path], check=True, capture_output=True)
    shutil.rmtree(stage)
    return Package(name, version, "all", bundle.digest(path))


def test_a_file_has_the_name_that_apt_gives_it() -> None:
    assert bundle.file_name(Package("a", "2:1.0-1", "amd64", "")) == "a_2%3a1.0-1_amd64.deb"


@needs_dpkg
def test_the_same_packages_give_the_same_bytes(tmp_path: Path) -> None:
    packages = [deb(tmp_path, name) for name in ("one", "two")]
    debs = [tmp_path / bundle.file_name(package) for package in packages]
    for number, name in enumerate(("a.tar", "b.tar")):
        os.utime(debs[0], (number, number))
        bundle.repository(debs, tmp_path / name, VERSION.epoch)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as opened:
        names = opened.getnames()
        assert names == ["Packages", "Release", *(path.name for path in debs)]
        assert {(e.uid, e.gid, e.mode) for e in opened} == {(0, 0, 0o644)}


@needs_dpkg
@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not there")
def test_apt_takes_the_repository_and_refuses_an_altered_one(tmp_path: Path) -> None:
    package = deb(tmp_path, "codex-nothing")
    repo = tmp_path / "repo"
    repo.mkdir()
    file = tmp_path / bundle.file_name(package)
    bundle.repository([file], tmp_path / "repo.tar", VERSION.epoch)
    subprocess.run(["tar", "-xf", tmp_path / "repo.tar", "-C", repo], check=True)
    archive = Archive(tmp_path / "apt", tmp_path / "log")
    for folder in ("sources", "preferences", "state/lists/partial", "cache/archives/partial"):
        (archive.folder / folder).mkdir(parents=True)
    (archive.folder / "status").touch()
    archive.sources.write_text(f"Types: deb\nURIs: file:{repo}\nSuites: ./\nTrusted: yes\n")
    apt = ["apt-get", *archive._options(), "-o", "APT::Sandbox::User=root"]

    def update() -> int:
        words = [*apt, "-o", "APT::Update::Error-Mode=any", "update"]
        return subprocess.run(words, capture_output=True, check=False).returncode

    assert update() == 0
    assert [p.version for p in archive.show(["codex-nothing"])] == [package.version]
    with (repo / "Packages").open("a") as listed:
        listed.write("\n")
    shutil.rmtree(archive.folder / "state/lists")
    (archive.folder / "state/lists/partial").mkdir(parents=True)
    assert update() != 0


class Served(Archive):
    """An archive whose mirror gives what a test put into ``mirror``."""

    mirror: Path

    def refresh(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def show(self, names: Any) -> list[Package]:
        return list(self.offered)

    def download(self, packages: Any, folder: Path) -> None:
        for package in packages:
            shutil.copy(self.mirror / bundle.file_name(package), folder)

    offered: list[Package] = []  # noqa: RUF012 - a test sets it


class Made(bundle.Bundle):
    """A bundle whose own packages are three files."""

    def _ours(self, version: Version) -> dict[str, Path]:
        found = {}
        files = {"agent": "codex-agent_1_amd64.deb", "collection": "codex-os-1.tar.gz"}
        for kind, name in files.items():
            found[kind] = self.paths.root / name
            found[kind].write_text(kind)
        return found


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not there")
    paths = Paths(tmp_path)
    paths.locks.mkdir(parents=True)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    package = deb(mirror, "one")
    line = f"{package.name} {package.version} {package.architecture} {package.sha256}\n"
    (paths.locks / "bundle-bookworm.lock").write_text(line)
    tree = Tree(paths)
    served = Served(tmp_path / "archive", tmp_path / "log", "bookworm")
    served.mirror, served.offered = mirror, [package]
    monkeypatch.setattr(tree, "archive", lambda suite: served)
    return Made(paths, tree, "bookworm")


def test_a_bundle_says_what_is_in_it(made: Made) -> None:
    folder = made.make(VERSION)
    assert folder.name == "0.1.7-bookworm"
    about = json.loads((folder / "bundle.json").read_text())
    assert about["system"] == {
        "distribution": "Debian", "major": "12", "architecture": "x86_64",
    }  # fmt: skip
    assert about["packages"] == {"one": "1:2-3"}
    assert (about["agent"], about["modules"]) == ("codex-agent_1_amd64.deb", None)
    assert about["repository"]["size"] == (folder / "repo.tar").stat().st_size
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=folder, check=True, capture_output=True, text=True)
    listed = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert listed == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}


def test_a_package_with_other_content_is_refused_and_no_bundle_left(made: Made) -> None:
    (package,) = (made.paths.root / "mirror").glob("*.deb")
    package.write_bytes(b"altered")
    with pytest.raises(BuildError, match="is not the package that is locked"):
        made.make(VERSION)
    assert not list((made.paths.build / "bundle").glob("*bookworm"))


def test_what_lies_in_the_cache_is_not_believed(made: Made) -> None:
    made.make(VERSION)
    (cached,) = (made.paths.root / "archive/debs").iterdir()
    good = cached.read_bytes()
    cached.write_bytes(b"altered")
    (cached.parent / "old_1_all.deb").write_bytes(b"of an older lock")
    made.make(VERSION)
    assert [path.read_bytes() for path in cached.parent.iterdir()] == [good]


@pytest.mark.parametrize("suite", SUITES)
def test_it_has_what_the_roles_ask_for(suite: str) -> None:
    paths = Paths(ROOT)
    wanted = names(paths, f"bundle-{suite}")
    asked: set[str] = {"systemd-timesyncd", "dkms", "mokutil", "openssl"}
    for role in ("host_base", "ebpf_tools"):
        defaults = yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())
        asked |= set(defaults[f"{role}_packages"])
    asked |= {"unattended-upgrades", "nftables", "bpfcc-tools", "podman", "crun", "uidmap"}
    number = TARGETS[suite].number
    network = yaml.safe_load(
        (ROOT / f"roles/container_runtime/vars/debian-{number}.yml").read_text()
    )
    asked.add(network["__container_runtime_network"])
    assert asked <= set(wanted)
    assert asked <= set(lock.read(paths.locks / f"bundle-{suite}.lock"))


def test_a_suite_that_nothing_is_locked_for_is_refused(tmp_path: Path) -> None:
    chosen = settings.Settings(suite="secure_boot")
    with pytest.raises(BuildError, match="no bundle for secure_boot"):
        cli._bundle(Paths(tmp_path), chosen)


def test_a_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    assert bundle.digest(tmp_path / "x") == hashlib.sha256(b"x").hexdigest()
