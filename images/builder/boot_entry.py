# SPDX-License-Identifier: Apache-2.0
"""Further boot entries of the built version: for a factory reset, and for root shells.

Each is a UKI of its own with the kernel, the initrd and the root hash of the version, signed with
the same key. That for a reset belongs to the version: it is on the disk and in the release. That
for shells only lies beside the image: whoever lays it on a boot partition wants it there. They are
no profiles of the UKI of the version: systemd-boot 257 starts any profile of a version on trial,
and not its own entry.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from builder import log, uki
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree

STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"


@dataclass(frozen=True)
class Kind:
    """What an entry is for: its name, the word on its command line, its line in the menu.

    systemd-boot sorts by the name first: behind every version, so that it never starts by itself.
    It is none that an update takes for a version of ours (images/tree/usr/lib/sysupdate.d).
    """

    name: str
    word: str
    title: str


SHELLS = Kind("codex-os-shell", "codex.shell", "ROOT SHELLS ON THE CONSOLES")
RESET = Kind("codex-os-reset", "codex.factory_reset=ask", "factory reset, which asks first")


class BootEntry:
    """A further entry of one version."""

    def __init__(self, paths: Paths, tree: Tree, kind: Kind = SHELLS) -> None:
        self.paths = paths
        self.tree = tree
        self.kind = kind
        self.log = paths.logs / "boot-entry.log"

    def make(self, version: str) -> Path:
        """Make, sign and check the entry of a built version."""
        target = self.paths.entry(self.kind.name, version)
        work = self.paths.build / "boot-entry"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            with log.step(f"Making the entry of {version}: {self.kind.title}"):
                made = self._build(version, work)
                self._check(made, work)
                # Under its name only when it is whole and signed.
                made.replace(target)
        finally:
            shutil.rmtree(work)
        return target

    def _build(self, version: str, work: Path) -> Path:
        parts = uki.unpack(self.paths, self.tree, version)
        source = self.paths.image(version, ".efi")
        osrel, uname = (
            uki.section(self.tree, source, name, work, log=self.log)
            for name in (".osrel", ".uname")
        )
        command_line = uki.command_line(parts)
        if not uname or re.search(r"(?:^| )roothash=[0-9a-f]{64}(?: |$)", command_line) is None:
            raise BuildError(
                f"{source.name} does not say its kernel or root hash.",
                hint="Build it again with `make image`.",
            )
        (work / "osrel").write_text(own_release(osrel, version, self.kind))
        (work / "cmdline").write_text(f"{command_line} {self.kind.word}")
        made = work / "entry.efi"
        argv: list[str | Path] = ["ukify", "build", f"--stub={STUB}", f"--uname={uname}"]
        argv += [f"--linux={parts / 'linux'}", f"--initrd={parts / 'initrd'}"]
        argv += [f"--os-release=@{work / 'osrel'}", f"--cmdline=@{work / 'cmdline'}"]
        # The kernel stays as it is in the version's own UKI.
        argv.append("--no-sign-kernel")
        argv += [
            f"--secureboot-private-key={self.paths.keys / 'db.key'}",
            f"--secureboot-certificate={self.paths.keys / 'db.crt'}",
            f"--output={made}",
        ]
        self.tree.run(argv, log=self.log)
        return made

    def _check(self, made: Path, work: Path) -> None:
        """Refuse an entry that the firmware would, or that opens nothing."""
        self.tree.run(["sbverify", "--cert", self.paths.keys / "db.crt", made], log=self.log)
        words = uki.section(self.tree, made, ".cmdline", work, log=self.log).split()
        if words.count(self.kind.word) != 1:
            raise BuildError(
                f"The entry that was made does not have the word {self.kind.word}.",
                hint=f"See {self.log}.",
            )


def own_release(osrel: str, version: str, kind: Kind) -> str:
    """Return the os-release of the version with the name and the sort key of this entry."""
    own = {
        "IMAGE_ID": kind.name,
        "PRETTY_NAME": f'"Codex OS {version}: {kind.title}"',
    }
    kept = [line for line in osrel.splitlines() if line.partition("=")[0] not in own]
    return "\n".join([*kept, *(f"{name}={value}" for name, value in own.items())]) + "\n"
