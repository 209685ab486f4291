# SPDX-License-Identifier: Apache-2.0
"""What a signed release must fulfil before this host takes it, each with its refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.update import versions
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from codex_agent.host.model import Image
    from codex_agent.update.boot import Boot
    from codex_agent.update.release import Release
    from codex_agent.update.state import State

_OLDER = "codex update apply --allow-older takes it; state that a newer version wrote stays."


def running_image(boot: Boot) -> Image:
    """Return the image that runs, or refuse: a mutable host is updated by its own means."""
    if boot.image is None:
        raise UpdateError(
            Exit.NO_IMAGE,
            "This host was not booted from an image of Codex OS.",
            "A mutable host is updated by apt and by the playbook.",
        )
    if not versions.valid(boot.image.version):
        text = f"The version of the running image ({boot.image.version}) cannot be compared."
        raise UpdateError(Exit.NO_IMAGE, text, "Updates need an image with a version of its own.")
    return boot.image


def of_this_kind(release: Release, image: Image, architecture: str) -> bool:
    """Say whether a release is for hosts of this kind; ``fits`` has the refusals."""
    return (release.architecture, release.flavour) == (architecture, image.flavour)


def fits(release: Release, image: Image, architecture: str) -> None:
    """Refuse a release for another kind of host."""
    if release.architecture != architecture:
        text = f"The release is for {release.architecture}, and this host is {architecture}."
        raise UpdateError(Exit.ARCHITECTURE, text, "Use the source for this architecture.")
    if release.flavour != image.flavour:
        text = f"The release is of the flavour {release.flavour}, and this host {image.flavour}."
        raise UpdateError(Exit.FLAVOUR, text, "Use the source for this flavour.")
    least = release.minimum_from
    if least is not None and versions.compare(image.version, least) < 0:
        text = f"{release.version} is reached from {least} or newer, and {image.version} runs."
        hint = f"codex update apply --to {least}, then this one."
        raise UpdateError(Exit.TOO_FAR, text, hint)


def not_replayed(newest: str, state: State) -> None:
    """Refuse an index that is older than one of before: an index that was valid can be replayed."""
    seen = state.highest_seen
    if seen is not None and versions.compare(newest, seen) < 0:
        text = f"The source offers {newest} as its newest, and {seen} was offered before."
        raise UpdateError(Exit.OLDER, text, f"It may be replaying an old index. {_OLDER}")


def newer(release: Release, image: Image, *, allow_older: bool) -> bool:
    """Say whether the release is another one than what runs; refuse an older one."""
    order = versions.compare(release.version, image.version)
    if order < 0 and not allow_older:
        text = f"The source offers {release.version}, which is older than {image.version}."
        raise UpdateError(Exit.OLDER, text, _OLDER)
    return order != 0


def not_bad(release: Release, state: State, boot: Boot, *, again: bool) -> None:
    """Refuse a version that did not start well on this host."""
    why = bad_versions(state, boot).get(release.version)
    if why is not None and not again:
        text = f"Version {release.version} was tried on this host: {why}."
        hint = "Wait for a newer one, or try it once more: codex update apply --again"
        raise UpdateError(Exit.BAD_VERSION, text, hint)


def bad_versions(state: State, boot: Boot) -> dict[str, str]:
    """Return the versions that did not start well here, with the reasons."""
    found = dict(state.bad)
    for entry in boot.entries:
        if entry.standing == "bad" and entry.version != boot.running:
            tries = "1 try" if entry.done == 1 else f"{entry.done} tries"
            why = f"it did not start well in {tries}"
            found.setdefault(entry.version, boot.given_up.get(entry.version, why))
    return found


def blessed(boot: Boot) -> None:
    """Refuse while the running version is on trial: its fallback would be overwritten."""
    if boot.state != "blessed":
        raise UpdateError(
            Exit.NOT_BLESSED,
            f"The running version has not been found good yet: {boot.reason}.",
            "codex status --gate says what it waits for; the other slot is its fallback till then.",
        )
