# SPDX-License-Identifier: Apache-2.0
"""Compares a host with the default of its version, in all areas that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.host import release
from codex_agent.state import beside, layer, packages, seal
from codex_agent.state.model import Findings, report

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.state.model import Report


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
    return report(delivery, version, parts)
