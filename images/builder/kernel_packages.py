# SPDX-License-Identifier: Apache-2.0
"""The packages of our kernel modules: sources for DKMS, and signed modules for one kernel."""

import shutil
from pathlib import Path

from builder import deb, log, stamp
from builder.modules import PRODUCTS, Modules
from builder.paths import Paths
from builder.tree import Tree
from builder.version import Version

DKMS = "codex-kernel-dkms"
PREBUILT = "codex-kernel-modules"
SCRIPTS = ("postinst", "prerm", "postrm")
# What both packages install, from kernel/packaging/common.
COMMON = {
    "60-codex-kernel.rules": "usr/lib/udev/rules.d/60-codex-kernel.rules",
    "sysusers.conf": "usr/lib/sysusers.d/codex-kernel.conf",
    "modules-load.conf": "usr/lib/modules-load.d/codex-kernel.conf",
}


def dkms_modules(names: list[str]) -> str:
    """Return the lines of dkms.conf that tell the modules and where they go."""
    return "\n".join(
        f'BUILT_MODULE_NAME[{n}]="{name}"\n'
        f'BUILT_MODULE_LOCATION[{n}]="{name}"\n'
        f'DEST_MODULE_LOCATION[{n}]="/updates/dkms"'
        for n, name in enumerate(names)
    )


class KernelPackages:
    """Leaves one package of each kind in ``build/packages``."""

    def __init__(self, paths: Paths, tree: Tree) -> None:
        self.paths = paths
        self.tree = tree
        self.modules = Modules(paths, tree)
        self.log = paths.logs / "packages.log"
        self.parts = paths.root / "kernel/packaging"

    def ensure_dkms(self, version: Version) -> Path:
        """Return the package of the sources."""
        package = self.paths.packages / f"{DKMS}_{version.number}_all.deb"
        wanted = stamp.digest(
            files=[self.modules.sources, self.parts, *self._builders()],
            words=[version.number, version.commit],
        )
        made = stamp.Stamp(self.paths.stamps, DKMS)
        if made.fresh(wanted) and package.exists():
            return package
        values = {
            "@VERSION@": version.number,
            "@MODULES@": dkms_modules(self.modules.names()),
        }
        with made.renewed(wanted):
            folder = self._stage(DKMS, self.parts / "dkms", values)
            sources = folder / f"usr/src/codex-kernel-{version.number}"
            ignore = shutil.ignore_patterns(*PRODUCTS)
            shutil.copytree(self.modules.sources, sources, ignore=ignore)
            shutil.copy(self.paths.root / "kernel/LICENSE", sources)
            text = (self.parts / "dkms/dkms.conf").read_text()
            (sources / "dkms.conf").write_text(_filled(text, values))
            self._build(folder, package, version, sorted(sources.rglob("*.sh")))
        return package

    def ensure_prebuilt(self, version: Version, release: str) -> Path:
        """Return the package of the modules that are compiled and signed for a kernel."""
        signed = self.modules.ensure_signed(release)
        number = f"{version.number}+{release}"
        package = self.paths.packages / f"{PREBUILT}_{number}_amd64.deb"
        wanted = stamp.digest(
            files=[signed, self.parts, *self._builders()], words=[number, version.commit]
        )
        made = stamp.Stamp(self.paths.stamps, PREBUILT)
        if made.fresh(wanted) and package.exists():
            return package
        with made.renewed(wanted), log.step("Packing the kernel modules"):
            values = {"@VERSION@": number, "@RELEASE@": release}
            folder = self._stage(PREBUILT, self.parts / "modules", values)
            shutil.copytree(signed, folder / "usr/lib/modules" / release / "updates/codex")
            self._build(folder, package, version, [])
        return package

    def _stage(self, name: str, parts: Path, values: dict[str, str]) -> Path:
        """Return a package's folder with control file, scripts and what both packages have."""
        folder = deb.stage(self.paths, name)
        for part in ("control", *SCRIPTS):
            text = (parts / part).read_text()
            kept = text if part in SCRIPTS else _without_comments(text)
            (folder / "DEBIAN" / part).write_text(_filled(kept, values))
        for source, place in COMMON.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.parts / "common" / source, folder / place)
        notice = folder / f"usr/share/doc/{name}/copyright"
        notice.parent.mkdir(parents=True)
        notice.write_text(_without_comments((self.parts / "common/copyright").read_text()))
        return folder

    def _build(
        self, folder: Path, package: Path, version: Version, executables: list[Path]
    ) -> None:
        scripts = [folder / "DEBIAN" / name for name in SCRIPTS]
        deb.normalise(folder, [*scripts, *executables])
        deb.build(self.paths, self.tree, folder, package, epoch=version.epoch, log=self.log)

    @staticmethod
    def _builders() -> list[Path]:
        here = Path(__file__)
        return [here, here.with_name("deb.py")]


def _without_comments(text: str) -> str:
    """Drop what Debian's control format has no place for."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text
