# SPDX-License-Identifier: Apache-2.0
"""What the serial console of a guest says. The expressions are searched in plain text."""

import re

#: The host's own judgement, printed by codex-health.service.
VERDICT = r"codex-verdict: (?P<state>[a-z]+)(?P<facts>(?: [a-z-]+=\S+)*)"
#: dm-verity met a block that does not agree with its hash.
CORRUPTION = r"device-mapper: verity: .* is corrupted"
#: A kernel runs: its own lines, the stub's, or those of systemd.
KERNEL_RUNS = r"Linux version \d|EFI stub:|\[ *\d+\.\d{6}\]|systemd\[1\]|Welcome to |codex-verdict:"
#: The firmware or the boot loader refused to start a program.
REFUSED = r"(?i:access denied|security violation|security policy violation)"
#: The firmware has tried everything and gives up.
NOTHING_TO_BOOT = r"No bootable option or device was found"
#: The initrd gives up (images/initrd, initrd-failed).
BOOT_FAILED = r"codex-initrd: the system cannot start"
#: Signs on the console that a boot was not a good one, even if it ended well.
TROUBLE = (
    BOOT_FAILED,
    CORRUPTION,
    r"\[FAILED\]",
    r"Kernel panic",
    r"(?i)emergency mode",
    r"Timed out waiting for device",
    r"ordering cycle",
)
#: The kernel restarts the machine; QEMU ends then.
RESTARTS = "reboot: Restarting system"
#: What a good boot under OVMF shows, in this order.
GOOD_BOOT = (r"BdsDxe: starting Boot\d+", KERNEL_RUNS, VERDICT)


def facts(verdict: re.Match[str]) -> dict[str, str]:
    """``key=value`` words of a verdict line."""
    return dict(word.split("=", 1) for word in verdict["facts"].split())
