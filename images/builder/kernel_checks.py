# SPDX-License-Identifier: Apache-2.0
"""Checkers of kernel code: form and style at once, compilers and semantic patches with the tests.

The fast ones belong to `make check`, the slow ones to `make test-kernel`.
"""

import os
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder import log, stamp
from builder.errors import BuildError
from builder.modules import Modules
from builder.paths import Paths
from builder.tree import Tree

# What the generator writes has the generator's form, and a probe need not be good code.
GENERATED = ("include/",)
PROBES = ("probe/",)
# Everything that gcc says, and everything that sparse says as an error.
COMPILER = ("W=1",)
SPARSE = ("C=2", "CF=-Wsparse-error")
# A word in headers that sparse 0.6.4, which trixie has, cannot read: those of 7.3 have it.
NEWER = "typeof_unqual"
CHECKED = re.compile(r"^  CHECK +\S+\.c$", re.MULTILINE)
SAID = re.compile(r"^(?:.*: )?(?:warning|error): .*$|^WARNING: .*$", re.MULTILINE)
# Semantic patches of the kernel that ask a person to judge, or need a whole kernel's tree.
CONFIDENT = re.compile(r"^// Confidence: (?:High|Moderate)", re.MULTILINE)


def sources(paths: Paths, besides: Sequence[str] = ()) -> list[Path]:
    """Return the C files of the modules, without those below some folders."""
    folder = paths.root / "kernel/linux"
    found = [path for path in sorted(folder.rglob("*.[ch]")) if not path.name.endswith(".mod.c")]
    return [p for p in found if not str(p.relative_to(folder)).startswith(tuple(besides))]


def form(paths: Paths) -> list[str | Path]:
    """Return the call of clang-format with our style of the kernel's (kernel/.clang-format)."""
    words = ["--dry-run", "--Werror", "--style=file"]
    return [paths.venv / "bin/clang-format", *words, *sources(paths, GENERATED + PROBES)]


def style(paths: Paths) -> list[str | Path]:
    """Return the call of checkpatch, of the kernel's source."""
    words = ["--no-tree", "--strict", "--terse", "--show-types", "--no-summary", "--quiet"]
    # (1U << n) in what programs include: BIT() is not theirs to use.
    checkpatch = paths.kernel_source / "scripts/checkpatch.pl"
    options = ["--ignore", "BIT_MACRO", "--file"]
    return ["perl", checkpatch, *words, *options, *sources(paths, PROBES)]


def compilers(paths: Paths, tree: Tree, release: str) -> None:
    """Compile for a kernel with everything that compiler and sparse can say; BuildError for a word.

    Nothing is done again while sources, headers and checkers are the same.
    """
    modules = Modules(paths, tree)
    readable = _sparse_reads(paths, release)
    options = (*COMPILER, *SPARSE) if readable else COMPILER
    wanted = stamp.digest(files=[modules.sources], words=[*options, *_tools(paths), release])
    made = stamp.Stamp(paths.stamps, f"modules-checked-{release}")
    if made.fresh(wanted):
        return
    title = "W=1 and sparse" if readable else "W=1 (sparse cannot read these headers)"
    with made.renewed(wanted), log.step(f"{title} for {release}"):
        before = modules.log.stat().st_size if modules.log.exists() else 0
        shutil.rmtree(modules.compile(release, options))
        with modules.log.open("rb") as stream:
            stream.seek(before)
            text = stream.read().decode(errors="replace")
        said = SAID.findall(text)
        if said:
            raise BuildError(
                f"Compiler or sparse have {len(said)} remark(s) for {release}.",
                hint="\n  ".join(["They are:", *said[:20]]),
            )
        # The kernel's build goes on without a checker that it does not like.
        if readable and not CHECKED.search(text):
            raise BuildError(f"sparse did not look at anything for {release}.", hint=_see(modules))


def _sparse_reads(paths: Paths, release: str) -> bool:
    """Whether the headers of a kernel are in the C that sparse knows."""
    kbuild = paths.tools / f"usr/src/linux-headers-{release}/Makefile"
    found = re.search(r"^include (/\S+)/Makefile$", kbuild.read_text(), re.MULTILINE)
    if not found:
        raise BuildError(f"{kbuild} does not say where the kernel's common headers are.")
    common = paths.tools / found[1].lstrip("/")
    return NEWER not in (common / "include/linux/compiler_types.h").read_text().lower()


def _see(modules: Modules) -> str:
    return f"See {modules.log}."


def semantic(paths: Paths, tree: Tree) -> None:
    """Apply the kernel's semantic patches (coccinelle); BuildError for what one of them reports."""
    folder = paths.kernel_source / "scripts/coccinelle"
    wanted = stamp.digest(files=[folder, *sources(paths, PROBES)], words=_tools(paths))
    made = stamp.Stamp(paths.stamps, "modules-coccinelle")
    if made.fresh(wanted):
        return
    patches = [p for p in sorted(folder.rglob("*.cocci")) if CONFIDENT.search(p.read_text())]
    # Those with scripts in OCaml would need its compiler, which is larger than all else together.
    patches = [
        p for p in patches if "virtual report" in p.read_text() and ":ocaml" not in p.read_text()
    ]

    def report(patch: Path) -> str:
        words = ["spatch", "--very-quiet", "-D", "report", "--no-show-diff", "--no-includes"]
        spatch: list[str | Path] = [*words, "--cocci-file", patch, *sources(paths, PROBES)]
        return tree.output(spatch).strip()

    with made.renewed(wanted), log.step(f"{len(patches)} semantic patches"):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = [text for text in pool.map(report, patches) if text]
        if said:
            raise BuildError(
                f"Semantic patches have {len(said)} report(s).",
                hint="\n  ".join(["They are:", *said]),
            )


def _tools(paths: Paths) -> list[str]:
    return [stamp.Stamp(paths.stamps, name).path.read_text() for name in ("tools", "kernel")]
