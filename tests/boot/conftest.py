# SPDX-License-Identifier: Apache-2.0
"""What the boot tests compare the running guest with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import uki

if TYPE_CHECKING:
    from tests.support.artefacts import Artefacts


@pytest.fixture(scope="session")
def sealed_command_line(artefacts: Artefacts, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Kernel command line of the latest UKI."""
    target = tmp_path_factory.mktemp("uki") / "cmdline"
    return uki.text_section(artefacts.uki, ".cmdline", target)
