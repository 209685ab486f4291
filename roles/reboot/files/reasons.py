# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program that a role hands to Python, no package
"""Prints what speaks for a restart, as lines of a key and a value.

``running`` is the kernel, ``default`` the one that starts next and ``verdict`` what the guard
found, ``reason`` a clause, ``drained`` that the host was taken out of work. What cannot be read is
a reason of its own: nobody is told that a host needs no restart when that is not known.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

STATE = "/var/lib/codex-kernel-guard/state.json"
#: What packages write when they want a restart (Debian, update-notifier-common and others).
REQUIRED = ("/run/reboot-required", "/var/run/reboot-required")
MARKER = "/var/lib/codex-reboot-drained"
#: Drivers that must not be loaded; only a restart makes sure that they let go of a GPU.
DRIVERS = ("nouveau", "nova_core", "nova_drm", "nova")
_SHOWN = 5


def reasons(base: str, running: str) -> list[str]:
    """Return what speaks for a restart, as clauses."""
    found = []
    for place in REQUIRED:
        if os.path.lexists(base + place):
            found.append(_wanted(base, place))
            break
    loaded = [name for name in DRIVERS if Path(f"{base}/sys/module/{name}").exists()]
    found += [f"the driver {name} is loaded" for name in loaded]
    return found + exchanged(base, running)


def exchanged(base: str, running: str) -> list[str]:
    """Return a clause for each module of DKMS that is loaded, and not the one that is installed.

    Its libraries may be those of the new one already. Told apart by the sum of the sources, which
    modpost notes for a module with a version, or by that version; without both it is not known.
    """
    found = []
    for file in sorted(Path(f"{base}/lib/modules/{running}/updates/dkms").glob("*.ko*")):
        name = file.name.partition(".")[0].replace("-", "_")
        for field in ("srcversion", "version"):
            place = Path(f"{base}/sys/module/{name}/{field}")
            if not place.exists():
                continue
            installed = noted(file, field)
            if installed is None:
                found.append(f"what is installed of the module {name} cannot be read")
            elif installed != place.read_text(encoding="utf-8", errors="replace").strip():
                found.append(f"the module {name} that runs is not the one that is installed")
            break
    return found


def noted(file: Path, field: str) -> str | None:
    """Return what a module's file says of itself, or None where it cannot be read."""
    try:
        done = subprocess.run(
            ["modinfo", "-F", field, str(file)], capture_output=True, text=True, check=False,
            timeout=60, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _wanted(base: str, place: str) -> str:
    try:
        text = Path(f"{base}{place}.pkgs").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return f"{place} is there"
    except OSError as error:
        return f"{place} is there, and by whom cannot be read: {error.strerror}"
    names = sorted({name for name in text.split() if name.isprintable()})
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"packages want it: {shown or 'none is named'}"


def next_start(base: str) -> tuple[str, str, list[str]]:
    """Return the kernel that starts next, the guard's verdict, and what cannot be read of them."""
    place = Path(base + STATE)
    if not place.exists():
        return "", "", []
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        default, verdict = data["default"], data["verdict"]
    except (OSError, ValueError, KeyError, TypeError):
        return "", "unguarded", [f"{STATE} cannot be read, so the next start is not known"]
    good = isinstance(default, str) and default.isprintable() and default
    return (default if good else ""), str(verdict), []


def main(base: str = "", running: str = "") -> int:
    """Print all lines."""
    running = running or os.uname().release
    default, verdict, unread = next_start(base)
    lines = [f"running {running}"]
    lines += [f"default {default}"] if default else []
    lines += [f"verdict {verdict}"] if verdict in ("guarded", "held", "unguarded") else []
    lines += [f"reason {text}" for text in reasons(base, running) + unread]
    lines += ["drained yes"] if os.path.lexists(base + MARKER) else []
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
