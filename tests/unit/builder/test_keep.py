# SPDX-License-Identifier: Apache-2.0
"""Older versions leave the folder that hosts update from, which a host takes at any cut."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builder import publish
from builder.errors import BuildError
from builder.paths import Paths
from builder.publish import SIGNATURE, SUMS, Directory
from builder.tree import Tree

from codex_agent.update import index, names, sums
from tests.unit.builder import images
from tests.unit.builder.conftest import HostTree

ONE, TWO, THREE = "0.1.9", "0.1.10", "0.1.11"

pytestmark = [
    pytest.mark.usefixtures("signatures"),
    pytest.mark.skipif(shutil.which("casync") is None, reason="no casync"),
]


def _name(version: str, ending: str) -> str:
    return names.of(version, "x86-64", ending)


def _prepare(work: Path, version: str) -> dict[str, str]:
    """Leave a version, two thirds of whose root all versions have; return its checksums."""
    root = work / _name(version, names.UNPACKED_ROOT)
    own = int(version.rpartition(".")[2])
    root.write_bytes(images.noise(200_000, 0) + images.noise(100_000, own))
    words = ["--chunk-size=16384", "--compression=zstd", f"--store={work / 'store'}"]
    images.run("casync", "make", *words, work / _name(version, "root.caibx"), root)
    (work / _name(version, names.RELEASE)).write_text(version)
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in work.iterdir()
        if path.is_file()
    }
    root.unlink()
    return found


def _add(paths: Paths, tree: Tree, version: str, keep: int = 0) -> None:
    directory = Directory(paths, tree, keep=keep)
    directory.open(version)
    work = directory.scratch()
    directory.add(version, work, _prepare(work, version))
    directory.tidy()


def _taken(paths: Paths) -> set[str]:
    """Return the versions that a host would find, each of them whole."""
    folder = paths.release
    listed = sums.parse((folder / SUMS).read_bytes())
    signed = hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()
    assert (folder / SIGNATURE).read_text() == f"ours {signed}"
    for name, digest in listed.items():
        if not name.endswith(names.UNPACKED_ROOT):
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    versions = sums.offered(listed, "x86-64")
    for place in _chunks(folder, versions):
        assert (folder / place).is_file()
    return versions


def _chunks(folder: Path, versions: set[str]) -> set[str]:
    tables = [(folder / _name(version, "root.caibx")).read_bytes() for version in versions]
    return {names.chunk(chunk) for table in tables for chunk in index.parse(table).chunks}


def _lean(paths: Paths, *versions: str) -> None:
    """Check that these versions are there, and nothing beside them."""
    assert _taken(paths) == set(versions)
    folder = paths.release
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    kept = {_name(v, ending) for v in versions for ending in ("root.caibx", names.RELEASE)}
    assert there == {SUMS, SIGNATURE, *kept, *_chunks(folder, set(versions))}


def test_newest_stay_by_the_order_of_versions(paths: Paths, tree: HostTree) -> None:
    for version in (ONE, TWO, THREE):
        _add(paths, tree, version, keep=2)
    _lean(paths, TWO, THREE)


def test_all_stay_unless_a_number_is_given(paths: Paths, tree: HostTree) -> None:
    for version in (ONE, TWO, THREE):
        _add(paths, tree, version)
    _lean(paths, ONE, TWO, THREE)
    # Without a new version too: the same image again.
    _add(paths, tree, THREE, keep=1)
    _lean(paths, THREE)


def test_version_that_would_leave_at_once(paths: Paths, tree: HostTree) -> None:
    _add(paths, tree, TWO)
    with pytest.raises(BuildError, match=rf"{ONE} is older than the newest 1 of"):
        _add(paths, tree, ONE, keep=1)
    _lean(paths, TWO)


def test_foreign_files_stay(paths: Paths, tree: HostTree) -> None:
    _add(paths, tree, ONE)
    (paths.release / "index.html").write_text("hello")
    (paths.release / "codex-os.pub").write_text("key")
    _add(paths, tree, TWO, keep=1)
    assert {"index.html", "codex-os.pub"} < {path.name for path in paths.release.iterdir()}
    assert _taken(paths) == {TWO}


class Cut(Exception):  # noqa: N818 - a power cut is no error of the program
    """The power goes."""


@contextmanager
def _power(monkeypatch: pytest.MonkeyPatch, steps: int) -> Iterator[list[str]]:
    """Let so many steps happen that change the folder, then none; give those that happened."""
    done: list[str] = []

    def cutting(what: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*words: Any, **options: Any) -> Any:
            if len(done) == steps:
                raise Cut
            done.append(what)
            return step(*words, **options)

        return counted

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, cutting(name, getattr(Path, name)))
        patch.setattr(HostTree, "run", cutting("casync", HostTree.run))
        patch.setattr(shutil, "rmtree", cutting("rmtree", shutil.rmtree))
        yield done


def test_cut_at_every_step(
    paths: Paths, tree: HostTree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _add(paths, tree, ONE)
    _add(paths, tree, TWO)
    before = tmp_path / "before"
    shutil.copytree(paths.release, before)
    with _power(monkeypatch, 10**6) as happened:
        _add(paths, tree, THREE, keep=1)
    assert happened[-1] == "casync"
    seen = []
    for number in range(happened.index("replace"), len(happened)):
        shutil.rmtree(paths.release)
        shutil.copytree(before, paths.release)
        with _power(monkeypatch, number), pytest.raises(Cut):
            _add(paths, tree, THREE, keep=1)
        if (paths.release / SIGNATURE).read_text() != (before / SIGNATURE).read_text():
            # What lies between the names of signature and list, the next run finishes.
            Directory(paths, tree).open()
        seen.append(_taken(paths))
        _add(paths, tree, THREE, keep=1)
        _lean(paths, THREE)
    assert {frozenset(found) for found in seen} == {frozenset({ONE, TWO}), frozenset({THREE})}


def test_chunks_go_only_where_every_index_can_be_read(paths: Paths, tree: HostTree) -> None:
    _add(paths, tree, ONE)
    _add(paths, tree, TWO)
    directory = Directory(paths, tree, keep=1)
    directory.open(TWO)
    (paths.release / _name(TWO, "root.caibx")).write_bytes(b"spoilt meanwhile")
    before = sorted((paths.release / "store").rglob("*.cacnk"))
    with pytest.raises(BuildError, match="casync"):
        directory.tidy()
    assert sorted((paths.release / "store").rglob("*.cacnk")) == before


def _remove(paths: Paths, version: str) -> None:
    for path in paths.release.glob(f"*_{version}_*"):
        path.unlink()


def test_version_that_was_removed_by_hand(paths: Paths, tree: HostTree) -> None:
    _add(paths, tree, ONE)
    _add(paths, tree, TWO)
    _remove(paths, ONE)
    for keep in (0, 3):
        with pytest.raises(BuildError) as caught:
            _add(paths, tree, THREE, keep=keep)
        assert f"{_name(ONE, names.RELEASE)} was signed and is gone" in caught.value.message
        assert "KEEP=" in caught.value.hint
    _add(paths, tree, THREE, keep=2)
    _lean(paths, TWO, THREE)


def test_list_that_no_host_would_read(
    paths: Paths, tree: HostTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(paths, tree, ONE)
    one = (paths.release / SUMS).stat().st_size
    # Of a version the names of which are longer by one.
    monkeypatch.setattr(publish, "LIMIT", 2 * one + 3)
    _add(paths, tree, TWO)
    _taken(paths)
    monkeypatch.setattr(publish, "LIMIT", 3 * one + 5)
    with pytest.raises(BuildError) as caught:
        _add(paths, tree, THREE)
    assert "The list of 3 versions would be longer than a host reads" in caught.value.message
    assert "KEEP=" in caught.value.hint
    shutil.rmtree(paths.release / publish.SCRATCH)
    _lean(paths, ONE, TWO)
    _add(paths, tree, THREE, keep=2)
    _lean(paths, TWO, THREE)
