# SPDX-License-Identifier: Apache-2.0
"""Lets ``python -m codex_agent`` be the ``codex`` command."""

from codex_agent.cli.main import entry

if __name__ == "__main__":
    entry()
