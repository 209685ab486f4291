# SPDX-License-Identifier: Apache-2.0
"""Whether the initramfs of a kernel is there, can be read, and has no driver that takes a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_guard.host import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection

    from kernel_guard.host import Host
    from kernel_guard.seen import Seen

#: Programs that list an initramfs, of initramfs-tools and of dracut.
_LISTERS = ("lsinitramfs", "lsinitrd")


def path(release: str) -> str:
    """Return where Debian keeps the initramfs of a kernel."""
    return f"/boot/initrd.img-{release}"


def faults(host: Host, seen: Seen, release: str, forbidden: Collection[str]) -> list[str]:
    """Return a sentence for each thing that is wrong with the initramfs of a kernel."""
    place = path(release)
    size = host.size(place)
    if size is None:
        return [f"{place} is not there"]
    if size == 0:
        return [f"{place} is empty"]
    held = seen.modules(place, lambda: modules(listing(host, place)))
    found = sorted(held & {name.replace("-", "_") for name in forbidden})
    return [f"{place} holds the driver {name}, which would take the GPU" for name in found]


def listing(host: Host, place: str) -> list[str]:
    """Return the names in an initramfs, or raise ``UnreadableError``."""
    for program in _LISTERS:
        if host.has(f"/usr/bin/{program}"):
            names = host.ask(program, place).splitlines()
            if not names:
                raise UnreadableError(f"{program} finds nothing in {place}")
            return names
    raise UnreadableError(f"no program is there that lists {place}")


def modules(names: list[str]) -> set[str]:
    """Return the modules among paths; a module's file may have ``-`` for ``_``."""
    found = set()
    for name in names:
        file = name.strip().rpartition("/")[2]
        module, dot, rest = file.partition(".ko")
        if dot and (not rest or rest.startswith(".")):
            found.add(module.replace("-", "_"))
    return found
