# SPDX-License-Identifier: Apache-2.0
"""What lies on the boot partition beside what versions bring: others may choose what starts.

The boot loader takes each UKI below EFI/Linux for an entry of its menu, and its settings say which
of them starts. Signatures limit what can be laid there; an entry that opens shells has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.problem import shown
from codex_agent.state.model import Setting
from codex_agent.update import boot, loader, names, versions

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.state.model import Findings

PLACE = "/efi"
SETTINGS = f"{PLACE}/loader/loader.conf"
# As images/tree/efi/loader/loader.conf has them.
DEFAULTS = {
    "default": "codex-os_*.efi", "timeout": "0", "editor": "no", "console-mode": "keep",
}  # fmt: skip
# Beside these: the kinds of entries that there are, and the seed that systemd leaves for the start.
_LOADER = (f"{PLACE}/loader/entries.srel", f"{PLACE}/loader/random-seed")
_KNOWN = {path.lower() for path in (*loader.PLACES, *_LOADER, SETTINGS)}
_ENTRIES = f"{PLACE}/EFI/Linux/".lower()
_SHELL = f"{names.IMAGE}-shell_"
_SETTINGS_LIMIT = 64 * 1024
_LONGEST = 200


def foreign(path: str) -> str | None:
    """Return what a file below ``PLACE`` means that no version brought, None for one of theirs."""
    # FAT makes no difference between small and large letters, and neither does the boot loader.
    small = path.lower()
    if small in _KNOWN:
        return None
    name = path[len(_ENTRIES) :] if small.startswith(_ENTRIES) else ""
    if not name:
        return "no version brought it to the boot partition"
    if boot.parse(name) is not None or _of_reset(name):
        return None
    if name.lower().startswith(_SHELL):
        return "the boot entry that opens root shells on the consoles was left there"
    if "/" in name:
        return "no version brought it; what lies beside a boot entry may be added to its start"
    return "no version brought it; the boot loader takes it for an entry of its menu"


def settings(root: Root, found: Findings) -> None:
    """Compare the settings of the boot loader with those of the image."""
    found.compared += 1
    try:
        values = _values(root.text(SETTINGS, _SETTINGS_LIMIT))
    except Unreadable as error:
        if error.absent:
            found.differs(SETTINGS, "missing", "the settings of the boot loader are gone")
        else:
            found.unreadable(SETTINGS, error.reason)
        return
    if values == DEFAULTS:
        return
    changed = [
        Setting(shown(name), DEFAULTS.get(name, "not set"), shown(values.get(name, "not set")))
        for name in sorted(DEFAULTS.keys() | values.keys())
        if DEFAULTS.get(name) != values.get(name)
    ]
    text = "the settings of the boot loader, which say what starts and what its menu shows"
    found.differs(SETTINGS, "changed", text, settings=changed)


def _of_reset(name: str) -> bool:
    version = name.partition("_")[2][: -len(".efi")]
    return versions.valid(version) and name.lower() == boot.reset_file(version).lower()


def _values(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines()]
    parts = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return {part[0][:_LONGEST]: part[1][:_LONGEST] if part[1:] else "" for part in parts}
