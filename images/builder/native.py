# SPDX-License-Identifier: Apache-2.0
"""The agent's library in C: operations on rings that Python calls by ctypes."""

from pathlib import Path

from builder import log, stamp
from builder.paths import Paths
from builder.tree import Tree

NAME = "libcodex-ring.so"
HARDENING = (
    *("-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection"),
    "-fcf-protection",
)
LINKER = ("-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack")


def ensure(paths: Paths, tree: Tree) -> Path:
    """Return the library, compiled beside its sources: there unit tests and packing find it."""
    folder = paths.root / "codex_agent/kernel/native"
    # No path of this machine gets into the library.
    flags = ["-O2", *HARDENING, f"-ffile-prefix-map={paths.root}/="]
    words = [f"CFLAGS={' '.join(flags)}", f"LDFLAGS={' '.join(LINKER)}"]
    wanted = stamp.digest(
        files=[
            *(path for path in sorted(folder.iterdir()) if path.suffix in {".c", ".h"}),
            folder / "Makefile",
            paths.root / "kernel/linux/include/uapi",
        ],
        words=[*words, stamp.Stamp(paths.stamps, "tools").path.read_text()],
    )
    library = folder / NAME
    made = stamp.Stamp(paths.stamps, "native")
    if made.fresh(wanted) and library.exists():
        return library
    with made.renewed(wanted), log.step("Compiling the agent's native library"):
        out = paths.build / "native"
        argv = ["make", "--always-make", "-C", str(folder), f"OUT={out}", *words]
        tree.run(argv, log=paths.logs / "native.log")
        # In one step: a program that has the old one open keeps it whole.
        new = (out / NAME).rename(library.with_suffix(".new"))
        new.replace(library)
    return library
