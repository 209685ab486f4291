# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program that a role hands to Python, no package
"""Keeps which packages, holds, accounts and folders came with the roles.

Run by ``python3 -I - COMMAND`` with this text as its input. ``keep NAME...`` notes what there is
before a run, ``seal`` adds what is new since to what is ours; ``ours`` prints that, as far as it is
still there. A run that did not end stays open: what the next one finds new is new since the first,
but for packages that somebody asked apt for and that are not among the names of the roles. ``ours
adopt`` counts that as ours too, without a next run.

Never ours, whenever they came: kernels, for a host without one does not start; packages that Debian
calls essential, with what they need; accounts of people.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = "/var/lib/codex-ledger"
KINDS = ("packages", "holds", "users", "groups", "locks", "folders")
#: What programs of the roles fill while they run; such a folder goes as a whole.
FOLDERS = (
    "/var/lib/codex", "/var/lib/codex-bundle", "/var/lib/codex-kernel-guard",
    # Of an account that exists while its service runs: systemd puts a link beside the folder.
    "/var/lib/codex-agent", "/var/lib/private/codex-agent",
    "/var/cache/codex-agent", "/var/cache/private/codex-agent",
)  # fmt: skip
System = dict[str, list[str]]
#: No role brings a kernel; one that an upgrade brought may be the only one that is left.
_KERNEL = re.compile(r"linux-(image|modules)(-|$)")
#: Accounts of people begin here (Debian policy, 9.2.2).
_PEOPLE = 1000


def names(base: str, path: str) -> list[str]:
    """Return the names of the system's own accounts in a file of accounts."""
    lines = Path(base + path).read_text(encoding="utf-8").splitlines()
    rows = [line.split(":") for line in lines if line and line[0] not in "+-#"]
    return sorted(row[0] for row in rows if int(row[2]) < _PEOPLE)


def automatic(base: str) -> set[str]:
    """Return the packages that apt installed for others, and nobody asked for."""
    place = Path(base + "/var/lib/apt/extended_states")
    entries = place.read_text(encoding="utf-8").split("\n\n") if place.exists() else []
    fields = [dict(line.partition(": ")[::2] for line in e.splitlines()) for e in entries]
    return {field["Package"] for field in fields if field.get("Auto-Installed") == "1"}


def essential(needs: dict[str, str], first: set[str]) -> set[str]:
    """Return these packages with all that they need; ``needs`` has their fields Depends."""
    found: set[str] = set()
    left = set(first)
    while left:
        name = left.pop()
        found.add(name)
        left |= set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", needs.get(name, ""))) - found
    return found


def present(base: str) -> System:
    """Return what there is now."""
    # Important: what packages of Debian 12 have for Protected (dpkg 1.20.1), and apt heeds as well.
    marks = ("Essential", "Protected", "Important")
    fields = ("db:Status-Abbrev", "Package", "Pre-Depends", "Depends", *marks)
    done = subprocess.run(
        ["dpkg-query", f"--admindir={base.rstrip('/')}/var/lib/dpkg", "--show",
         "--showformat=" + r"\t".join(f"${{{field}}}" for field in fields) + r"\n"],
        capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )  # fmt: skip
    table = [line.split("\t") for line in done.stdout.splitlines()]
    rows = [(row[0], row[1]) for row in table]
    never = essential(
        {row[1]: f"{row[2]},{row[3]}" for row in table},
        {row[1] for row in table if "yes" in row[4:] and row[0][1] == "i"},
    )
    passwords = Path(base + "/etc/shadow").read_text(encoding="utf-8").splitlines()
    (root,) = [line.split(":")[1] for line in passwords if line.startswith("root:")] or ["!"]
    return {
        "packages": sorted(
            name
            for state, name in rows
            if state[1] == "i" and name not in never and not _KERNEL.match(name)
        ),
        "holds": sorted(name for state, name in rows if state[0] == "h"),
        "users": names(base, "/etc/passwd"),
        "groups": names(base, "/etc/group"),
        # Locked is what begins so (shadow(5)); "locks" is ours when it was not locked before.
        "locks": ["root"] if root.startswith("!") else [],
        "folders": [name for name in FOLDERS if os.path.lexists(base + name)],
    }


def load(place: Path) -> dict[str, Any]:
    """Return what was kept; a form that is not ours raises ``ValueError``."""
    if not place.exists():
        return {"before": None, "ours": {kind: [] for kind in KINDS}}
    data = json.loads(place.read_text())
    for part in (data["before"] or data["ours"], data["ours"]):
        if set(part) != set(KINDS):
            raise ValueError("another form")
        for found in part.values():
            if not all(isinstance(name, str) and name.isprintable() for name in found):
                raise ValueError("another form")
        if not set(part["folders"]) <= set(FOLDERS) or not set(part["locks"]) <= {"root"}:
            raise ValueError("another form")
    if not all(isinstance(name, str) and name.isprintable() for name in data.get("names", [])):
        raise ValueError("another form")
    return dict(data)


def trust(path: Path) -> None:
    """Raise ``ValueError`` for a path that somebody else could have put there."""
    if os.path.lexists(path) and (path.lstat().st_uid != os.geteuid() or path.is_symlink()):
        raise ValueError("not what root alone writes")


def write(place: Path, data: dict[str, Any]) -> None:
    """Put the new state in the place of the old one in one step."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = place.with_name(place.name + ".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    new.replace(place)


def main(argv: list[str], base: str = "") -> int:
    """Do what was asked and print, as JSON, what is ours and still there."""
    place = Path(base + FOLDER) / "system.json"
    if argv[:1] != ["keep"] and argv not in (["seal"], ["ours"], ["ours", "adopt"]):
        print("usage: keep NAME...|seal|ours [adopt]", file=sys.stderr)
        return 64
    try:
        trust(place.parent)
        trust(place)
        data = load(place)
    except (ValueError, KeyError, TypeError):
        print(f"{place} is not what this role wrote. Nothing was changed.", file=sys.stderr)
        return 3
    now = present(base)
    before, wanted = data["before"], argv[1:] if argv[:1] == ["keep"] else data.get("names", [])
    if before is not None and argv != ["seal"]:
        asked = set(now["packages"]) - automatic(base) - set(wanted)
        before = {**before, "packages": sorted({*before["packages"], *asked})}
    if argv[:1] == ["keep"]:
        write(place, {**data, "before": before or now, "names": wanted})
    if argv in (["seal"], ["ours", "adopt"]) and before is not None:
        data["ours"] = {
            kind: sorted({*data["ours"][kind], *(set(now[kind]) - set(before[kind]))})
            for kind in now
        }
    if argv == ["seal"] and before is not None:
        write(place, {"before": None, "ours": data["ours"]})
    print(json.dumps({k: [n for n in v if n in now[k]] for k, v in data["ours"].items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
