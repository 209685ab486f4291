# SPDX-License-Identifier: Apache-2.0
"""Whether inputs count as unchanged."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builder import stamp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Inputs of every kind."""
    root = tmp_path / "inputs"
    (root / "sub/deep").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a").write_text("1")
    (root / "sub/b").write_text("2")
    (root / "sub/deep/c").write_text("3")
    (root / "file-link").symlink_to("a")
    (root / "folder-link").symlink_to("sub")
    (root / "dangling").symlink_to("/nowhere")
    return root


def _replace(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def _relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda root: (root / "sub/deep/c").write_text("4"),
    "mode": lambda root: (root / "a").chmod(0o755),
    "rename": lambda root: (root / "a").rename(root / "z"),
    "swap": lambda root: ((root / "a").write_text("2"), (root / "sub/b").write_text("1")),
    "deletion": lambda root: (root / "sub/b").unlink(),
    "addition": lambda root: (root / "sub/new").write_text(""),
    "empty folder added": lambda root: (root / "sub/new").mkdir(),
    "empty folder gone": lambda root: (root / "empty").rmdir(),
    "link to a file": lambda root: _relink(root / "file-link", "sub/b"),
    "link to a folder": lambda root: _relink(root / "folder-link", "empty"),
    "dangling link": lambda root: _relink(root / "dangling", "/elsewhere"),
    "file in place of a link": lambda root: _replace(root / "dangling", "/nowhere"),
    "hidden file": lambda root: (root / ".hidden").write_text(""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_changes_the_digest(folder: Path, change: str) -> None:
    before = stamp.digest(files=[folder])
    assert stamp.digest(files=[folder]) == before
    CHANGES[change](folder)
    assert stamp.digest(files=[folder]) != before


@pytest.mark.parametrize(
    "name", ["__pycache__/x.py", "node_modules/x", "dist/x", ".cache/x", "sub/x.pyc"]
)
def test_results_and_caches_do_not_count(folder: Path, name: str) -> None:
    before = stamp.digest(files=[folder])
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    assert stamp.digest(files=[folder]) == before


def test_order_does_not_count_but_words_do(folder: Path) -> None:
    one, two = folder / "a", folder / "sub/b"
    assert stamp.digest(files=[one, two]) == stamp.digest(files=[two, one])
    assert stamp.digest(words=["ab", "c"]) != stamp.digest(words=["a", "bc"])
    assert stamp.digest(words=["a"]) != stamp.digest()


def test_missing_input_is_never_an_unchanged_one(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        stamp.digest(files=[folder / "nothing"])


def test_stamp_is_fresh_for_its_value_only(tmp_path: Path) -> None:
    made = stamp.Stamp(tmp_path / "stamps", "x")
    assert not made.fresh("1")
    made.write("1")
    assert made.fresh("1")
    assert not made.fresh("2")
    assert [path.name for path in made.path.parent.iterdir()] == ["x"]
    made.clear()
    made.clear()
    assert not made.fresh("1")


def test_stamp_that_is_damaged_is_not_fresh(tmp_path: Path) -> None:
    made = stamp.Stamp(tmp_path, "x")
    made.path.write_bytes(b"\xff\0")
    assert not made.fresh("1")


@pytest.mark.parametrize("how", [KeyboardInterrupt, RuntimeError])
def test_interrupted_step_forgets_its_last_success(
    tmp_path: Path, how: type[BaseException]
) -> None:
    made = stamp.Stamp(tmp_path, "x")
    made.write("old")
    with pytest.raises(how), made.renewed("new"):
        raise how
    assert not made.fresh("old")
    assert not made.fresh("new")
    with made.renewed("new"):
        assert not made.fresh("new")
    assert made.fresh("new")
