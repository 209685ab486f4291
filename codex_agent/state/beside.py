# SPDX-License-Identifier: Apache-2.0
"""What changes a running host without lying in its layer; nearly all of it ends with a restart."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from codex_agent.host import mounts
from codex_agent.host.reading import Unreadable
from codex_agent.host.root import why
from codex_agent.state import bootpartition, commandline, modules, reset, units
from codex_agent.state.model import Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_agent.host.model import Delivery
    from codex_agent.host.mounts import Mount
    from codex_agent.host.root import Root

CREDENTIALS = ("/run/credentials/@system", "/run/credentials/@encrypted")
# Places in memory from which programs of the system take settings. What generators make
# (/run/systemd/generator) is not among them: they are sealed, and what they go by is told here.
RUNTIME = {
    "/run/systemd/system": "a unit or drop-in until the next start",
    "/run/systemd/transient": "a unit that somebody started by hand",
    "/run/systemd/generator.early": "a unit or drop-in that a credential gave",
    "/run/systemd/system.control": "a property of a unit until the next start",
    "/run/systemd/system.attached": "a unit of a portable service",
    "/run/systemd/network": "network until the next start, or from a credential",
    "/run/systemd/system.conf.d": "settings of systemd",
    "/run/systemd/journald.conf.d": "settings of the journal",
    "/run/systemd/resolved.conf.d": "settings of name resolution",
    "/run/systemd/timesyncd.conf.d": "settings of the clock",
    "/run/systemd/logind.conf.d": "settings of logins",
    "/run/sysctl.d": "kernel parameters",
    "/run/modules-load.d": "modules to load",
    "/run/modprobe.d": "options of modules",
    "/run/tmpfiles.d": "files to make",
    "/run/sysusers.d": "accounts to make",
    "/run/binfmt.d": "formats of programs",
    "/run/udev/rules.d": "rules for devices",
    "/run/repart.d": "partitions to make",
    "/run/sysupdate.d": "transfers of updates",
}
# What the system itself makes at each start.
EXPECTED = {
    "/run/tmpfiles.d/static-nodes.conf": "kmod-static-nodes.service",
}
# Sessions and their slices come and go with each login and start nothing of their own.
_SESSIONS = (".scope", ".slice")
# On a host that Ansible keeps, the administrator's own place of units.
OWN_UNITS = (
    "/etc/systemd/system", "/etc/systemd/system.control", "/usr/local/lib/systemd/system",
)  # fmt: skip
EXTENSIONS = ("/run/extensions", "/var/lib/extensions", "/run/confexts", "/var/lib/confexts")
# Where something may be mounted without covering what is sealed.
_OPEN = (
    "/proc", "/sys", "/dev", "/run", "/var", "/root", "/efi", "/boot", "/mnt", "/media", "/srv",
    "/home", "/tmp",  # noqa: S108 - nothing is written there
)  # fmt: skip
_SEALED = ("/usr", "/etc", "/opt", "/bin", "/sbin", "/lib", "/lib64")
# systemd binds the machine's id over it where /etc cannot be written.
_BOUND = frozenset({"/etc/machine-id"})
_ENTRIES = 2000
_DEEPEST = 6


def compare(root: Root, delivery: Delivery | None, version: str | None) -> Findings:
    """Look at all of it."""
    found = Findings("beside")
    _credentials(root, found)
    for folder, text in RUNTIME.items():
        _folder(root, found, folder, text, lasts=False)
    for folder in EXTENSIONS:
        for name in found.names(root.names, folder):
            lasts = folder.startswith("/var")
            text = "an extension image, which covers parts of the system once it is merged"
            found.differs(f"{folder}/{name}", "added", text, lasts=lasts)
    _mounts(root, found, delivery)
    modules.compare(root, found, delivery)
    if delivery == "image":
        commandline.compare(root, found, version)
        _boot_partition(root, found)
        _request(root, found)
    else:
        for folder in OWN_UNITS:
            text = "a unit or drop-in of the administrator"
            _folder(root, found, folder, text, lasts=True, but=units.is_alias)
    return found


def _credentials(root: Root, found: Findings) -> None:
    for folder in CREDENTIALS:
        for name in found.names(root.names, folder):
            text = "given from outside at this start; what it holds is not shown"
            found.differs(f"credential {name}", "given", text, lasts=False)


def _boot_partition(root: Root, found: Findings) -> None:
    for path in _some(root, found, bootpartition.PLACE):
        text = bootpartition.foreign(path)
        if text is not None:
            found.differs(path, "added", text)
    bootpartition.settings(root, found)


def _folder(
    root: Root,
    found: Findings,
    folder: str,
    text: str,
    *,
    lasts: bool,
    but: Callable[[Root, str], bool] | None = None,
) -> None:
    for path in _some(root, found, folder):
        session = folder.endswith("/transient") and _of_a_session(path, folder)
        if path not in EXPECTED and not session and not (but and but(root, path)):
            found.differs(path, "added", text, lasts=lasts)


def _of_a_session(path: str, folder: str) -> bool:
    unit = path.removeprefix(f"{folder}/").partition("/")[0].removesuffix(".d")
    return unit.endswith(_SESSIONS)


def _some(root: Root, found: Findings, folder: str) -> Iterator[str]:
    """Yield files and links below a folder, and count them; not without end."""
    for number, path in enumerate(_files(root, found, folder, _DEEPEST)):
        if number == _ENTRIES:
            found.unreadable(folder, f"it has more than {_ENTRIES} entries")
            return
        found.compared += 1
        yield path


def _files(root: Root, found: Findings, folder: str, depth: int) -> Iterator[str]:
    """Yield files and links below a folder; enabling a unit makes links to what exists anyway."""
    if depth == 0:
        found.unreadable(folder, "it lies too deep")
        return
    for name in found.names(root.names, folder):
        path = f"{folder}/{name}"
        try:
            status = os.lstat(root.at(path))
        except OSError as error:
            reading = why(path, error)
            if not reading.absent:  # it may have gone since
                found.unreadable(path, reading.reason)
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _files(root, found, path, depth - 1)
        elif not (stat.S_ISLNK(status.st_mode) and folder.endswith((".wants", ".requires"))):
            yield path


def _mounts(root: Root, found: Findings, delivery: Delivery | None) -> None:
    found.compared += 1
    table = mounts.host_table(root)
    if table.value is None:
        found.unreadable("mounts", table.reason or "the table of mounts cannot be read")
        return
    seen: set[str] = set()
    for mount in table.value:
        again = mount.point in seen and mount.point == "/"
        seen.add(mount.point)
        if mount.point in _BOUND or not (again or _covers(mount, delivery)):
            continue
        text = f"{mount.type} from {mount.source} covers it"
        found.differs(mount.point, "covered", text, lasts=False)


def _covers(mount: Mount, delivery: Delivery | None) -> bool:
    point = mount.point
    if delivery == "host":
        # There, a folder may be a file system of its own by the host's own table.
        return mount.type == "overlay" and _below(point, _SEALED)
    return point != "/" and not _below(point, _OPEN)


def _below(point: str, folders: tuple[str, ...]) -> bool:
    return any(point == folder or point.startswith(f"{folder}/") for folder in folders)


def _request(root: Root, found: Findings) -> None:
    found.compared += 1
    try:
        armed = reset.requested(root)
    except Unreadable as error:
        found.unreadable("factory reset", error.reason)
        return
    if armed is not None:
        text = "it was asked for and happens at the next start (codex factory-reset --cancel)"
        found.differs("factory reset", "given", text)
