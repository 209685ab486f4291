# SPDX-License-Identifier: Apache-2.0
"""Lets the running service take up a new certificate or token."""

from __future__ import annotations

import subprocess
from pathlib import Path

from codex_agent.errors import CodexError

UNIT = "codex-agent.service"
_TIMEOUT_S = 60
_RUNNING = Path("/run/systemd/system")


def restart_agent() -> bool:
    """Restart the service where it runs; say whether there was a systemd to ask.

    systemd is only asked to queue it: during the start of a host, waiting here could wait for us.
    """
    if not _RUNNING.is_dir():
        return False
    command = ["systemctl", "--no-block", "try-restart", UNIT]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CodexError(
            f"{UNIT} could not be restarted: {error}.", hint=" ".join(command)
        ) from None
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise CodexError(f"{UNIT} could not be restarted: {reason[0]}.", hint=" ".join(command))
    return True
