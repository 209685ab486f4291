# SPDX-License-Identifier: Apache-2.0
"""Which kernels are there, which of them everything is there for, and which one to start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kernel_guard import dkms, initramfs
from kernel_guard.host import Host, UnreadableError
from kernel_guard.order import compare, newest_first

if TYPE_CHECKING:
    from kernel_guard.loaders import Loader
    from kernel_guard.seen import Seen
    from kernel_guard.settings import Settings

_PREFIX = "vmlinuz-"
_LEFT_OVER = (".old", ".bak", ".tmp", ".dpkg-new", ".dpkg-tmp", ".dpkg-old", ".dpkg-bak")


@dataclass(frozen=True)
class Kernel:
    """A kernel of the host; it is ready when no reason stands against it.

    ``waiting`` is set where the one thing that is missing is what a package still brings.
    """

    release: str
    reasons: list[str] = field(default_factory=list)
    waiting: bool = False

    @property
    def ready(self) -> bool:
        """Say whether it may be started."""
        return not self.reasons


@dataclass(frozen=True)
class Choice:
    """The kernel to start, and whether a newer one is held back."""

    release: str
    held: list[Kernel]


def installed(host: Host) -> list[str]:
    """Return the releases below /boot, newest first, or raise ``UnreadableError``."""
    names = [name for name in host.names("/boot") if name.startswith(_PREFIX)]
    found = [name.removeprefix(_PREFIX) for name in names if not name.endswith(_LEFT_OVER)]
    if not found:
        raise UnreadableError("/boot has no kernel")
    return newest_first(found)


def kernels(host: Host, seen: Seen, settings: Settings, loader: Loader | None) -> list[Kernel]:
    """Judge each kernel, newest first; what cannot be read stands against it."""
    try:
        modules: list[dkms.Line] | UnreadableError = dkms.status(host)
    except UnreadableError as error:
        modules = error
    return [_kernel(host, seen, settings, loader, modules, name) for name in installed(host)]


def _kernel(
    host: Host,
    seen: Seen,
    settings: Settings,
    loader: Loader | None,
    modules: list[dkms.Line] | UnreadableError,
    release: str,
) -> Kernel:
    reasons, lacking = [], False
    try:
        if not host.size(f"/boot/{_PREFIX}{release}"):
            reasons.append(f"/boot/{_PREFIX}{release} is empty or no file")
        if not host.size(f"/lib/modules/{release}/modules.dep"):
            reasons.append(f"/lib/modules/{release} has no modules.dep")
        if isinstance(modules, UnreadableError):
            raise modules
        absent = dkms.missing(host, modules, release, settings.optional)
        if absent and not dkms.headers(host, release):
            absent.append(f"its headers (linux-headers-{release}) are not there")
            lacking = True
        before = len(reasons)
        if settings.initramfs:
            reasons += initramfs.faults(host, seen, release, settings.forbidden)
        if loader is not None and not loader.lists(release):
            reasons.append(f"{loader.name} has no entry for it")
        lacking = lacking and before == len(reasons) == 0
        reasons += absent
    except UnreadableError as error:
        return Kernel(release, [*reasons, f"it cannot be judged: {error}"])
    return Kernel(release, reasons, lacking)


def choose(found: list[Kernel], running: str, pinned: str, gone: str = "") -> Choice:
    """Return the kernel to start; raise ``UnreadableError`` where there is none.

    The newest that is ready, but none older than the one that runs: a driver that has just failed
    must not send a host back to a kernel that it left long ago. Where none is ready the one that
    runs is kept, for it is known to start. ``gone`` is a kernel that is being removed.
    """
    left = [kernel for kernel in found if kernel.release != gone]
    by_release = {kernel.release: kernel for kernel in left}
    if pinned:
        return _pinned(by_release, running, pinned)
    here = running in by_release
    enough = [k for k in left if k.ready and (not here or compare(k.release, running) >= 0)]
    if enough:
        return Choice(enough[0].release, left[: left.index(enough[0])])
    if here:
        newer = [k for k in left if not k.ready and compare(k.release, running) >= 0]
        return Choice(running, newer)
    raise UnreadableError("no kernel is ready, and the one that runs is not below /boot any more")


def _pinned(found: dict[str, Kernel], running: str, pinned: str) -> Choice:
    wanted = found.get(pinned) or Kernel(pinned, ["it is not installed"])
    if wanted.ready:
        return Choice(pinned, [])
    if running in found:
        return Choice(running, [wanted])
    ready = [kernel.release for kernel in found.values() if kernel.ready]
    if not ready:
        raise UnreadableError(f"{pinned} is not ready, and no other kernel is")
    return Choice(ready[0], [wanted])
