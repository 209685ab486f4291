# SPDX-License-Identifier: Apache-2.0
"""The disk of a plain, mutable Debian host: what the roles find before they come.

GPT, an EFI system partition with Debian's signed shim and GRUB, and one ext4 with everything else,
as Debian's installer leaves it, but for two units: one makes each copy of the disk a host of its
own at its first boot (ssh keys, GRUB's menu), one tells the console the host's key.
"""

import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from builder import command, keys, log, plain_host, stamp
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree, names

SUITES = ("trixie", "bookworm")
#: As Debian's installer makes the first user, who has sudo; with a key instead of a password.
USER = "admin"
SIZE_MIB = 16384
ESP_MIB = (1, 127)
ROOT_MIB = (128, SIZE_MIB - 129)
#: Fixed: the disk is found by them before it has booted once.
ROOT_UUID = str(uuid.uuid5(uuid.NAMESPACE_URL, "codex-os/plain-host/root"))
ESP_ID = "C0DE-0502"
TABLE = f"""\
label: gpt
start={ESP_MIB[0]}MiB, size={ESP_MIB[1]}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=esp
start={ROOT_MIB[0]}MiB, size={ROOT_MIB[1]}MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=root
"""
# A slow emulator may need minutes until a device is there.
KERNEL_WORDS = "console=tty0 console=ttyS0,115200 systemd.default_device_timeout_sec=300"
#: What the last boot stage reads from the boot partition; GRUB's own path there is /EFI/debian.
ESP_MENU = f"""\
search.fs_uuid {ROOT_UUID} root
set prefix=($root)'/boot/grub'
configfile $prefix/grub.cfg
"""
#: The menu of the first boot, which lets Debian's update-grub write its own.
FIRST_MENU = f"""\
set timeout=0
menuentry 'Debian' {{
	search.fs_uuid {ROOT_UUID} root
	linux /boot/vmlinuz-@RELEASE@ root=UUID={ROOT_UUID} ro {KERNEL_WORDS}
	initrd /boot/initrd.img-@RELEASE@
}}
"""
FIRST_BOOT = """\
[Unit]
Description=Make this copy of the disk a host of its own
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
RequiresMountsFor=/boot/efi
After=local-fs.target
Before=ssh.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/usr/sbin/update-grub
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=multi-user.target
"""
CONSOLE = """\
[Unit]
Description=Tell the console the host's ssh key
After=plain-first-boot.service ssh.service systemd-user-sessions.service
Requires=ssh.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/plain/tell-key
[Install]
WantedBy=multi-user.target
"""
TELL_KEY = """\
#!/bin/sh
# Prints the host's key for whoever reads the console.
read -r kind key _ </etc/ssh/ssh_host_ed25519_key.pub
echo "codex-host-key: $kind $key" >/dev/console
"""
FILES = {
    "usr/lib/plain/tell-key": TELL_KEY,
    "etc/fstab": f"UUID={ROOT_UUID} / ext4 defaults,errors=remount-ro 0 1\n"
    f"UUID={ESP_ID} /boot/efi vfat umask=0077,x-systemd.device-timeout=300 0 0\n",
    "etc/hostname": "plain\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 plain\n::1 localhost ip6-localhost\n",
    "etc/systemd/network/80-wired.network": "[Match]\nType=ether\n[Network]\nDHCP=yes\n",
    "usr/lib/systemd/system/plain-first-boot.service": FIRST_BOOT,
    "usr/lib/systemd/system/plain-console.service": CONSOLE,
    "etc/default/grub.d/plain.cfg": "GRUB_TIMEOUT=1\nGRUB_TERMINAL=console\n"
    f'GRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX="{KERNEL_WORDS}"\n',
    f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
}
STARTED = ("plain-first-boot.service", "plain-console.service", "systemd-networkd.service")
#: On the boot partition, and where Debian's packages have them.
LOADERS = {
    "EFI/BOOT/BOOTX64.EFI": "usr/lib/shim/shimx64.efi.signed",
    "EFI/BOOT/mmx64.efi": "usr/lib/shim/mmx64.efi.signed",
    "EFI/BOOT/grubx64.efi": "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
    "EFI/debian/shimx64.efi": "usr/lib/shim/shimx64.efi.signed",
    "EFI/debian/mmx64.efi": "usr/lib/shim/mmx64.efi.signed",
    "EFI/debian/grubx64.efi": "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
}
#: Settings of this machine's apt without which its mirrors may not be usable for a guest either.
ACQUIRE = ("Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::http::Proxy",
           "Acquire::https::Proxy")  # fmt: skip
#: This machine, as a guest behind QEMU's user network sees it.
GATEWAY = "10.0.2.2"


@dataclass(frozen=True)
class Made:
    """A disk that nobody writes to, and its kernel, by which KVM is probed."""

    disk: Path
    kernel: Path


