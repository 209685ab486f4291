# SPDX-License-Identifier: Apache-2.0
"""``python -m codex_agent.kernel.schema [--check]``: make what follows from the schemas."""

from __future__ import annotations

import argparse
import sys

from codex_agent.errors import CodexError
from codex_agent.kernel.schema import targets


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` only say which are not up to date (exit status 1)."""
    parser = argparse.ArgumentParser(prog="python -m codex_agent.kernel.schema")
    parser.add_argument("--check", action="store_true", help="change nothing, end with 1 if needed")
    given = parser.parse_args(arguments)
    try:
        changed = targets.differing() if given.check else targets.write()
    except CodexError as error:
        print(f"error: {error.message}", file=sys.stderr)
        print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    for path in changed:
        print(f"{path} {'is not up to date' if given.check else 'written'}")
    return 1 if given.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
