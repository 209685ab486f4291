# SPDX-License-Identifier: Apache-2.0
"""The walk through an unpacked root."""

from pathlib import Path

import pytest

from tests.support import tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Small root file system with one finding of each kind."""
    (tmp_path / "usr/bin").mkdir(parents=True)
    for name, mode in (("plain", 0o755), ("su", 0o4755), ("chage", 0o2755), ("open", 0o666)):
        file = tmp_path / "usr/bin" / name
        file.write_text(name)
        file.chmod(mode)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "usr/bin/absolute").symlink_to("/bin/plain")
    (tmp_path / "usr/bin/up").symlink_to("../../../../etc/passwd")
    (tmp_path / "usr/bin/loop").symlink_to("loop")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    (tmp_path / "share").mkdir()
    (tmp_path / "share").chmod(0o777)
    return tmp_path


def test_privileged(root: Path) -> None:
    assert tree.privileged(root) == {"/usr/bin/su": "4755", "/usr/bin/chage": "2755"}


def test_world_writable(root: Path) -> None:
    assert sorted(tree.world_writable(root)) == ["/share", "/usr/bin/open"]
    assert tree.sticky_directories(root) == ["/tmp"]


def test_links_are_followed_inside_the_root(root: Path) -> None:
    assert tree.resolve(root, "/bin/absolute") == root / "usr/bin/plain"


def test_nothing_of_the_machine_outside_is_found(root: Path) -> None:
    """/etc/passwd exists here, but not in the root."""
    assert tree.resolve(root, "/usr/bin/up") is None
    assert tree.resolve(root, "/../../etc/passwd") is None


def test_loop_is_an_error(root: Path) -> None:
    with pytest.raises(AssertionError, match="loop"):
        tree.resolve(root, "/usr/bin/loop")
