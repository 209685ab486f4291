# SPDX-License-Identifier: Apache-2.0
"""systemd-boot: its default stands in a variable of the firmware, which bootctl reads and sets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from kernel_guard.host import Host, UnreadableError

#: What `bootctl set-oneshot` and `systemctl reboot --boot-loader-entry` set (systemd, "The Boot
#: Loader Interface").
_ONCE = "/sys/firmware/efi/efivars/LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


@dataclass(frozen=True)
class Entry:
    """An entry of the menu: its name, its kernel, whether it is started next."""

    id: str
    release: str | None
    default: bool


def entries(text: str) -> list[Entry]:
    """Return what ``bootctl list --json=short`` tells, or raise ``UnreadableError``."""
    try:
        found = json.loads(text)
    except ValueError:
        raise UnreadableError("bootctl list gives no JSON") from None
    if not isinstance(found, list) or not found:
        raise UnreadableError("bootctl list names no entry")
    return [_entry(item) for item in found]


def _entry(item: Any) -> Entry:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise UnreadableError("bootctl list has an entry without a name")
    return Entry(item["id"], _release(item), item.get("isDefault") is True)


def _release(item: dict[str, Any]) -> str | None:
    """Return the kernel of an entry that kernel-install wrote: the folder that its image is in."""
    if item.get("type") not in ("type1", "loader.conf"):
        return None
    match = re.fullmatch(r".*/([^/]+)/linux", str(item.get("linux", "")))
    return match[1] if match else None


class SystemdBoot:
    """systemd-boot of a running host; every change is read back."""

    name = "systemd-boot"

    def __init__(self, host: Host) -> None:
        self.host = host
        self.entries = self._list()

    def effective(self) -> str | None:
        """Return the kernel that the next start takes; None where that is no kernel of Debian's."""
        default = [entry for entry in self.entries if entry.default]
        if len(default) != 1:
            raise UnreadableError(f"bootctl list names {len(default)} defaults")
        return default[0].release

    def lists(self, release: str) -> bool:
        """Say whether the menu has a kernel."""
        return any(entry.release == release for entry in self.entries)

    def choose(self, release: str) -> None:
        """Make a kernel the default, or raise ``UnreadableError`` where that did not come about."""
        names = [entry.id for entry in self.entries if entry.release == release]
        if not names:
            raise UnreadableError(f"systemd-boot has no entry for {release}")
        # Set in any case: a default that nobody set is the newest entry, and changes with the next.
        self.host.ask("bootctl", "set-default", names[0])
        self.entries = self._list()
        if self.host.has(_ONCE):
            raise UnreadableError(
                "the next start alone takes another entry; `bootctl set-oneshot ''` takes that back"
            )
        if self.effective() != release:
            raise UnreadableError(f"systemd-boot does not keep {names[0]} as its default")

    def _list(self) -> list[Entry]:
        return entries(self.host.ask("bootctl", "list", "--json=short"))
