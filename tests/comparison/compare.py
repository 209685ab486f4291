# SPDX-License-Identifier: Apache-2.0
"""Lays two portraits side by side: what differs, whether that is declared, and a table of it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DECLARED = Path(__file__).with_name("differences.toml")
#: What stands for a key that one of the two has not.
ABSENT = "(absent)"


@dataclass(frozen=True)
class Allowed:
    """A difference that is meant: keys by a regular expression for the whole of one, and why.

    ``only`` is the release of the host where it is meant on that alone.
    """

    keys: str
    why: str
    only: str = ""


@dataclass(frozen=True)
class Difference:
    """One key in which two hosts differ; ``why`` is empty where nobody has declared it."""

    key: str
    image: str
    host: str
    why: str


def allowed(path: Path = DECLARED, release: str = "trixie") -> list[Allowed]:
    """Read what is declared for hosts of a release; ValueError for an entry without a reason."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    found = [Allowed(**entry) for entry in table["difference"]]
    for entry in found:
        re.compile(entry.keys)
        if len(entry.why) < 10:
            raise ValueError(f"{entry.keys} has no reason")
    return [entry for entry in found if entry.only in {"", release}]


def differences(
    image: Mapping[str, str], host: Mapping[str, str], declared: Sequence[Allowed]
) -> list[Difference]:
    """Return every key whose values differ, or that only one of the two has."""
    found = []
    for key in sorted(image.keys() | host.keys()):
        sides = image.get(key, ABSENT), host.get(key, ABSENT)
        # Unreadable on both sides is no agreement: nobody knows whether they agree.
        if sides[0] == sides[1] and not sides[0].startswith("unreadable"):
            continue
        why = next((entry.why for entry in declared if re.fullmatch(entry.keys, key)), "")
        if any(side.startswith("unreadable") for side in sides):
            why = ""
        found.append(Difference(key, *sides, why))
    return found


def table(found: Sequence[Difference], compared: int) -> str:
    """Return the differences as a table in Markdown."""
    lines = [
        (
            f"{compared} things were compared; {len(found)} differ,"
            f" {sum(not entry.why for entry in found)} of them without a declared reason."
        ),
        "",
        "| what | image | host | why |",
        "|---|---|---|---|",
    ]
    for entry in found:
        cells = (f"`{entry.key}`", *map(_short, (entry.image, entry.host)), entry.why or "**?**")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _short(value: str, most: int = 80) -> str:
    """One line; hashes and long lists are cut, the whole of them is in the portraits."""
    text = " ".join(value.split())
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
