# SPDX-License-Identifier: Apache-2.0
"""Which boot loader starts this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kernel_guard import grub
from kernel_guard.host import Host, UnreadableError
from kernel_guard.sdboot import SystemdBoot

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where systemd-boot says its name (systemd, "The Boot Loader Interface").
_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


class Loader(Protocol):
    """What the guard asks of a boot loader."""

    name: str

    def effective(self) -> str | None:
        """Return the kernel that the next start takes."""

    def lists(self, release: str) -> bool:
        """Say whether a kernel can be chosen."""

    def choose(self, release: str) -> None:
        """Make a kernel the default and read that back."""


class Outside:
    """A host whose kernel is chosen elsewhere, by a hypervisor or the network: only judged here."""

    name = "none"

    def __init__(self, host: Host) -> None:
        self.host = host

    def effective(self) -> str | None:
        """Return the kernel that runs: no other is known."""
        return self.host.running

    def lists(self, release: str) -> bool:  # noqa: ARG002 - as the other loaders have it
        """Say yes: who chooses has a menu of its own."""
        return True

    def choose(self, release: str) -> None:
        """Change nothing: there is nothing here to change."""


_KINDS: dict[str, Callable[[Host], Loader]] = {
    "grub": grub.Grub, "systemd-boot": SystemdBoot, "none": Outside,
}  # fmt: skip


def find(host: Host, wanted: str) -> Loader:
    """Return the boot loader, or raise ``UnreadableError`` where none is known to be there."""
    kind = _detected(host) if wanted == "auto" else wanted
    return _KINDS[kind](host)


def _detected(host: Host) -> str:
    if host.has(_INFO) and "systemd-boot" in _utf16(host):
        return "systemd-boot"
    if host.has(grub.CONFIG):
        return "grub"
    raise UnreadableError(f"neither systemd-boot nor {grub.CONFIG} is there")


def _utf16(host: Host) -> str:
    """Return the variable's text; its first four bytes are attributes."""
    try:
        return host.at(_INFO).read_bytes()[4:].decode("utf-16-le", errors="replace")
    except OSError as error:
        raise UnreadableError(f"{_INFO} cannot be read: {error.strerror}") from None
