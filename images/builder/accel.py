# SPDX-License-Identifier: Apache-2.0
"""Whether KVM really runs a guest here.

A device node that opens proves nothing: the probe boots the kernel.
"""

import subprocess
from pathlib import Path

from builder import log
from builder.paths import Paths
from builder.tree import Tree

# Seconds in which a working KVM has long shown the kernel's first line; a broken one never does.
PROBE_SECONDS = 15
KVM = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SLOW = "the guest is emulated, which takes minutes instead of seconds."


def choose(paths: Paths, tree: Tree, kernel: Path) -> str:
    """``"kvm"`` or ``"tcg"``; kept until the machine boots again, so the reason is said once."""
    boot = BOOT_ID.read_text().strip()
    kept = paths.build / "accelerator"
    words = kept.read_text().split() if kept.exists() else []
    if len(words) == 2 and words[0] == boot and words[1] in {"kvm", "tcg"}:
        return words[1]
    answer = "tcg"
    if not KVM.exists():
        log.say(f"There is no {KVM} on this machine: {SLOW}")
    elif _boots(tree, kernel):
        answer = "kvm"
    else:
        log.say(f"{KVM} is there but cannot run a guest: {SLOW}")
    kept.write_text(f"{boot} {answer}\n")
    return answer


def _boots(tree: Tree, kernel: Path) -> bool:
    """Boot the kernel without a root file system: it says its version, panics, and QEMU ends."""
    argv = ["qemu-system-x86_64", "-accel", "kvm", "-machine", "q35", "-cpu", "host"]
    argv += ["-m", "512", "-nodefaults"]
    argv += ["-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", str(kernel)]
    argv += ["-append", "console=ttyS0 panic=-1 root=none"]
    try:
        done = subprocess.run(
            tree.command(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            env=tree.environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return b"Linux version" in done.stdout
