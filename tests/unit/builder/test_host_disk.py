# SPDX-License-Identifier: Apache-2.0
"""The disk of a plain host: of the locked packages, startable by the firmware, a copy of nobody."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from builder import command, host_disk, keys, lock
from builder.archive import Archive, Package
from builder.errors import BuildError
from builder.host_disk import FILES, HostDisk
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

KERNEL = Package("linux-image-amd64", "6.12", "amd64", "a" * 64)
MAKE_TREE = """
for last; do target=$before; before=$last; done
mkdir -p "$target/boot/grub" "$target/root" "$target/home" "$target/etc/ssh" \\
    "$target/etc/systemd/system/multi-user.target.wants" "$target/etc/apt/sources.list.d" \\
    "$target/etc/apt/apt.conf.d" "$target/usr/lib/grub/x86_64-efi" \\
    "$target/usr/lib/grub/x86_64-efi-signed" "$target/usr/lib/shim" "$target/etc/sudoers.d"
echo kernel >"$target/boot/vmlinuz-6.12"
touch "$target/etc/ssh/ssh_host_ed25519_key" "$target/etc/ssh/ssh_host_ed25519_key.pub"
touch "$target/etc/apt/sources.list.d/0000trixie.sources" "$target/etc/apt/apt.conf.d/99mmdebstrap"
touch "$target/usr/lib/grub/x86_64-efi/ext2.mod" "$target/usr/lib/grub/x86_64-efi/moddep.lst"
touch "$target/usr/lib/grub/x86_64-efi/kernel.img"
for n in shimx64 mmx64; do echo $n >"$target/usr/lib/shim/$n.efi.signed"; done
echo grub >"$target/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
"""
#: The tree is gone afterwards: what mke2fs was given stays here.
KEEP_ROOT = 'for w; do [ "$last" = -d ] && cp -a "$w" "{kept}"; last=$w; done'
TOOLS = ("sfdisk", "mkfs.vfat", "mmd", "mcopy", "mke2fs")


@pytest.fixture
def disk(
    paths: Paths, tree: HostTree, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> HostDisk:
    paths.keys.mkdir()
    (paths.keys / "ssh.pub").write_text("ssh-ed25519 AAAA operator\n")
    (paths.locks / "host-trixie.in").write_text("linux-image-amd64 # comment\n")
    lock.write(paths.locks / "host-trixie.lock", [KERNEL])

    def refresh(archive: Archive) -> None:
        archive.sources.parent.mkdir(parents=True, exist_ok=True)
        archive.sources.write_text(f"Suites: {archive.suite}\n")

    monkeypatch.setattr(Archive, "refresh", refresh)
    monkeypatch.setattr(lock, "check_archive", lambda locked, archive: None)
    monkeypatch.setattr(keys, "ensure", lambda paths, tree: None)
    programs.add("mmdebstrap", MAKE_TREE)
    programs.add("dpkg-query", "echo linux-image-amd64 6.12")
    programs.add("chroot")
    programs.add("mke2fs", KEEP_ROOT.format(kept=paths.build / "kept"))
    programs.add("apt-config", "echo 'Acquire::Languages \"none\";'")
    for name in TOOLS[:-1]:
        programs.add(name)
    return HostDisk(paths, tree)


def test_made_once(disk: HostDisk, programs: Programs) -> None:
    first = disk.ensure()
    disk.ensure()
    assert len(programs.calls("mmdebstrap")) == 1
    assert first.disk.stat().st_size == host_disk.SIZE_MIB << 20
    assert first.kernel.read_text() == "kernel\n"
    assert not (disk.folder / "root").exists()


def test_made_anew_for_another_key(disk: HostDisk, paths: Paths, programs: Programs) -> None:
    disk.ensure()
    (paths.keys / "ssh.pub").write_text("ssh-ed25519 BBBB other\n")
    shutil.rmtree(paths.build / "kept")
    disk.ensure()
    assert len(programs.calls("mmdebstrap")) == 2
    for home in ("root", "home/admin"):
        keys_file = paths.build / "kept" / home / ".ssh/authorized_keys"
        assert keys_file.read_text() == "ssh-ed25519 BBBB other\n"
        assert keys_file.stat().st_mode & 0o777 == 0o600
        assert keys_file.parent.stat().st_mode & 0o777 == 0o700


def test_copies_of_it_do_not_share_a_host_key(disk: HostDisk, paths: Paths) -> None:
    disk.ensure()
    assert list((paths.build / "kept/etc/ssh").glob("ssh_host_*")) == []
    assert "ssh-keygen -A" in FILES["usr/lib/systemd/system/plain-first-boot.service"]


def test_apt_is_as_an_installer_leaves_it(disk: HostDisk, paths: Paths) -> None:
    disk.ensure()
    apt = paths.build / "kept/etc/apt"
    assert [path.name for path in (apt / "sources.list.d").iterdir()] == ["debian.sources"]
    assert (apt / "sources.list.d/debian.sources").read_text() == "Suites: trixie\n"
    assert list((apt / "apt.conf.d").iterdir()) == []


def test_everything_that_has_to_start_is_started(disk: HostDisk, paths: Paths) -> None:
    disk.ensure()
    wants = paths.build / "kept/etc/systemd/system/multi-user.target.wants"
    assert {path.name for path in wants.iterdir()} == set(host_disk.STARTED)
    place = str((wants / "plain-console.service").readlink())
    assert (paths.build / "kept" / place.lstrip("/")).is_file()
    link = wants / "systemd-networkd.service"
    assert str(link.readlink()) == "/usr/lib/systemd/system/systemd-networkd.service"
    sudoers = paths.build / "kept/etc/sudoers.d/admin"
    assert sudoers.stat().st_mode & 0o777 == 0o440


def test_firmware_finds_signed_programs_in_this_order(disk: HostDisk, programs: Programs) -> None:
    disk.ensure()
    copied = [call.rsplit(" ", 2)[1:] for call in programs.calls("mcopy")]
    into = {target.removeprefix("::"): Path(source).name for source, target in copied}
    assert into["EFI/BOOT/BOOTX64.EFI"] == "shimx64.efi.signed"
    assert into["EFI/BOOT/grubx64.efi"] == "grubx64.efi.signed"
    assert into["EFI/debian/grub.cfg"] == "grub.cfg"
    # Shim would start it before the loader, and that one writes to the firmware.
    assert not any("fbx64" in target.lower() for target in into)


def test_menu_of_the_first_boot_starts_the_kernel_that_is_there(
    disk: HostDisk, paths: Paths
) -> None:
    disk.ensure()
    menu = (paths.build / "kept/boot/grub/grub.cfg").read_text()
    assert "linux /boot/vmlinuz-6.12 root=UUID=" in menu
    assert "@RELEASE@" not in menu
    modules = {path.name for path in (paths.build / "kept/boot/grub/x86_64-efi").iterdir()}
    assert modules == {"ext2.mod", "moddep.lst"}


@pytest.mark.parametrize("kernels", ["", "touch $t/boot/vmlinuz-7.3"])
def test_one_kernel_or_none_of_it(disk: HostDisk, programs: Programs, kernels: str) -> None:
    change = kernels.replace("$t", "$target") or 'rm "$target/boot/vmlinuz-6.12"'
    programs.add("mmdebstrap", f"{MAKE_TREE}\n{change}")
    with pytest.raises(BuildError, match=r"The plain host has (no|2) kernels"):
        disk.ensure()
    assert not disk.made.disk.exists()


def test_other_packages_than_the_locked_ones_are_refused(
    disk: HostDisk, programs: Programs
) -> None:
    programs.add("dpkg-query", "echo linux-image-amd64 6.13")
    with pytest.raises(BuildError, match="The plain host holds packages"):
        disk.ensure()
    assert not disk.made.disk.exists()


def test_each_suite_has_its_own_archive(paths: Paths, tree: HostTree) -> None:
    assert tree.archive().folder != tree.archive("bookworm").folder
    assert tree.archive("bookworm").sources.name == "bookworm.sources"
    assert HostDisk(paths, tree, "bookworm").made.disk != HostDisk(paths, tree).made.disk


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('Acquire::Check-Valid-Until "false";', 'Acquire::Check-Valid-Until "false";\n'),
        ('Acquire::http::Proxy "http://localhost:3142";', 'Acquire::http::Proxy "http://10.0.2.2:3142";\n'),
        ('Acquire::https::Proxy "http://127.0.0.1/";', 'Acquire::https::Proxy "http://10.0.2.2/";\n'),
        ('Acquire::http::Proxy "http://localhostess:1";', 'Acquire::http::Proxy "http://localhostess:1";\n'),
        ('Acquire::http::Proxy "";', ""),
        ('Acquire::Languages "none";', ""),
        ('DPkg::Post-Invoke:: "rm -f /x";', ""),
    ],
)  # fmt: skip
def test_what_the_mirrors_need_goes_with_them(
    monkeypatch: pytest.MonkeyPatch, line: str, kept: str
) -> None:
    monkeypatch.setattr(command, "output", lambda argv: f"{line}\n")
    assert host_disk.acquire() == kept


def test_table_is_one_that_sfdisk_takes(tmp_path: Path) -> None:
    sfdisk = shutil.which("sfdisk", path="/usr/sbin:/sbin:/usr/bin")
    if sfdisk is None:
        pytest.skip("there is no sfdisk on this machine")
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.truncate(host_disk.SIZE_MIB << 20)
    subprocess.run([sfdisk, "-q", disk], input=host_disk.TABLE.encode(), check=True)
    said = subprocess.run([sfdisk, "--json", disk], check=True, capture_output=True).stdout
    esp, root = json.loads(said)["partitiontable"]["partitions"]
    assert esp["start"] * 512 == host_disk.ESP_MIB[0] << 20
    assert root["start"] * 512 == host_disk.ROOT_MIB[0] << 20
    assert esp["start"] + esp["size"] <= root["start"]
    assert root["size"] * 512 == host_disk.ROOT_MIB[1] << 20
