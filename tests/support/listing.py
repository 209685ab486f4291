# SPDX-License-Identifier: Apache-2.0
"""Every file of a host, to compare what it was with what it is; runs there, as root.

usage: listing.py [FILE]. Python's own library only, so that it can be copied to any host. The
listing is JSON, path to kind, mode, owner and content; on standard output where no file is named.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

#: Folders that are no files of a host, or in which apt, dpkg and systemd keep their own accounts.
PASSED_OVER = (
    *("/proc", "/sys", "/dev", "/run", "/tmp", "/try", "/lost+found", "/var/tmp", "/var/log"),
    *("/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd"),
)


def _read(path: str) -> bool:
    """Whether a file is compared by its content: settings, states, and the modules' indexes.

    The indexes are written anew with the same content; other files would show by size and time.
    """
    return path.startswith(("/etc/", "/var/")) or path.rpartition("/")[2].startswith("modules.")


def listing(root: str = "/", passed_over: tuple[str, ...] = PASSED_OVER) -> dict[str, str]:
    """Kind, mode, owner and content of everything on the disk, by its path below ``root``."""
    found = {}
    base = root.rstrip("/")
    for folder, folders, files in os.walk(root):
        inside = folder[len(base) :].rstrip("/")
        folders[:] = [name for name in folders if f"{inside}/{name}" not in passed_over]
        for name in (*folders, *files):
            place = f"{inside}/{name}"
            path = Path(folder, name)
            status = path.lstat()
            if path.is_symlink():
                content = str(path.readlink())
            elif path.is_file() and _read(place):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            elif path.is_file():
                content = f"{status.st_size} {status.st_mtime_ns}"
            else:
                content = ""
            found[place] = f"{status.st_mode:o} {status.st_uid}:{status.st_gid} {content}"
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Path to ``added``, ``missing`` or ``changed``, with both sides of what changed."""
    found = {path: f"added: {after[path]}" for path in after.keys() - before.keys()}
    found |= {path: f"missing: {before[path]}" for path in before.keys() - after.keys()}
    for path in before.keys() & after.keys():
        if before[path] != after[path]:
            found[path] = f"changed: {before[path]} -> {after[path]}"
    return dict(sorted(found.items()))


if __name__ == "__main__":
    text = json.dumps(listing())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    else:
        print(text)
