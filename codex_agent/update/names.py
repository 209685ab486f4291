# SPDX-License-Identifier: Apache-2.0
"""The names of a release's files. Nothing that is not named like this is ever opened.

``codex-os_<version>_<architecture>.<ending>``, and chunks of root and UKIs below ``store/``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from codex_agent.update import versions

IMAGE = "codex-os"
SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.gpg"
RELEASE = "release.json"

Role = Literal[
    "root", "root-index", "verity", "signature", "uki", "uki-index", "reset", "reset-index",
    "manifest", "sbom",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)

ENDINGS: dict[Role, str] = {
    "root": "root.raw.zst",
    "root-index": "root.caibx",
    "verity": "verity.raw",
    "signature": "signature.raw",
    "uki": "efi",
    # Not "efi.caibx": systemd-sysupdate would take it for the UKI, as it would root.raw below.
    "uki-index": "uki.caibx",
    "reset": "reset.efi",
    "reset-index": "reset.caibx",
    "manifest": "manifest.json",
    "sbom": "spdx.json",
}
# Not "root.raw": a pattern of systemd-sysupdate 257 also matches what is longer, so root.raw.zst.
UNPACKED_ROOT = "root.erofs"
# systemd-sysupdate 257 writes a .zst as it is, and a hash tree hardly gets smaller.
PACKED: frozenset[Role] = frozenset({"root"})
NEEDED: frozenset[Role] = frozenset({"root", "verity", "signature", "uki", "reset"})

# What may stand in the checksums at all: one plain name, no folder, nothing hidden.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~^+-]{0,254}", re.ASCII)
_OURS = re.compile(
    rf"{IMAGE}_(?P<version>[^_]+)_(?P<architecture>[a-z0-9]+(?:-[a-z0-9]+)*)\.(?P<ending>[a-z0-9.]+)",
    re.ASCII,
)
_CHUNK = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file's name, taken apart."""

    version: str
    architecture: str
    ending: str


def plain(text: str) -> bool:
    """Say whether ``text`` is a plain file name."""
    return _PLAIN.fullmatch(text) is not None


def parse(name: str) -> Artefact | None:
    """Return what a name of ours says, or None for any other name."""
    found = _OURS.fullmatch(name) if plain(name) else None
    if found is None or not versions.valid(found["version"]):
        return None
    return Artefact(found["version"], found["architecture"], found["ending"])


def of(version: str, architecture: str, ending: str) -> str:
    """Return the name of one file of a release."""
    return f"{IMAGE}_{version}_{architecture}.{ending}"


def chunk(identifier: str) -> str:
    """Return where a chunk lies below the folder of a release."""
    if _CHUNK.fullmatch(identifier) is None:
        raise ValueError("it is not the name of a chunk")
    return f"store/{identifier[:4]}/{identifier}.cacnk"


def openable(name: str) -> bool:
    """Say whether a source may be asked for ``name``."""
    if name in (SUMS, SIGNATURE) or parse(name) is not None:
        return True
    identifier = name[11:75]
    return _CHUNK.fullmatch(identifier) is not None and name == chunk(identifier)
