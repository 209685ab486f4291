# SPDX-License-Identifier: Apache-2.0
"""The plain host of the DKMS test: of exactly the locked packages, and with nothing of ours."""

from pathlib import Path

import pytest
from builder import lock
from builder.archive import Archive, Package
from builder.errors import BuildError
from builder.paths import Paths
from builder.plain_host import FILES, PlainHost

from tests.unit.builder.conftest import HostTree, Programs

DKMS = Package("dkms", "3.2", "all", "a" * 64)
BASE = Package("linux-base", "4", "all", "b" * 64)
MAKE_TREE = """
for last; do target=$before; before=$last; done
mkdir -p "$target/boot" "$target/etc/systemd/system" "$target/etc/apt/sources.list.d"
for r in 6.12 7.3; do
  echo k$r >"$target/boot/vmlinuz-$r"
  echo i$r >"$target/boot/initrd.img-$r"
done
"""


@pytest.fixture
def host(
    paths: Paths, tree: HostTree, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> PlainHost:
    (paths.locks / "dkms.in").write_text("dkms # comment\nlinux-base/trixie-backports\n")
    lock.write(paths.locks / "dkms.lock", [DKMS, BASE])
    monkeypatch.setattr(Archive, "refresh", lambda self: self.folder.mkdir(exist_ok=True))
    monkeypatch.setattr(lock, "check_archive", lambda locked, archive: None)
    programs.add("mmdebstrap", MAKE_TREE)
    programs.add("dpkg-query", "echo dkms 3.2; echo linux-base 4")
    programs.add("mke2fs", 'cp -a "$6" "$7.tree"; touch "$7"')
    return PlainHost(paths, tree)


def test_made_once_with_a_kernel_for_each_release(host: PlainHost, programs: Programs) -> None:
    folder = host.ensure()
    host.ensure()
    [call] = programs.calls("mmdebstrap")
    assert "--include=dkms,linux-base " in call
    assert sorted(p.read_text() for p in folder.glob("*/vmlinuz")) == ["k6.12\n", "k7.3\n"]
    assert sorted(p.read_text() for p in folder.glob("*/initrd")) == ["i6.12\n", "i7.3\n"]
    assert not (folder / "root").exists()


def test_disk_starts_what_lies_on_the_second_one(host: PlainHost) -> None:
    root = host.ensure() / "disk.raw.tree"
    for name, text in FILES.items():
        assert (root / name).read_text() == text
    wanted = root / "etc/systemd/system/multi-user.target.wants/try.service"
    assert wanted.resolve() == root / "etc/systemd/system/try.service"


def test_other_packages_than_the_locked_ones_are_refused(
    host: PlainHost, programs: Programs
) -> None:
    programs.add("dpkg-query", "echo dkms 3.2; echo linux-base 5")
    for _ in range(2):
        with pytest.raises(BuildError, match="The plain host holds packages"):
            host.ensure()
    assert not (host.folder / "disk.raw").exists()


def test_pins_choose_the_locked_versions(host: PlainHost) -> None:
    host.ensure()
    pins = Path(host.tree.archive().folder / "root.pref").read_text()
    assert "Package: linux-base\nPin: version 4\n" in pins
