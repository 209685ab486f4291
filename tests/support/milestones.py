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
REFUSED = (
    r"(?i:access denied|security violation|security policy violation"
    r"|no bootable option or device was found)"
)


def facts(verdict: re.Match[str]) -> dict[str, str]:
    """``key=value`` words of a verdict line."""
    return dict(word.split("=", 1) for word in verdict["facts"].split())
