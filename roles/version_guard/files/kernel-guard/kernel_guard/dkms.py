# SPDX-License-Identifier: Apache-2.0
"""Whether DKMS built and installed all its modules for one kernel.

Every module that is registered has to be there for a kernel, in its newest version. DKMS itself
leaves out some (``AUTOINSTALL``, ``BUILD_EXCLUSIVE_*``) without a word; a kernel on which a driver
is left out is one on which the device is lost, so only the operator can say that this is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_guard.host import UnreadableError
from kernel_guard.order import newest_first

if TYPE_CHECKING:
    from collections.abc import Collection

    from kernel_guard.host import Host

TREE = "/var/lib/dkms"
#: Everywhere that a distribution puts it.
PROGRAM = "/usr/sbin/dkms"
#: What DKMS keeps in its tree beside the modules' folders.
_OTHERS = ("dkms_dbversion", "mok.key", "mok.pub", "mok.priv", "mok.der")

# dkms 3 writes "name/version, kernel, arch: state"; dkms 2.8 "name, version, kernel, arch: state".
_NEW = re.compile(r"(?P<name>[^/,:\s]+)/(?P<version>[^/,:\s]+)(?P<kernel>, [^,\s]+, [^,\s]+)?")
_OLD = re.compile(r"(?P<name>[^/,:\s]+), (?P<version>[^/,:\s]+)(?P<kernel>, [^,\s]+, [^,\s]+)?")


# Also where the module took the place of one of the kernel's own, which dkms 3.2 and 3.0 note.
_GOOD = (
    "installed",
    "installed (Original modules exist)",
    "installed (original_module exists)",
)


@dataclass(frozen=True)
class Line:
    """One line of ``dkms status``; without a kernel the module is only registered."""

    name: str
    version: str
    release: str | None
    machine: str | None
    state: str


def parse(text: str) -> list[Line]:
    """Return the lines of ``dkms status``; raise ``UnreadableError`` at one that is not known."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        left, colon, state = line.partition(": ")
        match = _NEW.fullmatch(left) or _OLD.fullmatch(left)
        if not colon or not match or not state:
            raise UnreadableError(f'dkms status says "{line[:200]}", which is not understood')
        place = (match["kernel"] or "").split(", ")[1:]
        release, machine = place or (None, None)
        found.append(Line(match["name"], match["version"], release, machine, state.strip()))
    return found


def status(host: Host) -> list[Line]:
    """Return what DKMS has; nothing where there is no DKMS, and nothing that it could have left."""
    if not host.has(PROGRAM):
        kept = [name for name in _kept(host) if name not in _OTHERS]
        if kept:
            raise UnreadableError(f"{TREE} has {', '.join(kept[:3])}, but {PROGRAM} is not there")
        return []
    return parse(host.ask("dkms", "status"))


def _kept(host: Host) -> list[str]:
    return host.names(TREE) if host.has(TREE) else []


def missing(host: Host, lines: list[Line], release: str, optional: Collection[str]) -> list[str]:
    """Return a sentence for each registered module that a kernel does not have."""
    reasons = []
    for name in sorted({line.name for line in lines} - set(optional)):
        version = newest_first(line.version for line in lines if line.name == name)[0]
        here = [
            line.state
            for line in lines
            if (line.name, line.version, line.release, line.machine)
            == (name, version, release, host.machine)
        ]
        if len(here) != 1 or here[0] not in _GOOD:
            state = f" (it is {here[0]})" if here else ""
            reasons.append(f"DKMS has not installed {name} {version} for it{state}")
        else:
            reasons += _unusable(host, name, version, release)
    return reasons


def _unusable(host: Host, name: str, version: str, release: str) -> list[str]:
    """Return what is wrong with modules that DKMS calls installed: it is asked of the files."""
    folder = f"{TREE}/{name}/{version}/{release}/{host.machine}/module"
    built = [file for file in host.names(folder) if ".ko" in file]
    if not built:
        return [f"DKMS says that {name} {version} is installed, but {folder} has no module"]
    reasons = []
    for file in built:
        module = file.partition(".ko")[0]
        magic = host.ask("modinfo", "-k", release, "-F", "vermagic", module).split()
        if magic[:1] != [release]:
            was = magic[0] if magic else "nothing"
            reasons.append(f"the module {module} was made for {was}")
    return reasons


def headers(host: Host, release: str) -> bool:
    """Say whether modules can be compiled for a kernel: its headers are there."""
    return (
        host.has(f"/lib/modules/{release}/build")
        and host.at(f"/lib/modules/{release}/build/include").is_dir()
    )
