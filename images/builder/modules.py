# SPDX-License-Identifier: Apache-2.0
"""Our kernel modules: compiled where no key is, then signed where no source is."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from builder import keys, log, sandbox, stamp
from builder.errors import BuildError
from builder.paths import Paths
from builder.tree import Tree

# What a build leaves beside the sources, should somebody have run make there.
PRODUCTS = ("*.o", "*.ko", "*.mod", "*.mod.c", ".*.cmd", "Module.symvers", "modules.order", ".tmp*")
# Nothing of when, where and by whom: one source and one tree give the same bytes everywhere.
ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": "0",
    "KBUILD_BUILD_TIMESTAMP": "1970-01-01",
    "KBUILD_BUILD_USER": "codex",
    "KBUILD_BUILD_HOST": "codex",
}
PREFIX = f"KCFLAGS=-ffile-prefix-map={sandbox.FOLDER}/="
# Debug information names folders and is nine tenths of a module; types (BTF) stay.
STRIP = 'make "$@" && find . -name "*.ko" -exec strip --strip-debug {} +'
HEADERS_HINT = "`make test-kernel` adds the headers of each kernel that the modules are tested on."


def image_release(paths: Paths, flavour: str) -> str:
    """Return the kernel of a flavour, as `uname -r` says it there; BuildError without exactly one.

    The flavour names its kernel by the package ``linux-binary-RELEASE``.
    """
    text = (paths.root / "images/flavours" / flavour / "mkosi.conf").read_text()
    found = re.findall(r"^\s+linux-binary-(\S+)$", text, re.MULTILINE)
    if len(found) != 1:
        raise BuildError(
            f"The flavour {flavour} names {len(found)} kernels, not one.",
            hint=f"images/flavours/{flavour}/mkosi.conf lists linux-binary-RELEASE once.",
        )
    return str(found[0])


class Modules:
    """Modules of all folders ``kernel/linux/ai_*``, for one kernel release at a time."""

    def __init__(self, paths: Paths, tree: Tree) -> None:
        self.paths = paths
        self.tree = tree
        self.log = paths.logs / "modules.log"
        self.sources = paths.root / "kernel/linux"

    def names(self) -> list[str]:
        """Return the names of the modules, sorted."""
        return sorted(path.parent.name for path in self.sources.glob("ai_*/Kbuild"))

    def ensure(self, release: str) -> Path:
        """Return the folder with the unsigned modules for a kernel, compiled if need be."""
        target = self.paths.modules / release
        wanted = self._digest(release)
        made = stamp.Stamp(self.paths.stamps, f"modules-{release}")
        if made.fresh(wanted) and all((target / f"{n}.ko").exists() for n in self.names()):
            return target
        with made.renewed(wanted), log.step(f"Compiling the kernel modules for {release}"):
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            work = self.compile(release)
            for name in self.names():
                shutil.copy(_product(work, name), target / f"{name}.ko")
            shutil.rmtree(work)
        return target

    def compile(self, release: str, options: Sequence[str] = ()) -> Path:
        """Compile a copy of the sources in the sandbox; return the folder with all that came of it.

        ``options`` are further words for make, such as ``W=1``. Who reads the result must not
        follow links: the step that wrote it runs code of the sources.
        """
        headers = Path("usr/src") / f"linux-headers-{release}"
        if not (self.paths.tools / headers).is_dir():
            raise BuildError(f"The headers of kernel {release} are not there.", hint=HEADERS_HINT)
        work = self.paths.modules / f"{release}.work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.sources, work, ignore=shutil.ignore_patterns(*PRODUCTS))
        for path in (work, *work.rglob("*")):
            os.chown(path, sandbox.NOBODY, sandbox.NOBODY, follow_symlinks=False)
        words = ["-C", f"/{headers}", f"M={sandbox.FOLDER}", f"-j{os.cpu_count() or 1}"]
        argv = ["sh", "-c", STRIP, "sh", *words, PREFIX, *options, "modules"]
        sandbox.run(self.paths, work, argv, log=self.log, env=ENVIRONMENT)
        return work

    def ensure_signed(self, release: str) -> Path:
        """Return the folder with the modules for a kernel, signed with keys/modules.key."""
        unsigned = self.ensure(release)
        target = self.paths.modules_signed / release
        certificate = self.paths.keys / "modules.crt"
        wanted = stamp.digest(files=[unsigned, certificate], words=[self._tools()])
        made = stamp.Stamp(self.paths.stamps, f"modules-signed-{release}")
        if made.fresh(wanted) and all((target / f"{n}.ko").exists() for n in self.names()):
            return target
        with made.renewed(wanted), log.step(f"Signing the kernel modules for {release}"):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(unsigned, target)
            self._sign(release, target)
            self._check_signer(target)
        return target

    def _sign(self, release: str, folder: Path) -> None:
        """Sign in a sandbox that has the modules and the pair of keys, and no source."""
        program = f"/usr/src/linux-headers-{release}/scripts/sign-file"
        pair = [self.paths.keys / "modules.key", self.paths.keys / "modules.crt"]
        key, certificate = (sandbox.FILES / path.name for path in pair)
        for name in self.names():
            words: list[str | Path] = [program, "sha256", key, certificate, f"{name}.ko"]
            sandbox.run(self.paths, folder, words, log=self.log, user=sandbox.ROOT, files=pair)

    def _check_signer(self, folder: Path) -> None:
        for name in self.names():
            signer = self.tree.output(["modinfo", "-F", "signer", folder / f"{name}.ko"]).strip()
            if signer != keys.CERTIFICATES["modules"]:
                raise BuildError(
                    f"{name}.ko is signed by {signer or 'nobody'}, "
                    f"not by {keys.CERTIFICATES['modules']}.",
                    hint=f"See {self.log}.",
                )

    def _digest(self, release: str) -> str:
        scripts = [Path(__file__), Path(__file__).with_name("in-sandbox")]
        # The headers of the image's kernel are in the lock of the tools, others in that of a group.
        added = stamp.Stamp(self.paths.stamps, "kernel").path
        group = added.read_text() if added.exists() and not self._in_tools(release) else ""
        return stamp.digest(files=[self.sources, *scripts], words=[release, self._tools(), group])

    def _in_tools(self, release: str) -> bool:
        return f"linux-headers-{release}" in (self.paths.locks / "tools.in").read_text().split()

    def _tools(self) -> str:
        return stamp.Stamp(self.paths.stamps, "tools").path.read_text()


def _product(work: Path, name: str) -> Path:
    """Return a module that was compiled; BuildError for what is no file of this folder.

    A link that the build made would have root read what it points to.
    """
    path = work / name / f"{name}.ko"
    if path.is_symlink() or path.resolve() != work.resolve() / name / f"{name}.ko":
        raise BuildError(
            f"The build left a link in place of {name}.ko.", hint="Look at its Kbuild."
        )
    if not path.is_file():
        raise BuildError(f"The build left no {name}.ko.", hint="Look at its Kbuild.")
    return path
