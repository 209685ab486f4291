# SPDX-License-Identifier: Apache-2.0
"""What the removal of the roles has left on a host, or taken from it, that was not so before.

usage: python -m tests.molecule.removed. Exit status 1 where something is not explained.
"""

import json
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.molecule import left
from tests.support import listing

DECLARED = Path(__file__).with_name("remaining.toml")


@dataclass(frozen=True)
class Remains:
    """What may be otherwise than before: paths, whether added, missing or changed, and why."""

    paths: str
    kinds: tuple[str, ...]
    why: str

    def covers(self, path: str, said: str) -> bool:
        """Whether this explains a difference."""
        return said.startswith(self.kinds) and re.fullmatch(self.paths, path) is not None


def declared(path: Path = DECLARED) -> list[Remains]:
    """Read what may remain; ValueError for an entry without kinds or reason."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    found = [Remains(e["paths"], tuple(e["kinds"]), e["why"]) for e in table.get("remains", [])]
    for entry in found:
        known = set(entry.kinds) <= {"added", "missing", "changed"}
        if not entry.kinds or not known or len(entry.why) < 10:
            raise ValueError(f"{entry.paths} is not an entry")
    return found


def unexplained(
    before: Mapping[str, str], after: Mapping[str, str], allowed: Sequence[Remains]
) -> dict[str, str]:
    """Return path to difference of all that nobody has explained."""
    found = listing.differences(dict(before), dict(after))
    return {
        path: said
        for path, said in found.items()
        if not any(entry.covers(path, said) for entry in allowed)
    }


def main() -> int:
    """Compare the listings of this scenario and tell what is not explained."""
    place = left.folder()
    before, after = (
        json.loads((place / f"{name}.json").read_text()) for name in ("before", "after")
    )
    if len(before) < 1000:
        print("The listing from before holds next to nothing; nothing can be compared with it.")
        return 1
    found = unexplained(before, after, declared())
    for path, said in found.items():
        print(f"{path} {said}")
    print(f"{len(before)} files before, {len(after)} after, {len(found)} unexplained differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
