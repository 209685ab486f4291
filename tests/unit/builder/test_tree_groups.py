# SPDX-License-Identifier: Apache-2.0
"""Groups of packages that are added to the tools tree when a target needs them."""

import pytest
from builder import lock
from builder.archive import Archive, Package
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

BASE = Package("base", "1", "amd64", "a" * 64)
SPARSE = Package("sparse", "2", "amd64", "b" * 64)
FONT = Package("font", "3", "amd64", "c" * 64)


class Grown(HostTree):
    """A tree that is there; making it anew empties it."""

    made = 0

    def ensure(self) -> None:
        if not (self.paths.stamps / "tools").exists():
            Grown.made += 1
            for name in ("kernel", "browser"):
                (self.paths.stamps / name).unlink(missing_ok=True)
            (self.paths.stamps / "tools").write_text("tools\n")


@pytest.fixture
def grown(
    paths: Paths, tree: HostTree, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> Grown:
    (paths.tools / "etc/apt/preferences.d").mkdir(parents=True)
    for name, package in (("tools", BASE), ("kernel", SPARSE), ("browser", FONT)):
        (paths.locks / f"{name}.in").write_text(f"{package.name}\n")
        lock.write(paths.locks / f"{name}.lock", [package])
    monkeypatch.setattr(Archive, "refresh", lambda self: None)
    monkeypatch.setattr(lock, "check_archive", lambda locked, archive: None)
    programs.add("apt-get")
    _installed(programs, BASE, SPARSE)
    monkeypatch.setattr(Grown, "made", 0)
    return Grown(paths)


def _installed(programs: Programs, *packages: Package) -> None:
    lines = "".join(f"echo '{p.name} {p.version}'; " for p in packages)
    programs.add("dpkg-query", lines)


def _installs(programs: Programs) -> list[str]:
    return [call.split()[-1] for call in programs.calls("apt-get") if " install " in call]


def test_group_is_added_once(grown: Grown, programs: Programs) -> None:
    grown.ensure_kernel()
    grown.ensure_kernel()
    assert _installs(programs) == ["sparse"]
    pins = (grown.paths.tools / "etc/apt/preferences.d/codex-lock-kernel").read_text()
    assert "Package: sparse\nPin: version 2" in pins


def test_groups_stand_beside_each_other(grown: Grown, programs: Programs) -> None:
    grown.ensure_kernel()
    _installed(programs, BASE, SPARSE, FONT)
    grown.ensure_browser()
    assert _installs(programs) == ["sparse", "font"]
    assert Grown.made == 0


def test_package_of_no_lock_is_refused(grown: Grown, programs: Programs) -> None:
    _installed(programs, BASE, SPARSE, FONT)
    for _ in range(2):
        with pytest.raises(BuildError, match="The tools tree holds packages"):
            grown.ensure_kernel()
    assert not (grown.paths.stamps / "kernel").exists()


def test_package_more_is_added_to_the_tree_that_is_there(grown: Grown, programs: Programs) -> None:
    grown.ensure_kernel()
    lock.write(grown.paths.locks / "kernel.lock", [SPARSE, FONT])
    grown.ensure_kernel()
    assert Grown.made == 0
    assert _installs(programs) == ["sparse", "sparse"]


def test_other_lock_of_a_group_makes_the_tree_anew(grown: Grown, programs: Programs) -> None:
    """What the group no longer has would stay, and be refused."""
    grown.ensure_kernel()
    newer = Package("sparse", "4", "amd64", "d" * 64)
    lock.write(grown.paths.locks / "kernel.lock", [newer])
    made_anew = f"[ -e {grown.paths.stamps}/kernel ] && echo sparse 2 || echo sparse 4; "
    programs.add("dpkg-query", f"echo base 1; {made_anew}")
    grown.ensure_kernel()
    assert Grown.made == 1
    assert _installs(programs) == ["sparse", "sparse"]
