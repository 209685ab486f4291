# SPDX-License-Identifier: Apache-2.0
"""Whether there is room for a release, asked before anything large is moved or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.update import boot as booting
from codex_agent.update import names, slots
from codex_agent.update.exits import Exit, UpdateError
from codex_agent.update.fetch import UNFINISHED

if TYPE_CHECKING:
    from pathlib import Path

    from codex_agent.update.boot import Boot
    from codex_agent.update.release import Release
    from codex_agent.update.system import System

MARGIN = 64 * 1024**2  # bytes that are left for the rest of the host
ESP_MARGIN = 1024**2


def _here(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def needed(system: System, release: Release) -> int:
    """Return how many bytes the stage still grows by, in the worst case.

    The root is counted packed and unpacked: chunks or the whole file lie beside what they become.
    """
    stage = system.stage
    left = 0
    for file in release.files.values():
        have = max(_here(stage / file.name), _here(stage / (file.name + UNFINISHED)))
        left += max(file.bytes - have, 0)
    root = stage / release.name(names.UNPACKED_ROOT)
    return left + max(release.root_bytes - _here(root), 0)


def _gained(system: System, release: Release) -> int:
    """Return how many bytes of another release are removed first."""
    ours = f"{names.IMAGE}_{release.version}_"
    try:
        return sum(
            entry.lstat().st_size
            for entry in system.stage.iterdir()
            if not entry.name.startswith(ours)
        )
    except OSError:
        return 0


def enough(system: System, release: Release, boot: Boot) -> None:
    """Refuse a release that does not fit into slot, stage or boot partition."""
    fits_slot(system, release, boot)
    want = needed(system, release) + MARGIN
    have = system.free(system.state) + _gained(system, release)
    if want > have:
        raise _too_little(want, have, str(system.state), "codex status shows what fills it.")
    want = _for_entries(system, release, boot)
    have = system.free(system.entries) + _of_other_version(system, release, boot)
    if want and want + ESP_MARGIN > have:
        hint = "Remove what is not of Codex OS from the boot partition."
        raise _too_little(want + ESP_MARGIN, have, str(system.entries), hint)


def fits_slot(system: System, release: Release, boot: Boot) -> None:
    """Refuse a release that is larger than the partitions that it is to be written into.

    systemd-sysupdate would find out when the version that was there is gone.
    """
    version = release.version
    try:
        have = slots.sizes(system.root, boot.running or "")
    except Unreadable as error:
        text = f"It is not known whether version {version} fits into the other slot: {error}."
        hint = "lsblk --bytes --output NAME,SIZE,PARTTYPENAME,PARTLABEL"
        raise UpdateError(Exit.SPACE, text, hint) from None
    want = {role: release.files[role].bytes for role in have}
    want["root"] = release.root_bytes
    for role, size in have.items():
        if want[role] > size:
            raise UpdateError(
                Exit.SPACE,
                f"Version {version} does not fit into the other slot: its {slots.WORDS[role]} has "
                f"{want[role]} bytes, and the partition {size} bytes.",
                "A slot gets larger only when the disk is written anew from an image.",
            )


def _for_entries(system: System, release: Release, boot: Boot) -> int:
    """Return the bytes of the UKIs that are not on the boot partition yet."""
    want = 0 if boot.of(release.version) is not None else release.files["uki"].bytes
    if not (system.entries / booting.reset_file(release.version)).exists():
        want += release.files["reset"].bytes
    return want


def _of_other_version(system: System, release: Release, boot: Boot) -> int:
    """Return the bytes of what systemd-sysupdate removes before it writes."""
    kept = (boot.running, release.version)
    others = [entry for entry in boot.entries if entry.version not in kept]
    files = {entry.file for entry in others}
    files |= {booting.reset_file(entry.version) for entry in others}
    return sum(_here(system.entries / file) for file in files)


def _too_little(want: int, have: int, where: str, hint: str) -> UpdateError:
    mib = 1024**2
    text = f"Too little space in {where}: {want // mib + 1} MiB needed, {have // mib} MiB free."
    return UpdateError(Exit.SPACE, text, hint)
