# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a folder that Python runs, no package
"""Run by ``python3 -I -B /usr/lib/codex/kernel-guard``."""

import sys

from kernel_guard.cli import main

sys.exit(main(sys.argv[1:]))
