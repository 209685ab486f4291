# SPDX-License-Identifier: Apache-2.0
"""The folder that hosts update from: cut short at every rename, and altered by other hands."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.paths import Paths
from builder.publish import SCRATCH, SIGNATURE, SUMS, Directory
from builder.tree import Tree

from tests.unit.builder.conftest import HostTree

ONE, TWO = "0.1.7", "0.1.8"
SHARED = "aaaa/aaaa0.cacnk"

pytestmark = pytest.mark.usefixtures("signatures")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _prepare(work: Path, version: str) -> dict[str, str]:
    """Leave a version in the folder where it is prepared; return its checksums."""
    contents = {
        f"codex-os_{version}_x86-64.efi": f"uki {version}".encode(),
        f"codex-os_{version}_x86-64.release.json": f"release {version}".encode(),
    }
    for name, content in contents.items():
        (work / name).write_bytes(content)
    chunks = {SHARED: b"shared", f"bbbb/bbbb{version}.cacnk": version.encode()}
    for place, content in chunks.items():
        path = work / "store" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sums = {name: _sha256(content) for name, content in contents.items()}
    # What the checksums name, and nobody lays down.
    return {**sums, f"codex-os_{version}_x86-64.root.erofs": _sha256(b"root")}


def _add(paths: Paths, tree: Tree, version: str) -> tuple[int, int, int]:
    directory = Directory(paths, tree)
    directory.open()
    work = directory.scratch()
    return directory.add(version, work, _prepare(work, version))


def _offered(paths: Paths, tree: Tree) -> set[str]:
    """Return the versions that are offered, each of them whole; BuildError when they are not."""
    directory = Directory(paths, tree)
    directory.open()
    assert not (paths.release / SCRATCH).exists()
    versions = {name.split("_")[1] for name in directory.listed}
    for version in versions:
        assert (paths.release / "store" / SHARED).read_bytes() == b"shared"
        assert (paths.release / f"store/bbbb/bbbb{version}.cacnk").exists()
    return versions


def test_versions_lie_side_by_side(paths: Paths, tree: HostTree) -> None:
    assert _add(paths, tree, ONE) == (2, 2, 6 + 5)
    assert _add(paths, tree, TWO) == (2, 1, 5)
    assert _offered(paths, tree) == {ONE, TWO}
    names = [line.split("  ")[1] for line in (paths.release / SUMS).read_text().splitlines()]
    assert names == sorted(names)
    assert len(names) == 6


class Cut(Exception):  # noqa: N818 - a power cut is no error of the program
    """The power goes."""


@pytest.fixture
def renames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts down; the rename at zero does not happen, and nothing after it."""
    left = [10**6]
    replace = Path.replace

    def counted(self: Path, target: Path) -> Path:
        if left[0] == 0:
            raise Cut
        left[0] -= 1
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", counted)
    return left


def test_cut_at_every_rename(paths: Paths, tree: HostTree, renames: list[int]) -> None:
    _add(paths, tree, ONE)
    renames[0] = 1000
    _add(paths, tree, TWO)
    total = 1000 - renames[0]
    assert total == 2 + 2 + 2
    for number in range(total):
        shutil.rmtree(paths.release)
        renames[0] = 10**6
        _add(paths, tree, ONE)
        renames[0] = number
        with pytest.raises(Cut):
            _add(paths, tree, TWO)
        renames[0] = 10**6
        # The old one is whole; the new one is there as soon as its signature is.
        assert _offered(paths, tree) == ({ONE, TWO} if number == total - 1 else {ONE})
        _add(paths, tree, TWO)
        assert _offered(paths, tree) == {ONE, TWO}


def test_first_release_that_was_cut(paths: Paths, tree: HostTree, renames: list[int]) -> None:
    for number in range(6):
        renames[0] = number
        with pytest.raises(Cut):
            _add(paths, tree, ONE)
        renames[0] = 10**6
        assert _offered(paths, tree) == ({ONE} if number == 5 else set())
        _add(paths, tree, ONE)
        assert _offered(paths, tree) == {ONE}
        shutil.rmtree(paths.release)


def test_cut_while_a_version_is_prepared(paths: Paths, tree: HostTree) -> None:
    _add(paths, tree, ONE)
    directory = Directory(paths, tree)
    directory.open()
    work = directory.scratch()
    _prepare(work, TWO)
    # Checksums of somebody else that wait there are not ours to name.
    (work / SUMS).write_text("0" * 64 + "  codex-os_9_x86-64.efi\n")
    assert _offered(paths, tree) == {ONE}


def _edit(folder: Path) -> None:
    path = folder / SUMS
    path.write_text(path.read_text().replace("0.1.7", "0.1.9"))


def _no_signature(folder: Path) -> None:
    (folder / SIGNATURE).unlink()


def _no_sums(folder: Path) -> None:
    (folder / SUMS).unlink()


def _foreign_signature(folder: Path) -> None:
    (folder / SIGNATURE).write_text(f"theirs {_sha256((folder / SUMS).read_bytes())}")


def _other_file(folder: Path) -> None:
    (folder / f"codex-os_{ONE}_x86-64.efi").write_bytes(b"another uki")


def _link(folder: Path) -> None:
    path = folder / f"codex-os_{ONE}_x86-64.efi"
    path.rename(folder.with_name("elsewhere"))
    path.symlink_to(folder.with_name("elsewhere"))


def _wrong_root(folder: Path) -> None:
    (folder / f"codex-os_{ONE}_x86-64.root.erofs").write_bytes(b"another root")


@pytest.mark.parametrize("alter", [
    _edit, _no_signature, _no_sums, _foreign_signature, _other_file, _link, _wrong_root,
])  # fmt: skip
def test_what_other_hands_altered_is_not_signed_again(
    paths: Paths, tree: HostTree, alter: object
) -> None:
    assert callable(alter)
    _add(paths, tree, ONE)
    alter(paths.release)
    before = {path: path.read_bytes() for path in paths.release.rglob("*") if path.is_file()}
    with pytest.raises(BuildError) as caught:
        _add(paths, tree, TWO)
    assert "signed" in caught.value.message or "signature" in caught.value.message
    assert "who changed it" in caught.value.hint
    after = {path: path.read_bytes() for path in paths.release.rglob("*") if path.is_file()}
    assert after == before


def test_version_stays_what_it_is(paths: Paths, tree: HostTree) -> None:
    _add(paths, tree, ONE)
    directory = Directory(paths, tree)
    directory.open()
    work = directory.scratch()
    sums = _prepare(work, ONE)
    sums[f"codex-os_{ONE}_x86-64.efi"] = "0" * 64
    with pytest.raises(BuildError, match=r"0\.1\.7 is in .* already"):
        directory.add(ONE, work, sums)
    assert _offered(paths, tree) == {ONE}


def test_folder_that_cannot_be_written(
    paths: Paths, tree: HostTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(paths, tree, ONE)

    def full() -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "sync", full)
        with pytest.raises(OSError, match="No space"):
            _add(paths, tree, TWO)
    assert _offered(paths, tree) == {ONE}
