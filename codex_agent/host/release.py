# SPDX-License-Identifier: Apache-2.0
"""Identity of the system: os-release, and whether an image of ours was booted."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from codex_agent.host.model import Delivery, Image
from codex_agent.host.text import line

if TYPE_CHECKING:
    from codex_agent.host.reading import Reading
    from codex_agent.host.root import Root

IMAGE_ID = "codex-os"
PLACES = ("/etc/os-release", "/usr/lib/os-release")


def parse(text: str) -> dict[str, str]:
    """Return the assignments of an os-release file; lines that are none are an error."""
    values: dict[str, str] = {}
    for raw in text.splitlines():
        entry = raw.strip()
        if not entry or entry.startswith("#"):
            continue
        name, sign, value = entry.partition("=")
        if not sign or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name, re.ASCII):
            raise ValueError("a line is not an assignment")
        words = shlex.split(value)
        if len(words) > 1:
            raise ValueError(f"the value of {name} is not quoted")
        values[name] = words[0] if words else ""
    return values


def os_release(root: Root) -> Reading[dict[str, str]]:
    """Read the first os-release file that is there."""
    first = root.read(PLACES[0], parse)
    if first.value is None and not root.exists(PLACES[0]):
        return root.read(PLACES[1], parse)
    return first


def delivery(release: Reading[dict[str, str]]) -> Reading[Delivery]:
    """Say whether the host was booted from an image of ours or is a mutable installation."""

    def judge(values: dict[str, str]) -> Delivery:
        return "image" if values.get("IMAGE_ID") == IMAGE_ID else "host"

    return release.then(judge)


def image(release: Reading[dict[str, str]]) -> Reading[Image]:
    """Return the image that os-release names; a mutable host has none."""

    def pick(values: dict[str, str]) -> Image | None:
        if values.get("IMAGE_ID") != IMAGE_ID:
            return None
        if "IMAGE_VERSION" not in values:
            raise ValueError("IMAGE_VERSION is missing")
        version = line(values["IMAGE_VERSION"])
        return Image(
            IMAGE_ID, version, _shown(values, "VARIANT_ID"), _shown(values, "CODEX_COMMIT")
        )

    return release.then(pick, "os-release names no image of Codex OS")


def version_of(root: Root) -> str | None:
    """Return the version of the booted image, or None on a mutable host or where unreadable."""
    found = image(os_release(root)).value
    return found.version if found else None


def _shown(values: dict[str, str], name: str) -> str | None:
    return line(values[name]) if values.get(name) else None
