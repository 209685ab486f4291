# SPDX-License-Identifier: Apache-2.0
"""The tools tree: a Debian trixie in which everything is built, run and tested.

So every build host has one toolset.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder import bootstrap, command, lock, log, stamp
from builder.archive import Archive, Package
from builder.errors import BuildError
from builder.paths import Paths

# Host files that name mirrors, proxies and certificate authorities. What is not there is left out.
HOST_FILES = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pip.conf",
    "/root/.config/pip/pip.conf",
    "/root/.npmrc",
)
# Groups of packages that are added to the tree when a target needs them, in words.
GROUPS = {
    "browser": "the browser",
    "kernel": "headers and checkers of kernel code",
    "updates": "the recorder of a disk's writes",
}


def names(paths: Paths, group: str) -> list[str]:
    """Return the packages of ``images/lock/GROUP.in``, comments left out."""
    words: list[str] = []
    for line in (paths.locks / f"{group}.in").read_text().splitlines():
        words += line.partition("#")[0].split()
    return words


def mounted_below(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether something is mounted on a folder or in it; removing it would remove what is there."""
    for line in mounts.read_text().splitlines():
        # Blanks in paths are written as three octal digits.
        target = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line.split()[1])
        if Path(target).is_relative_to(folder):
            return True
    return False


class Tree:
    """The tree below ``build/tools``."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.log = paths.logs / "tools.log"

    def archive(self, suite: str = "trixie") -> Archive:
        """Return the state of a suite's archive as this build sees it."""
        name = "archive" if suite == "trixie" else f"archive-{suite}"
        return Archive(self.paths.build / name, self.log, suite)

    def ensure(self) -> None:
        """Make the tree when the lock differs from what it was made from."""
        wanted = stamp.digest(
            files=[self.paths.locks / "tools.lock", self.paths.locks / "tools.in"]
        )
        made = stamp.Stamp(self.paths.stamps, "tools")
        if made.fresh(wanted) and self.paths.tools.is_dir():
            return
        locked = lock.read(self.paths.locks / "tools.lock")
        # A new tree has none of the groups, whatever was added to the one before.
        for group in GROUPS:
            stamp.Stamp(self.paths.stamps, group).clear()
        with made.renewed(wanted), log.step("Making the tools tree (about 2 minutes)"):
            archive = self.archive()
            archive.refresh()
            lock.check_archive(locked, archive)
            self._bootstrap(archive, locked)
            self._check(locked)

    def _bootstrap(self, archive: Archive, locked: Mapping[str, Package]) -> None:
        self._remove()
        bootstrap.run(
            archive,
            locked,
            names(self.paths, "tools"),
            self.paths.tools,
            log=self.log,
            scratch=self.paths.build,
        )

    def ensure_browser(self) -> None:
        """Add what only the browser tests need; `make run` does without it."""
        self._ensure_group("browser")

    def ensure_kernel(self) -> None:
        """Add what only checks and tests of kernel code need; `make run` does without it."""
        self._ensure_group("kernel")

    def ensure_updates(self) -> None:
        """Add what only the tests of updates need; `make run` does without it."""
        self._ensure_group("updates")

    def _ensure_group(self, group: str) -> None:
        wanted = stamp.digest(
            files=[self.paths.locks / f"{group}.lock", self.paths.locks / f"{group}.in"],
            words=[stamp.Stamp(self.paths.stamps, "tools").path.read_text()],
        )
        made = stamp.Stamp(self.paths.stamps, group)
        if made.fresh(wanted):
            return
        locked = lock.read(self.paths.locks / f"{group}.lock")
        if made.path.exists() and not self._grows_to(self._locked_with(group)):
            # apt would leave what the group no longer has: the tree is made anew.
            stamp.Stamp(self.paths.stamps, "tools").clear()
            self.ensure()
        with made.renewed(wanted), log.step(f"Adding {GROUPS[group]} to the tools tree"):
            archive = self.archive()
            archive.refresh()
            lock.check_archive(locked, archive)
            pins = self.paths.tools / f"etc/apt/preferences.d/codex-lock-{group}"
            pins.write_text(lock.preferences(locked.values()))
            install = [
                "apt-get",
                "-q",
                "-y",
                "--no-install-recommends",
                "install",
                *names(self.paths, group),
            ]
            # No kernel of the tree is ever booted, so none needs an initramfs.
            environment = {"DEBIAN_FRONTEND": "noninteractive", "INITRD": "No"}
            for argv in (["apt-get", "-q", "update"], install):
                self.run(argv, env=environment)
            self._check(self._locked_with(group))

    def _grows_to(self, locked: Mapping[str, Package]) -> bool:
        """Whether everything that is in the tree is also in a lock, in the same version."""
        found = bootstrap.installed(self.paths.tools)
        return all(name in locked and locked[name].version == found[name] for name in found)

    def _locked_with(self, group: str) -> dict[str, Package]:
        """Return what the tree may hold once the group is added to it."""
        added = [name for name in GROUPS if stamp.Stamp(self.paths.stamps, name).path.exists()]
        found: dict[str, Package] = {}
        for name in ("tools", *added, group):
            found.update(lock.read(self.paths.locks / f"{name}.lock"))
        return found

    def run(
        self, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        """Run a command inside the tree; options are those of :func:`builder.command.run`."""
        options.setdefault("log", self.log)
        command.run(self.command(argv), env=self.environment(env), clean=True, **options)

    def output(self, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> str:
        """Return what a command inside the tree prints."""
        return command.output(
            self.command(argv), cwd=self.paths.root, env=self.environment(env), clean=True
        )

    def _check(self, locked: Mapping[str, Package]) -> None:
        installed = bootstrap.installed(self.paths.tools)
        lock.check_result(dict(locked), installed, "The tools tree")

    def _remove(self) -> None:
        """Remove the tree; refuse while something is mounted in it, which is the host's own."""
        if mounted_below(self.paths.tools):
            raise BuildError(
                f"Something is mounted below {self.paths.tools}.", hint="Unmount it and try again."
            )
        if self.paths.tools.exists():
            shutil.rmtree(self.paths.tools)

    def command(self, argv: Sequence[str | Path]) -> list[str]:
        """Return the command line that runs ``argv`` inside the tree, at the same directory."""
        enter = self.paths.root / "images/builder/in-tree"
        words = [
            "unshare",
            "--mount",
            "--propagation",
            "slave",
            enter,
            self.paths.tools,
            self.paths.root,
            *argv,
        ]
        return [str(word) for word in words]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Environment of a command inside the tree: of the host's only proxies and certificates."""
        keep = {
            name: value
            for name, value in os.environ.items()
            if name.lower().endswith("_proxy")
            or name in {"TERM", "LANG", "CI", "NO_COLOR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"}
        }
        files = [path for path in HOST_FILES if Path(path).exists()]
        return {
            **keep,
            "HOME": "/root",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "CODEX_HOST_FILES": "\n".join(files),
            **(extra or {}),
        }
