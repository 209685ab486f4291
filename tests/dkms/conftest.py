# SPDX-License-Identifier: Apache-2.0
"""One host, booted twice: with trixie's kernel to install, with that of backports to remove."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.dkms.machine import ROOT, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping


def _releases(host: Path) -> list[str]:
    """Releases of the host's kernels, the oldest first."""
    found = [path.parent.name for path in host.glob("*/vmlinuz")]
    return sorted(found, key=lambda name: [int(part) for part in name.split("+")[0].split(".")])


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The plain host that `make test-dkms` has made."""
    host = ROOT / "build/plain-host"
    accelerator = (ROOT / "build/accelerator").read_text().split()[-1]
    return Machine(host, tmp_path_factory.mktemp("dkms"), accelerator)


@pytest.fixture(scope="session")
def releases(machine: Machine) -> list[str]:
    """6.12 and 7.3."""
    found = _releases(machine.host)
    assert len(found) == 2
    return found


@pytest.fixture(scope="session")
def package(machine: Machine) -> Path:
    """The package that the build left; a copy, because the next build removes it."""
    [found] = (ROOT / "build/packages").glob("codex-kernel-dkms_*_all.deb")
    return Path(shutil.copy(found, machine.folder))


@pytest.fixture(scope="session")
def installed(machine: Machine, releases: list[str], package: Path) -> Mapping[str, Any]:
    """Report of the boot that installs, of the older kernel."""
    return machine.boot(releases[0], "install", package)


@pytest.fixture(scope="session")
def removed(
    machine: Machine, releases: list[str], package: Path, installed: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Report of a later boot that removes, of the newer kernel."""
    return machine.boot(releases[1], "remove", package)


@pytest.fixture(params=["installed", "removed"])
def either(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Report of each boot in turn: what holds on both kernels."""
    found: Mapping[str, Any] = request.getfixturevalue(request.param)
    return found
