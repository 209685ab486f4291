# SPDX-License-Identifier: Apache-2.0
"""The guard's settings: a JSON file that the role writes, checked word for word."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel_guard.host import UnreadableError

if TYPE_CHECKING:
    from kernel_guard.host import Host

PATH = "/usr/lib/codex/kernel-guard.json"
LOADERS = ("auto", "grub", "systemd-boot", "none")


@dataclass(frozen=True)
class Settings:
    """What the operator decided.

    ``loader`` is the boot loader, ``pinned`` the one kernel to start (empty: the newest),
    ``optional`` names DKMS modules that a kernel may lack, ``forbidden`` drivers that an initramfs
    must not hold, ``initramfs`` whether kernels here have one.
    """

    loader: str
    pinned: str
    optional: tuple[str, ...]
    forbidden: tuple[str, ...]
    initramfs: bool


_KINDS: dict[str, type] = {
    "loader": str, "pinned": str, "optional": list, "forbidden": list, "initramfs": bool,
}  # fmt: skip


def load(host: Host) -> Settings:
    """Read the settings, or raise ``UnreadableError``: nothing is guessed."""
    try:
        data = json.loads(host.text(PATH))
    except ValueError:
        raise UnreadableError(f"{PATH} is no JSON") from None
    if not isinstance(data, dict) or set(data) != set(_KINDS):
        raise UnreadableError(f"{PATH} does not have exactly {', '.join(sorted(_KINDS))}")
    for name, kind in _KINDS.items():
        _check(name, kind, data[name])
    return Settings(
        data["loader"],
        data["pinned"],
        tuple(data["optional"]),
        tuple(data["forbidden"]),
        data["initramfs"],
    )


def _check(name: str, kind: type, value: Any) -> None:
    good = type(value) is kind
    if good and kind is list:
        good = all(type(item) is str and item for item in value)
    if good and name == "loader":
        good = value in LOADERS
    if not good:
        raise UnreadableError(f"{PATH} has a bad value for {name}")
