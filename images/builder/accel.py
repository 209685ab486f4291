# SPDX-License-Identifier: Apache-2.0
"""Whether KVM really runs a guest here. A device node that opens proves nothing: the probe boots the kernel."""

import subprocess
from pathlib import Path

from builder import log
from builder.paths import Paths
from builder.tree import Tree

# Seconds in which a working KVM has long shown the kernel's first line; a broken one shows nothing for ever.
PROBE_SECONDS = 15


def choose(paths: Paths, tree: Tree, kernel: Path) -> str:
    """``"kvm"`` or ``"tcg"``; the answer is kept until the machine boots again, so the reason is said once."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    kept = paths.build / "accelerator"
    words = kept.read_text().split() if kept.exists() else []
    if len(words) == 2 and words[0] == boot:
        return words[1]
    answer = "tcg"
    if not Path("/dev/kvm").exists():
        log.say("There is no /dev/kvm on this machine: the guest is emulated, which takes minutes instead of seconds.")
    elif _boots(paths, tree, kernel):
        answer = "kvm"
    else:
        log.say("/dev/kvm is there but cannot run a guest: the guest is emulated, which takes minutes instead of seconds.")
    kept.write_text(f"{boot} {answer}\n")
    return answer


def _boots(paths: Paths, tree: Tree, kernel: Path) -> bool:
    """Boots the kernel without a root file system: it says its version and panics, and QEMU ends."""
    argv = ["qemu-system-x86_64", "-accel", "kvm", "-machine", "q35", "-cpu", "host", "-m", "512", "-nodefaults"]
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
