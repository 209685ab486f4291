# SPDX-License-Identifier: Apache-2.0
"""Runs a C program in a guest that has our kernel modules, and reads the figures that it prints.

Guests are emulated where there is no KVM: then only ratios within one boot mean something.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder import accel

from tests.bench import compiled
from tests.bench.row import CannotRunError, Context, Figures, Subject
from tests.kernel.harness import initramfs, kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LIMIT_S = 600
SOURCES = ("guest/main.c", "guest/memory.c", "guest/edu.c")
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
set -e
for module in /m/*.ko; do insmod $module; done
/program %(words)s > /dev/ttyS1
echo o > /proc/sysrq-trigger
sleep 60
"""


def subjects(
    context: Context, names: Sequence[str], what: str, qemu: Sequence[str] = ()
) -> list[Subject]:
    """Subjects that one boot measures together in each round, in turn inside the guest.

    ``what`` is the first word that the program gets. It prints a JSON object: subject, figure,
    value.
    """
    folder = context.paths.build
    found = kernels.packaged(folder)
    if not found or not list(found[-1].modules.glob("*.ko")):
        raise CannotRunError("There are no kernel modules.", hint="`make test-kernel` makes them.")
    program = compiled.program(context, "guest/program", SOURCES, "-static")
    kept: dict[str, Figures] = {}

    def take(name: str) -> Figures:
        if name not in kept:
            kept.update(_boot(context, found[-1], program, what, qemu))
        return kept.pop(name)

    def of(name: str) -> Callable[[], Figures]:
        return lambda: take(name)

    return [Subject(name, of(name)) for name in names]


def _boot(
    context: Context, kernel: kernels.Kernel, program: Path, what: str, qemu: Sequence[str]
) -> Mapping[str, Figures]:
    with tempfile.TemporaryDirectory(prefix="guest-", dir=context.folder) as name:
        initrd = Path(name) / "initrd"
        files = initramfs.read(kernel.modules, "*.ko", "m")
        init = INIT % {"words": what}
        files["init"] = initramfs.File(init.encode(), 0o755)
        busybox = context.paths.tools / "bin/busybox"
        if not busybox.exists():
            raise CannotRunError("There is no busybox.", hint="`make test-kernel` adds it.")
        files["bin/busybox"] = initramfs.File(busybox.read_bytes(), 0o755)
        files["program"] = initramfs.File(program.read_bytes(), 0o755)
        for empty in ("proc", "sys", "dev"):
            files[f"{empty}/.keep"] = initramfs.File(b"")
        initrd.write_bytes(initramfs.pack(files))
        argv = ["timeout", str(LIMIT_S), "qemu-system-x86_64", "-nodefaults", "-no-reboot"]
        argv += ["-display", "none", "-machine", "q35"]
        argv += ["-serial", f"file:{name}/console", "-serial", "stdio"]
        fast = accel.choose(context.paths, context.tree, kernel.image) == "kvm"
        argv += ["-accel", "kvm" if fast else "tcg,thread=multi", "-cpu", "host" if fast else "max"]
        argv += ["-smp", "2", "-m", "1024", *qemu]
        argv += ["-kernel", str(kernel.image), "-initrd", str(initrd)]
        argv += ["-append", "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic"]
        said = context.tree.output(argv)
        console = (Path(name) / "console").read_text(errors="replace")
    try:
        read: dict[str, Figures] = json.loads(said)
    except ValueError:
        hint = f"It said {said!r}; the end of its console:\n{console[-2000:]}"
        raise CannotRunError("The guest gave no figures.", hint=hint) from None
    return read
