# SPDX-License-Identifier: Apache-2.0
"""Compares a host with the default of its version, in all areas that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host import release
from codex_agent.state import beside, layer, packages, seal
from codex_agent.state.model import Declared, Findings, report

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.state.model import Report

# In what any host that Ansible keeps is less than the image; its probes and its tests are the same.
HOST = tuple(
    Declared(what, message)
    for what, message in {
        "seal": "its root has no dm-verity, and root can change it; the files of our packages are "
        "compared with the sums that dpkg keeps",
        "updates": "apt changes it package by package; there is no second slot to go back to",
        "firmware": "its owner decides on Secure Boot and lockdown, which the image demands",
        "modules": "DKMS compiles and signs modules here, by a key that the kernel has only where "
        "it was enrolled",
        "network": "it keeps the network settings and open ports that it had",
    }.items()
)


def verify(root: Root) -> Report:
    """Return what differs; an image is judged by its seal, another host by its packages."""
    facts = release.os_release(root)
    delivery = release.delivery(facts).value
    image = release.image(facts).value
    version = image.version if image else None
    parts = [layer.compare(root), beside.compare(root, delivery, version)]
    if delivery == "image":
        parts.append(seal.compare(root))
    elif delivery == "host":
        parts.append(packages.compare(root))
    else:
        unknown = Findings("seal")
        unknown.unreadable("os-release", facts.reason or "it cannot be read")
        parts.append(unknown)
    return report(delivery, version, parts, HOST if delivery == "host" else ())
