# SPDX-License-Identifier: Apache-2.0
"""Plain Debian hosts: a tree of exactly the locked packages, and the one that DKMS is tried on.

That one has DKMS and two kernels, and nothing of ours but a unit that runs ``/try/run`` from a
second disk. The hosts that the roles are tried on are in host_disk.py.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder import bootstrap, lock, log, stamp
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree, mounted_below, names

GROUP = "dkms"
# Room for modules that are compiled there, and then some.
DISK_SIZE = "4G"
UNIT = """\
[Unit]
Description=Run what lies on the second disk
RequiresMountsFor=/try
After=systemd-udev-settle.service systemd-modules-load.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh /try/run
ExecStopPost=/usr/bin/systemctl poweroff --no-block
[Install]
WantedBy=multi-user.target
"""
MOUNT = """\
[Mount]
What=/dev/disk/by-id/virtio-codex-try
Where=/try
Type=ext4
Options=ro
"""
FILES = {
    "etc/fstab": "/dev/disk/by-id/virtio-codex-disk / ext4 defaults 0 0\n",
    "etc/hostname": "plain\n",
    "etc/systemd/system/try.service": UNIT,
    "etc/systemd/system/try.mount": MOUNT,
}


@contextmanager
def debian(
    paths: Paths, tree: Tree, group: str, folder: Path, *, suite: str = "trixie", logfile: Path
) -> Iterator[Path]:
    """Make ``folder`` anew with ``root``, a Debian of a group's locked packages, for a while.

    BuildError when the archive has moved on from the lock, or other packages came.
    """
    locked = lock.read(paths.locks / f"{group}.lock")
    _renew(folder)
    root = folder / "root"
    archive = tree.archive(suite)
    archive.refresh()
    lock.check_archive(locked, archive)
    wanted = names(paths, group)
    bootstrap.run(archive, locked, wanted, root, log=logfile, scratch=paths.build)
    lock.check_result(locked, bootstrap.installed(root), "The plain host")
    forget_archive(root)
    yield root
    shutil.rmtree(root)


def forget_archive(root: Path) -> None:
    """Remove the sources and pins that a tree was made with."""
    for pattern in ("sources.list.d/*", "sources.list", "preferences.d/*"):
        for path in (root / "etc/apt").glob(pattern):
            path.unlink()


def _renew(folder: Path) -> None:
    if mounted_below(folder):
        raise BuildError(f"Something is mounted below {folder}.", hint="Unmount it and try again.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


class PlainHost:
    """A disk below ``build/plain-host``, and a kernel with its initramfs for each release."""

    def __init__(self, paths: Paths, tree: Tree) -> None:
        self.paths = paths
        self.tree = tree
        self.folder = paths.build / "plain-host"
        self.log = paths.logs / "plain-host.log"

    def ensure(self) -> Path:
        """Return the folder: ``disk.raw`` and ``RELEASE/{vmlinuz,initrd}``; made when it is old."""
        locked_file = self.paths.locks / f"{GROUP}.lock"
        wanted = stamp.digest(files=[locked_file, Path(__file__)], words=names(self.paths, GROUP))
        made = stamp.Stamp(self.paths.stamps, "plain-host")
        if made.fresh(wanted) and (self.folder / "disk.raw").exists():
            return self.folder
        with (
            made.renewed(wanted),
            log.step("Making a plain Debian host (some minutes)"),
            debian(self.paths, self.tree, GROUP, self.folder, logfile=self.log) as root,
        ):
            self._finish(root)
        return self.folder

    def _finish(self, root: Path) -> None:
        """Add the unit, take the kernels out, and put the tree on a disk."""
        for name, text in FILES.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (root / "try").mkdir()
        wants = root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / "try.service").symlink_to("../try.service")
        for kernel in sorted((root / "boot").glob("vmlinuz-*")):
            release = kernel.name.removeprefix("vmlinuz-")
            target = self.folder / release
            target.mkdir()
            shutil.copy(kernel, target / "vmlinuz")
            shutil.copy(root / f"boot/initrd.img-{release}", target / "initrd")
        disk = self.folder / "disk.raw"
        argv: list[str | Path] = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, disk, DISK_SIZE]
        self.tree.run(argv, log=self.log)
