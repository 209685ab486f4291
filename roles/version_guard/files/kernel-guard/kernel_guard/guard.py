# SPDX-License-Identifier: Apache-2.0
"""Judges, chooses, sets the default, reads it back, and keeps what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kernel_guard import initramfs, judge, loaders, settings, state
from kernel_guard.host import UnreadableError
from kernel_guard.seen import Seen
from kernel_guard.state import State

if TYPE_CHECKING:
    from collections.abc import Collection

    from kernel_guard.host import Host
    from kernel_guard.loaders import Loader


def look(host: Host) -> State:
    """Return what a judgement finds now; nothing is changed."""
    return _work(host, Seen(host), gone="", change=False)


def settle(host: Host, gone: str = "") -> State:
    """Make the right kernel the default and keep the outcome; ``gone`` is one being removed."""
    with state.locked(host):
        seen = Seen(host)
        found = replace(_work(host, seen, gone=gone, change=True), told=state.told(host))
        found = replace(found, told=[name for name in found.told if name in found.held])
        state.write(host, found)
        seen.save()
        return found


def stale(host: Host) -> list[str]:
    """Return the kernels whose initramfs is there, but not as it has to be, or cannot be read.

    To make one takes a host minutes, and most of Debian's hold no driver that takes a GPU.
    """
    chosen = settings.load(host)
    with state.locked(host):
        seen = Seen(host)
        names = [
            name for name in judge.installed(host) if host.size(initramfs.path(name)) is not None
        ]
        found = [
            n for n in names if chosen.initramfs and _is_stale(host, seen, n, chosen.forbidden)
        ]
        seen.save()
    return found


def _is_stale(host: Host, seen: Seen, release: str, forbidden: Collection[str]) -> bool:
    try:
        return bool(initramfs.faults(host, seen, release, forbidden))
    except UnreadableError:
        return True


def mark_told(host: Host, found: State) -> None:
    """Note that holding these kernels back was an error once; from now on it is a warning."""
    with state.locked(host):
        state.write(host, replace(found, told=list(found.held)))


def _work(host: Host, seen: Seen, gone: str, *, change: bool) -> State:
    known = State("unguarded", "", running=host.running)
    try:
        chosen = settings.load(host)
        loader, why = _loader(host, chosen)
        known = replace(known, loader=loader.name if loader else None)
        known = replace(known, kernels=judge.kernels(host, seen, chosen, loader))
        if loader is None:
            return replace(known, message=f"The next start is not guarded: {why}.")
        choice = judge.choose(known.kernels, host.running, chosen.pinned, gone)
        before = _default(loader)
        if change:
            loader.choose(choice.release)
        default = loader.effective()
    except UnreadableError as error:
        return replace(known, message=f"The next start is not guarded: {error}.")
    held = [kernel.release for kernel in choice.held]
    known = replace(known, default=default, held=held, changed=default != before)
    if loader.name != "none" and default != choice.release:
        return replace(
            known,
            message=f"The next start takes {default or 'no kernel of this system'}, "
            f"not {choice.release}.",
        )
    if not held:
        return replace(known, verdict="guarded", message=f"{choice.release} is ready.")
    first = choice.held[0]
    why = "; ".join(first.reasons)
    kept = (
        "the kernel is chosen elsewhere"
        if loader.name == "none"
        else f"{default} stays the default"
    )
    return replace(known, verdict="held", message=f"{first.release} is not ready, {kept}: {why}.")


def _default(loader: Loader) -> str | None:
    """Return what the next start took before this judgement; None where that was not known."""
    try:
        return loader.effective()
    except UnreadableError:
        return None


def _loader(host: Host, chosen: settings.Settings) -> tuple[Loader | None, str]:
    """Return the boot loader, or why there is none: the kernels are judged all the same."""
    try:
        return loaders.find(host, chosen.loader), ""
    except UnreadableError as error:
        return None, str(error)
