# SPDX-License-Identifier: Apache-2.0
"""The machines of a scenario as pytest-testinfra reaches them: ``molecule://NAME``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME = "molecule://"
#: Set by Molecule for the programs that it starts.
INSTANCES = "MOLECULE_INSTANCE_CONFIG"


def specs(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the machines of the scenario that runs; none outside of Molecule."""
    place = environ.get(INSTANCES)
    return [f"{SCHEME}{entry['instance']}" for entry in _entries(Path(place))] if place else []


def ssh_config(spec: str, folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Write how ssh reaches a machine, and return the file; LookupError when it is not known."""
    name = spec.removeprefix(SCHEME)
    place = environ.get(INSTANCES)
    found = [entry for entry in _entries(Path(place)) if entry["instance"] == name] if place else []
    if not found:
        raise LookupError(f"Molecule has no machine {name}; `make test-roles` makes them.")
    known = Path(environ["CODEX_GUEST"]) / "known_hosts"
    path = folder / "ssh_config"
    path.write_text(
        f"Host {name}\n  HostName {found[0]['address']}\n  Port {found[0]['port']}\n"
        f"  User {found[0]['user']}\n  IdentityFile {found[0]['identity_file']}\n"
        f"  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n  StrictHostKeyChecking yes\n"
        "  ConnectTimeout 120\n  ServerAliveInterval 30\n  ServerAliveCountMax 10\n"
    )
    return path


def _entries(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text()) if path.exists() else []
    return found or []
