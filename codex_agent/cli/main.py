# SPDX-License-Identifier: Apache-2.0
"""Entry of the ``codex`` command: arguments in, one exit status out."""

from __future__ import annotations

import argparse
import sys

import codex_agent


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; imports nothing heavy."""
    parser = argparse.ArgumentParser(prog="codex", description="Ask and serve a Codex OS host.")
    parser.add_argument("--version", action="version", version=f"codex {codex_agent.__version__}")
    return parser


def entry() -> None:
    """Run the command and leave with its exit status."""
    build_parser().parse_args()
    sys.exit(0)