class HostDisk:
    """The disk of one suite, below ``build/hosts/SUITE``."""

    def __init__(self, paths: Paths, tree: Tree, suite: str = "trixie") -> None:
        self.paths = paths
        self.tree = tree
        self.suite = suite
        self.group = f"host-{suite}"
        self.folder = paths.build / "hosts" / suite
        self.log = paths.logs / f"{self.group}.log"

    @property
    def made(self) -> Made:
        """Where the disk is, or will be."""
        return Made(self.folder / "disk.raw", self.folder / "linux")

    def ensure(self) -> Made:
        """Make the disk when its lock, its files, the key or the mirrors changed."""
        keys.ensure(self.paths, self.tree)
        public = keys.ssh_public(self.paths)
        settings = acquire()
        sources = [Path(__file__), Path(plain_host.__file__)]
        wanted = stamp.digest(
            files=[self.paths.locks / f"{self.group}.lock", *sources],
            words=[*names(self.paths, self.group), public, settings],
        )
        done = stamp.Stamp(self.paths.stamps, self.group)
        if done.fresh(wanted) and self.made.disk.exists():
            return self.made
        with (
            done.renewed(wanted),
            log.step(f"Making a plain Debian {self.suite} (some minutes)"),
            plain_host.debian(
                self.paths, self.tree, self.group, self.folder, suite=self.suite, logfile=self.log
            ) as root,
        ):
            self._finish(root, public, settings)
            self._disk(root)
        return self.made

    def _finish(self, root: Path, public: str, settings: str) -> None:
        """Turn a tree of packages into what an installer leaves."""
        for name, text in FILES.items():
            _write(root / name, text)
        (root / f"etc/sudoers.d/{USER}").chmod(0o440)
        (root / "usr/lib/plain/tell-key").chmod(0o755)
        apt = root / "etc/apt"
        (apt / "apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
        shutil.copy(self.tree.archive(self.suite).sources, apt / "sources.list.d/debian.sources")
        if settings:
            _write(apt / "apt.conf.d/90plain", settings)
        for key in (root / "etc/ssh").glob("ssh_host_*_key*"):
            # Each copy of the disk makes its own.
            key.unlink()
        wants = root / "etc/systemd/system/multi-user.target.wants"
        for name in STARTED:
            (wants / name).unlink(missing_ok=True)
            (wants / name).symlink_to(f"/usr/lib/systemd/system/{name}")
        argv: list[str | Path] = ["chroot", root, "useradd", "--create-home", "--groups=sudo"]
        self.tree.run([*argv, "--shell=/bin/bash", USER], log=self.log)
        for home in ("root", f"home/{USER}"):
            _write(root / home / ".ssh/authorized_keys", f"{public}\n")
            (root / home / ".ssh").chmod(0o700)
            (root / home / ".ssh/authorized_keys").chmod(0o600)
        owner = f"{USER}:{USER}"
        self.tree.run(["chroot", root, "chown", "-R", owner, f"/home/{USER}/.ssh"], log=self.log)
        self._grub(root)

    def _grub(self, root: Path) -> None:
        """Lay out /boot as grub-install does, and the menu of the first boot."""
        found = [path.name.removeprefix("vmlinuz-") for path in (root / "boot").glob("vmlinuz-*")]
        if len(found) != 1:
            raise BuildError(
                f"The plain host has {len(found) or 'no'} kernels.", hint=f"See {self.log}."
            )
        modules = root / "boot/grub/x86_64-efi"
        modules.mkdir(parents=True)
        for path in (root / "usr/lib/grub/x86_64-efi").iterdir():
            if path.suffix in {".mod", ".lst"}:
                shutil.copy(path, modules)
        (root / "boot/grub/grub.cfg").write_text(FIRST_MENU.replace("@RELEASE@", found[0]))
        shutil.copy(root / f"boot/vmlinuz-{found[0]}", self.made.kernel)
        argv: list[str | Path] = ["chroot", root, "grub-editenv", "/boot/grub/grubenv", "create"]
        self.tree.run(argv, log=self.log)
        (root / "boot/efi").mkdir()

    def _disk(self, root: Path) -> None:
        """Write table, boot partition and root into one sparse file; nothing has to be mounted."""
        new = self.folder / "disk.new"
        with new.open("wb") as stream:
            stream.truncate(SIZE_MIB << 20)
        table = self.folder / "table"
        table.write_text(TABLE)
        # sfdisk reads its script from its input, which the log's runner does not give.
        self.tree.run(["sh", "-c", 'sfdisk -q "$1" <"$2"', "sh", new, table], log=self.log)
        table.unlink()
        sectors = str(ESP_MIB[0] * 2048)
        # By clusters of one sector it has as many as the firmware demands of FAT32 (65,525).
        fat: list[str | Path] = ["mkfs.vfat", "-F", "32", "-s", "1", "-n", "ESP"]
        fat += ["-i", ESP_ID.replace("-", "")]
        self.tree.run([*fat, "--offset", sectors, new, str(ESP_MIB[1] * 1024)], log=self.log)
        where = f"{new}@@{ESP_MIB[0] << 20}"
        folders = ["::EFI", "::EFI/BOOT", "::EFI/debian"]
        self.tree.run(["mmd", "-i", where, *folders], log=self.log)
        for name, source in LOADERS.items():
            self.tree.run(["mcopy", "-i", where, root / source, f"::{name}"], log=self.log)
        menu = self.folder / "grub.cfg"
        menu.write_text(ESP_MENU)
        self.tree.run(["mcopy", "-i", where, menu, "::EFI/debian/grub.cfg"], log=self.log)
        menu.unlink()
        ext4: list[str | Path] = ["mke2fs", "-q", "-F", "-t", "ext4", "-U", ROOT_UUID, "-L", "root"]
        # Newer than the GRUB of bookworm.
        ext4 += ["-O", "^metadata_csum_seed,^orphan_file"]
        ext4 += ["-d", root, "-E", f"offset={ROOT_MIB[0] << 20},nodiscard"]
        self.tree.run([*ext4, new, f"{ROOT_MIB[1]}M"], log=self.log)
        new.replace(self.made.disk)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def acquire() -> str:
    """Return this machine's settings of apt that its mirrors need, as a guest has to have them."""
    found = []
    for line in command.output(["apt-config", "dump"]).splitlines():
        match = re.fullmatch(r'(\S+) "(.*)";', line)
        if match and match[1] in ACQUIRE and match[2]:
            value = re.sub(r"(?<=//)(localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)", GATEWAY, match[2])
            found.append(f'{match[1]} "{value}";\n')
    return "".join(found)
